//! Reads the lines of an import and gives each an idempotency key.

use std::collections::HashMap;
use std::io;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The longest line that is kept in memory: AGE accepts requests of 1 MiB, and the idempotency key needs some of that.
pub(crate) const MAX_LINE_BYTES: usize = (1 << 20) - 512;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// From 1. Blank lines count, as in an editor.
    pub(crate) number: u64,
    /// With the end of the line.
    pub(crate) size_bytes: u64,
    pub(crate) content: LineContent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineContent {
    Blank,
    /// The line exceeds [`MAX_LINE_BYTES`].
    TooLong,
    Event {
        /// The line without the white space around it.
        body: Vec<u8>,
        idempotency_key: String,
    },
}

/// Reads one line at a time. Memory grows by one hash for each distinct line, not with the size of the lines.
pub(crate) struct LineReader<R> {
    reader: R,
    /// The beginning of the next line. It is a field so that no byte is lost when the future of
    /// [`LineReader::next_line`] is dropped.
    partial_line: Vec<u8>,
    /// How many bytes of the next line are not kept because it is too long.
    discarded_bytes: u64,
    lines_read: u64,
    event_lines: u64,
    keys: KeyGenerator,
}

impl<R: AsyncBufRead + Unpin> LineReader<R> {
    pub(crate) fn new(reader: R, import_name: &str) -> Self {
        let keys = KeyGenerator::new(import_name);
        Self { reader, partial_line: Vec::new(), discarded_bytes: 0, lines_read: 0, event_lines: 0, keys }
    }

    /// How many lines have been read that are not blank.
    pub(crate) fn event_lines(&self) -> u64 {
        self.event_lines
    }

    /// Reads the next line. Returns `None` at the end of the input.
    pub(crate) async fn next_line(&mut self) -> io::Result<Option<Line>> {
        let limit = MAX_LINE_BYTES.saturating_add(1).saturating_sub(self.partial_line.len());
        (&mut self.reader).take(limit as u64).read_until(b'\n', &mut self.partial_line).await?;
        let is_too_long = self.partial_line.len() > MAX_LINE_BYTES && !self.partial_line.ends_with(b"\n");
        if is_too_long {
            self.discard_rest_of_line().await?;
        }
        if self.partial_line.is_empty() {
            return Ok(None);
        }
        let line = std::mem::take(&mut self.partial_line);
        let size_bytes = std::mem::take(&mut self.discarded_bytes).saturating_add(line.len() as u64);
        self.lines_read = self.lines_read.saturating_add(1);
        let body = line.trim_ascii();
        let content = if is_too_long {
            LineContent::TooLong
        } else if body.is_empty() {
            LineContent::Blank
        } else {
            LineContent::Event { idempotency_key: self.keys.next_key(body), body: body.to_vec() }
        };
        self.event_lines = self.event_lines.saturating_add(u64::from(content != LineContent::Blank));
        Ok(Some(Line { number: self.lines_read, size_bytes, content }))
    }

    async fn discard_rest_of_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf().await?;
            let line_feed = buffer.iter().position(|byte| *byte == b'\n');
            let discarded = line_feed.map_or(buffer.len(), |position| position.saturating_add(1));
            self.reader.consume(discarded);
            self.discarded_bytes = self.discarded_bytes.saturating_add(discarded as u64);
            if line_feed.is_some() || discarded == 0 {
                return Ok(());
            }
        }
    }
}

/// Generates idempotency keys from the name of the import, the line, and the number of equal lines before it. A repeated
/// import generates the same keys, even if lines were added in between, and equal lines of one import get different keys.
///
/// INVARIANT: the format of the keys never changes. They are stored with the events of earlier imports.
struct KeyGenerator {
    /// A hash that has the name of the import as its first input.
    import_hash: Sha256,
    /// How many lines had this hash.
    occurrences: HashMap<[u8; 32], u64>,
}

impl KeyGenerator {
    fn new(import_name: &str) -> Self {
        // A line contains no line feed, so different pairs of name and line never give the hash the same input.
        Self { import_hash: Sha256::new_with_prefix(import_name).chain_update("\n"), occurrences: HashMap::new() }
    }

    fn next_key(&mut self, line: &[u8]) -> String {
        let hash: [u8; 32] = self.import_hash.clone().chain_update(line).finalize().into();
        let occurrence = self.occurrences.entry(hash).or_default();
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

    /// Reads all lines of a text through a buffer of a few bytes.
    fn read_lines(text: &[u8]) -> Vec<Line> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut lines = LineReader::new(BufReader::with_capacity(7, text), "week.ndjson");
            let mut all = Vec::new();
            while let Some(line) = lines.next_line().await.unwrap() {
                all.push(line);
            }
            let blank = all.iter().filter(|line| line.content == LineContent::Blank).count();
            assert_eq!(lines.event_lines(), (all.len() - blank) as u64);
            all
        })
    }

    fn keys(text: &str) -> Vec<String> {
        let key = |line: Line| {
            if let LineContent::Event { idempotency_key, .. } = line.content { Some(idempotency_key) } else { None }
        };
        read_lines(text.as_bytes()).into_iter().filter_map(key).collect()
    }

    #[test]
    fn idempotency_keys_have_the_stored_format() {
        // Events of earlier imports are stored with such keys.
        let hash = "97ba29d157b9e964f7f86d89796ee3d17d42208786186e5c410bcce670ef1572";
        assert_eq!(keys("{}\n\n {} \r\n"), [format!("agectl/{hash}/1"), format!("agectl/{hash}/2")]);
    }

    #[test]
    fn blank_lines_count_in_line_numbers() {
        let lines = read_lines(b"a\r\n\n  \nb");
        let numbers = |blank: bool| -> Vec<u64> {
            lines.iter().filter(|line| (line.content == LineContent::Blank) == blank).map(|line| line.number).collect()
        };
        assert_eq!((numbers(false), numbers(true)), (vec![1, 4], vec![2, 3]));
        assert_eq!(lines.iter().map(|line| line.size_bytes).sum::<u64>(), 8);
    }

    #[test]
    fn too_long_line_is_discarded_and_reading_continues() {
        let long =
            [vec![b'x'; MAX_LINE_BYTES + 1], b"yz\n{}\n".to_vec(), vec![b'x'; MAX_LINE_BYTES], b"\n".to_vec()].concat();
        let lines = read_lines(&long);
        assert_eq!(lines[0], Line { number: 1, size_bytes: MAX_LINE_BYTES as u64 + 4, content: LineContent::TooLong });
        assert!(matches!(lines[1].content, LineContent::Event { .. }) && lines[1].number == 2);
        assert!(matches!(&lines[2].content, LineContent::Event { body, .. } if body.len() == MAX_LINE_BYTES));
    }

    proptest! {
        #[test]
        fn idempotency_keys_are_valid_and_unique(lines in prop::collection::vec("[ab]{1,2}", 0..20)) {
            let keys = keys(&lines.join("\n"));
            prop_assert_eq!(keys.len(), lines.len());
            prop_assert!(keys.iter().all(|key| key.parse::<IdempotencyKey>().is_ok()));
            prop_assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
        }

        #[test]
        fn idempotency_keys_are_stable_when_a_line_is_added(
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
