//! The target of a channel: what only its admins know. It is never printed.

use age_model::ChannelKind;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::input_source::InputSource;
use crate::session::Session;

/// The shortest text that can be a secret, in bytes. Shorter ones occur in other messages.
const MIN_SECRET_LENGTH: usize = 8;

/// The fields of a target, as the API takes them. Has no `Debug`, so that no message can contain them.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChannelTarget {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routing_key: Option<String>,
    /// Region of the routing key.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// Secrets of a webhook. The first signs first.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<String>>,
}

impl ChannelTarget {
    /// Reads the target from `source`. `kind` says what a text alone is: for `pagerduty` the routing key, else the URL. Without `kind`,
    /// the text itself says it.
    ///
    /// # Errors
    /// If `source` cannot be read, or has neither a JSON object of these fields nor one line of text. No error has a part of the target,
    /// nor the name of the file, which may be the target in the wrong place.
    pub(super) async fn read(
        source: &InputSource,
        kind: Option<ChannelKind>,
        session: &mut Session<'_>,
    ) -> Result<Self, Error> {
        let text = session.read_to_string(source).await.map_err(|error| match error {
            Error::ReadFile { cause, .. } => Error::ReadFile { name: "the target".to_owned(), cause }
                .with_advice("--target takes the name of a file, or - for standard input; never the target itself"),
            error => error,
        })?;
        Self::parse(&text, kind).map_err(|problem| Error::Usage(format!("the target {problem}")))
    }

    /// Parses a JSON object, or the URL or routing key alone.
    fn parse(text: &str, kind: Option<ChannelKind>) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.starts_with('{') {
            // The message of serde may quote the target.
            return serde_json::from_str(text).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                format!(
                    "must be a JSON object with the fields `url`, `routingKey`, `region` (texts) and `secrets` (a list of texts); see \
                     line {line}, column {column}"
                )
            });
        }
        if text.is_empty() {
            return Err("is empty: it must be a URL or a routing key on one line, or a JSON object".to_owned());
        }
        if text.contains(char::is_whitespace) {
            return Err("must be a URL or a routing key on one line, without spaces, or a JSON object".to_owned());
        }
        if text.starts_with("whsec_") {
            return Err("must be a JSON object if it has secrets: {\"url\": …, \"secrets\": […]}".to_owned());
        }
        let is_routing_key = kind.map_or_else(|| !text.contains("://"), |kind| kind == ChannelKind::PagerDuty);
        let text = Some(text.to_owned());
        Ok(if is_routing_key {
            Self { routing_key: text, ..Self::default() }
        } else {
            Self { url: text, ..Self::default() }
        })
    }

    /// Returns `error`, or, if its message has a part of the target, an error that does not show the message.
    pub(super) fn conceal(&self, error: Error) -> Error {
        let message = error.to_string();
        if self.secret_parts().any(|part| message.contains(part)) {
            return Error::Concealed { exit_code: error.exit_code() };
        }
        error
    }

    /// Returns the texts that must not be shown. The host of the URL is no secret.
    fn secret_parts(&self) -> impl Iterator<Item = &str> {
        let path = self.url.iter().filter_map(|url| Some(url.split_once("://")?.1.split_once(['/', '?'])?.1));
        let secrets = self.secrets.iter().flatten().map(|secret| secret.trim_start_matches("whsec_"));
        path.chain(self.routing_key.as_deref()).chain(secrets).filter(|part| part.len() >= MIN_SECRET_LENGTH)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn parse(text: &str, kind: Option<ChannelKind>) -> Result<serde_json::Value, String> {
        ChannelTarget::parse(text, kind).map(|target| serde_json::to_value(&target).unwrap())
    }

    #[test]
    fn text_alone_is_the_field_of_its_kind() {
        let url = "https://hooks.slack.com/services/T0/B0/secret";
        for kind in [ChannelKind::Slack, ChannelKind::MicrosoftTeams, ChannelKind::Webhook] {
            assert_eq!(parse(&format!(" {url}\r\n"), Some(kind)), Ok(json!({ "url": url })));
        }
        assert_eq!(parse(KEY, Some(ChannelKind::PagerDuty)), Ok(json!({ "routingKey": KEY })));
        assert_eq!(parse(url, None), Ok(json!({ "url": url })));
        assert_eq!(parse(&format!("\u{feff}{KEY}\n"), None), Ok(json!({ "routingKey": KEY })));
    }

    #[test]
    fn json_object_is_taken_as_it_is() {
        for target in [
            json!({"url": "https://example.com/hook", "secrets": ["whsec_a", "whsec_b"]}),
            json!({"routingKey": KEY, "region": "eu"}),
        ] {
            assert_eq!(parse(&format!("\n{target:#}\n"), None), Ok(target));
        }
    }

    #[test]
    fn error_of_a_malformed_target_does_not_show_it() {
        for text in [
            "",
            "https://example.com/secret\nhttps://example.com/secret",
            "whsec_c2VjcmV0secret",
            r#"{"url": "https://example.com/secret""#,
            r#"{"https://example.com/secret": 1}"#,
            r#"{"secrets": "whsec_secret"}"#,
            r#"{"url": "https://example.com/secret", "url": "https://example.com/secret"}"#,
            r#"{"routingKey": 7, "region": "secret"}"#,
            "{secret}",
        ] {
            let problem = parse(text, None).unwrap_err();
            assert!(
                !problem.contains("secret\"") && !problem.contains("/secret") && !problem.contains("whsec_"),
                "{problem}"
            );
        }
        let problem = parse("{\n\"a\": 1}", None).unwrap_err();
        assert!(problem.ends_with("see line 2, column 3"), "{problem}");
    }

    #[test]
    fn error_that_repeats_the_target_is_concealed() {
        let conceal = |target: &serde_json::Value, message: &str| {
            let target = ChannelTarget::parse(&target.to_string(), None).unwrap();
            target.conceal(Error::Token(message.to_owned())).to_string()
        };
        let url = json!({"url": "https://example.com/hook/secret", "secrets": ["whsec_c2VjcmV0"]});
        for message in ["got https://example.com/hook/secret", "got whsec_c2VjcmV0", "path hook/secret"] {
            assert!(!conceal(&url, message).contains("c2Vj") && !conceal(&url, message).contains("hook"), "{message}");
        }
        assert_eq!(
            conceal(&url, "the host example.com has no public address"),
            "the host example.com has no public address"
        );
        assert!(!conceal(&json!({ "routingKey": KEY }), &format!("got {KEY}")).contains(KEY));
    }
}
