//! Batches of lines: what `agectl event import` sends in one request.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use tokio::io::AsyncBufRead;
use tokio::time::timeout;

use crate::api_client::ApiClient;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::import::line_reader::{Line, LineContent, LineReader, MAX_LINE_BYTES};
use crate::import::summary::LineOutcome;
use crate::problem::{EventResult, Problem};

/// The API's maximum of events in one request.
const MAX_BATCH_LINES: usize = 500;

/// The API's maximum size of a request.
const MAX_BATCH_BYTES: usize = 1 << 20;

/// How long an incomplete batch waits for the next line before it is sent, so that events of a slow pipe arrive soon.
const MAX_LINE_WAIT: Duration = Duration::from_millis(50);

/// A line with its result.
pub(crate) struct FinishedLine {
    pub(crate) number: u64,
    pub(crate) size_bytes: u64,
    pub(crate) outcome: LineOutcome,
}

/// A line that waits for AGE's result.
struct PendingLine {
    number: u64,
    size_bytes: u64,
    /// JSON with the idempotency key.
    body: Vec<u8>,
}

/// Up to [`MAX_BATCH_LINES`] lines. Each of them is either finished or pending; blank, skipped and too long lines are
/// finished from the start. The request is sent until no line is pending.
#[derive(Default)]
pub(crate) struct Batch {
    // Cells, because a retry reads the pending lines and records results through a shared reference.
    finished: RefCell<Vec<FinishedLine>>,
    pending: RefCell<Vec<PendingLine>>,
    lines: usize,
    /// Size of the request's body.
    bytes: usize,
}

/// Groups lines into batches.
pub(crate) struct BatchReader<'a, R> {
    lines: &'a mut LineReader<R>,
    /// Lines before this one are skipped.
    from_line: u64,
    /// The line, end or error that was read after the last batch was full.
    lookahead: Option<io::Result<Option<Line>>>,
}

impl<'a, R: AsyncBufRead + Unpin> BatchReader<'a, R> {
    pub(crate) fn new(lines: &'a mut LineReader<R>, from_line: u64) -> Self {
        Self { lines, from_line, lookahead: None }
    }

    /// Reads the next batch. Returns `None` at the end of the input.
    pub(crate) async fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::default();
        loop {
            let line = match self.lookahead.take() {
                Some(line) => line,
                None if batch.lines == 0 => self.lines.next_line().await,
                None => match timeout(MAX_LINE_WAIT, self.lines.next_line()).await {
                    Ok(line) => line,
                    Err(_) => return Ok(Some(batch)),
                },
            };
            match line {
                Ok(Some(line)) if batch.has_room_for(&line) => batch.add(line, self.from_line),
                Ok(None) if batch.lines == 0 => return Ok(None),
                Err(cause) if batch.lines == 0 => return Err(cause),
                line => {
                    self.lookahead = Some(line);
                    return Ok(Some(batch));
                }
            }
        }
    }
}

impl Batch {
    fn has_room_for(&self, line: &Line) -> bool {
        let LineContent::Event { body, idempotency_key } = &line.content else { return self.lines < MAX_BATCH_LINES };
        let size = insert_idempotency_key(body, idempotency_key).len();
        self.lines < MAX_BATCH_LINES && self.bytes.saturating_add(size) < MAX_BATCH_BYTES
    }

    fn add(&mut self, Line { number, size_bytes, content }: Line, from_line: u64) {
        self.lines = self.lines.saturating_add(1);
        let outcome = match content {
            LineContent::Blank => LineOutcome::Blank,
            _ if number < from_line => LineOutcome::Skipped,
            LineContent::TooLong => {
                LineOutcome::Refused(format!("the line must be at most {MAX_LINE_BYTES} bytes long, is {size_bytes}"))
            }
            LineContent::Event { body, idempotency_key } => {
                let body = insert_idempotency_key(&body, &idempotency_key);
                let size_with_line_feed = body.len().saturating_add(1);
                self.bytes = self.bytes.saturating_add(size_with_line_feed);
                self.pending.get_mut().push(PendingLine { number, size_bytes, body });
                return;
            }
        };
        self.finished.get_mut().push(FinishedLine { number, size_bytes, outcome });
    }

    /// Sends the batch until no line is pending, or an error ends the retries. Returns the finished lines in order; after
    /// an error, the first pending line is among them, with that error.
    pub(crate) async fn send(self, api_client: &ApiClient) -> Vec<FinishedLine> {
        let result = if self.pending.borrow().is_empty() {
            Ok(())
        } else {
            let apply = |results, retry_after| self.apply_results(results, retry_after);
            api_client.send_events(|| self.pending_body(), apply).await
        };
        let mut lines = self.finished.into_inner();
        let first_pending = self.pending.into_inner().into_iter().next();
        if let (Err(error), Some(PendingLine { number, size_bytes, .. })) = (result, first_pending) {
            lines.push(FinishedLine { number, size_bytes, outcome: LineOutcome::Failed(error) });
        }
        lines.sort_by_key(|line| line.number);
        lines
    }

    /// Returns the pending lines as NDJSON.
    fn pending_body(&self) -> Vec<u8> {
        self.pending.borrow().iter().flat_map(|line| [line.body.as_slice(), b"\n"]).collect::<Vec<_>>().concat()
    }

    /// Moves each pending line to the finished ones, unless its result is a retryable error.
    ///
    /// # Errors
    /// The first of the retryable errors; or that the number of results is not the number of pending lines.
    fn apply_results(&self, results: Vec<EventResult>, retry_after: Option<Duration>) -> Result<(), Error> {
        let lines = self.pending.take();
        if results.len() != lines.len() {
            let message = format!("{} results for {} events", results.len(), lines.len());
            self.pending.replace(lines);
            return Err(Error::UnexpectedResponse(message));
        }
        let mut retryable_error = None;
        for (line, result) in lines.into_iter().zip(results) {
            let outcome = match result.status {
                201 => LineOutcome::Stored,
                200 => LineOutcome::AlreadyThere,
                _ => {
                    let error = Error::Api(Box::new(Problem::from_event_result(result, retry_after)));
                    if error.is_retryable() {
                        retryable_error = retryable_error.or(Some(error));
                        self.pending.borrow_mut().push(line);
                        continue;
                    }
                    if error.exit_code() == ExitCode::Refused {
                        LineOutcome::Refused(error.to_string())
                    } else {
                        LineOutcome::Failed(error)
                    }
                }
            };
            let PendingLine { number, size_bytes, .. } = line;
            self.finished.borrow_mut().push(FinishedLine { number, size_bytes, outcome });
        }
        retryable_error.map_or(Ok(()), Err)
    }
}

/// Adds the field `idempotencyKey` to a JSON object. Leaves all else unchanged: AGE then says what is wrong with the line.
fn insert_idempotency_key(line: &[u8], idempotency_key: &str) -> Vec<u8> {
    let Some(fields) = line.strip_prefix(b"{") else { return line.to_vec() };
    let comma = if fields.trim_ascii_start().starts_with(b"}") { "" } else { "," };
    [format!(r#"{{"idempotencyKey":"{idempotency_key}"{comma}"#).as_bytes(), fields].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use tokio::io::{AsyncWriteExt, BufReader, duplex};

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    fn read_batches(text: &[u8]) -> Vec<Batch> {
        runtime().block_on(async {
            let mut lines = LineReader::new(BufReader::new(text), "week.ndjson");
            let mut reader = BatchReader::new(&mut lines, 1);
            let mut all = Vec::new();
            while let Some(batch) = reader.next_batch().await.unwrap() {
                all.push(batch);
            }
            all
        })
    }

    #[test]
    fn idempotency_key_is_inserted_into_objects_only() {
        for line in ["{}", "{ }", r#"{"a":1}"#, r#"{ "a":{"b":[1.50]}}"#] {
            let with_key = insert_idempotency_key(line.as_bytes(), "agectl/x/1");
            let mut expected: Value = serde_json::from_str(line).unwrap();
            expected["idempotencyKey"] = "agectl/x/1".into();
            assert_eq!(serde_json::from_slice::<Value>(&with_key).unwrap(), expected);
        }
        for line in ["", "[]", "words", " {}"] {
            assert_eq!(insert_idempotency_key(line.as_bytes(), "k"), line.as_bytes());
        }
    }

    #[test]
    fn incomplete_batch_is_sent_when_the_next_line_does_not_arrive() {
        runtime().block_on(async {
            let (mut writer, reader) = duplex(64);
            let mut lines = LineReader::new(BufReader::new(reader), "-");
            let mut reader = BatchReader::new(&mut lines, 1);
            for text in ["{}\n{}\n", "{}\n"] {
                writer.write_all(text.as_bytes()).await.unwrap();
                assert_eq!(reader.next_batch().await.unwrap().unwrap().lines, text.len() / 3);
            }
            drop(writer);
            assert!(reader.next_batch().await.unwrap().is_none());
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn batches_keep_the_api_limits_and_contain_all_lines(sizes in prop::collection::vec(prop_oneof![20 => 0_usize..40, 1 => 0_usize..400_000], 0..1500)) {
            let text = sizes.iter().map(|size| "x".repeat(*size) + "\n").collect::<String>();
            let batches = read_batches(text.as_bytes());
            prop_assert!(batches.iter().all(|batch| batch.lines <= MAX_BATCH_LINES && batch.pending_body().len() <= MAX_BATCH_BYTES));
            let sent: Vec<u8> = batches.iter().flat_map(Batch::pending_body).collect();
            prop_assert_eq!(sent, text.lines().filter(|line| !line.is_empty()).flat_map(|line| format!("{line}\n").into_bytes()).collect::<Vec<_>>());
            for pair in batches.windows(2) {
                let next = pair[1].pending.borrow().first().map_or(0, |line| line.body.len());
                prop_assert!(pair[0].lines == MAX_BATCH_LINES || pair[0].bytes + next >= MAX_BATCH_BYTES, "a batch ends only when the next line does not fit");
            }
        }
    }
}
