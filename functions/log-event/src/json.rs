//! Events as JSON objects, in a request each or in a batch.

use age_governance::KnownEngines;
use age_http::{Fields, Problem, RequestBody, request_body};
use age_model::{DecisionId, Details, Engine, EventType, IdempotencyKey, NewEvent, ReportedType, Severity, Timestamp};
use axum::http::HeaderMap;

use crate::known_engine::refuse_unknown_engine;
use crate::parsed_event::{KEY_HEADER, ParsedEvent};

/// The field that has the idempotency key of an event in a batch.
pub(crate) const KEY_FIELD: &str = "idempotencyKey";

request_body! {
    /// An event that an engine reports.
    #[schema(as = EventReport)]
    pub(crate) struct EventReport {
        engine: Engine,
        /// Chosen by the engine, except the types of AGE's own incidents: `engine_silent`, `many_event_types`, `operation_without_permit` and
        /// `permit_without_event`.
        #[schema(value_type = EventType)]
        event_type: ReportedType,
        /// LOW if absent.
        severity: Option<Severity>,
        /// At most 16 KB and 16 levels; {} if absent.
        details: Option<Details>,
        /// When it happened, by the engine's clock.
        source_time: Option<Timestamp>,
        /// The decision that permitted what the event reports.
        decision_id: Option<DecisionId>,
    }
}

request_body! {
    /// An event of a batch.
    #[schema(as = BatchedEvent)]
    pub(crate) struct BatchedEventReport {
        engine: Engine,
        /// Chosen by the engine, except the types of AGE's own incidents: `engine_silent`, `many_event_types`, `operation_without_permit` and
        /// `permit_without_event`.
        #[schema(value_type = EventType)]
        event_type: ReportedType,
        /// LOW if absent.
        severity: Option<Severity>,
        /// At most 16 KB and 16 levels; {} if absent.
        details: Option<Details>,
        /// When it happened, by the engine's clock.
        source_time: Option<Timestamp>,
        /// The decision that permitted what the event reports.
        decision_id: Option<DecisionId>,
        /// Identifies the event, so that a repeat is recognized; as the header `Idempotency-Key` of a single event.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[ -~]+$")]
        idempotency_key: Option<IdempotencyKey>,
    }
}

/// Parses the event of a request, and the idempotency key of its headers.
///
/// # Errors
/// 400 if the body is not JSON, 413 if the details are too large, else 422 with every field that is wrong.
pub(crate) fn parse(headers: &HeaderMap, body: &[u8], engines: &KnownEngines) -> Result<ParsedEvent, Problem> {
    let mut fields = fields(body, engines)?;
    let key = key_header(&mut fields, headers);
    let report = EventReport::read(&mut fields);
    let (report, key) = fields.finish(report.and_then(|report| Ok((report, key?))))?;
    Ok(ParsedEvent { reported: report.into(), identity: key.into(), key_field: KEY_HEADER })
}

/// Parses an event of a batch.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_batched(json: &[u8], engines: &KnownEngines) -> Result<ParsedEvent, Problem> {
    let mut fields = fields(json, engines)?;
    let report = BatchedEventReport::read(&mut fields);
    let report = fields.finish(report)?;
    let key = report.idempotency_key;
    let BatchedEventReport { engine, event_type, severity, details, source_time, decision_id, .. } = report;
    let report = EventReport { engine, event_type, severity, details, source_time, decision_id };
    Ok(ParsedEvent { reported: report.into(), identity: key.into(), key_field: KEY_FIELD })
}

impl From<EventReport> for NewEvent {
    fn from(report: EventReport) -> Self {
        let EventReport { engine, event_type, severity, details, source_time, decision_id } = report;
        Self {
            engine,
            event_type: event_type.into(),
            severity: severity.unwrap_or_default(),
            details: details.unwrap_or_default(),
            source_time,
            decision_id,
        }
    }
}

fn fields(json: &[u8], engines: &KnownEngines) -> Result<Fields, Problem> {
    let mut fields = Fields::parse(json)?;
    let engine = fields.peek("engine");
    refuse_unknown_engine(&mut fields, "engine", engine, engines);
    // The name of the original sketch.
    fields.rename("event_type", "eventType");
    Ok(fields)
}

fn key_header(fields: &mut Fields, headers: &HeaderMap) -> Result<Option<IdempotencyKey>, age_http::Refused> {
    let mut values = headers.get_all(KEY_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(fields.refuse_header(KEY_HEADER, "must be given once"));
    }
    value.to_str().unwrap_or_default().parse().map(Some).map_err(|error| fields.refuse_header(KEY_HEADER, error))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fuzz::{ENGINES, mangled, many};

    fn parsed(body: &str) -> Result<NewEvent, String> {
        let parsed = parse(&HeaderMap::new(), body.as_bytes(), &ENGINES);
        parsed.map(|event| event.reported).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn absent_fields_have_their_defaults() {
        for body in [
            r#"{"engine":"qa","eventType":"suite_failed"}"#,
            r#"{"engine":"qa","event_type":"suite_failed","severity":null,"details":null,"sourceTime":null}"#,
        ] {
            let event = parsed(body).unwrap();
            assert_eq!(
                (event.engine, event.severity, event.event_type.as_str()),
                (Engine::from_static("qa"), Severity::Low, "suite_failed")
            );
            assert_eq!((event.details.as_str(), event.source_time), ("{}", None));
        }
    }

    #[test]
    fn every_wrong_field_is_reported() {
        let error = parsed(
            r#"{"engine":"mail","severity":"low","details":[],"sourceTime":"now","decisionId":"d-1","colour":1}"#,
        )
        .unwrap_err();
        for pointer in ["/engine", "/eventType", "/severity", "/details", "/sourceTime", "/decisionId", "/colour"] {
            assert!(error.contains(&format!("{pointer:?}")), "{pointer} in {error}");
        }
    }

    #[test]
    fn field_given_twice_is_refused() {
        let twice = parsed(r#"{"engine":"qa","eventType":"a","severity":"LOW","severity":"CRITICAL"}"#).unwrap_err();
        assert!(twice.contains("/severity"), "{twice}");
        let both = parsed(r#"{"engine":"qa","eventType":"a","event_type":"a"}"#).unwrap_err();
        assert!(both.contains("/event_type"), "{both}");
    }

    const BODIES: &[&str] = &[
        r#"{"engine":"qa","eventType":"suite_failed","severity":"HIGH","details":{"a":[1.50,{"b":"\\u00e9\\ud83d\\ude00"}]},"sourceTime":"2026-11-23T01:04:58+01:00","decisionId":"01936f2e-0000-7000-8000-00000000000c"}"#,
        r#"{"engine":"qa","event_type":"suite_failed"}"#,
        r#" { "engine" : "maos" , "eventType" : "x" , "details" : { "deep" : [[[[[[[[[[[[[[1]]]]]]]]]]]]]] } } "#,
    ];

    proptest! {
        #![proptest_config(many())]

        #[test]
        fn arbitrary_body_never_panics_and_events_round_trip(body in mangled(BODIES)) {
            if let Ok(ParsedEvent { reported: event, .. }) = parse(&HeaderMap::new(), &body, &ENGINES) {
                let again = serde_json::to_string(&event).unwrap();
                prop_assert!(parsed(&again).is_ok_and(|other| other.content_eq(&event)), "{}", again);
            }
        }
    }

    proptest! {
        #[test]
        fn event_of_arbitrary_texts_is_refused(engine in ".{0,9}", event_type in ".{0,9}", rest in ".{0,30}") {
            let body = serde_json::json!({"engine": engine, "eventType": event_type, "details": rest}).to_string();
            prop_assert!(parsed(&body).is_err());
            let _ = parsed(&format!(r#"{{"engine":"qa","eventType":"a",{rest}}}"#));
        }
    }
}
