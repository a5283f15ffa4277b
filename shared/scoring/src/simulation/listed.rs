//! Lists that are bounded in number and size, so that a result fits into one row of DynamoDB.

use serde::Serialize;

/// The most entries of a list.
const MAX_ITEMS: usize = 500;

/// The most bytes of a list's JSON. Five lists and the weeks stay below 350 KB.
const MAX_BYTES: usize = 50_000;

/// Returns the first of `items` that one list may have.
pub(super) fn listed<T: Serialize>(items: Vec<T>) -> Vec<T> {
    let mut bytes = 0;
    let fitting = items.iter().take(MAX_ITEMS).take_while(|item| {
        bytes += serde_json::to_string(item).map_or(MAX_BYTES, |json| json.len() + 1);
        bytes <= MAX_BYTES
    });
    let fitting = fitting.count();
    items.into_iter().take(fitting).collect()
}
