//! The size of responses. A response to a POST is never much larger than its request, so that nobody can make AGE send, and pay for,
//! much more than they send.

use axum::Json;
use axum::body::HttpBody;
use axum::response::IntoResponse;
use serde::Serialize;

/// How large a response to any POST may be, besides twice its request.
const FREE_BYTES: usize = 64 * 1024;

/// The bytes for the rest of a response: its members besides the items.
const RESERVED_BYTES: usize = 2 * 1024;

/// How many bytes the items of a response may have.
#[derive(Debug, Clone, Copy)]
pub struct ResponseBudget {
    left: usize,
}

impl ResponseBudget {
    /// The budget of the response to a request whose body had `sent_bytes`, compressed or not.
    #[must_use]
    pub const fn of(sent_bytes: usize) -> Self {
        Self { left: sent_bytes.saturating_mul(2).saturating_add(FREE_BYTES - RESERVED_BYTES) }
    }

    /// The budget of items that have at most `bytes` together.
    pub(crate) const fn of_bytes(bytes: usize) -> Self {
        Self { left: bytes }
    }

    /// Shortens `items` so that together they fit: in order, those are kept for which space is left beside the short forms of all
    /// others. Returns how many were shortened. `shorten` leaves an item of at most `short_bytes` in JSON.
    pub fn fit<T: Serialize>(mut self, items: &mut [T], short_bytes: usize, shorten: impl Fn(&mut T)) -> usize {
        // Each with a comma after it, or the brackets of the list.
        self.left = self.left.saturating_sub(items.len().saturating_mul(short_bytes + 1) + 1);
        let mut shortened = 0;
        for item in items {
            let more = Self::json_bytes(item).saturating_sub(short_bytes);
            if more <= self.left {
                self.left -= more;
            } else {
                shorten(item);
                shortened += 1;
            }
        }
        shortened
    }

    /// Returns how many of `items`, from the first on, fit together.
    #[must_use]
    pub fn count_fitting<T: Serialize>(mut self, items: &[T]) -> usize {
        let fits = |item: &&T| {
            let bytes = Self::json_bytes(item) + 1;
            let fits = bytes <= self.left;
            self.left = self.left.saturating_sub(bytes);
            fits
        };
        items.iter().take_while(fits).count()
    }

    /// Returns the size of `item` as JSON. An item that cannot be serialized has that of an error: its response fails.
    fn json_bytes(item: &impl Serialize) -> usize {
        // The code that writes the response: another one would be in the binary beside it, for every type.
        let bytes = Json(item).into_response().body().size_hint().lower();
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn items_fit_and_are_shortened_only_if_they_must(sizes in prop::collection::vec(10_usize..4000, 0..300), sent in 0_usize..20_000) {
            let mut items: Vec<String> = sizes.iter().map(|size| "x".repeat(*size)).collect();
            let all = ResponseBudget::json_bytes(&items);
            let shortened = ResponseBudget::of(sent).fit(&mut items, 10, |item| item.truncate(8));
            prop_assert!(ResponseBudget::json_bytes(&items) + RESERVED_BYTES <= 2 * sent + FREE_BYTES);
            prop_assert_eq!(items.iter().filter(|item| item.len() == 8).count(), shortened);
            if all + RESERVED_BYTES <= 2 * sent + FREE_BYTES {
                prop_assert_eq!(shortened, 0);
            }
        }
    }
}
