//! Working off the queue of one channel.

use std::time::Duration;

use age_model::{
    Channel, ChannelKind, ChannelTarget, Delivery, DeliveryAttempt, DeliveryLane, DeliveryResult, MAX_DELIVERY_AGE,
    StoreError, Timestamp, delivery_result,
};

use super::Relay;
use super::channel_request::{RequestParts, are_notices, channel_request};

/// How long a sender has the lane of a channel: longer than a run and its last request take together.
const LEASE: Duration = Duration::from_mins(1);

/// How many deliveries are read at once, and the most that one message to a chat combines.
const BATCH: usize = 25;

/// A chat gets up to so many pending deliveries one by one. More are combined, so that they do not wait for its rate.
const MOST_SEPARATE: usize = 5;

/// Whether a channel takes the next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChannelState {
    /// The next message may be sent.
    Accepting,
    /// The next message waits until the channel is to be tried again.
    Failing,
}

impl Relay {
    /// Sends what `channel` has yet to get until `deadline`, unless another sender does, or the channel is not to be tried yet.
    pub(super) async fn work_off_channel(&self, channel: &Channel, deadline: Timestamp) -> Result<(), StoreError> {
        let (deliveries, now) = (&self.0.deliveries, self.0.clock.now());
        if deliveries.pending(&channel.name, 1).await?.items.is_empty() {
            return Ok(());
        }
        let until = now.plus(LEASE);
        let Some(mut lane) = deliveries.lease(channel, now, until).await? else { return Ok(()) };
        let sent = self.send_pending(channel, &mut lane, deadline).await;
        deliveries.release(&channel.name, &lane, until).await?;
        sent
    }

    async fn send_pending(
        &self,
        channel: &Channel,
        lane: &mut DeliveryLane,
        deadline: Timestamp,
    ) -> Result<(), StoreError> {
        let opened = self.0.opener.open(&channel.name, &channel.target).await;
        let target = opened.inspect_err(|error| {
            tracing::error!(%error, channel = %channel.name, "cannot send to channel {}: {error}", channel.name);
        });
        while self.0.clock.now() < deadline {
            let pending = self.0.deliveries.pending(&channel.name, BATCH).await?.items;
            // A channel of the same name was removed before this one was created.
            let (earlier, pending): (Vec<_>, Vec<_>) =
                pending.into_iter().partition(|delivery| delivery.queued_at < channel.created_at);
            for delivery in &earlier {
                self.0.deliveries.remove(delivery).await?;
            }
            let (batch, later) = pending.split_at(batch_size(channel, &pending));
            if batch.is_empty() {
                if earlier.is_empty() {
                    break;
                }
                continue;
            }
            if self.send(channel, target.as_ref().ok(), (batch, later), lane).await? == ChannelState::Failing {
                break;
            }
        }
        Ok(())
    }

    /// Sends `batch`, which is not empty, as one message when the rate of `channel` allows it, and records the result. If the channel
    /// fails, those of `later` that have waited for a day are given up with it. A channel without a `target`, because it cannot be
    /// decrypted now, fails.
    async fn send(
        &self,
        channel: &Channel,
        target: Option<&ChannelTarget>,
        (batch, later): (&[Delivery], &[Delivery]),
        lane: &mut DeliveryLane,
    ) -> Result<ChannelState, StoreError> {
        let clock = self.0.clock.as_ref();
        if let Some(wait) = lane.paced_until.map(|until| until.since(clock.now())).filter(|wait| !wait.is_zero()) {
            clock.sleep(wait).await;
        }
        let (status, retry_after, detail) = match target {
            Some(target) => self.post(&RequestParts { channel, target, batch, now: clock.now() }).await,
            None => (None, None, "its target cannot be decrypted".to_owned()),
        };
        let now = clock.now();
        let age = batch.first().map_or(Duration::ZERO, |oldest| oldest.age(now));
        let result = lane.record(status, retry_after, age, now, clock.random());
        lane.paced_until = Some(now.plus(channel.kind.min_interval()));
        let attempt = DeliveryAttempt { at: now, channel: channel.name.clone(), kind: channel.kind, result, detail };
        tracing::info!(
            channel = %channel.name, result = %result, messages = batch.len(),
            "message to channel {}: {result}, {}", channel.name, attempt.detail
        );
        let has_failed = lane.retry_at.is_some();
        lane.last_attempt = Some(attempt.clone());
        let too_old = later.iter().filter(|delivery| has_failed && delivery.age(now) >= MAX_DELIVERY_AGE);
        for delivery in batch.iter().chain(too_old) {
            let attempt = DeliveryAttempt { result: delivery_result(status, delivery.age(now)), ..attempt.clone() };
            self.record_attempt(channel, delivery, &attempt).await?;
        }
        Ok(if has_failed { ChannelState::Failing } else { ChannelState::Accepting })
    }

    /// Sends the request of `parts`. Returns status and `Retry-After` of the response, and the status or the error in words.
    async fn post(&self, parts: &RequestParts<'_>) -> (Option<u16>, Option<Duration>, String) {
        match channel_request(parts) {
            Ok(request) => match self.0.sender.send(request).await {
                Ok(response) => (Some(response.status), response.retry_after, response.status.to_string()),
                Err(error) => (None, None, error.to_string()),
            },
            // A message that cannot be read now never will be: as if the channel had refused the message.
            Err(error) => (Some(400), None, error.to_string()),
        }
    }

    async fn record_attempt(
        &self,
        channel: &Channel,
        delivery: &Delivery,
        attempt: &DeliveryAttempt,
    ) -> Result<(), StoreError> {
        self.0.deliveries.add_attempt(delivery, attempt).await?;
        if attempt.result == DeliveryResult::Failed {
            return Ok(());
        }
        self.record_pager_state(channel, delivery, attempt.at).await?;
        self.0.deliveries.remove(delivery).await
    }
}

/// Returns how many of `pending` the next message to `channel` has: 1, or for a chat with many of them all, if they can be combined.
fn batch_size(channel: &Channel, pending: &[Delivery]) -> usize {
    let is_chat = matches!(channel.kind, ChannelKind::Slack | ChannelKind::MicrosoftTeams);
    let is_combined = is_chat && pending.len() > MOST_SEPARATE && are_notices(pending);
    if is_combined { pending.len() } else { pending.len().min(1) }
}
