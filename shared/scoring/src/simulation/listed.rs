//! Lists that are bounded in number and size, so that a result fits into one row of DynamoDB and a simulation into memory.

use std::collections::BTreeMap;

use serde::Serialize;

/// The most entries of a list.
const MAX_ITEMS: usize = 500;

/// The most bytes of JSON of a list of consequences. Five of these, three lists of decisions and the weeks stay below 350 KB.
pub(super) const MAX_BYTES: usize = 50_000;

/// Counts entries and keeps the first of them in the order of `K`.
pub(super) struct FirstOf<K, T> {
    total: u64,
    first: BTreeMap<(K, u64), T>,
}

impl<K: Ord, T: Serialize> FirstOf<K, T> {
    pub(super) const fn new() -> Self {
        Self { total: 0, first: BTreeMap::new() }
    }

    /// Counts an entry, and makes and keeps it if it is among the first.
    pub(super) fn add(&mut self, key: K, make: impl FnOnce() -> T) {
        self.total += 1;
        let key = (key, self.total);
        if self.first.len() == MAX_ITEMS {
            if self.first.last_key_value().is_some_and(|(last, _)| *last < key) {
                return;
            }
            self.first.pop_last();
        }
        self.first.insert(key, make());
    }

    /// Returns the number of entries, and the first of them that fit into `max_bytes` of JSON.
    pub(super) fn into_total_and_items(self, max_bytes: usize) -> (u64, Vec<T>) {
        let mut bytes = 0;
        let fits = |item: &T| {
            bytes += serde_json::to_string(item).map_or(max_bytes, |json| json.len() + 1);
            bytes <= max_bytes
        };
        (self.total, self.first.into_values().take_while(fits).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_that_fit_are_kept() {
        let mut numbers = FirstOf::new();
        for number in (0..2000_u64).rev() {
            numbers.add(number, || number);
        }
        assert_eq!(numbers.into_total_and_items(MAX_BYTES), (2000, (0..500).collect()));
        let mut texts = FirstOf::new();
        for number in 0..20_u64 {
            texts.add(number, || "x".repeat(9_000));
        }
        let (total, items) = texts.into_total_and_items(MAX_BYTES);
        assert_eq!((total, items.len()), (20, 5));
    }
}
