//! The one line past which everything is a valid event: bytes and headers in, types out.

use age_model::{Details, DetailsError, Engine, EventType, IdempotencyKey, NewEvent, Severity, Timestamp};
use age_platform::{FieldError, Fields, Problem, Refused};
use axum::http::HeaderMap;
use utoipa::ToSchema;

/// What names the event of a request.
pub(crate) const KEY_HEADER: &str = "Idempotency-Key";

/// What names an event of a batch.
pub(crate) const KEY_FIELD: &str = "idempotencyKey";

/// An event, as its engine reports it.
#[derive(ToSchema)]
#[schema(as = EventReport)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is the form of what `parse` reads")]
pub(crate) struct Body {
    engine: Engine,
    /// In the engine's own words, but for `engine_silent`, which is AGE's.
    event_type: EventType,
    /// LOW if not given.
    severity: Option<Severity>,
    /// Up to 16 KB and 16 levels; {} if not given.
    details: Option<Details>,
    /// When it happened by the engine's own clock.
    source_time: Option<Timestamp>,
}

/// An event and its idempotency key, from a request.
///
/// # Errors
/// 400 if the body is not JSON, 413 if the details are too large, else 422 with every field that is wrong.
pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<(NewEvent, Option<IdempotencyKey>), Problem> {
    keyed(body, |fields| key(fields, headers))
}

/// An event and its idempotency key, of those in a batch.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_item(json: &[u8]) -> Result<(NewEvent, Option<IdempotencyKey>), Problem> {
    keyed(json, |fields| fields.optional(KEY_FIELD))
}

type Key = Result<Option<IdempotencyKey>, Refused>;

fn keyed(json: &[u8], key: impl FnOnce(&mut Fields) -> Key) -> Result<(NewEvent, Option<IdempotencyKey>), Problem> {
    let mut fields = Fields::parse(json)?;
    let mut too_large = false;
    let key = key(&mut fields);
    let event = event(&mut fields, &mut too_large);
    let read = event.and_then(|event| Ok((event, key?)));
    finish(fields, read, too_large)
}

/// Ends the reading of an event's fields.
///
/// # Errors
/// 413 if the details are too large, else 422 with every field that is wrong.
pub(crate) fn finish<T>(fields: Fields, read: Result<T, Refused>, too_large: bool) -> Result<T, Problem> {
    fields.finish(read).map_err(|errors| {
        if too_large { Problem::too_large("the details are too large", errors) } else { Problem::invalid(errors) }
    })
}

/// The 422 for a key, in the field or header `name`, that has named another event before.
pub(crate) fn key_reused(name: &str) -> Problem {
    Problem::invalid(vec![FieldError::new(name, "was used before for an event with another body")])
}

fn event(fields: &mut Fields, too_large: &mut bool) -> Result<NewEvent, Refused> {
    // Each is read before any is looked at, so that all that is wrong is told at once.
    let engine = fields.required("engine");
    let event_type = event_type(fields);
    let severity = fields.optional("severity");
    let details = details(fields, "details", too_large);
    let source_time = fields.optional("sourceTime");
    Ok(NewEvent {
        engine: engine?,
        event_type: event_type?,
        severity: severity?.unwrap_or_default(),
        details: details?,
        source_time: source_time?,
    })
}

/// `eventType`, which the seed called `event_type`.
fn event_type(fields: &mut Fields) -> Result<EventType, Refused> {
    const NEW: &str = "eventType";
    const OLD: &str = "event_type";
    let name = match (fields.has(NEW), fields.has(OLD)) {
        (true, true) => {
            fields.required::<EventType>(NEW)?;
            fields.required::<EventType>(OLD)?;
            return Err(fields.refuse(OLD, "must not be given beside eventType"));
        }
        (false, true) => OLD,
        _ => NEW,
    };
    event_type_named(fields, name)
}

/// The event type in the field called `name`.
pub(crate) fn event_type_named(fields: &mut Fields, name: &str) -> Result<EventType, Refused> {
    let event_type: EventType = fields.required(name)?;
    if event_type.as_str() == EventType::ENGINE_SILENT {
        // An engine that could say so itself would hide its real silence.
        return Err(fields.refuse(name, "is what AGE itself says of an engine from which it hears nothing"));
    }
    Ok(event_type)
}

/// The details in the field called `name`; none, if it is not given.
pub(crate) fn details(fields: &mut Fields, name: &str, too_large: &mut bool) -> Result<Details, Refused> {
    let Some(raw) = fields.raw(name)? else { return Ok(Details::default()) };
    parsed_details(fields, name, raw.get(), too_large)
}

/// The details that a whole body is; none, if it is empty.
pub(crate) fn whole_details(fields: &mut Fields, body: &[u8], too_large: &mut bool) -> Result<Details, Refused> {
    if body.is_empty() {
        return Ok(Details::default());
    }
    match std::str::from_utf8(body) {
        Ok(text) => parsed_details(fields, "data", text, too_large),
        Err(error) => Err(fields.refuse("data", format!("must be UTF-8: {error}"))),
    }
}

fn parsed_details(fields: &mut Fields, name: &str, text: &str, too_large: &mut bool) -> Result<Details, Refused> {
    text.parse().map_err(|error| {
        *too_large |= matches!(error, DetailsError::TooLarge(_));
        fields.refuse(name, error)
    })
}

fn key(fields: &mut Fields, headers: &HeaderMap) -> Key {
    let mut values = headers.get_all(KEY_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(fields.refuse(KEY_HEADER, "must be given once"));
    }
    value.to_str().unwrap_or_default().parse().map(Some).map_err(|error| fields.refuse(KEY_HEADER, error))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mangled::{MANY, mangled};

    fn parsed(body: &str) -> Result<NewEvent, String> {
        parse(&HeaderMap::new(), body.as_bytes()).map(|(event, _)| event).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn fills_in_the_defaults() {
        for body in [
            r#"{"engine":"qa","eventType":"suite_failed"}"#,
            r#"{"engine":"qa","event_type":"suite_failed","severity":null,"details":null,"sourceTime":null}"#,
        ] {
            let event = parsed(body).unwrap();
            assert_eq!(
                (event.engine, event.severity, event.event_type.as_str()),
                (Engine::Qa, Severity::Low, "suite_failed")
            );
            assert_eq!((event.details.as_str(), event.source_time), ("{}", None));
        }
    }

    #[test]
    fn names_every_field_that_is_wrong() {
        let error =
            parsed(r#"{"engine":"mail","severity":"low","details":[],"sourceTime":"now","colour":1}"#).unwrap_err();
        for pointer in ["/engine", "/eventType", "/severity", "/details", "/sourceTime", "/colour"] {
            assert!(error.contains(&format!("{pointer:?}")), "{pointer} in {error}");
        }
    }

    #[test]
    fn takes_each_field_once() {
        let twice = parsed(r#"{"engine":"qa","eventType":"a","severity":"LOW","severity":"CRITICAL"}"#).unwrap_err();
        assert!(twice.contains("/severity"), "{twice}");
        let both = parsed(r#"{"engine":"qa","eventType":"a","event_type":"a"}"#).unwrap_err();
        assert!(both.contains("/event_type"), "{both}");
    }

    const BODIES: &[&str] = &[
        r#"{"engine":"qa","eventType":"suite_failed","severity":"HIGH","details":{"a":[1.50,{"b":"\\u00e9\\ud83d\\ude00"}]},"sourceTime":"2026-11-23T01:04:58+01:00"}"#,
        r#"{"engine":"qa","event_type":"suite_failed"}"#,
        r#" { "engine" : "maos" , "eventType" : "x" , "details" : { "deep" : [[[[[[[[[[[[[[1]]]]]]]]]]]]]] } } "#,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(MANY))]

        #[test]
        fn any_body_is_an_event_or_is_refused(body in mangled(BODIES)) {
            if let Ok((event, _)) = parse(&HeaderMap::new(), &body) {
                let again = serde_json::to_string(&event).unwrap();
                prop_assert!(parsed(&again).is_ok_and(|other| other.content_eq(&event)), "{}", again);
            }
        }
    }

    proptest! {
        #[test]
        fn what_looks_like_an_event_is_refused(engine in ".{0,9}", event_type in ".{0,9}", rest in ".{0,30}") {
            let body = serde_json::json!({"engine": engine, "eventType": event_type, "details": rest}).to_string();
            prop_assert!(parsed(&body).is_err());
            let _ = parsed(&format!(r#"{{"engine":"qa","eventType":"a",{rest}}}"#));
        }
    }
}
