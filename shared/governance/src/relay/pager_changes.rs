//! Changes of incidents by people reach the pager: an alert is acknowledged and resolved when its incident is. Nobody is notified of what
//! people do, so the relay compares the alerts that are open with their incidents.

use age_model::{
    Channel, ChannelKind, Delivery, Incident, IncidentId, IncidentStatus, MessageId, StoreError, Timestamp,
};
use age_notify::channels::{ChannelNotice, IncidentRef};
use age_store::OpenAlert;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::Relay;

/// How many incidents are read at the same time.
const CONCURRENT_READS: usize = 16;

impl Relay {
    /// Queues a message for each alert whose incident has changed its status.
    pub(super) async fn queue_pager_changes(&self, channels: &[Channel]) -> Result<(), StoreError> {
        for channel in channels.iter().filter(|channel| channel.kind == ChannelKind::PagerDuty) {
            let alerts = self.0.deliveries.open_alerts(&channel.name).await?;
            // A channel of the same name was removed before this one was created.
            let (earlier, alerts): (Vec<_>, Vec<_>) =
                alerts.into_iter().partition(|alert| alert.delivered_at < channel.created_at);
            for alert in &earlier {
                self.0.deliveries.remove_alert(&channel.name, &alert.incident).await?;
            }
            let changes = stream::iter(&alerts).map(|alert| self.change_of(channel, alert));
            let changes: Vec<Option<Delivery>> = changes.buffered(CONCURRENT_READS).try_collect().await?;
            for change in changes.iter().flatten() {
                self.0.deliveries.add(change).await?;
            }
        }
        Ok(())
    }

    /// Returns the message about the change of the incident of `alert`, if it has changed.
    async fn change_of(&self, channel: &Channel, alert: &OpenAlert) -> Result<Option<Delivery>, StoreError> {
        let Ok(id) = alert.incident.parse::<IncidentId>() else { return Ok(None) };
        let incident = match self.0.incidents.incident(&id).await {
            // A row of a later version. Other incidents go on.
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(%error, incident.id = %id, "left out the changes of incident {id} for a pager: {error}");
                return Ok(None);
            }
            incident => incident?,
        };
        // An incident that has expired was resolved long before.
        let (status, at) =
            incident.map_or((IncidentStatus::Resolved, self.0.clock.now()), |incident| status_of(&incident));
        let Ok(mut notice) = serde_json::from_str::<ChannelNotice>(&alert.content) else { return Ok(None) };
        if status == alert.status || !status.is_known() {
            return Ok(None);
        }
        notice.set_incident_status(status);
        // INVARIANT: a notice is always serializable.
        let content = serde_json::to_string(&notice).unwrap_or_default();
        let message = MessageId::of(&format!("{}\n{status}\n{at}", alert.incident));
        let incidents = vec![alert.incident.clone()];
        // By the time of the change, so that it is queued once however often it is seen.
        Ok(Some(Delivery { channel: channel.name.clone(), queued_at: at, message, part: 0, incidents, content }))
    }

    /// Stores what the pager knows of the incident of `delivery`, which was delivered or given up at `at`. A change that was given up
    /// counts as known: else it would be queued again.
    pub(super) async fn record_pager_state(
        &self,
        channel: &Channel,
        delivery: &Delivery,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if channel.kind != ChannelKind::PagerDuty {
            return Ok(());
        }
        let Ok(notice) = serde_json::from_str::<ChannelNotice>(&delivery.content) else { return Ok(()) };
        let Some(IncidentRef { id: incident, status, .. }) = notice.incident else { return Ok(()) };
        if status == IncidentStatus::Resolved {
            return self.0.deliveries.remove_alert(&channel.name, &incident).await;
        }
        let alert = OpenAlert { incident, status, content: delivery.content.clone(), delivered_at: at };
        self.0.deliveries.set_alert(&channel.name, &alert).await
    }
}

/// Returns the status of an incident, and since when it has it.
fn status_of(incident: &Incident) -> (IncidentStatus, Timestamp) {
    let change = match incident.status {
        IncidentStatus::Resolved => incident.resolved.as_ref(),
        IncidentStatus::Acknowledged => incident.acknowledged.as_ref(),
        _ => incident.reopened.as_ref(),
    };
    (incident.status, change.map_or(incident.opened_at, |change| change.at))
}
