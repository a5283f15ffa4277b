//! Recording one event: store it with its plan, then dispatch its actions and notify people of a new incident.

use age_model::{Action, ActionItem, ActionStatus, Clock, Event, IncidentKey, IncidentState, NewEvent, StoreError};
use age_policy::Policy;

use crate::dispatch_action::ActionDispatcher;
use crate::event_writer::{EventWriter, PlanEvent};
use crate::notify_people::Notifier;
use crate::pending_event::{IncomingEvent, WriteOutcome};

/// Records events. Build one per execution environment.
#[derive(Debug)]
pub struct EventRecorder {
    pub(crate) writer: EventWriter,
    dispatcher: ActionDispatcher,
    notifier: Notifier,
}

/// A stored event with its actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// The event.
    pub event: Event,
    /// Its actions, as they are now.
    pub actions: Vec<ActionItem>,
}

/// The result of recording an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordResult {
    /// The event is stored now.
    Created(RecordedEvent),
    /// The event was stored before under the same idempotency key.
    Replayed(RecordedEvent),
    /// The idempotency key belongs to another event. Nothing was stored.
    KeyReused,
}

impl EventRecorder {
    /// Combines the parts.
    #[must_use]
    pub const fn new(writer: EventWriter, dispatcher: ActionDispatcher, notifier: Notifier) -> Self {
        Self { writer, dispatcher, notifier }
    }

    /// The policy that events are planned by.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        self.dispatcher.policy()
    }

    /// Whether `reported` may lead to actions or an incident.
    pub(crate) fn needs_plan(&self, reported: &NewEvent) -> bool {
        reported.severity >= self.policy().actions.min_severity
    }

    /// Stores an event, then dispatches its pending actions and notifies people of an incident that it opened and of actions that
    /// are pending approval.
    /// `origin` is the address of the API for links, if the notifier has none.
    ///
    /// # Errors
    /// [`StoreError`] if the event was not stored. What fails later is done by the sweep.
    pub async fn record(
        &self,
        incoming: IncomingEvent<'_>,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) -> Result<RecordResult, StoreError> {
        let policy = self.policy();
        let plan = |event: &Event, state: &IncidentState| age_policy::plan(policy, event, state);
        let planning = self.needs_plan(&incoming.reported).then_some((&plan as PlanEvent<'_>, Policy::HASH));
        Ok(match self.writer.write(incoming, planning, clock).await? {
            WriteOutcome::Created { event, mut actions, may_notify } => {
                self.dispatch(&event, &mut actions, clock).await;
                let is_pending_approval = |item: &ActionItem| item.status == ActionStatus::PendingApproval;
                if may_notify || actions.iter().any(is_pending_approval) {
                    self.notify(&event, &mut actions, may_notify, origin, clock).await;
                }
                RecordResult::Created(RecordedEvent { event, actions })
            }
            WriteOutcome::Replayed(event) => {
                let actions = self.writer.actions_of(&event).await?;
                RecordResult::Replayed(RecordedEvent { event, actions })
            }
            WriteOutcome::KeyReused => RecordResult::KeyReused,
        })
    }

    async fn dispatch(&self, event: &Event, actions: &mut [ActionItem], clock: &dyn Clock) {
        for item in actions {
            if item.status == ActionStatus::Pending && item.action.is_remediation() {
                (*item, _) = self.dispatcher.dispatch(event, item.clone(), clock).await;
            }
        }
    }

    /// Notifies people last, so that the message has the status of the other actions.
    async fn notify(
        &self,
        event: &Event,
        actions: &mut [ActionItem],
        may_notify_incident: bool,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) {
        let key = may_notify_incident.then(|| IncidentKey::of(&event.reported));
        let about = Some((event, &*actions));
        let notified = self.notifier.notify_at_once(key.as_ref(), about, origin, clock).await;
        for item in actions {
            let is_pending = (item.action, item.status) == (Action::NotifyAdmin, ActionStatus::Pending);
            if let Some(at) = notified.incident_notified_at.filter(|_| is_pending) {
                (item.status, item.dispatched_at) = (ActionStatus::Dispatched, Some(at));
            }
            if let Some(approval) = notified.approvals.iter().find(|approval| approval.action == item.action) {
                *item = approval.clone();
            }
        }
    }
}
