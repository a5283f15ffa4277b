//! Incidents: writing to people about those that need it, and ending those that are over.

use age_dispatch::Due;
use age_model::{IncidentKey, NotificationKind, StatusChange, Timestamp};
use age_scoring::NextStep;
use age_store::{Change, StoreError};
use futures_util::stream::{self, StreamExt};

use crate::{STEPS_AT_ONCE, Sweep, Swept};

/// How many incidents of each partition of what is due one run takes. The rest waits for the next, a minute later.
const TAKEN_AT_ONCE: i32 = 250;

impl Sweep {
    /// Does what is due about incidents, and begins no e-mail after `end`.
    pub(crate) async fn people(&self, end: Timestamp, swept: &mut Swept) -> Result<(), StoreError> {
        let due = self.dispatcher.life().watches().due(self.now(), TAKEN_AT_ONCE).await?;
        let looks: Vec<_> = due.into_iter().map(|row| self.need(row)).collect();
        let (mut first_line, mut second_line) = (Vec::new(), Vec::new());
        for need in stream::iter(looks).buffered(STEPS_AT_ONCE).collect::<Vec<_>>().await {
            match need {
                Ok(Some(due)) if due.notification == NotificationKind::Escalation => second_line.push(due),
                Ok(Some(due)) => first_line.push(due),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "an incident is left for the next sweep");
                    swept.failed += 1;
                }
            }
        }
        let clock = self.clock.as_ref();
        // The second line first: it has few e-mails, and the first line may use up what is left.
        for (line, due) in [(Some(&self.second_line), &mut second_line), (None, &mut first_line)] {
            if line.is_none() && swept.notifications_reachable == Some(false) {
                // SNS would take an e-mail to nobody. It waits until somebody has subscribed.
                swept.emails_held += due.len() as u64;
                continue;
            }
            due.sort_by(|a: &Due, b: &Due| (a.opened_at, &a.incident_key).cmp(&(b.opened_at, &b.incident_key)));
            swept.mailed(&self.escalations.write(line, due, end, clock).await);
        }
        Ok(())
    }

    /// What people are to be told about the incident of a kind; what else is due about it is done.
    async fn need(&self, incident_key: Result<IncidentKey, StoreError>) -> Result<Option<Due>, StoreError> {
        let (incident_key, rules) = (incident_key?, &self.dispatcher.policy().incidents);
        let (mut notification, mut opened_at) = (None, None);
        self.dispatcher
            .life()
            .change(&incident_key, self.clock.as_ref(), |record| {
                let now = self.now();
                let mut state = record.state.clone();
                let Some(incident) = state.incident.as_mut() else { return Ok(None) };
                (notification, opened_at) = (None, Some(incident.opened_at));
                let due_at = incident.due_at;
                match rules.next_step(incident, record.counters, now) {
                    NextStep::Notify(kind) => {
                        notification = Some(kind);
                        return Ok(None);
                    }
                    NextStep::Resolve => {
                        let over = age_scoring::resolve(incident, StatusChange { at: now, by: None, note: None });
                        notification = over.is_ok().then_some(NotificationKind::Resolution);
                    }
                    NextStep::Wait(until) => incident.due_at = Some(until),
                    NextStep::Nothing => incident.due_at = None,
                }
                if notification.is_none() && incident.due_at == due_at {
                    return Ok(None);
                }
                Ok::<_, StoreError>(Some(Change { state, notification: None, at: now }))
            })
            .await?;
        Ok(notification.zip(opened_at).map(|(notification, opened_at)| Due { incident_key, opened_at, notification }))
    }
}
