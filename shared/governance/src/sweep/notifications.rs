//! Incidents that are due: people are notified, and incidents that have been quiet resolve.

use age_model::{IncidentKey, NotificationKind, StatusChange, StoreError, Timestamp};
use age_policy::NextStep;
use futures_util::stream::{self, StreamExt};

use super::{CONCURRENT_STEPS, Sweep, SweepReport};
use crate::incident_lifecycle::IncidentUpdate;
use crate::notify_people::DueNotification;

/// The most due incidents that one run reads from each partition of the index. The next run, a minute later, reads the others.
const MAX_DUE_PER_PARTITION: i32 = 250;

impl Sweep {
    /// Does what is due for incidents; begins no e-mail after `end`.
    pub(super) async fn process_due_incidents(
        &self,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let due = self.dispatcher.lifecycle().incidents().states().due(self.now(), MAX_DUE_PER_PARTITION).await?;
        let steps: Vec<_> = due.into_iter().map(|key| self.process_incident(key)).collect();
        let (mut first_line, mut second_line) = (Vec::new(), Vec::new());
        let steps = stream::iter(steps).buffered(CONCURRENT_STEPS).collect::<Vec<_>>().await;
        for error in steps.iter().filter_map(|step| step.as_ref().err()) {
            self.report_unreadable(error).await;
        }
        for step in steps {
            match step {
                Ok(Some(due)) if due.kind == NotificationKind::Escalation => second_line.push(due),
                Ok(Some(due)) => first_line.push(due),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "an incident is left to the next sweep: {error}");
                    report.failed += 1;
                }
            }
        }
        // The second line first: it gets few e-mails, and those to the first line may use up the rate limit.
        self.notify(&self.second_line, second_line, end, report).await;
        if report.notifications_reachable == Some(false) {
            // SNS would accept an e-mail that nobody receives; the incidents stay due until somebody subscribes.
            report.emails_held += first_line.len() as u64;
        } else {
            self.notify(self.notifier.topic(), first_line, end, report).await;
        }
        Ok(())
    }

    async fn notify(
        &self,
        topic: &age_notify::Topic,
        mut due: Vec<DueNotification>,
        end: Timestamp,
        report: &mut SweepReport,
    ) {
        due.sort_by(|a, b| (a.opened_at, &a.incident_key).cmp(&(b.opened_at, &b.incident_key)));
        report.add(&self.notifier.notify_all(topic, &due, end, self.clock.as_ref()).await);
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
        Ok(kind.zip(opened_at).map(|(kind, opened_at)| DueNotification { incident_key, opened_at, kind }))
    }
}
