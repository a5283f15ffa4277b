//! Setting and ending holds on behalf of people.

use age_model::{
    Clock, CommandError, Engine, Hold, HoldEnd, HoldId, HoldOrigin, HoldRecord, HoldStatus, KeyId, Timestamp,
};
use age_store::{FleetStateStore, SetHold};
use thiserror::Error;

use crate::fleet_state_cache::wait_until_seen;

/// A hold that a person wants to set. Engine and time are valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// The engine to stop.
    pub engine: Engine,
    /// The name of the action to stop; all actions, if absent.
    pub operation: Option<String>,
    /// The reason, for people.
    pub reason: String,
    /// When the hold ends by itself.
    pub until: Timestamp,
}

/// A hold that applies from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppliedHold {
    /// The hold was set.
    Created(Hold),
    /// The caller has set this hold before, with the same words.
    Exists(Hold),
}

/// Why a hold was neither set nor ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HoldConflict {
    /// As many holds are active as there may be.
    #[error("{} holds are active, the most that there may be; end one first", FleetStateStore::MAX_ACTIVE_HOLDS)]
    TooMany,
    /// The policy holds the engine for as long as its incidents are unacknowledged.
    #[error("the policy's rule {0} has set this hold: it ends when the incidents are acknowledged or resolved")]
    SetByPolicy(String),
}

/// Sets the hold `new` on behalf of `by`, and waits until every later decision sees it.
///
/// # Errors
/// [`CommandError`] with the [`HoldConflict`].
pub async fn set_hold(
    store: &FleetStateStore,
    new: NewHold,
    by: KeyId,
    clock: &dyn Clock,
) -> Result<AppliedHold, CommandError<HoldConflict>> {
    let NewHold { engine, operation, reason, until } = new;
    let (id, set_at, set_by) = (HoldId::fresh(clock), clock.now(), HoldOrigin::Person(by));
    let hold = Hold { id, engine, operation, reason, set_by, set_at, until };
    let applied = match store.set_hold(&hold, clock).await? {
        SetHold::Set => AppliedHold::Created(hold),
        SetHold::Exists(hold) => AppliedHold::Exists(hold),
        SetHold::TooMany => return Err(CommandError::Conflict(HoldConflict::TooMany)),
    };
    wait_until_seen(clock).await;
    Ok(applied)
}

/// Ends the hold `id` on behalf of `by`, unless it has ended before, and waits until no decision sees it. Returns its record, or None if
/// there is no such hold.
///
/// # Errors
/// [`CommandError`] with the [`HoldConflict`].
pub async fn end_hold(
    store: &FleetStateStore,
    id: HoldId,
    reason: Option<String>,
    by: KeyId,
    clock: &dyn Clock,
) -> Result<Option<HoldRecord>, CommandError<HoldConflict>> {
    let now = clock.now();
    let Some(record) = store.hold(id).await? else { return Ok(None) };
    if record.status(now) == HoldStatus::Ended {
        return Ok(Some(record));
    }
    if let HoldOrigin::Policy(rule) = record.hold.set_by {
        return Err(CommandError::Conflict(HoldConflict::SetByPolicy(rule)));
    }
    let end = HoldEnd { at: now, by: HoldOrigin::Person(by), reason };
    let ended = store.end_hold(id, &end, clock).await?;
    wait_until_seen(clock).await;
    Ok(ended)
}
