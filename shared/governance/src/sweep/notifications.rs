//! Incidents and approvals that are due: people are notified, and incidents that have been quiet resolve.

use age_model::{IncidentKey, NotificationKind, StoreError, Timestamp, take_turns};
use age_notify::Topic;
use age_store::{DueIncident, DueItems, EventCounting, NotifiedLine};
use futures_util::stream::{self, StreamExt};

use super::{CONCURRENT_STEPS, Sweep, SweepReport, seconds_since};
use crate::due_notification::DueNotification;
use crate::incident_lifecycle::IncidentUpdate;

/// The most due incidents of an engine that one run reads: so many that nobody was notified of, and so many others. The next run,
/// a minute later, reads further.
const MAX_DUE_PER_ENGINE: usize = 500;

/// How much of a run is left for e-mails, in seconds, however many incidents are due.
const EMAILS_SECONDS: i64 = 10;

/// The result of the step that was due for an incident.
enum Step {
    /// People are to be notified.
    Notify(DueNotification),
    /// Nothing is due any more.
    None,
    /// The time was up; the next run does it.
    LeftOver(DueIncident),
}

impl Sweep {
    /// Does what is due for incidents, and notifies people of them and of `approvals`; begins no e-mail after `end`.
    pub(super) async fn process_due_notifications(
        &self,
        approvals: Vec<DueNotification>,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let (mut first_line, mut second_line) = (approvals, Vec::new());
        let states = self.dispatcher.lifecycle().incidents().states();
        let due = states.due(self.now(), MAX_DUE_PER_ENGINE).await;
        // If the index cannot be read, people are notified of approvals all the same.
        let (due, mut left_since, result) = match due {
            Ok(DueItems { items, unread_since }) => (items, unread_since, Ok(())),
            Err(error) => (Vec::new(), None, Err(error)),
        };
        let steps_end = end.plus_seconds(-EMAILS_SECONDS);
        let steps: Vec<_> = in_turns(due).into_iter().map(|due| self.process_due(due, steps_end)).collect();
        let steps = stream::iter(steps).buffered(CONCURRENT_STEPS).collect::<Vec<_>>().await;
        for error in steps.iter().filter_map(|step| step.as_ref().err()) {
            self.report_unreadable(error).await;
        }
        for step in steps {
            match step {
                Ok(Step::Notify(due)) if is_escalation(&due) => second_line.push(due),
                Ok(Step::Notify(due)) => first_line.push(due),
                Ok(Step::None) => {}
                Ok(Step::LeftOver(due)) => {
                    report.emails_held += 1;
                    report.set_oldest_unnotified(due.is_new.then_some(due.due_at), self.now());
                    left_since = left_since.into_iter().chain([due.due_at]).min();
                }
                Err(error) => {
                    tracing::error!(%error, "an incident is left to the next sweep: {error}");
                    report.failed += 1;
                }
            }
        }
        report.incidents_behind_seconds = seconds_since(left_since, self.now());
        // The second line first: it gets few e-mails, and those to the first line may take until the end of the run.
        self.notify(NotifiedLine::Second, &self.second_line, second_line, end, report).await;
        if report.notifications_reachable == Some(false) {
            // SNS would accept an e-mail that nobody receives; they stay due until somebody subscribes.
            report.emails_held += first_line.len() as u64;
            let since = first_line.iter().filter(|due| due.is_initial()).map(DueNotification::since).min();
            report.set_oldest_unnotified(since, self.now());
        } else {
            self.notify(NotifiedLine::First, self.notifier.topic(), first_line, end, report).await;
        }
        result
    }

    async fn notify(
        &self,
        line: NotifiedLine,
        topic: &Topic,
        due: Vec<DueNotification>,
        end: Timestamp,
        report: &mut SweepReport,
    ) {
        let sent = self.notifier.notify_all(line, topic, due, end, self.clock.as_ref()).await;
        report.add(&sent, self.now());
    }

    /// Does what is due for an incident, unless it is after `end`.
    async fn process_due(&self, due: Result<DueIncident, StoreError>, end: Timestamp) -> Result<Step, StoreError> {
        let due = due?;
        if self.now() > end {
            return Ok(Step::LeftOver(due));
        }
        Ok(self.process_incident(due.key).await?.map_or(Step::None, Step::Notify))
    }

    /// Returns the notification that is due for an incident key, after doing what else is due for it.
    async fn process_incident(&self, incident_key: IncidentKey) -> Result<Option<DueNotification>, StoreError> {
        let active = self.dispatcher.active_policy();
        let rules = &active.policy.incidents;
        let (mut kind, mut opened_at, mut is_sharded) = (None, None, false);
        let incidents = self.dispatcher.lifecycle().incidents();
        let changed = incidents.change(&incident_key, &active.hash, self.clock.as_ref(), |record| {
            let now = self.now();
            let mut state = record.state.clone();
            let Some(incident) = state.incident.as_mut() else { return Ok(None) };
            (kind, opened_at) = (None, Some(incident.opened_at));
            let step = match record.counting {
                EventCounting::InState => rules.take_step(incident, record.counters, now),
                EventCounting::InShards | EventCounting::Merging(_) => {
                    is_sharded = true;
                    rules.take_step_while_counting(incident, record.counters, now)
                }
            };
            kind = step.notification;
            if !step.has_changed {
                return Ok(None);
            }
            Ok::<_, StoreError>(Some(IncidentUpdate { state, notification: None, at: now }))
        });
        changed.await?;
        if is_sharded {
            incidents.states().merge_shards(&incident_key, self.now()).await?;
        }
        Ok(kind.zip(opened_at).map(|(kind, opened_at)| DueNotification::Incident {
            key: incident_key,
            opened_at,
            kind,
        }))
    }
}

/// Returns `due` in the order in which it is done: incidents that nobody was notified of first. Among those, and among the others,
/// engines take turns.
fn in_turns(due: Vec<Result<DueIncident, StoreError>>) -> Vec<Result<DueIncident, StoreError>> {
    let is_new = |due: &Result<DueIncident, StoreError>| due.as_ref().is_ok_and(|due| due.is_new);
    let (new, others): (Vec<_>, Vec<_>) = due.into_iter().partition(is_new);
    let engine = |due: &Result<DueIncident, StoreError>| due.as_ref().ok().map(|due| due.key.engine);
    [new, others].map(|due| take_turns(due, engine)).into_iter().flatten().collect()
}

const fn is_escalation(due: &DueNotification) -> bool {
    matches!(due, DueNotification::Incident { kind: NotificationKind::Escalation, .. })
}
