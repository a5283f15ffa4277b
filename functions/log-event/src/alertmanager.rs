//! The webhook of Prometheus Alertmanager, version 4, and that of Grafana's contact points, which is version 1 with the same fields
//! and more. Each alert of a group is an event.
//!
//! The label `engine` is the engine and `alertname` the event type; the policy maps the label `severity` to a severity. An alert
//! is identified by its fingerprint, start, name and severity, because its sender repeats it while it fires.

use std::collections::BTreeMap;
use std::str::FromStr;

use age_governance::{EngineRefusal, EventIdentity, KnownEngines};
use age_http::{FieldError, FieldValue, Fields, Problem, Refused, RequestBody, request_body, string_fields};
use age_model::{AlertId, AlertStatus, Details, Engine, KeyId, NewEvent, ReportedType, Severity, Timestamp};
use age_policy::{AlertRules, AlertSeverity};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::alert_details::AlertDetails;
use crate::parsed_event::ParsedEvent;

/// The fields of an alert that its event has in its details, beside those of [`Alert`].
const OTHER_FIELDS: [&str; 4] = ["generatorURL", "dashboardURL", "panelURL", "valueString"];

request_body! {
    open
    /// A notification of Alertmanager or Grafana. Other fields are ignored.
    #[schema(as = AlertmanagerWebhook)]
    pub(crate) struct Webhook {
        /// 4 of Alertmanager, 1 of Grafana.
        #[schema(value_type = String, pattern = "^[14]$")]
        version: WebhookVersion,
        /// At most 500 alerts; more are a 413.
        #[schema(value_type = Vec<Alert>)]
        alerts: RawAlerts,
    }
}

request_body! {
    open
    /// An alert of a group. The fields `generatorURL`, `dashboardURL`, `panelURL` and `valueString` are kept in the details of its
    /// event; others are ignored.
    pub(crate) struct Alert {
        status: AlertStatus,
        /// `engine` and `alertname` are required; the policy maps `severity`.
        #[schema(value_type = BTreeMap<String, String>)]
        labels: Texts,
        #[schema(value_type = Option<BTreeMap<String, String>>)]
        annotations: Option<Texts>,
        starts_at: Timestamp,
        ends_at: Option<Timestamp>,
        fingerprint: String,
    }
}

/// Labels or annotations.
#[derive(Debug, Default)]
struct Texts(BTreeMap<String, String>);

impl FieldValue for Texts {
    fn read_optional(fields: &mut Fields, name: &str) -> Result<Option<Self>, Refused> {
        Ok(fields.texts(name)?.map(Self))
    }
}

/// Alerts, each not parsed yet, so that an invalid one does not affect the others.
#[derive(Debug)]
struct RawAlerts(Vec<Box<RawValue>>);

impl FieldValue for RawAlerts {
    fn read_optional(fields: &mut Fields, name: &str) -> Result<Option<Self>, Refused> {
        let Some(raw) = fields.raw(name)? else { return Ok(None) };
        let alerts = serde_json::from_str(raw.get()).map_err(|_| fields.refuse(name, "must be a JSON array"))?;
        Ok(Some(Self(alerts)))
    }
}

/// A version of the webhook that AGE knows.
#[derive(Debug)]
struct WebhookVersion;

impl FromStr for WebhookVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        match text {
            "4" | "1" => Ok(Self),
            other => Err(UnknownVersion(other.chars().take(40).collect())),
        }
    }
}

#[derive(Debug, Error)]
#[error("must be 4 (Alertmanager) or 1 (Grafana); got {0:?}")]
struct UnknownVersion(String);

string_fields!(WebhookVersion);

/// Why an alert is refused if the credential `kid` may not act for its engine.
pub(crate) fn forbidden_engine(kid: &KeyId) -> FieldError {
    let detail = format!("the credential {kid} may not act for this engine");
    FieldError::at("/labels/engine", detail)
}

/// Parses the group of `body` into its alerts, which are not parsed yet.
///
/// # Errors
/// 400 if it is not JSON, 422 if it is not a webhook of a known version.
pub(crate) fn parse_webhook(body: &[u8]) -> Result<Vec<Box<RawValue>>, Problem> {
    let mut fields = Fields::parse(body)?;
    fields.ignore_unknown();
    let read = Webhook::read(&mut fields);
    Ok(fields.finish(read)?.alerts.0)
}

/// An alert of a group.
pub(crate) struct ParsedAlert {
    /// The fingerprint that its sender gave it; empty if that cannot be read.
    pub(crate) fingerprint: String,
    /// Its event, or every field and label that is wrong, with pointers into the alert.
    pub(crate) event: Result<ParsedEvent, Vec<FieldError>>,
    /// The sender's word for the severity of a firing alert, if the policy does not map it.
    pub(crate) unmapped_severity: Option<String>,
}

impl ParsedAlert {
    /// Parses an alert.
    pub(crate) fn parse(alert: &RawValue, rules: &AlertRules, engines: &KnownEngines) -> Self {
        let refused = |fingerprint: String, problem: &Problem| {
            let errors = match problem.errors() {
                [] => vec![FieldError::whole(problem.detail())],
                errors => errors.to_vec(),
            };
            Self { fingerprint, event: Err(errors), unmapped_severity: None }
        };
        let mut fields = match Fields::parse(alert.get().as_bytes()) {
            Ok(fields) => fields,
            Err(problem) => return refused(String::new(), &problem),
        };
        fields.ignore_unknown();
        let fingerprint: String = fields.peek("fingerprint").unwrap_or_default();
        let others: Vec<(&'static str, String)> =
            OTHER_FIELDS.iter().filter_map(|name| Some((*name, fields.peek(name)?))).collect();
        let read = Alert::read(&mut fields);
        match fields.finish(read) {
            Err(problem) => refused(fingerprint, &problem),
            Ok(alert) => alert.into_parsed(others, rules, engines),
        }
    }
}

impl Alert {
    fn into_parsed(
        self,
        others: Vec<(&'static str, String)>,
        rules: &AlertRules,
        engines: &KnownEngines,
    ) -> ParsedAlert {
        let is_firing = self.status == AlertStatus::Firing;
        let word = self.labels.0.get("severity").map(String::as_str);
        let severity = if is_firing { rules.severity(word) } else { AlertSeverity::Mapped(Severity::Low) };
        let is_unmapped = matches!(severity, AlertSeverity::Unmapped(_));
        let unmapped_severity = word.filter(|_| is_unmapped).map(str::to_owned);
        let event = self.event(others, severity.get(), engines);
        ParsedAlert { fingerprint: self.fingerprint, event, unmapped_severity }
    }

    fn event(
        &self,
        others: Vec<(&'static str, String)>,
        severity: Severity,
        engines: &KnownEngines,
    ) -> Result<ParsedEvent, Vec<FieldError>> {
        let mut errors = Vec::new();
        let engine: Option<Engine> = self.label("engine", &mut errors);
        let engine = engine.and_then(|engine| match engines.require(engine) {
            Err(EngineRefusal::Unknown(error)) => {
                errors.push(FieldError::at("/labels/engine", error.to_string()));
                None
            }
            _ => Some(engine),
        });
        let event_type: Option<ReportedType> = self.label("alertname", &mut errors);
        let details = self.details(others).map_err(|error| errors.push(error));
        let (Some(engine), Some(event_type), Ok(details)) = (engine, event_type, details) else { return Err(errors) };
        let is_firing = self.status == AlertStatus::Firing;
        let reported = NewEvent {
            engine,
            event_type: event_type.into(),
            severity,
            details,
            source_time: if is_firing { Some(self.starts_at) } else { self.ends_at },
            decision_id: None,
        };
        // The fingerprint stands for the labels, but who sends it can choose it: another type or severity is another alert.
        let word = self.labels.0.get("severity").map_or("", String::as_str);
        let parts = [&self.fingerprint, &self.starts_at.to_string(), reported.event_type.as_str(), word];
        let alert = AlertId::of("alertmanager", &parts);
        Ok(ParsedEvent { reported, identity: EventIdentity::Alert(alert, self.status), key_field: "fingerprint" })
    }

    fn details(&self, others: Vec<(&'static str, String)>) -> Result<Details, FieldError> {
        let none = BTreeMap::new();
        let details = AlertDetails {
            status: self.status.as_str(),
            labels: &self.labels.0,
            annotations: self.annotations.as_ref().map_or(&none, |annotations| &annotations.0),
            starts_at: self.starts_at,
            fingerprint: &self.fingerprint,
            others,
        };
        details.to_details().map_err(|error| FieldError::whole(error.to_string()))
    }

    fn label<T: FromStr<Err: std::fmt::Display>>(&self, name: &str, errors: &mut Vec<FieldError>) -> Option<T> {
        let mut refuse = |detail: String| {
            errors.push(FieldError::at(format!("/labels/{name}"), detail));
        };
        let Some(label) = self.labels.0.get(name) else {
            refuse("is required".to_owned());
            return None;
        };
        label.parse().map_err(|error: T::Err| refuse(error.to_string())).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use age_policy::Policy;
    use proptest::prelude::*;

    use super::*;
    use crate::fuzz::{ENGINES, mangled, many};

    const WEBHOOKS: &[&str] = &[
        r#"{"version":"4","alerts":[{"status":"firing","labels":{"engine":"qa","alertname":"QueueFull","severity":"critical"},"annotations":{"summary":"full"},"startsAt":"2026-11-23T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/","fingerprint":"ab"}],"groupKey":"{}"}"#,
        r#"{"version":"4","alerts":[{"status":"resolved","labels":{"engine":"qa","alertname":"x"},"startsAt":"2026-11-23T00:00:00.123456789+01:00","fingerprint":""},{}]}"#,
        r#"{"version":"1","alerts":[]}"#,
    ];

    // Building the policy for each input would take most of the time.
    static RULES: LazyLock<AlertRules> = LazyLock::new(|| Policy::compiled().unwrap().alertmanager);

    fn errors(alert: &str) -> Vec<String> {
        let alert: Box<RawValue> = serde_json::from_str(alert).unwrap();
        let errors = ParsedAlert::parse(&alert, &RULES, &ENGINES).event.unwrap_err();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn invalid_alert_is_refused_with_its_fields() {
        let times = r#""startsAt":"2026-11-23T00:00:00Z","fingerprint":"f""#;
        for (alert, pointers) in [
            ("1".to_owned(), vec![""]),
            (r#"{"\ud800":1}"#.to_owned(), vec![""]),
            ("{}".to_owned(), vec!["/status", "/labels", "/startsAt", "/fingerprint"]),
            (format!(r#"{{"status":"firing","labels":{{}},{times}}}"#), vec!["/labels/engine", "/labels/alertname"]),
            (
                format!(
                    r#"{{"status":"firing","labels":{{"engine":"qa","engine":"billing","alertname":"a"}},{times}}}"#
                ),
                vec!["/labels/engine"],
            ),
            (
                format!(r#"{{"status":"firing","labels":{{"engine":"qa","alertname":"a"}},{times},"x":1,"x":2}}"#),
                vec!["/x"],
            ),
        ] {
            assert_eq!(errors(&alert), pointers, "{alert}");
        }
    }

    proptest! {
        #![proptest_config(many())]

        #[test]
        fn arbitrary_body_never_panics(body in mangled(WEBHOOKS)) {
            for alert in parse_webhook(&body).unwrap_or_default() {
                let parsed = ParsedAlert::parse(&alert, &RULES, &ENGINES);
                prop_assert!(parsed.event.err().is_none_or(|errors| !errors.is_empty()));
            }
        }
    }
}
