//! Recording one event: store it with its plan, then dispatch its actions and notify people of a new incident.

use std::sync::Arc;

use age_model::{Action, ActionItem, ActionStatus, Clock, Event, IncidentKey, KeyId, StoreError, Timestamp};
use age_policy::ActivePolicy;
use futures_util::future::{join, join_all};
use futures_util::stream::{self, StreamExt};

use crate::dispatch_action::{ActionDispatcher, DispatchAttempt};
use crate::event_writer::EventWriter;
use crate::notify_people::{ClaimedAtOnce, NotifiedAtOnce, Notifier};
use crate::pending_event::{IncomingEvent, UnnotifiedIncident};
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

/// An event that this request has stored, before anything followed from it.
#[derive(Debug)]
pub(crate) struct StoredEvent {
    pub(crate) recorded: RecordedEvent,
    pub(crate) incident: UnnotifiedIncident,
    /// Whether people are notified of the incident or of pending approvals while the caller waits.
    pub(crate) is_notified: bool,
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

    /// Dispatches the pending remediations of `stored`, and notifies people of incidents and pending approvals. The messages to workers and
    /// the claims of notifications go out together, and then the e-mails, which have the status of the remediations. No notification is
    /// begun after `until`: the sweep sends it.
    pub(crate) async fn follow_up(
        &self,
        stored: &mut [StoredEvent],
        until: Timestamp,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) {
        let (attempts, claims) = join(self.begin_dispatches(stored, clock), self.claim_all(stored, until, clock)).await;
        for attempt in &attempts {
            set_action(stored, &attempt.new);
        }
        let recorded: Vec<_> = attempts.into_iter().map(|attempt| self.dispatcher.record(attempt, clock)).collect();
        let recorded = stream::iter(recorded).buffer_unordered(CONCURRENT_DISPATCHES).collect::<Vec<_>>();
        let sent = stored.iter().zip(claims).map(async |(StoredEvent { recorded, .. }, claimed)| match claimed {
            Some(claimed) => {
                let about = Some((&recorded.event, recorded.actions.as_slice()));
                self.notifier.send_at_once(claimed, about, origin, clock).await
            }
            None => NotifiedAtOnce::default(),
        });
        let (actions, notified) = join(recorded, join_all(sent)).await;
        for (item, _) in actions {
            set_action(stored, &item);
        }
        for (StoredEvent { recorded, .. }, notified) in stored.iter_mut().zip(notified) {
            recorded.set_notified(&notified);
        }
    }

    /// Publishes the messages of the pending remediations.
    async fn begin_dispatches(&self, stored: &[StoredEvent], clock: &dyn Clock) -> Vec<DispatchAttempt> {
        let is_pending = |item: &&ActionItem| item.status == ActionStatus::Pending && item.action.is_remediation();
        let pending = stored.iter().flat_map(|StoredEvent { recorded: RecordedEvent { event, actions }, .. }| {
            actions.iter().filter(is_pending).map(move |item| (event, item))
        });
        let begun: Vec<_> =
            pending.map(|(event, item)| self.dispatcher.begin_dispatch(event, item.clone(), clock)).collect();
        stream::iter(begun).buffer_unordered(CONCURRENT_DISPATCHES).collect().await
    }

    /// Claims the notifications of `stored`, each with the permits for an e-mail. One after the other: all of them take permits of one row.
    async fn claim_all(
        &self,
        stored: &[StoredEvent],
        until: Timestamp,
        clock: &dyn Clock,
    ) -> Vec<Option<ClaimedAtOnce>> {
        let mut claims = Vec::new();
        for StoredEvent { recorded, incident, is_notified } in stored {
            claims.push(if *is_notified && clock.now() <= until {
                let engine = recorded.event.reported.engine;
                let key = IncidentKey::of(&recorded.event.reported);
                let incident = match incident {
                    UnnotifiedIncident::None => None,
                    UnnotifiedIncident::Known(record) => Some((key, Some(record.as_ref().clone()))),
                    UnnotifiedIncident::Unread => Some((key, None)),
                };
                self.notifier.claim_at_once(engine, incident, &recorded.actions, clock).await
            } else {
                None
            });
        }
        claims
    }

    /// Notifies people of the incident of `key`, which a repeat has opened.
    pub(crate) async fn notify_of_repeat(&self, key: &IncidentKey, origin: Option<&str>, clock: &dyn Clock) {
        self.notifier.notify_at_once(key, origin, clock).await;
    }
}

impl RecordedEvent {
    /// Sets the status of the actions of which people were notified.
    fn set_notified(&mut self, notified: &NotifiedAtOnce) {
        for item in &mut self.actions {
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

/// Replaces the action of `stored` that `item` is.
fn set_action(stored: &mut [StoredEvent], item: &ActionItem) {
    let mut actions = stored.iter_mut().flat_map(|it| it.recorded.actions.iter_mut());
    if let Some(action) = actions.find(|it| (it.event_id, it.action) == (item.event_id, item.action)) {
        *action = item.clone();
    }
}
