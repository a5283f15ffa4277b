//! `agectl event import`: sends the events of a file. Each is stored once, even if the import is interrupted and repeated.

use std::pin::pin;

use clap::Args;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::io::{AsyncBufRead, BufReader};
use tokio::sync::Notify;

use crate::api_client::ApiClient;
use crate::error::Error;
use crate::format::format_count;
use crate::import::batch::{BatchReader, FinishedLine};
use crate::import::line_reader::LineReader;
use crate::import::summary::{ImportSummary, LineOutcome};
use crate::input_source::InputSource;
use crate::session::Session;
use crate::value_parsers::positive_integer_parser;

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// File to import (`-`: standard input); each line is a JSON object as in POST /api/governance/event
    #[arg(value_name = "FILE")]
    source: InputSource,
    /// Name of the import: AGE does not store a line again that it has stored under the same name
    /// [default: the name of the file, or a random name for standard input]
    #[arg(long, value_name = "NAME")]
    batch: Option<String>,
    /// Number of requests in progress at the same time, each with up to 500 lines
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = positive_integer_parser())]
    concurrency: usize,
    /// Start at line N: count the lines before it as skipped and do not send them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive_integer_parser())]
    from_line: usize,
}

impl ImportArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let api_client = session.api_client().await?.with_bulk_retries();
        let (input, size) = session.open(&self.source).await?;
        let import_name = self.import_name(session);
        let mut lines = LineReader::new(BufReader::new(input), &import_name);
        let mut summary = ImportSummary::default();
        let progress_bar = progress_bar(size, session.stderr_is_terminal);
        let stop_cause = self.send_lines(&api_client, &mut lines, &mut summary, &progress_bar, session).await?;
        progress_bar.finish_and_clear();
        if let Some(cause) = stop_cause {
            let stored = self.stored_message(&mut lines, &summary).await;
            return Err(cause.with_advice(format!("{stored} {}", self.continue_advice(&import_name, &summary))));
        }
        if session.json {
            session.print_json(&summary.to_json()?)?;
        } else {
            writeln!(session.stdout, "{summary}")?;
        }
        summary.check_refused()
    }

    fn import_name(&self, session: &Session<'_>) -> String {
        let default = || match &self.source {
            InputSource::Stdin => session.random_id.to_string(),
            InputSource::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        self.batch.clone().unwrap_or_else(default)
    }

    /// Sends the lines until their end, or until an error or Ctrl-C stops the import; then returns the cause. Requests in
    /// progress finish first, unless Ctrl-C is pressed again.
    ///
    /// # Errors
    /// Only if standard error cannot be written.
    async fn send_lines<R: AsyncBufRead + Unpin>(
        &self,
        api_client: &ApiClient,
        lines: &mut LineReader<R>,
        summary: &mut ImportSummary,
        progress_bar: &ProgressBar,
        session: &mut Session<'_>,
    ) -> Result<Option<Error>, Error> {
        let stop_reading = Notify::new();
        let mut stop_cause = None;
        let batch_reader = BatchReader::new(lines, self.from_line as u64);
        let batches = stream::unfold(batch_reader, |mut reader| async {
            reader.next_batch().await.transpose().map(|batch| (batch, reader))
        });
        let requests = batches.take_until(stop_reading.notified()).map(|batch| async {
            match batch {
                Ok(batch) => Ok(batch.send(api_client).await),
                Err(cause) => Err(Error::ReadFile { name: self.source.to_string(), cause }),
            }
        });
        let mut responses = pin!(requests.buffer_unordered(self.concurrency));
        loop {
            let error = tokio::select! {
                response = responses.next() => match response {
                    None => return Ok(stop_cause),
                    Some(Err(error)) => Some(error),
                    Some(Ok(lines)) => self.record_lines(lines, summary, progress_bar, session)?,
                },
                Some(()) = session.interrupts.next() => {
                    if matches!(stop_cause, Some(Error::Interrupted)) {
                        return Ok(stop_cause);
                    }
                    let message = "waiting for requests in progress; press Ctrl-C again to stop immediately";
                    progress_bar.suspend(|| writeln!(session.stderr, "agectl: {message}"))?;
                    Some(Error::Interrupted)
                }
            };
            if let Some(error) = error {
                // Ctrl-C replaces an earlier error, so that the next one ends the wait. Else the first error is the cause,
                // and later ones follow from it.
                stop_cause = stop_cause.filter(|_| !matches!(error, Error::Interrupted)).or(Some(error));
                api_client.disable_retries();
                stop_reading.notify_one();
            }
        }
    }

    /// Counts finished lines and prints those that AGE refused. Returns the first error that stops the import.
    fn record_lines(
        &self,
        lines: Vec<FinishedLine>,
        summary: &mut ImportSummary,
        progress_bar: &ProgressBar,
        session: &mut Session<'_>,
    ) -> Result<Option<Error>, Error> {
        let mut first_error = None;
        for FinishedLine { number, size_bytes, outcome } in lines {
            if let LineOutcome::Refused(reason) = &outcome {
                progress_bar.suspend(|| writeln!(session.stderr, "{}:{number}: {reason}", self.source))?;
            }
            let error = summary.record(number, outcome);
            first_error = first_error.or(error);
            progress_bar.inc(size_bytes);
        }
        progress_bar.set_message(summary.to_string());
        Ok(first_error)
    }

    /// Says how many lines are stored. Reads a file to its end to say of how many; standard input may have no end.
    async fn stored_message<R: AsyncBufRead + Unpin>(
        &self,
        lines: &mut LineReader<R>,
        summary: &ImportSummary,
    ) -> String {
        let stored = summary.stored_lines();
        if self.source == InputSource::Stdin {
            return format!("Stored {}.", format_count(stored, "line"));
        }
        while let Ok(Some(_)) = lines.next_line().await {}
        format!("Stored {stored} of {}.", format_count(lines.event_lines(), "line"))
    }

    fn continue_advice(&self, import_name: &str, summary: &ImportSummary) -> String {
        let option = match (&self.batch, &self.source) {
            (None, InputSource::Stdin) => format!(" with --batch {import_name}"),
            _ => String::new(),
        };
        let line = summary.first_unfinished_line();
        format!("To continue, repeat the command{option}. The first unfinished line is {line}.")
    }
}

/// Measures bytes, because the number of lines is known only at the end.
fn progress_bar(size_bytes: Option<u64>, is_terminal: bool) -> ProgressBar {
    let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let template = if size_bytes.is_some() { "{bar:40} {percent:>3} %  {msg}" } else { "{spinner} {msg}" };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(size_bytes, target).with_style(style.progress_chars("██·"))
}
