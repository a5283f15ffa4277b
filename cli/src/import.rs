//! `agectl event import`: many events, each stored once however often this is interrupted and begun again.

use std::pin::pin;

use clap::Args;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::io::{AsyncBufRead, BufReader};
use tokio::sync::Notify;

use crate::api::Api;
use crate::args;
use crate::batch::{Batches, Dealt};
use crate::error::Error;
use crate::lines::Lines;
use crate::session::Session;
use crate::source::Source;
use crate::tally::{Outcome, Tally};

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file (`-`: standard input); each line is a JSON object as POST /api/governance/event takes it
    #[arg(value_name = "FILE")]
    source: Source,
    /// What the lines belong to: a line that is in its batch already is not stored again. The name of the file if not given; of
    /// standard input, a new one each time
    #[arg(long, value_name = "NAME")]
    batch: Option<String>,
    /// How many requests are sent at a time, each with up to 500 lines
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = args::positive())]
    concurrency: usize,
    /// Begins at line N: those before are known to be in
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = args::positive())]
    from_line: usize,
}

impl Import {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let api = session.api().await?.patient();
        let (input, size) = session.open(&self.source).await?;
        let batch = self.batch(session);
        let mut lines = Lines::new(BufReader::new(input), &batch);
        let mut tally = Tally::default();
        let bar = bar(size, session.watched);
        let stopped = self.send(&api, &mut lines, &mut tally, &bar, session).await?;
        bar.finish_and_clear();
        if let Some(cause) = stopped {
            let advice =
                format!("{}; {}", self.how_far(&mut lines, &tally).await, tally.where_to_go_on(&self.command(&batch)));
            return Err(cause.advise(advice));
        }
        if session.json {
            session.show_json(&tally.json()?)?;
        } else {
            writeln!(session.out, "{tally}")?;
        }
        tally.finish()
    }

    /// What goes on with `batch`.
    fn command(&self, batch: &str) -> String {
        match (&self.batch, &self.source) {
            (None, Source::StandardInput) => format!("the same command with --batch {batch}"),
            _ => "the same command".to_owned(),
        }
    }

    fn batch(&self, session: &Session<'_>) -> String {
        let of_source = || match &self.source {
            Source::StandardInput => session.fresh.to_string(),
            Source::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        self.batch.clone().unwrap_or_else(of_source)
    }

    /// Sends the lines until they end, or until going on is of no use; then it says why.
    async fn send<R: AsyncBufRead + Unpin>(
        &self,
        api: &Api,
        lines: &mut Lines<R>,
        tally: &mut Tally,
        bar: &ProgressBar,
        session: &mut Session<'_>,
    ) -> Result<Option<Error>, Error> {
        let stop = Notify::new();
        let mut stopped = None;
        let batches = Batches::new(lines, self.from_line as u64);
        let read = stream::unfold(batches, |mut batches| async {
            batches.next().await.transpose().map(|batch| (batch, batches))
        });
        let dealt = read.take_until(stop.notified()).map(|batch| async {
            match batch {
                Ok(batch) => Ok(batch.send(api).await),
                Err(cause) => Err(Error::File { name: self.source.to_string(), cause }),
            }
        });
        let mut dealt = pin!(dealt.buffer_unordered(self.concurrency));
        loop {
            // Whatever stops it, what is under way comes to its end; a second Ctrl-C does not wait for that.
            let halt = tokio::select! {
                next = dealt.next() => match next {
                    None => return Ok(stopped),
                    Some(Err(unreadable)) => Some(unreadable),
                    Some(Ok(lines)) => {
                        let mut failed = None;
                        for Dealt { number, size, outcome } in lines {
                            if let Outcome::Refused(why) = &outcome {
                                bar.suspend(|| writeln!(session.err, "{}:{number}: {why}", self.source))?;
                            }
                            let unsettled = tally.count(number, outcome);
                            failed = failed.or(unsettled);
                            bar.inc(size);
                        }
                        bar.set_message(tally.to_string());
                        failed
                    }
                },
                Some(()) = session.interrupts.next() => {
                    if matches!(stopped, Some(Error::Interrupted)) {
                        return Ok(stopped);
                    }
                    let told = "finishing what is under way; Ctrl-C again does not wait for it";
                    bar.suspend(|| writeln!(session.err, "agectl: {told}"))?;
                    Some(Error::Interrupted)
                }
            };
            if let Some(cause) = halt {
                // What fails after the first failure only follows from it.
                stopped = stopped.filter(|_| !matches!(cause, Error::Interrupted)).or(Some(cause));
                api.give_up();
                stop.notify_one();
            }
        }
    }

    /// How many lines are in. A file is read to its end to know of how many; standard input may have none.
    async fn how_far<R: AsyncBufRead + Unpin>(&self, lines: &mut Lines<R>, tally: &Tally) -> String {
        if self.source == Source::StandardInput {
            return format!("{} lines are in", tally.are_in());
        }
        while let Ok(Some(_)) = lines.next().await {}
        format!("{} of {} lines are in", tally.are_in(), lines.events())
    }
}

/// By bytes: how many lines there are is not known before the end.
fn bar(size: Option<u64>, watched: bool) -> ProgressBar {
    let target = if watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let template = if size.is_some() { "{bar:40} {percent:>3} %  {msg}" } else { "{spinner} {msg}" };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(size, target).with_style(style.progress_chars("██·"))
}
