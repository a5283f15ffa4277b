//! What people do with incidents: acknowledge, take over, comment, resolve and reopen.

use age_model::{
    ActionStatus, Incident, IncidentChange, IncidentChangeKind, IncidentConflict, IncidentStatus, NotifyAdmin,
    StatusChange, Timestamp,
};

/// How long after its resolution an incident can be reopened, in seconds.
const REOPEN_WITHIN_SECONDS: i64 = 24 * 3600;

/// The most changes and comments of an incident, which bounds its timeline. It can be acknowledged and resolved all the same.
const MAX_CHANGES: u32 = 1000;

/// A comment with the same text by the same caller is a retry within this time, in seconds. Clients retry for some minutes.
const RETRY_SECONDS: i64 = 300;

/// What a person wants to do with an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentCommand {
    /// Acknowledge it, or take it over from the one who has acknowledged it.
    Acknowledge,
    /// Acknowledge it unless somebody has. It is not taken over.
    AcknowledgeOpen,
    /// Comment on it, whatever its status. The change must have a note.
    Comment,
    /// Resolve it.
    Resolve,
    /// Reopen it: it is open, and nobody has acknowledged it.
    Reopen,
}

/// Carries out `command` on `incident` for the caller of `change`. Returns false, and nothing changes, if the caller repeats what
/// stands already. A repeat with another note adds the note as a comment.
///
/// # Errors
/// [`IncidentConflict`] if the incident does not permit it.
pub fn change_incident(
    incident: &mut Incident,
    command: IncidentCommand,
    change: StatusChange,
) -> Result<bool, IncidentConflict> {
    match command {
        IncidentCommand::AcknowledgeOpen if incident.status == IncidentStatus::Acknowledged => Ok(false),
        IncidentCommand::Acknowledge | IncidentCommand::AcknowledgeOpen => acknowledge(incident, change),
        IncidentCommand::Comment => comment(incident, change),
        IncidentCommand::Reopen => reopen(incident, change),
        IncidentCommand::Resolve => {
            let earlier = incident.resolved.clone().filter(|earlier| earlier.by == change.by);
            match earlier.filter(|_| incident.status == IncidentStatus::Resolved) {
                Some(earlier) => repeat(incident, &earlier, change),
                None => resolve(incident, change).map(|()| true),
            }
        }
    }
}

/// Acknowledges `incident`, or takes it over. Its due time does not change.
fn acknowledge(incident: &mut Incident, change: StatusChange) -> Result<bool, IncidentConflict> {
    let kind = match (incident.status, incident.acknowledged.clone()) {
        (IncidentStatus::Resolved | IncidentStatus::Unknown(_), _) => return Err(status_conflict(incident)),
        (IncidentStatus::Acknowledged, Some(earlier)) if earlier.by == change.by => {
            return repeat(incident, &earlier, change);
        }
        (IncidentStatus::Acknowledged, _) => {
            check_limit(incident)?;
            IncidentChangeKind::TakenOver
        }
        (IncidentStatus::Open, _) => IncidentChangeKind::Acknowledged,
    };
    incident.status = IncidentStatus::Acknowledged;
    incident.first_acknowledged_at.get_or_insert(change.at);
    incident.acknowledged = Some(change.clone());
    complete_notify_admin(incident);
    record(incident, kind, change);
    Ok(true)
}

/// Resolves `incident`. If AGE and not a person resolves it, a resolution notification is due.
///
/// # Errors
/// [`IncidentConflict`] if it is resolved already.
pub fn resolve(incident: &mut Incident, change: StatusChange) -> Result<(), IncidentConflict> {
    if incident.status == IncidentStatus::Resolved {
        return Err(status_conflict(incident));
    }
    incident.status = IncidentStatus::Resolved;
    // The sender that holds the lease finds the incident resolved and does not set a due time.
    incident.lease_expires_at = None;
    incident.due_at = change.by.is_none().then_some(change.at);
    incident.resolved = Some(change.clone());
    complete_notify_admin(incident);
    record(incident, IncidentChangeKind::Resolved, change);
    Ok(())
}

/// Whether `incident` was resolved so recently that it can be reopened at `now`, unless its key has a newer incident.
#[must_use]
pub fn can_be_reopened(incident: &Incident, now: Timestamp) -> bool {
    let resolved = incident.resolved.as_ref().filter(|_| incident.status == IncidentStatus::Resolved);
    resolved.is_some_and(|resolved| now <= resolved.at.plus_seconds(REOPEN_WITHIN_SECONDS))
}

/// Reopens `incident`. People are reminded of it, and the second line is notified, as if it had been opened now.
fn reopen(incident: &mut Incident, change: StatusChange) -> Result<bool, IncidentConflict> {
    let Some(resolved) = incident.resolved.clone().filter(|_| incident.status == IncidentStatus::Resolved) else {
        let earlier = incident.reopened.clone().filter(|earlier| earlier.by == change.by);
        return match earlier {
            Some(earlier) => repeat(incident, &earlier, change),
            None => Err(status_conflict(incident)),
        };
    };
    if !can_be_reopened(incident, change.at) {
        return Err(IncidentConflict::ReopenedTooLate { resolved_at: resolved.at });
    }
    check_limit(incident)?;
    incident.status = IncidentStatus::Open;
    (incident.acknowledged, incident.resolved) = (None, None);
    incident.lease_expires_at = None;
    // The sweep finds out what is due next.
    incident.due_at = Some(change.at);
    incident.reopened = Some(change.clone());
    record(incident, IncidentChangeKind::Reopened, change);
    Ok(true)
}

/// Adds the note of `change` as a comment. Returns false if it is a retry of the latest comment, or there is no note.
fn comment(incident: &mut Incident, change: StatusChange) -> Result<bool, IncidentConflict> {
    let is_retry = |last: &IncidentChange| {
        let has_same_text =
            (last.kind, &last.by, &last.note) == (IncidentChangeKind::Commented, &change.by, &change.note);
        has_same_text && change.at <= last.at.plus_seconds(RETRY_SECONDS)
    };
    if change.note.is_none() || incident.last_change.as_ref().is_some_and(is_retry) {
        return Ok(false);
    }
    check_limit(incident)?;
    record(incident, IncidentChangeKind::Commented, change);
    Ok(true)
}

/// The caller repeats the change `earlier`, which stands. Another note is not lost: it becomes a comment.
fn repeat(incident: &mut Incident, earlier: &StatusChange, change: StatusChange) -> Result<bool, IncidentConflict> {
    if change.note == earlier.note { Ok(false) } else { comment(incident, change) }
}

fn record(incident: &mut Incident, kind: IncidentChangeKind, change: StatusChange) {
    incident.last_change = Some(IncidentChange::new(change_count(incident).saturating_add(1), kind, change));
}

fn check_limit(incident: &Incident) -> Result<(), IncidentConflict> {
    if change_count(incident) < MAX_CHANGES {
        Ok(())
    } else {
        Err(IncidentConflict::TooManyChanges { max: MAX_CHANGES })
    }
}

fn change_count(incident: &Incident) -> u32 {
    incident.last_change.as_ref().map_or(0, |last| last.number)
}

/// A person who changed the incident was reached, so its `notify_admin` has succeeded.
fn complete_notify_admin(incident: &mut Incident) {
    if let Some(NotifyAdmin { status, .. }) = &mut incident.notify_admin {
        *status = status.transition_to(ActionStatus::Succeeded).unwrap_or(*status);
    }
}

fn status_conflict(incident: &Incident) -> IncidentConflict {
    let change = incident.resolved.as_ref().or(incident.acknowledged.as_ref());
    IncidentConflict::Status { status: incident.status, by: change.and_then(|change| change.by.clone()) }
}

#[cfg(test)]
mod tests {
    use age_model::{IncidentCause, Severity};

    use super::*;
    use IncidentChangeKind::{Acknowledged, Commented, Reopened, Resolved, TakenOver};
    use IncidentCommand::{Acknowledge, AcknowledgeOpen, Comment, Reopen, Resolve};

    const HOUR: i64 = 3600;

    fn opened_at() -> Timestamp {
        "2026-11-23T00:00:00Z".parse().unwrap()
    }

    fn incident() -> Incident {
        let json = serde_json::json!({
            "opened_at": opened_at(), "cause": IncidentCause::CriticalEvent, "severity": Severity::Critical,
            "status": IncidentStatus::Open, "due_at": opened_at(),
            "notify_admin": { "event_id": "01936f2e-0000-7000-8000-00000000000a", "status": "dispatched" },
        });
        serde_json::from_value(json).unwrap()
    }

    /// Changes the incident so many seconds after it was opened.
    fn change(
        incident: &mut Incident,
        command: IncidentCommand,
        by: &str,
        note: &str,
        seconds: i64,
    ) -> Result<bool, IncidentConflict> {
        let note = Some(note.to_owned()).filter(|note| !note.is_empty());
        let by = Some(by.parse().unwrap());
        change_incident(incident, command, StatusChange { at: opened_at().plus_seconds(seconds), by, note })
    }

    fn last(incident: &Incident) -> (u32, IncidentChangeKind, &str, &str) {
        let last = incident.last_change.as_ref().unwrap();
        (last.number, last.kind, last.by.as_ref().map_or("", |by| by.as_str()), last.note.as_deref().unwrap_or(""))
    }

    #[test]
    fn acknowledging_again_with_another_note_adds_a_comment() {
        let mut it = incident();
        assert_eq!(change(&mut it, Acknowledge, "night-desk", "on it", 1), Ok(true));
        assert_eq!(last(&it), (1, Acknowledged, "night-desk", "on it"));
        for (note, seconds) in [("", 2), ("on it", 3), ("", 9000)] {
            assert_eq!(change(&mut it, Acknowledge, "night-desk", note, seconds), Ok(false), "{note}");
        }
        assert_eq!(change(&mut it, Acknowledge, "night-desk", "failing over", 60), Ok(true));
        assert_eq!(last(&it), (2, Commented, "night-desk", "failing over"));
        assert_eq!(change(&mut it, Acknowledge, "night-desk", "failing over", 61), Ok(false), "a retry");
        let acknowledged = it.acknowledged.unwrap();
        assert_eq!((acknowledged.at, acknowledged.note.as_deref()), (opened_at().plus_seconds(1), Some("on it")));
    }

    #[test]
    fn another_person_takes_the_incident_over() {
        let mut it = incident();
        change(&mut it, Acknowledge, "night-desk", "", 10).unwrap();
        assert_eq!(change(&mut it, AcknowledgeOpen, "day-desk", "", 20), Ok(false));
        assert_eq!(change(&mut it, Acknowledge, "day-desk", "my shift", 30), Ok(true));
        assert_eq!(last(&it), (2, TakenOver, "day-desk", "my shift"));
        assert_eq!(it.acknowledged.as_ref().unwrap().at, opened_at().plus_seconds(30));
        assert_eq!(
            it.first_acknowledged_at,
            Some(opened_at().plus_seconds(10)),
            "the time to acknowledge is the first"
        );
        assert_eq!(change(&mut it, Acknowledge, "night-desk", "", 40), Ok(true), "and back");
        assert_eq!(it.status, IncidentStatus::Acknowledged);
    }

    #[test]
    fn comment_is_possible_at_every_status_and_changes_none() {
        let mut it = incident();
        for command in [Acknowledge, Resolve, Reopen] {
            let before = it.clone();
            assert_eq!(change(&mut it, Comment, "night-desk", "a", 1), Ok(true));
            assert_eq!(change(&mut it, Comment, "night-desk", "a", 2), Ok(false), "a retry");
            assert_eq!(change(&mut it, Comment, "night-desk", "a", 2 + RETRY_SECONDS), Ok(true), "said again");
            assert_eq!(Incident { last_change: before.last_change.clone(), ..it.clone() }, before);
            change(&mut it, command, "day-desk", "", 3).unwrap();
        }
    }

    #[test]
    fn incident_can_be_reopened_for_24_hours() {
        let mut it = incident();
        change(&mut it, Acknowledge, "night-desk", "", 10).unwrap();
        change(&mut it, Resolve, "night-desk", "done", HOUR).unwrap();
        let late = change(&mut it.clone(), Reopen, "day-desk", "", 25 * HOUR + 1).unwrap_err();
        assert!(late.to_string().starts_with("the incident was resolved Mon 23 Nov 2026, 01:00:00 UTC"), "{late}");
        assert_eq!(change(&mut it, Reopen, "day-desk", "it is back", 25 * HOUR), Ok(true));
        assert_eq!(last(&it), (3, Reopened, "day-desk", "it is back"));
        let reopened_at = opened_at().plus_seconds(25 * HOUR);
        assert_eq!((it.status, &it.acknowledged, &it.resolved), (IncidentStatus::Open, &None, &None));
        assert_eq!((it.due_at, it.open_since()), (Some(reopened_at), reopened_at));
        assert_eq!(it.notify_admin.unwrap().status, ActionStatus::Succeeded, "it has reached a person");
        assert_eq!(change(&mut it, Reopen, "day-desk", "", 26 * HOUR), Ok(false), "a repeat");
        let other = change(&mut it, Reopen, "night-desk", "", 26 * HOUR).unwrap_err();
        assert_eq!(other.to_string(), "the incident is open already");
        change(&mut it, Acknowledge, "day-desk", "", 26 * HOUR).unwrap();
        assert_eq!(it.first_acknowledged_at, Some(opened_at().plus_seconds(10)));
    }

    #[test]
    fn incident_that_age_resolved_can_be_reopened() {
        let mut it = incident();
        resolve(&mut it, StatusChange { at: opened_at(), by: None, note: None }).unwrap();
        assert_eq!((last(&it), it.due_at), ((1, Resolved, "", ""), Some(opened_at())));
        assert_eq!(change(&mut it, Reopen, "day-desk", "", 5), Ok(true));
    }

    #[test]
    fn resolving_again_adds_the_note_and_another_person_is_told_who_did() {
        let mut it = incident();
        change(&mut it, Resolve, "night-desk", "", 1).unwrap();
        assert_eq!(change(&mut it, Resolve, "night-desk", "", 2), Ok(false));
        assert_eq!(change(&mut it, Resolve, "night-desk", "the cause was X", 2), Ok(true));
        assert_eq!(last(&it), (2, Commented, "night-desk", "the cause was X"));
        for command in [Resolve, Acknowledge] {
            let refused = change(&mut it, command, "day-desk", "", 3).unwrap_err();
            assert_eq!(refused.to_string(), "the incident is resolved already, by night-desk");
        }
    }

    #[test]
    fn changes_are_bounded_and_the_incident_can_still_be_resolved() {
        let mut it = incident();
        for number in 0..MAX_CHANGES {
            assert_eq!(change(&mut it, Comment, "night-desk", &format!("{number}"), 1), Ok(true));
        }
        let refused = change(&mut it, Comment, "night-desk", "more", 1).unwrap_err();
        assert_eq!(refused, IncidentConflict::TooManyChanges { max: 1000 });
        for (command, by) in [(Acknowledge, "night-desk"), (Resolve, "night-desk")] {
            assert_eq!(change(&mut it, command, by, "", 2), Ok(true));
        }
        assert_eq!(change(&mut it, Reopen, "day-desk", "", 3), Err(refused));
    }
}
