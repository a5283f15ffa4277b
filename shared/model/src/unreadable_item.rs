//! Stored rows that this version cannot read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A stored row that this version of AGE cannot read. Lists name it beside the items that they show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnreadableItem {
    /// The id of the item, as far as it can be read. That of an action is the id of its event and its name, separated by `/`.
    pub id: String,
}
