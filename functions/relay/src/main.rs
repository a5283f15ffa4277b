//! Trigger: the queue of messages for channels, in batches, and EventBridge Scheduler, every minute.
//! Permissions: read channels and incidents, decrypt with the key of channels, read and write deliveries.
//! State: clients, connections to channels, and their decrypted targets.

use std::sync::Arc;

use age_governance::{Relay, RelayParts};
use age_https::{HttpsClient, HttpsSettings};
use age_model::{Clock, StoreError};
use age_runtime::{Error, QueueEvent, QueueResponse, ReceiverAddress, SystemClock, aws, config, logs};
use age_secrets::TargetKey;
use age_store::{Channels, Deliveries, DynamoDb, Incidents};

config! {
    /// The configuration of the function.
    struct Config {
        clock: SystemClock,
        channels_table: String,
        channels_key_arn: String,
        deliveries_table: String,
        incidents_table: String,
        /// The address that all requests of channels go to on the local AWS, such as `127.0.0.1:8443`. Not set on AWS.
        receiver_address: ReceiverAddress,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let aws = aws::config().await;
    let db = DynamoDb::new(&aws);
    let clock: Arc<dyn Clock> = Arc::new(config.clock);
    let settings = HttpsSettings { receiver: config.receiver_address.0, ..HttpsSettings::default() };
    let relay = Relay::new(RelayParts {
        channels: Channels::new(&db, config.channels_table),
        deliveries: Deliveries::new(&db, config.deliveries_table),
        incidents: Incidents::new(&db, config.incidents_table),
        opener: Box::new(TargetKey::new(&aws, config.channels_key_arn)),
        sender: Box::new(HttpsClient::new(settings, clock.clone())?),
        clock,
    });
    age_runtime::on_invocation(async |event: QueueEvent| handle(&relay, &event).await).await
}

/// Queues the messages of `event` for the channels, and delivers what is due. Messages that were not queued are received again.
async fn handle(relay: &Relay, event: &QueueEvent) -> Result<QueueResponse, StoreError> {
    let mut response = QueueResponse::default();
    for message in event.messages() {
        if let Err(error) = relay.queue(&message.body, message.sent_at()).await {
            tracing::error!(%error, message.id = message.id(), "message {} was not queued for the channels: {error}", message.id());
            response.add_failure(message);
        }
    }
    if event.messages().is_empty() {
        relay.run().await?;
    } else if let Err(error) = relay.work_off().await {
        // Queued messages are not lost: the next run delivers them.
        tracing::warn!(%error, "not all channels had their turn: {error}");
    }
    Ok(response)
}
