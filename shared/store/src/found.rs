//! What a list found: the rows that can be read, and the names of the others.

use age_model::{StoreError, UnreadableItem};

/// The rows that a read found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// The rows that can be read.
    pub items: Vec<T>,
    /// The rows that this version cannot read. They are logged as errors.
    pub unreadable: Vec<UnreadableItem>,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self { items: Vec::new(), unreadable: Vec::new() }
    }
}

impl<T> Found<T> {
    /// Separates `rows` into those that can be read and the others.
    pub(crate) fn of(rows: impl IntoIterator<Item = Result<T, StoreError>>) -> Result<Self, StoreError> {
        let mut found = Self::default();
        for row in rows {
            match row {
                Ok(item) => found.items.push(item),
                Err(error) => found.unreadable.push(unreadable(None, error)?),
            }
        }
        Ok(found)
    }

    /// Adds what `other` found.
    pub(crate) fn extend(&mut self, other: Self) {
        self.items.extend(other.items);
        self.unreadable.extend(other.unreadable);
    }
}

/// Logs and names the row of `error` that cannot be read: by `id`, or else by its key.
///
/// # Errors
/// `error` itself, if it is another one.
pub(crate) fn unreadable(id: Option<String>, error: StoreError) -> Result<UnreadableItem, StoreError> {
    let StoreError::Corrupt { table, key, .. } = &error else { return Err(error) };
    tracing::error!(%error, table, key, "left out a row of {table} that cannot be read: {error}");
    Ok(UnreadableItem { id: id.unwrap_or_else(|| key.clone()) })
}
