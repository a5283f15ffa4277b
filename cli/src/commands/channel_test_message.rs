//! `agectl channel test`: sends a test message, and waits for what comes of it.

use std::time::Duration;

use age_model::Timestamp;

use crate::api_client::ApiClient;
use crate::api_response::ApiResponse;
use crate::commands::channel_view::{Channel, Delivery, RESOURCE};
use crate::error::Error;
use crate::session::Session;

/// Sends a test message to the channel `name`, and prints the result of the next delivery. Does not wait if `wait` is zero.
///
/// # Errors
/// [`Error::NotDelivered`] if the delivery failed, [`Error::NoDelivery`] if none was attempted within `wait`.
pub(super) async fn send_test_message(name: &str, wait: Duration, session: &mut Session<'_>) -> Result<(), Error> {
    let client = session.api_client().await?;
    // Read before the request: AGE may deliver the message before its response arrives.
    let before: Channel = client.get_named(&[RESOURCE, name]).await?.parse()?;
    let latest = before.last_delivery.map(|delivery| delivery.at);
    let response = client.post_without_body(&[RESOURCE, name, "test"]).await?;
    if wait.is_zero() {
        if session.json {
            return session.print_json(&response.body);
        }
        return session.print_line(&format!("AGE sends a test message to channel {name}"));
    }
    let Some((response, delivery)) = next_delivery(name, latest, wait, &client, session.initial_backoff).await? else {
        return Err(Error::NoDelivery { channel: name.to_owned(), wait });
    };
    if session.json {
        session.print_json(&response.body)?;
    } else if delivery.is_delivered() {
        session.print_line(&format!("Channel {name} delivered the test message: {}", delivery.as_text()))?;
    }
    if delivery.is_delivered() {
        return Ok(());
    }
    let Delivery { result, detail, .. } = delivery;
    Err(Error::NotDelivered { channel: name.to_owned(), result, detail: detail.unwrap_or_default() })
}

/// Asks AGE until the channel `name` has a delivery after `latest`. Returns the last response and this delivery, or `None` after `wait`.
async fn next_delivery(
    name: &str,
    latest: Option<Timestamp>,
    wait: Duration,
    client: &ApiClient,
    initial_backoff: Duration,
) -> Result<Option<(ApiResponse, Delivery)>, Error> {
    let mut waited = Duration::ZERO;
    while waited < wait {
        // A delivery takes a second or two. It may wait for others, because AGE keeps the rate of the channel's service.
        let pause = initial_backoff.saturating_mul(2).min(wait.saturating_sub(waited));
        tokio::time::sleep(pause).await;
        waited = waited.saturating_add(pause);
        let response = client.get(&[RESOURCE, name], &[]).await?;
        let delivery = response.parse::<Channel>()?.last_delivery;
        if let Some(delivery) = delivery.filter(|delivery| latest.is_none_or(|latest| delivery.at > latest)) {
            return Ok(Some((response, delivery)));
        }
    }
    Ok(None)
}
