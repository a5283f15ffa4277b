//! Sends the requests of channels over HTTPS.

use std::sync::Arc;

use age_https::{AddressRule, HttpsClient, HttpsError, HttpsSettings, HttpsUrl};
use age_model::{ChannelRequest, ChannelResponse, ChannelSender, Clock, SendError, SentFuture};

/// An HTTPS client as a sender of channels.
pub(crate) struct HttpsSender {
    rule: AddressRule,
    client: HttpsClient,
}

impl HttpsSender {
    pub(crate) fn new(rule: AddressRule, clock: Arc<dyn Clock>) -> Result<Self, HttpsError> {
        let settings = HttpsSettings { address_rule: rule.clone(), ..HttpsSettings::default() };
        Ok(Self { rule, client: HttpsClient::new(settings, clock)? })
    }

    async fn post(&self, request: ChannelRequest) -> Result<ChannelResponse, SendError> {
        let url = HttpsUrl::parse(&request.url, &self.rule);
        let url = url.map_err(|error| SendError(format!("the address {error}")))?;
        let sent = self.client.post(&url, &request.headers, request.body).await;
        let response = sent.map_err(|error| SendError(error.to_string()))?;
        Ok(ChannelResponse { status: response.status, retry_after: response.retry_after })
    }
}

impl ChannelSender for HttpsSender {
    fn send(&self, request: ChannelRequest) -> SentFuture<'_> {
        Box::pin(self.post(request))
    }
}
