//! The lines of a file of events, each with the key by which AGE knows it when it comes again.

use std::collections::HashMap;
use std::io;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The longest line that is read: with its key it is as much as AGE takes at once. Longer ones would fill the memory.
const LONGEST: usize = (1 << 20) - 512;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// From 1, blank ones counted.
    pub(crate) number: u64,
    /// How many bytes it takes.
    pub(crate) size: u64,
    pub(crate) content: Content,
}

/// What is on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Blank,
    TooLong,
    Event { body: Vec<u8>, key: String },
}

/// Reads lines, of which it keeps no more than hashes.
pub(crate) struct Lines<R> {
    reader: R,
    /// What has been read of the next line: so nothing is lost when [`Lines::next`] is not awaited to its end.
    begun: Vec<u8>,
    dropped: u64,
    number: u64,
    events: u64,
    keys: Keys,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// The lines of `batch`: those of another batch are others, though they may read the same.
    pub(crate) fn new(reader: R, batch: &str) -> Self {
        Self { reader, begun: Vec::new(), dropped: 0, number: 0, events: 0, keys: Keys::of(batch) }
    }

    /// How many lines have been read that are not blank.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// The next line, if there is one.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        let room = LONGEST.saturating_add(1).saturating_sub(self.begun.len());
        (&mut self.reader).take(room as u64).read_until(b'\n', &mut self.begun).await?;
        let too_long = self.begun.len() > LONGEST && !self.begun.ends_with(b"\n");
        if too_long {
            self.drop_rest().await?;
        }
        if self.begun.is_empty() {
            return Ok(None);
        }
        let line = std::mem::take(&mut self.begun);
        let size = std::mem::take(&mut self.dropped).saturating_add(line.len() as u64);
        self.number = self.number.saturating_add(1);
        let body = line.trim_ascii();
        let content = if too_long {
            Content::TooLong
        } else if body.is_empty() {
            Content::Blank
        } else {
            Content::Event { key: self.keys.next(body), body: body.to_vec() }
        };
        self.events = self.events.saturating_add(u64::from(content != Content::Blank));
        Ok(Some(Line { number: self.number, size, content }))
    }

    async fn drop_rest(&mut self) -> io::Result<()> {
        loop {
            let read = self.reader.fill_buf().await?;
            let end = read.iter().position(|byte| *byte == b'\n');
            let dropped = end.map_or(read.len(), |end| end.saturating_add(1));
            self.reader.consume(dropped);
            self.dropped = self.dropped.saturating_add(dropped as u64);
            if end.is_some() || dropped == 0 {
                return Ok(());
            }
        }
    }
}

/// Gives out idempotency keys. A line's key is made from its batch, what is on it, and how many equal ones came before: so
/// it is the same the next time, whatever was added around it, and equal lines are as many events.
struct Keys {
    /// Has taken in the batch.
    begun: Sha256,
    seen: HashMap<[u8; 32], u64>,
}

impl Keys {
    fn of(batch: &str) -> Self {
        // A line holds no line feed, so no two pairs of batch and line read the same.
        Self { begun: Sha256::new_with_prefix(batch).chain_update("\n"), seen: HashMap::new() }
    }

    fn next(&mut self, line: &[u8]) -> String {
        let hash: [u8; 32] = self.begun.clone().chain_update(line).finalize().into();
        let occurrence = self.seen.entry(hash).or_default();
        *occurrence = occurrence.saturating_add(1);
        let hex = hash.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        format!("agectl/{hex}/{occurrence}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use age_model::IdempotencyKey;
    use proptest::prelude::*;
    use tokio::io::BufReader;

    use super::*;

    /// All lines of a text, which comes in pieces of a few bytes.
    fn lines(text: &[u8]) -> Vec<Line> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut lines = Lines::new(BufReader::with_capacity(7, text), "week.ndjson");
            let mut all = Vec::new();
            while let Some(line) = lines.next().await.unwrap() {
                all.push(line);
            }
            let blank = all.iter().filter(|line| line.content == Content::Blank).count();
            assert_eq!(lines.events(), (all.len() - blank) as u64);
            all
        })
    }

    fn keys(text: &str) -> Vec<String> {
        let key = |line: Line| if let Content::Event { key, .. } = line.content { Some(key) } else { None };
        lines(text.as_bytes()).into_iter().filter_map(key).collect()
    }

    #[test]
    fn keys_never_change() {
        // They stand in the tables of every AGE into which something was imported.
        let hash = "97ba29d157b9e964f7f86d89796ee3d17d42208786186e5c410bcce670ef1572";
        assert_eq!(keys("{}\n\n {} \r\n"), [format!("agectl/{hash}/1"), format!("agectl/{hash}/2")]);
    }

    #[test]
    fn lines_are_numbered_as_an_editor_does() {
        let found = lines(b"a\r\n\n  \nb");
        let numbers = |blank: bool| -> Vec<u64> {
            found.iter().filter(|line| (line.content == Content::Blank) == blank).map(|line| line.number).collect()
        };
        assert_eq!((numbers(false), numbers(true)), (vec![1, 4], vec![2, 3]));
        assert_eq!(found.iter().map(|line| line.size).sum::<u64>(), 8);
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let long = [vec![b'x'; LONGEST + 1], b"yz\n{}\n".to_vec(), vec![b'x'; LONGEST], b"\n".to_vec()].concat();
        let found = lines(&long);
        assert_eq!(found[0], Line { number: 1, size: LONGEST as u64 + 4, content: Content::TooLong });
        assert!(matches!(found[1].content, Content::Event { .. }) && found[1].number == 2);
        assert!(matches!(&found[2].content, Content::Event { body, .. } if body.len() == LONGEST));
    }

    proptest! {
        #[test]
        fn keys_are_fit_and_each_is_given_once(lines in prop::collection::vec("[ab]{1,2}", 0..20)) {
            let keys = keys(&lines.join("\n"));
            prop_assert_eq!(keys.len(), lines.len());
            prop_assert!(keys.iter().all(|key| key.parse::<IdempotencyKey>().is_ok()));
            prop_assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
        }

        #[test]
        fn keys_stay_the_same_when_lines_are_added(
            lines in prop::collection::vec("[ab]{1,2}", 1..20), added in "[abc]{1,3}", place in any::<prop::sample::Index>(),
        ) {
            let before = keys(&lines.join("\n"));
            let mut more = lines.clone();
            more.insert(place.index(lines.len()), added);
            let after: HashSet<String> = keys(&more.join("\n")).into_iter().collect();
            prop_assert!(before.iter().all(|key| after.contains(key)));
            prop_assert_eq!(after.len(), before.len() + 1);
        }
    }
}
