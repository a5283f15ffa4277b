//! Holds: the active ones, the form that sets one, and the page of one.

pub(crate) mod detail;
pub(crate) mod set;

use age_model::{Engine, Hold, HoldOrigin, StoreError, Timestamp};
use age_policy::Policy;
use age_store::{FleetStateStore, StoredFleetState};

use crate::engine_title::engine_title;
use crate::paths::hold_path;
use crate::safe_text::SafeText;

/// An engine or operation that is paused.
pub(crate) struct ShownHold {
    pub(crate) path: String,
    pub(crate) engine: Engine,
    pub(crate) title: SafeText,
    /// The operation that is paused; all operations, if absent.
    pub(crate) operation: Option<SafeText>,
    pub(crate) until: Timestamp,
    /// The credential of a person, or the rule of the policy.
    pub(crate) by: String,
    pub(crate) reason: SafeText,
    /// Whether a person may end the hold.
    pub(crate) can_be_ended: bool,
}

/// The active holds.
#[derive(Default)]
pub(crate) struct ShownHolds {
    /// In the order in which they were set.
    pub(crate) holds: Vec<ShownHold>,
    /// Whether this version cannot read the holds.
    pub(crate) are_unreadable: bool,
}

impl ShownHolds {
    /// Reads the holds that are active at `now`.
    pub(crate) async fn read(store: &FleetStateStore, policy: &Policy, now: Timestamp) -> Result<Self, StoreError> {
        let StoredFleetState { holds, .. } = match store.get().await {
            Ok(state) => state,
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(%error, "the dashboard shows no holds, because they cannot be read: {error}");
                return Ok(Self { are_unreadable: true, ..Self::default() });
            }
            Err(error) => return Err(error),
        };
        let shown = |Hold { id, engine, operation, reason, set_by, until, .. }: Hold| ShownHold {
            path: hold_path(id),
            engine,
            title: engine_title(policy, engine),
            operation: operation.map(|name| SafeText::new(&name)),
            until,
            by: origin(&set_by),
            reason: SafeText::new(&reason),
            can_be_ended: matches!(set_by, HoldOrigin::Person(_)),
        };
        let active = holds.into_iter().filter(|hold| hold.is_active(now));
        Ok(Self { holds: active.map(shown).collect(), are_unreadable: false })
    }

    /// Whether there is nothing to show.
    pub(crate) const fn is_empty(&self) -> bool {
        self.holds.is_empty() && !self.are_unreadable
    }

    /// Returns the holds of `engine`.
    pub(crate) fn of(&self, engine: &Engine) -> impl Iterator<Item = &ShownHold> {
        self.holds.iter().filter(move |hold| hold.engine == *engine)
    }
}

/// Returns the credential of a person, or the rule of the policy, in words.
fn origin(origin: &HoldOrigin) -> String {
    match origin {
        HoldOrigin::Person(kid) => kid.to_string(),
        HoldOrigin::Policy(rule) => format!("the policy\u{2019}s rule {rule}"),
    }
}
