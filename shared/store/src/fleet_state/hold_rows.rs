//! Holds as attributes of rows.

use age_model::{Engine, Hold, HoldEnd, HoldId, HoldOrigin, HoldRecord, KeyId, StoreError, Timestamp};
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::Item;
use crate::dynamodb::client::Table;
use crate::dynamodb::keys;

/// A person or a rule of the policy, of which one is given.
#[derive(Debug, Serialize, Deserialize)]
struct OriginRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<KeyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
}

/// A hold without its id.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HoldRow {
    engine: Engine,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    reason: String,
    set_by: OriginRow,
    set_at: Timestamp,
    until: Timestamp,
}

/// How a hold was ended before its time.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EndRow {
    at: Timestamp,
    by: OriginRow,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The record of a hold, without its key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RecordRow {
    hold: HoldRow,
    /// The engine of the hold, by which lists are filtered.
    engine: Engine,
    #[serde(default, rename = "ended", skip_serializing_if = "Option::is_none")]
    end: Option<EndRow>,
    /// When DynamoDB deletes the row, in seconds since 1970.
    expires_at: i64,
}

impl From<&HoldOrigin> for OriginRow {
    fn from(origin: &HoldOrigin) -> Self {
        match origin {
            HoldOrigin::Person(kid) => Self { person: Some(kid.clone()), rule: None },
            HoldOrigin::Policy(rule) => Self { person: None, rule: Some(rule.clone()) },
        }
    }
}

impl OriginRow {
    fn origin(self) -> Option<HoldOrigin> {
        self.person.map(HoldOrigin::Person).or_else(|| self.rule.map(HoldOrigin::Policy))
    }
}

impl From<&Hold> for HoldRow {
    fn from(hold: &Hold) -> Self {
        let Hold { engine, operation, reason, set_by, set_at, until, .. } = hold.clone();
        Self { engine, operation, reason, set_by: OriginRow::from(&set_by), set_at, until }
    }
}

impl From<&HoldEnd> for EndRow {
    fn from(HoldEnd { at, by, reason }: &HoldEnd) -> Self {
        Self { at: *at, by: by.into(), reason: reason.clone() }
    }
}

impl From<&HoldRecord> for RecordRow {
    fn from(record: &HoldRecord) -> Self {
        let HoldRecord { hold, end } = record;
        let expires_at = record.expires_at().seconds();
        Self { hold: hold.into(), engine: hold.engine, end: end.as_ref().map(EndRow::from), expires_at }
    }
}

impl HoldRow {
    fn hold(self, id: HoldId) -> Option<Hold> {
        let Self { engine, operation, reason, set_by, set_at, until } = self;
        Some(Hold { id, engine, operation, reason, set_by: set_by.origin()?, set_at, until })
    }
}

/// Returns the holds of the state of the fleet, in the order of their ids.
pub(super) fn holds(table: &Table, state: &Item) -> Result<Vec<Hold>, StoreError> {
    let attributes = state.iter().filter_map(|(name, value)| Some((name, keys::hold_id(name)?, value)));
    let holds = attributes.map(|(name, id, value)| {
        // The names of the row's key, so that errors name the row.
        let unreadable = |detail: String| table.corrupt(state, name.as_str(), detail);
        let id = id.parse().map_err(|error| unreadable(format!("{error}")))?;
        let row: HoldRow =
            serde_dynamo::from_attribute_value(value.clone()).map_err(|error| unreadable(error.to_string()))?;
        row.hold(id).ok_or_else(|| unreadable("was set by neither a person nor a rule of the policy".to_owned()))
    });
    let mut holds: Vec<Hold> = holds.collect::<Result<_, StoreError>>()?;
    holds.sort_by_key(|hold| hold.id);
    Ok(holds)
}

/// Parses the record of a hold.
pub(super) fn record(table: &Table, item: &Item) -> Result<HoldRecord, StoreError> {
    let unreadable =
        |field: &str| table.corrupt(item, field, "must be the id of a hold, and a person or a rule of the policy");
    let id = item.get("opened_at").and_then(|id| id.as_s().ok()?.parse().ok());
    let RecordRow { hold, end, .. } = table.parse(item)?;
    let hold = id.and_then(|id| hold.hold(id)).ok_or_else(|| unreadable("hold.set_by"))?;
    let end = end.map(|EndRow { at, by, reason }| {
        let by = by.origin().ok_or_else(|| unreadable("ended.by"))?;
        Ok::<_, StoreError>(HoldEnd { at, by, reason })
    });
    Ok(HoldRecord { hold, end: end.transpose()? })
}
