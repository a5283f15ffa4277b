//! Recording one event: store it with its plan, then dispatch its actions and notify people of a new incident.

use std::sync::Arc;

use age_model::{Action, ActionItem, ActionStatus, Clock, Event, IncidentKey, KeyId, StoreError};
use age_policy::ActivePolicy;
use futures_util::stream::{self, StreamExt};

use crate::dispatch_action::ActionDispatcher;
use crate::event_writer::EventWriter;
use crate::notify_people::Notifier;
use crate::pending_event::IncomingEvent;
use crate::policy_cache::PolicyCache;

/// How many actions are dispatched at the same time.
const CONCURRENT_DISPATCHES: usize = 8;

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
    /// The event was stored before under the same identity.
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

    /// The active policy, by which events are planned.
    #[must_use]
    pub const fn policies(&self) -> &PolicyCache {
        self.dispatcher.policies()
    }

    pub(crate) fn active_policy(&self) -> Arc<ActivePolicy> {
        self.dispatcher.active_policy()
    }

    /// Stores an event in the name of `by`, then dispatches its pending actions and sends the initial notification of an incident that
    /// it opened. `origin` is the address of the API for links, if the notifier has none.
    ///
    /// # Errors
    /// [`StoreError`] if the event was not stored. What fails later is done by the sweep.
    pub async fn record(
        &self,
        incoming: IncomingEvent,
        by: &KeyId,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) -> Result<RecordResult, StoreError> {
        let result = self.record_batch(vec![incoming], by, origin, clock).await.into_iter().next().flatten();
        // A batch of one is always begun.
        result.unwrap_or_else(|| Err(self.writer.events.contended(0)))
    }

    /// Dispatches the pending remediations among the `actions` of each event.
    pub(crate) async fn dispatch(&self, recorded: &mut [RecordedEvent], clock: &dyn Clock) {
        let pending = recorded.iter_mut().flat_map(|RecordedEvent { event, actions }| {
            let is_pending =
                |item: &&mut ActionItem| item.status == ActionStatus::Pending && item.action.is_remediation();
            actions.iter_mut().filter(is_pending).map(|item| (&*event, item))
        });
        let dispatches: Vec<_> = pending
            .map(|(event, item)| async move {
                (*item, _) = self.dispatcher.dispatch(event, item.clone(), clock).await;
            })
            .collect();
        stream::iter(dispatches).buffer_unordered(CONCURRENT_DISPATCHES).collect::<Vec<()>>().await;
    }

    /// Notifies people of the incident that the event opened, if it did, and of its actions that are pending approval. Called last, so
    /// that the message has the status of the other actions.
    pub(crate) async fn notify(
        &self,
        RecordedEvent { event, actions }: &mut RecordedEvent,
        has_opened: bool,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) {
        let key = has_opened.then(|| IncidentKey::of(&event.reported));
        let about = Some((&*event, actions.as_slice()));
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

    /// Notifies people of the incident of `key`, which a repeat has opened.
    pub(crate) async fn notify_of_repeat(&self, key: &IncidentKey, origin: Option<&str>, clock: &dyn Clock) {
        self.notifier.notify_at_once(Some(key), None, origin, clock).await;
    }
}
