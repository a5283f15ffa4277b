//! The recorded inputs of a period, in order.

use age_model::{ActionStatus, Engine, EventId, Timestamp};

use crate::simulation::history::{History, RecordedAction, RecordedEvent, RecordedIncident};

/// Something that AGE was told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Input<'a> {
    /// Events were accepted in the same millisecond.
    Events(&'a [RecordedEvent]),
    /// The problem of this event was heard again.
    Repeat(EventId),
    /// An engine was heard.
    Heard(Engine),
    /// A responder decided on the approval of this action.
    Decision(&'a RecordedAction),
    /// A person changed this incident: the change at this place.
    Change(&'a RecordedIncident, usize),
}

/// The inputs of a period.
pub(super) struct Inputs;

impl Inputs {
    /// Returns the inputs of `history` in order.
    pub(super) fn of(history: &History) -> Vec<(Timestamp, Input<'_>)> {
        let groups = history.events.chunk_by(|a, b| a.occurred_at == b.occurred_at);
        let events = groups.filter_map(|group| Some((group.first()?.occurred_at, Input::Events(group))));
        let decisions = history
            .actions
            .iter()
            .filter_map(|action| Some((action.approval.as_ref()?.decided_at?, Input::Decision(action))));
        let changes = history.incidents.iter().flat_map(|incident| {
            let by_people = incident.changes.iter().enumerate().filter(|(_, change)| change.by.is_some());
            by_people.map(move |(place, change)| (change.at, Input::Change(incident, place)))
        });
        let heard = history
            .engines
            .iter()
            .flat_map(|(engine, recorded)| recorded.heard.iter().map(|at| (*at, Input::Heard(*engine))));
        let mut inputs: Vec<_> = events.chain(repeats(history)).chain(decisions).chain(changes).chain(heard).collect();
        inputs.retain(|(at, _)| history.from <= *at);
        inputs.sort_by_key(|(at, input)| (*at, order(input)));
        inputs
    }
}

/// The order of inputs of the same millisecond.
const fn order(input: &Input<'_>) -> u8 {
    match input {
        Input::Events(_) => 0,
        Input::Repeat(_) => 1,
        Input::Heard(_) => 2,
        Input::Decision(_) => 3,
        Input::Change(..) => 4,
    }
}

/// Returns the repeats that have left a trace. AGE does not record repeats one by one: a remediation that became ineffective without
/// an event was proven so by one.
fn repeats(history: &History) -> impl Iterator<Item = (Timestamp, Input<'_>)> {
    let ineffective = history.actions.iter().filter(|action| action.status == ActionStatus::Ineffective);
    ineffective.filter_map(|action| {
        let at = action.verified_at?;
        let is_event = |event: &&RecordedEvent| event.key() == action.key();
        let first = history.events.partition_point(|event| event.occurred_at < at);
        let mut same_time = history.events.get(first..)?.iter().take_while(|event| event.occurred_at == at);
        let is_repeat = same_time.find(is_event).is_none();
        is_repeat.then_some((at, Input::Repeat(action.event_id)))
    })
}
