//! Signatures of webhooks as [Standard Webhooks](https://www.standardwebhooks.com) specifies them: symmetric, version 1.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

/// The beginning of the text of a secret.
const PREFIX: &str = "whsec_";

/// The shortest and the longest secret, in bytes.
const MIN_BYTES: usize = 24;
const MAX_BYTES: usize = 64;

/// A secret that signs webhooks. Receivers verify signatures with the same.
#[derive(Clone)]
pub struct WebhookSecret([u8; MAX_BYTES]); // INVARIANT: the secret, then zeros, as HMAC pads keys shorter than its block.

/// A text that is no secret. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be \"whsec_\" and {MIN_BYTES} to {MAX_BYTES} random bytes in base64")]
pub struct InvalidWebhookSecret;

impl FromStr for WebhookSecret {
    type Err = InvalidWebhookSecret;

    fn from_str(text: &str) -> Result<Self, InvalidWebhookSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidWebhookSecret)?;
        let secret = STANDARD.decode(encoded).map_err(|_| InvalidWebhookSecret)?;
        if !(MIN_BYTES..=MAX_BYTES).contains(&secret.len()) {
            return Err(InvalidWebhookSecret);
        }
        let mut key = [0; MAX_BYTES];
        for (byte, of_secret) in key.iter_mut().zip(secret) {
            *byte = of_secret;
        }
        Ok(Self(key))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl WebhookSecret {
    /// Returns the signature of `body`, with its version.
    fn signature(&self, id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
        let mac: Hmac<Sha256> = Hmac::new(&self.0.into());
        let mac = mac.chain_update(format!("{id}.{timestamp_seconds}.")).chain_update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// Returns the headers that identify and sign a webhook: its id, the time of this attempt, and a signature with each of `secrets`,
/// so that receivers that know any of them accept it while a secret is replaced.
///
/// `id` is the same in every attempt, and has no full stop: it would make the signed text ambiguous. `timestamp_seconds` counts from
/// 1970. `body` is sent byte by byte as it is signed.
#[must_use]
pub fn signature_headers(
    id: &str,
    timestamp_seconds: i64,
    body: &[u8],
    secrets: &[WebhookSecret],
) -> [(&'static str, String); 3] {
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.signature(id, timestamp_seconds, body)).collect();
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp_seconds.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn secret(text: &str) -> WebhookSecret {
        text.parse().unwrap()
    }

    fn published() -> WebhookSecret {
        secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    }

    #[test]
    fn signature_is_that_of_the_reference_libraries() {
        assert_eq!(
            signature_headers(ID, TIME, BODY, &[published()]),
            [
                ("webhook-id", ID.to_owned()),
                ("webhook-timestamp", "1614265330".to_owned()),
                ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned()),
            ]
        );
    }

    #[test]
    fn signature_depends_on_id_time_body_and_secret() {
        let other = secret(&format!("{PREFIX}{}", STANDARD.encode([7; MAX_BYTES])));
        let signature = |id, time, body, secret| signature_headers(id, time, body, &[secret])[2].1.clone();
        let original = signature(ID, TIME, BODY, published());
        assert_ne!(signature("msg_other", TIME, BODY, published()), original);
        assert_ne!(signature(ID, TIME + 1, BODY, published()), original);
        assert_ne!(signature(ID, TIME, br#"{"test": 2432232315}"#, published()), original);
        assert_ne!(signature(ID, TIME, BODY, other.clone()), original);
        let both = signature_headers(ID, TIME, BODY, &[other.clone(), published()])[2].1.clone();
        assert_eq!(both, format!("{} {original}", signature(ID, TIME, BODY, other)));
    }

    #[test]
    fn secret_has_a_prefix_and_24_to_64_bytes() {
        let of = |bytes: usize| format!("{PREFIX}{}", STANDARD.encode(vec![1; bytes]));
        for bytes in [24, 32, 64] {
            assert!(of(bytes).parse::<WebhookSecret>().is_ok(), "{bytes}");
        }
        let whole = of(32);
        for text in [&of(23), &of(65), "", PREFIX, &whole[PREFIX.len()..], "whsec_!!!!", &format!("{whole} ")] {
            assert_eq!(text.parse::<WebhookSecret>().unwrap_err(), InvalidWebhookSecret, "{text}");
        }
        assert_eq!(InvalidWebhookSecret.to_string(), "must be \"whsec_\" and 24 to 64 random bytes in base64");
    }

    #[test]
    fn debug_output_has_no_secret() {
        assert_eq!(format!("{:?}", published()), "WebhookSecret(…)");
    }
}
