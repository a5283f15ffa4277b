//! The webhook of Prometheus Alertmanager, version 4: each alert of a group becomes an event.
//!
//! The label `engine` says whose it is, `alertname` is its type, and `severity` is what the policy makes of that label.
//! Fingerprint and start say what is a repeat, since Alertmanager tells of an alert again and again while it fires.

use std::collections::BTreeMap;

use age_model::{Details, DetailsError, Engine, EventType, IdempotencyKey, KeyId, NewEvent, Severity, Timestamp};
use age_platform::{FieldError, Problem};
use age_scoring::AlertRules;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// What Alertmanager sends. It has more fields; what is not read here is not needed.
#[derive(Deserialize, ToSchema)]
#[schema(as = AlertmanagerWebhook)]
pub(crate) struct Webhook {
    #[serde(default)]
    #[schema(required, pattern = "^4$")]
    version: String,
    alerts: Vec<Alert>,
}

/// One alert of a group.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Alert {
    status: Status,
    /// Among them `engine` and `alertname`, or the alert is refused by name; `severity` is read by the policy.
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    pub(crate) fingerprint: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = AlertStatus)]
#[serde(rename_all = "lowercase")]
enum Status {
    Firing,
    Resolved,
}

/// Why the alert at `place` is not taken from `kid`.
pub(crate) fn not_yours(place: usize, kid: &KeyId) -> FieldError {
    let detail = format!("{kid} may not speak for this engine");
    FieldError { pointer: format!("/alerts/{place}/labels/engine"), detail }
}

impl Webhook {
    /// The alerts in `body`.
    ///
    /// # Errors
    /// 400 if it is not JSON, 422 if it is not what Alertmanager sends.
    pub(crate) fn parse(body: &[u8]) -> Result<Vec<Alert>, Problem> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
        let not_it = |detail: String| Problem::invalid(vec![FieldError::whole(detail)]);
        let webhook: Self = serde_json::from_value(value)
            .map_err(|error| not_it(format!("is not a webhook of Alertmanager: {error}")))?;
        if webhook.version == "4" {
            Ok(webhook.alerts)
        } else {
            Err(not_it(format!("must be of the webhook's version 4, is of {:?}", webhook.version)))
        }
    }
}

impl Alert {
    /// The event that the alert at `place` in its group is, and what names it.
    ///
    /// # Errors
    /// Every label that is missing or wrong.
    pub(crate) fn event(
        &self,
        rules: &AlertRules,
        place: usize,
    ) -> Result<(NewEvent, IdempotencyKey), Vec<FieldError>> {
        let mut errors = Vec::new();
        let engine: Option<Engine> = self.label("engine", place, &mut errors);
        let event_type: Option<EventType> = self.label("alertname", place, &mut errors);
        let details = self.details().map_err(|error| {
            errors.push(FieldError { pointer: format!("/alerts/{place}"), detail: error.to_string() });
        });
        let (Some(engine), Some(event_type), Ok(details)) = (engine, event_type, details) else { return Err(errors) };
        let is_firing = self.status == Status::Firing;
        let event = NewEvent {
            engine,
            event_type,
            severity: if is_firing { rules.severity(self.labels.get("severity")) } else { Severity::Low },
            details,
            source_time: if is_firing { Some(self.starts_at) } else { self.ends_at },
        };
        let status = if is_firing { "firing" } else { "resolved" };
        let key = IdempotencyKey::of("alertmanager", &[&self.fingerprint, &self.starts_at.to_string(), status]);
        Ok((event, key))
    }

    fn label<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
        place: usize,
        errors: &mut Vec<FieldError>,
    ) -> Option<T> {
        let pointer = || format!("/alerts/{place}/labels/{name}");
        let Some(label) = self.labels.get(name) else {
            errors.push(FieldError { pointer: pointer(), detail: "is required".to_owned() });
            return None;
        };
        label
            .parse()
            .map_err(|error: T::Err| errors.push(FieldError { pointer: pointer(), detail: error.to_string() }))
            .ok()
    }

    /// All that the alert says. Without its annotations, if they are too long for an event.
    fn details(&self) -> Result<Details, DetailsError> {
        let mut details = json!({
            "status": match self.status { Status::Firing => "firing", Status::Resolved => "resolved" },
            "labels": self.labels,
            "annotations": self.annotations,
            "startsAt": self.starts_at,
            "generatorURL": self.generator_url,
            "fingerprint": self.fingerprint,
        });
        match details.to_string().parse() {
            Err(DetailsError::TooLarge(_)) => {
                if let Value::Object(fields) = &mut details {
                    fields.insert("annotations".to_owned(), Value::from("too long, left out"));
                }
                details.to_string().parse()
            }
            parsed => parsed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use age_scoring::Policy;
    use proptest::prelude::*;

    use super::*;
    use crate::mangled::{MANY, mangled};

    const WEBHOOKS: &[&str] = &[
        r#"{"version":"4","alerts":[{"status":"firing","labels":{"engine":"qa","alertname":"QueueFull","severity":"critical"},"annotations":{"summary":"full"},"startsAt":"2026-11-23T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/","fingerprint":"ab"}],"groupKey":"{}"}"#,
        r#"{"version":"4","alerts":[{"status":"resolved","labels":{"engine":"qa","alertname":"x"},"startsAt":"2026-11-23T00:00:00.123456789+01:00","fingerprint":""},{}]}"#,
        r#"{"version":"4","alerts":[]}"#,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(MANY))]

        #[test]
        fn any_body_is_alerts_or_is_refused(body in mangled(WEBHOOKS)) {
            // Reading the policy each time would be most of the work.
            static RULES: LazyLock<AlertRules> = LazyLock::new(|| Policy::compiled().unwrap().alertmanager);
            for (place, alert) in Webhook::parse(&body).unwrap_or_default().iter().enumerate() {
                let _ = alert.event(&RULES, place);
            }
        }
    }
}
