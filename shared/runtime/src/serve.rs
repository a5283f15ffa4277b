//! Serving requests and invocations until the execution environment ends.

use std::fmt::Display;

use axum::Router;
use lambda_http::Adapter;
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use crate::gateway;
use lambda_runtime::Error;

/// Serves HTTP requests with `router`.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn serve(router: Router) -> Result<(), Error> {
    let router = ServiceExt::<lambda_http::Request>::map_response(router, gateway::GatewayResponse);
    let router = ServiceExt::<lambda_http::Request>::map_request(router, gateway::name);
    lambda_runtime::run(Adapter::from(router).map_request(gateway::sanitize)).await
}

/// The event of a schedule, of which no field is read.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
pub struct ScheduledEvent {}

/// The event of a topic: its messages.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct TopicEvent {
    #[serde(rename = "Records")]
    records: Vec<TopicRecord>,
}

#[derive(Debug, Clone, serde::Deserialize)]
struct TopicRecord {
    #[serde(rename = "Sns")]
    sns: TopicMessage,
}

#[derive(Debug, Clone, serde::Deserialize)]
struct TopicMessage {
    #[serde(rename = "Message")]
    message: String,
}

impl TopicEvent {
    /// Returns the texts of the messages.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.records.iter().map(|record| record.sns.message.as_str())
    }
}

/// Serves invocations that are not HTTP requests, such as those of a schedule. An error fails the invocation; the template
/// decides whether Lambda retries it.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn on_invocation<In, Out, E, F>(run: F) -> Result<(), Error>
where
    In: DeserializeOwned,
    Out: Serialize,
    E: std::error::Error + Send + Sync + 'static,
    F: AsyncFn(In) -> Result<Out, E>,
{
    let run = &run;
    lambda_runtime::run(lambda_runtime::service_fn(|event: LambdaEvent<In>| async move {
        // Boxed, because the type of the future is too deep for the compiler otherwise.
        Box::pin(run(event.payload)).await.map_err(|error| {
            tracing::error!(%error, "invocation failed: {error}");
            Error::from(error)
        })
    }))
    .await
}

/// Waits for the first connection to the store during init, when CPU is free, instead of in the first request. A failure is
/// only logged: the first request fails in the same way and reports it to its caller.
pub async fn warm<E: Display>(contact: impl Future<Output = Result<(), E>>) {
    if let Err(error) = contact.await {
        tracing::warn!(%error, "cannot reach the store during init: {error}");
    }
}
