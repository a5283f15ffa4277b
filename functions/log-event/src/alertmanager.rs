//! The webhook of Prometheus Alertmanager, version 4. Each alert of a group is an event.
//!
//! The label `engine` is the engine and `alertname` the event type; the policy maps the label `severity` to a severity. An alert
//! is identified by its fingerprint, start and status, because Alertmanager sends it again and again while it fires.

use std::collections::BTreeMap;

use age_governance::EventIdentity;
use age_http::{FieldError, Problem};
use age_model::{AlertId, AlertStatus, Details, DetailsError, Engine, KeyId, NewEvent, Severity, Timestamp};
use age_policy::AlertRules;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::parsed_event::{ParsedEvent, ReportedType};

/// A notification of Alertmanager. Fields that AGE does not need are left out.
#[derive(Deserialize, ToSchema)]
#[schema(as = AlertmanagerWebhook)]
pub(crate) struct Webhook {
    #[serde(default)]
    #[schema(required, pattern = "^4$")]
    version: String,
    alerts: Vec<Alert>,
}

/// An alert of a group.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Alert {
    status: AlertStatus,
    /// `engine` and `alertname` are required; the policy maps `severity`.
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    pub(crate) fingerprint: String,
}

/// Why the alert at `index` is refused if the credential `kid` may not act for its engine.
pub(crate) fn forbidden_engine(index: usize, kid: &KeyId) -> FieldError {
    let detail = format!("the credential {kid} may not act for this engine");
    FieldError { pointer: format!("/alerts/{index}/labels/engine"), detail }
}

/// Parses the alerts of `body`.
///
/// # Errors
/// 400 if it is not JSON, 422 if it is not a webhook of version 4.
pub(crate) fn parse_webhook(body: &[u8]) -> Result<Vec<Alert>, Problem> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
    let invalid = |detail: String| Problem::invalid(vec![FieldError::whole(detail)]);
    let webhook: Webhook =
        serde_json::from_value(value).map_err(|error| invalid(format!("is not a webhook of Alertmanager: {error}")))?;
    if webhook.version == "4" {
        Ok(webhook.alerts)
    } else {
        Err(invalid(format!("must be a webhook of version 4; got version {:?}", webhook.version)))
    }
}

impl Alert {
    /// Parses the alert at `index` in its group.
    ///
    /// # Errors
    /// Every label that is missing or wrong.
    pub(crate) fn parse(&self, rules: &AlertRules, index: usize) -> Result<ParsedEvent, Vec<FieldError>> {
        let mut errors = Vec::new();
        let engine: Option<Engine> = self.label("engine", index, &mut errors);
        let event_type: Option<ReportedType> = self.label("alertname", index, &mut errors);
        let details = self.details().map_err(|error| {
            errors.push(FieldError { pointer: format!("/alerts/{index}"), detail: error.to_string() });
        });
        let (Some(engine), Some(event_type), Ok(details)) = (engine, event_type, details) else { return Err(errors) };
        let is_firing = self.status == AlertStatus::Firing;
        let reported = NewEvent {
            engine,
            event_type: event_type.0,
            severity: if is_firing { rules.severity(self.labels.get("severity")) } else { Severity::Low },
            details,
            source_time: if is_firing { Some(self.starts_at) } else { self.ends_at },
        };
        let alert = AlertId::of("alertmanager", &[&self.fingerprint, &self.starts_at.to_string()]);
        Ok(ParsedEvent { reported, identity: EventIdentity::Alert(alert, self.status), key_field: "fingerprint" })
    }

    fn label<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
        index: usize,
        errors: &mut Vec<FieldError>,
    ) -> Option<T> {
        let mut refuse = |detail: String| {
            errors.push(FieldError { pointer: format!("/alerts/{index}/labels/{name}"), detail });
        };
        let Some(label) = self.labels.get(name) else {
            refuse("is required".to_owned());
            return None;
        };
        label.parse().map_err(|error: T::Err| refuse(error.to_string())).ok()
    }

    /// The fields of the alert; without its annotations if they are too large for an event.
    fn details(&self) -> Result<Details, DetailsError> {
        let mut details = json!({
            "status": self.status.as_str(),
            "labels": self.labels,
            "annotations": self.annotations,
            "startsAt": self.starts_at,
            "generatorURL": self.generator_url,
            "fingerprint": self.fingerprint,
        });
        match details.to_string().parse() {
            Err(DetailsError::TooLarge(_)) => {
                if let Value::Object(fields) = &mut details {
                    fields.insert("annotations".to_owned(), Value::from("omitted: too large"));
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

    use age_policy::Policy;
    use proptest::prelude::*;

    use super::*;
    use crate::fuzz::{mangled, many};

    const WEBHOOKS: &[&str] = &[
        r#"{"version":"4","alerts":[{"status":"firing","labels":{"engine":"qa","alertname":"QueueFull","severity":"critical"},"annotations":{"summary":"full"},"startsAt":"2026-11-23T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/","fingerprint":"ab"}],"groupKey":"{}"}"#,
        r#"{"version":"4","alerts":[{"status":"resolved","labels":{"engine":"qa","alertname":"x"},"startsAt":"2026-11-23T00:00:00.123456789+01:00","fingerprint":""},{}]}"#,
        r#"{"version":"4","alerts":[]}"#,
    ];

    proptest! {
        #![proptest_config(many())]

        #[test]
        fn arbitrary_body_never_panics(body in mangled(WEBHOOKS)) {
            // Building the policy for each input would take most of the time.
            static RULES: LazyLock<AlertRules> = LazyLock::new(|| Policy::compiled().unwrap().alertmanager);
            for (index, alert) in parse_webhook(&body).unwrap_or_default().iter().enumerate() {
                let _ = alert.parse(&RULES, index);
            }
        }
    }
}
