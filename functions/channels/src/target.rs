//! The target of a channel in requests: an address, an integration key, secrets. Each kind of channel has its own.

use age_http::{Fields, Refused};
use age_https::HttpsUrl;
use age_model::{ChannelKind, ChannelTarget};
use age_notify::channels::WebhookSecret;

/// The addresses of `PagerDuty`'s Events API v2, by service region.
const PAGERDUTY: [(&str, &str); 2] =
    [("us", "https://events.pagerduty.com/v2/enqueue"), ("eu", "https://events.eu.pagerduty.com/v2/enqueue")];

/// The length of an integration key of `PagerDuty`, which has letters and digits.
const ROUTING_KEY_CHARS: usize = 32;

/// The fields of the target in a request.
#[derive(Debug, Default)]
pub(crate) struct TargetFields {
    pub(crate) url: Option<String>,
    pub(crate) routing_key: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) secrets: Option<Vec<String>>,
}

impl TargetFields {
    /// Returns the host and the target of a channel of `kind`.
    ///
    /// # Errors
    /// [`Refused`] if a field is missing, wrong, or not of this kind of channel.
    pub(crate) fn target(self, kind: ChannelKind, fields: &mut Fields) -> Result<(String, ChannelTarget), Refused> {
        let Self { url, routing_key, region, secrets } = self;
        let is_pager = kind == ChannelKind::PagerDuty;
        let is_webhook = kind == ChannelKind::Webhook;
        let foreign = [
            ("url", url.is_some() && is_pager, "must not be given for pagerduty, which has a routingKey"),
            ("routingKey", routing_key.is_some() && !is_pager, "must be given for pagerduty only"),
            ("region", region.is_some() && !is_pager, "must be given for pagerduty only"),
            ("secrets", secrets.is_some() && !is_webhook, "must be given for webhook only"),
        ];
        let mut refused = None;
        for (name, _, why) in foreign.into_iter().filter(|(_, is_foreign, _)| *is_foreign) {
            refused = Some(fields.refuse(name, why));
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        if is_pager {
            pagerduty(routing_key, region.as_deref(), fields)
        } else {
            https(url, secrets, is_webhook, fields)
        }
    }
}

fn pagerduty(
    routing_key: Option<String>,
    region: Option<&str>,
    fields: &mut Fields,
) -> Result<(String, ChannelTarget), Refused> {
    let routing_key = routing_key.ok_or_else(|| fields.refuse_missing("routingKey"))?;
    if routing_key.len() != ROUTING_KEY_CHARS || !routing_key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(fields.refuse("routingKey", "must be the integration key of a service: 32 letters and digits"));
    }
    let of_region = PAGERDUTY.iter().find(|(name, _)| *name == region.unwrap_or("us"));
    let Some((_, url)) = of_region else { return Err(fields.refuse("region", "must be one of us, eu")) };
    let host = url.split('/').nth(2).unwrap_or_default().to_owned();
    Ok((host, ChannelTarget { url: (*url).to_owned(), routing_key: Some(routing_key), secrets: Vec::new() }))
}

fn https(
    url: Option<String>,
    secrets: Option<Vec<String>>,
    is_webhook: bool,
    fields: &mut Fields,
) -> Result<(String, ChannelTarget), Refused> {
    let url = url.ok_or_else(|| fields.refuse_missing("url"));
    let parsed = url.and_then(|url| {
        let parsed: Result<HttpsUrl, _> = url.parse();
        parsed.map(|parsed| (parsed.host().to_owned(), url)).map_err(|error| fields.refuse("url", error))
    });
    let secrets = if is_webhook { webhook_secrets(secrets, fields) } else { Ok(Vec::new()) };
    let ((host, url), secrets) = (parsed?, secrets?);
    Ok((host, ChannelTarget { url, routing_key: None, secrets }))
}

fn webhook_secrets(secrets: Option<Vec<String>>, fields: &mut Fields) -> Result<Vec<String>, Refused> {
    let secrets = secrets.ok_or_else(|| fields.refuse_missing("secrets"))?;
    if !(1..=2).contains(&secrets.len()) {
        return Err(fields.refuse("secrets", "must be one secret, or two while you change it, the new one first"));
    }
    for (index, secret) in secrets.iter().enumerate() {
        if let Err(error) = secret.parse::<WebhookSecret>() {
            return Err(fields.refuse_part("secrets", &format!("/{index}"), error));
        }
    }
    Ok(secrets)
}
