//! Records of holds: who set each hold and why, and how it ended.

use crate::hold::{Hold, HoldOrigin};
use crate::time::Timestamp;

crate::string_enum::string_enum! {
    /// Whether a hold stops anything.
    HoldStatus {
        /// The hold stops its engine or operation.
        Active = "active",
        /// The hold was ended, or its time is up.
        Ended = "ended",
    }
}

/// A hold, and how it was ended. Records outlast their holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRecord {
    /// The hold.
    pub hold: Hold,
    /// How the hold was ended before its time. None: it was not.
    pub end: Option<HoldEnd>,
}

/// How a hold was ended before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldEnd {
    /// When.
    pub at: Timestamp,
    /// The person or the rule of the policy that ended the hold.
    pub by: HoldOrigin,
    /// The reason, for people: 1 to 1,000 characters.
    pub reason: Option<String>,
}

impl HoldRecord {
    /// How long a record is kept after the end of its hold, in days.
    pub const RETENTION_DAYS: i64 = 400;

    /// Returns whether the hold stops anything at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> HoldStatus {
        let is_active = self.end.is_none() && self.hold.is_active(now);
        if is_active { HoldStatus::Active } else { HoldStatus::Ended }
    }

    /// Returns when the hold ends or ended.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.end.as_ref().map_or(self.hold.until, |end| end.at)
    }

    /// Returns when the record expires.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.ends_at().plus_days(Self::RETENTION_DAYS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;

    #[test]
    fn hold_has_ended_when_its_time_is_up_or_somebody_ended_it() {
        let set_at: Timestamp = "2026-11-23T00:05:00Z".parse().unwrap();
        let desk = HoldOrigin::Person("desk".parse().unwrap());
        let hold = Hold {
            id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
            engine: Engine::from_static("billing"),
            operation: None,
            reason: "audit".to_owned(),
            set_by: desk.clone(),
            set_at,
            until: set_at.plus_seconds(60),
        };
        let record = HoldRecord { hold, end: None };
        let statuses = [59, 60].map(|seconds| record.status(set_at.plus_seconds(seconds)));
        assert_eq!(statuses, [HoldStatus::Active, HoldStatus::Ended]);
        assert_eq!(record.expires_at(), set_at.plus_seconds(60).plus_days(400));
        let at = set_at.plus_seconds(5);
        let ended = HoldRecord { end: Some(HoldEnd { at, by: desk, reason: None }), ..record };
        assert_eq!((ended.status(at), ended.ends_at()), (HoldStatus::Ended, at));
    }
}
