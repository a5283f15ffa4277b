//! Incidents and approvals that are due: people are notified, and incidents that have been quiet resolve.

use age_model::{IncidentKey, NotificationKind, StatusChange, StoreError, Timestamp};
use age_notify::Topic;
use age_policy::NextStep;
use age_store::NotifiedLine;
use futures_util::stream::{self, StreamExt};

use super::{CONCURRENT_STEPS, Sweep, SweepReport};
use crate::due_notification::DueNotification;
use crate::incident_lifecycle::IncidentUpdate;

/// The most due incidents of an engine that one run reads: so many that nobody was notified of, and so many others. The next run,
/// a minute later, reads further.
const MAX_DUE_PER_PARTITION: i32 = 500;

impl Sweep {
    /// Does what is due for incidents, and notifies people of them and of `approvals`; begins no e-mail after `end`.
    pub(super) async fn process_due_notifications(
        &self,
        approvals: Vec<DueNotification>,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let (mut first_line, mut second_line) = (approvals, Vec::new());
        let due = self.dispatcher.lifecycle().incidents().states().due(self.now(), MAX_DUE_PER_PARTITION).await;
        // If the index cannot be read, people are notified of approvals all the same.
        let (due, result) = due.map_or_else(|error| (Vec::new(), Err(error)), |due| (due, Ok(())));
        let steps: Vec<_> = due.into_iter().map(|key| self.process_incident(key)).collect();
        let steps = stream::iter(steps).buffered(CONCURRENT_STEPS).collect::<Vec<_>>().await;
        for error in steps.iter().filter_map(|step| step.as_ref().err()) {
            self.report_unreadable(error).await;
        }
        for step in steps {
            match step {
                Ok(Some(due)) if is_escalation(&due) => second_line.push(due),
                Ok(Some(due)) => first_line.push(due),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "an incident is left to the next sweep: {error}");
                    report.failed += 1;
                }
            }
        }
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

    /// Returns the notification that is due for an incident key, after doing what else is due for it.
    async fn process_incident(
        &self,
        key: Result<IncidentKey, StoreError>,
    ) -> Result<Option<DueNotification>, StoreError> {
        let (incident_key, rules) = (key?, &self.dispatcher.policy().incidents);
        let (mut kind, mut opened_at) = (None, None);
        let incidents = self.dispatcher.lifecycle().incidents();
        let changed = incidents.change(&incident_key, self.clock.as_ref(), |record| {
            let now = self.now();
            let mut state = record.state.clone();
            let Some(incident) = state.incident.as_mut() else { return Ok(None) };
            (kind, opened_at) = (None, Some(incident.opened_at));
            let due_at = incident.due_at;
            match rules.next_step(incident, record.counters, now) {
                NextStep::Notify(next) => {
                    kind = Some(next);
                    return Ok(None);
                }
                NextStep::Resolve => {
                    let resolved = age_policy::resolve(incident, StatusChange { at: now, by: None, note: None });
                    kind = resolved.is_ok().then_some(NotificationKind::Resolution);
                }
                NextStep::Wait(until) => incident.due_at = Some(until),
                NextStep::Nothing => incident.due_at = None,
                NextStep::Unknown => return Ok(None),
            }
            if kind.is_none() && incident.due_at == due_at {
                return Ok(None);
            }
            Ok::<_, StoreError>(Some(IncidentUpdate { state, notification: None, at: now }))
        });
        changed.await?;
        Ok(kind.zip(opened_at).map(|(kind, opened_at)| DueNotification::Incident {
            key: incident_key,
            opened_at,
            kind,
        }))
    }
}

const fn is_escalation(due: &DueNotification) -> bool {
    matches!(due, DueNotification::Incident { kind: NotificationKind::Escalation, .. })
}
