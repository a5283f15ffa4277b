//! The client as the sender of channels.

use age_model::{ChannelRequest, ChannelResponse, ChannelSender, SendError, SentFuture};

use crate::client::{HttpsClient, HttpsResponse};

impl HttpsClient {
    async fn post_to_channel(&self, request: ChannelRequest) -> Result<ChannelResponse, SendError> {
        let url = self.parse_url(&request.url).map_err(|error| SendError(error.to_string()))?;
        let sent = self.post(&url, &request.headers, request.body).await;
        let HttpsResponse { status, retry_after } = sent.map_err(|error| SendError(error.to_string()))?;
        Ok(ChannelResponse { status, retry_after })
    }
}

impl ChannelSender for HttpsClient {
    fn send(&self, request: ChannelRequest) -> SentFuture<'_> {
        Box::pin(self.post_to_channel(request))
    }
}
