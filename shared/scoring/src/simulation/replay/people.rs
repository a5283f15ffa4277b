//! Changes of incidents by people, made again in the replay.

use age_model::{IncidentChangeKind, StatusChange};
use age_policy::{IncidentCommand, KeyChange};

use super::Replay;
use crate::simulation::history::RecordedIncident;

impl Replay<'_> {
    /// A person does what the change at `place` of `recorded` says: with the incident of the same id, or else with the one that is open
    /// for its key, because the person would have found that one.
    pub(super) fn change_incident(&mut self, recorded: &RecordedIncident, place: usize) {
        let Some(change) = recorded.changes.get(place) else { return };
        let command = match change.kind {
            IncidentChangeKind::Acknowledged | IncidentChangeKind::TakenOver => IncidentCommand::Acknowledge,
            IncidentChangeKind::Commented => IncidentCommand::Comment,
            IncidentChangeKind::Resolved => IncidentCommand::Resolve,
            IncidentChangeKind::Reopened => IncidentCommand::Reopen,
            IncidentChangeKind::Unknown(_) => return,
        };
        let key = &recorded.id.key;
        let mut state = self.record(key).state;
        let is_open = state.open_incident().is_some();
        let Some(incident) = state.incident.as_mut() else { return };
        if incident.opened_at != recorded.id.opened_at && !is_open {
            return;
        }
        // Comments differ, which their text would show.
        let note = (command == IncidentCommand::Comment).then(|| place.to_string());
        let status_change = StatusChange { at: self.now, by: change.by.clone(), note };
        if age_policy::change_incident(incident, command, status_change) == Ok(true) {
            state.version = state.version.saturating_add(1);
            self.apply(key, KeyChange::to(state), self.now);
        }
    }
}
