//! What is remembered of each kind of trouble: rows of the `incidents` table, beside the incidents themselves.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use model::{Engine, EventType, Watch};
use serde::{Deserialize, Serialize};

use crate::db::{Db, Table};
use crate::row::{RowName, number, text};
use crate::{Consistency, StoreError, keys, transaction};

const KEY: &[&str] = &["fingerprint", "opened_at"];

#[derive(Debug, Serialize, Deserialize)]
struct WatchRow {
    fingerprint: String,
    opened_at: String,
    watch: Watch,
}

/// The watches in the `incidents` table.
#[derive(Debug, Clone)]
pub struct Watches(pub(crate) Table);

impl Watches {
    /// The table called `name`.
    #[must_use]
    pub fn new(db: &Db, name: impl Into<String>) -> Self {
        Self(db.table(name))
    }

    /// What is remembered of this kind of trouble; nothing, if it is new.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, engine: Engine, event_type: &EventType) -> Result<Watch, StoreError> {
        let key = [("fingerprint", text(keys::fingerprint(engine, event_type))), ("opened_at", text(keys::WATCH))];
        let Some(item) = self.0.get(key, Consistency::Strong).await? else { return Ok(Watch::default()) };
        Ok(self.row_name().read::<WatchRow>(&item)?.watch)
    }

    /// Writes what follows on `before`, as part of a transaction, unless somebody else has written meanwhile.
    pub(crate) fn put(
        &self,
        engine: Engine,
        event_type: &EventType,
        before: u64,
        watch: &Watch,
    ) -> Result<TransactWriteItem, StoreError> {
        let row = WatchRow {
            fingerprint: keys::fingerprint(engine, event_type),
            opened_at: keys::WATCH.to_owned(),
            watch: watch.clone(),
        };
        let put = Put::builder()
            .set_item(Some(self.row_name().write(&row)?))
            .condition_expression("attribute_not_exists(fingerprint) OR #watch.version = :before")
            .expression_attribute_names("#watch", "watch")
            .expression_attribute_values(":before", number(before));
        transaction::put(&self.0.name, put)
    }

    const fn row_name(&self) -> RowName<'_> {
        RowName { table: self.0.name.as_str(), key: KEY }
    }
}
