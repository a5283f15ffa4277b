//! Lines that go to AGE together, and what becomes of each.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use tokio::io::AsyncBufRead;
use tokio::time::timeout;

use crate::api::Api;
use crate::error::{Error, Exit};
use crate::lines::{Content, Line, Lines};
use crate::problem::{EventResult, Problem};
use crate::tally::Outcome;

/// The most lines that AGE takes at once.
const MOST: usize = 500;

/// The most bytes that it takes at once.
const LARGEST: usize = 1 << 20;

/// How long lines wait for others to go with them: input that comes slowly is not kept back.
const LINGER: Duration = Duration::from_millis(50);

/// A line that has been dealt with.
pub(crate) struct Dealt {
    pub(crate) number: u64,
    pub(crate) size: u64,
    pub(crate) outcome: Outcome,
}

/// A line that AGE is to deal with.
struct Sent {
    number: u64,
    size: u64,
    body: Vec<u8>,
}

/// Lines that go together.
#[derive(Default)]
pub(crate) struct Batch {
    dealt: RefCell<Vec<Dealt>>,
    left: RefCell<Vec<Sent>>,
    lines: usize,
    bytes: usize,
}

/// Puts lines together.
pub(crate) struct Batches<'a, R> {
    lines: &'a mut Lines<R>,
    /// Those before it are known to be in.
    from_line: u64,
    /// What did not go with the batch before.
    ahead: Option<io::Result<Option<Line>>>,
}

impl<'a, R: AsyncBufRead + Unpin> Batches<'a, R> {
    pub(crate) fn new(lines: &'a mut Lines<R>, from_line: u64) -> Self {
        Self { lines, from_line, ahead: None }
    }

    /// The next batch, if there is one.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::default();
        loop {
            let read = match self.ahead.take() {
                Some(read) => read,
                None if batch.lines == 0 => self.lines.next().await,
                None => match timeout(LINGER, self.lines.next()).await {
                    Ok(read) => read,
                    Err(_) => return Ok(Some(batch)),
                },
            };
            match read {
                Ok(Some(line)) if batch.has_room_for(&line) => batch.add(line, self.from_line),
                Ok(None) if batch.lines == 0 => return Ok(None),
                Err(cause) if batch.lines == 0 => return Err(cause),
                later => {
                    self.ahead = Some(later);
                    return Ok(Some(batch));
                }
            }
        }
    }
}

impl Batch {
    fn has_room_for(&self, line: &Line) -> bool {
        let Content::Event { body, key } = &line.content else { return self.lines < MOST };
        self.lines < MOST && self.bytes.saturating_add(keyed(body, key).len()) < LARGEST
    }

    fn add(&mut self, Line { number, size, content }: Line, from_line: u64) {
        let outcome = match content {
            Content::Blank => Outcome::Blank,
            _ if number < from_line => Outcome::Skipped,
            Content::TooLong => Outcome::Refused("the line is too long".to_owned()),
            Content::Event { body, key } => {
                let body = keyed(&body, &key);
                // And the end of the line.
                self.bytes = self.bytes.saturating_add(body.len()).saturating_add(1);
                self.lines = self.lines.saturating_add(1);
                self.left.get_mut().push(Sent { number, size, body });
                return;
            }
        };
        self.lines = self.lines.saturating_add(1);
        self.dealt.get_mut().push(Dealt { number, size, outcome });
    }

    /// Sends the lines until each is dealt with, or going on is of no use: then the first that is left has failed.
    pub(crate) async fn send(self, api: &Api) -> Vec<Dealt> {
        let failed = if self.left.borrow().is_empty() {
            Ok(())
        } else {
            api.report_all(|| self.body(), |results, after| self.settle(results, after)).await
        };
        let mut dealt = self.dealt.into_inner();
        if let (Err(error), Some(Sent { number, size, .. })) = (failed, self.left.into_inner().into_iter().next()) {
            dealt.push(Dealt { number, size, outcome: Outcome::Failed(error) });
        }
        dealt.sort_by_key(|dealt| dealt.number);
        dealt
    }

    /// NDJSON.
    fn body(&self) -> Vec<u8> {
        self.left.borrow().iter().flat_map(|sent| [sent.body.as_slice(), b"\n"]).collect::<Vec<_>>().concat()
    }

    /// Takes in AGE's results on the lines that were left. Those that may yet be stored are left again; the error is that of
    /// the first.
    fn settle(&self, results: Vec<EventResult>, retry_after: Option<Duration>) -> Result<(), Error> {
        let sent = self.left.take();
        if results.len() != sent.len() {
            let told = format!("{} results on {} events", results.len(), sent.len());
            self.left.replace(sent);
            return Err(Error::Senseless(told));
        }
        let mut passing = None;
        for (sent, result) in sent.into_iter().zip(results) {
            let Sent { number, size, .. } = sent;
            let outcome = match result.status {
                201 => Outcome::Stored,
                200 => Outcome::AlreadyThere,
                _ => {
                    let problem = Problem::of(result, retry_after);
                    if problem.is_passing() {
                        passing = passing.or(Some(Error::Answered(problem)));
                        self.left.borrow_mut().push(sent);
                        continue;
                    }
                    let error = Error::Answered(problem);
                    if error.exit() == Exit::Refused {
                        Outcome::Refused(error.to_string())
                    } else {
                        Outcome::Failed(error)
                    }
                }
            };
            self.dealt.borrow_mut().push(Dealt { number, size, outcome });
        }
        passing.map_or(Ok(()), Err)
    }
}

/// A line with its key in it. What is no object stays as it is: AGE says what is wrong with it.
fn keyed(line: &[u8], key: &str) -> Vec<u8> {
    let Some(fields) = line.strip_prefix(b"{") else { return line.to_vec() };
    let comma = if fields.trim_ascii_start().starts_with(b"}") { "" } else { "," };
    [format!(r#"{{"idempotencyKey":"{key}"{comma}"#).as_bytes(), fields].concat()
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

    fn batches(text: &[u8]) -> Vec<Batch> {
        runtime().block_on(async {
            let mut lines = Lines::new(BufReader::new(text), "week.ndjson");
            let mut batches = Batches::new(&mut lines, 1);
            let mut all = Vec::new();
            while let Some(batch) = batches.next().await.unwrap() {
                all.push(batch);
            }
            all
        })
    }

    #[test]
    fn a_key_is_put_into_any_object() {
        for line in ["{}", "{ }", r#"{"a":1}"#, r#"{ "a":{"b":[1.50]}}"#] {
            let keyed: Value = serde_json::from_slice(&keyed(line.as_bytes(), "agectl/x/1")).unwrap();
            let mut before: Value = serde_json::from_str(line).unwrap();
            before["idempotencyKey"] = "agectl/x/1".into();
            assert_eq!(keyed, before);
        }
        for line in ["", "[]", "words", " {}"] {
            assert_eq!(keyed(line.as_bytes(), "k"), line.as_bytes());
        }
    }

    #[test]
    fn lines_that_come_slowly_are_not_kept_back() {
        runtime().block_on(async {
            let (mut writer, reader) = duplex(64);
            let mut lines = Lines::new(BufReader::new(reader), "-");
            let mut batches = Batches::new(&mut lines, 1);
            for text in ["{}\n{}\n", "{}\n"] {
                writer.write_all(text.as_bytes()).await.unwrap();
                assert_eq!(batches.next().await.unwrap().unwrap().lines, text.len() / 3);
            }
            drop(writer);
            assert!(batches.next().await.unwrap().is_none());
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn a_batch_is_what_age_takes_and_nothing_is_lost(sizes in prop::collection::vec(prop_oneof![20 => 0_usize..40, 1 => 0_usize..400_000], 0..1500)) {
            let text = sizes.iter().map(|size| "x".repeat(*size) + "\n").collect::<String>();
            let batches = batches(text.as_bytes());
            prop_assert!(batches.iter().all(|batch| batch.lines <= MOST && batch.body().len() <= LARGEST));
            let sent: Vec<u8> = batches.iter().flat_map(Batch::body).collect();
            prop_assert_eq!(sent, text.lines().filter(|line| !line.is_empty()).flat_map(|line| format!("{line}\n").into_bytes()).collect::<Vec<_>>());
            for pair in batches.windows(2) {
                let next = pair[1].left.borrow().first().map_or(0, |sent| sent.body.len());
                prop_assert!(pair[0].lines == MOST || pair[0].bytes + next >= LARGEST, "no batch is smaller than it has to be");
            }
        }
    }
}
