//! The body of a batch: a JSON array or NDJSON, or a batch of CloudEvents. An invalid event does not affect the others.

use age_governance::KnownEngines;
use age_http::{FieldError, Problem};
use axum::http::HeaderMap;
use serde_json::value::RawValue;

use crate::parsed_event::{BatchBody, KEY_HEADER, ParsedEvent};
use crate::{cloudevents, json};

/// The most events of a batch.
pub(super) const MAX_EVENTS: usize = 500;

/// The media type was never registered, so both names are in use.
const NDJSON: [&str; 2] = ["application/x-ndjson", "application/ndjson"];

/// Parses the events of a batch, in their order.
///
/// # Errors
/// 400 if the body is not JSON, 413 if it has too many events, 415 if it is of another media type, 422 if it is not an array.
pub(super) fn parse(
    headers: &HeaderMap,
    body: &BatchBody,
    engines: &KnownEngines,
) -> Result<Vec<Result<ParsedEvent, Problem>>, Problem> {
    if headers.contains_key(KEY_HEADER) {
        let detail = "must not be given for a batch: each event has its own key";
        return Err(Problem::invalid(vec![FieldError::new(KEY_HEADER, detail)]));
    }
    if cloudevents::is_declared(headers, body.media_type.as_deref()) {
        return Err(Problem::unsupported_media_type(format!("CloudEvents are accepted at {}", cloudevents::PATH)));
    }
    let items = match body.media_type.as_deref() {
        Some(media_type) if NDJSON.contains(&media_type) => lines(&body.bytes),
        _ if body.is_json() => elements(&body.bytes)?,
        _ => {
            let detail = format!("the Content-Type must be application/json or {}", NDJSON.join(" or "));
            return Err(Problem::unsupported_media_type(detail));
        }
    };
    parse_each(&items, |item| json::parse_batched(item, engines))
}

/// Parses a batch of CloudEvents, in their order.
///
/// # Errors
/// 400 if the body is not JSON, 413 if it has too many events, 422 if it is not an array or there is an idempotency key.
pub(crate) fn parse_cloud_events(
    headers: &HeaderMap,
    body: &[u8],
    engines: &KnownEngines,
) -> Result<Vec<Result<ParsedEvent, Problem>>, Problem> {
    cloudevents::refuse_key(headers)?;
    parse_each(&elements(body)?, |item| cloudevents::parse_structured(&HeaderMap::new(), item, engines))
}

fn parse_each(
    items: &[&[u8]],
    parse: impl Fn(&[u8]) -> Result<ParsedEvent, Problem>,
) -> Result<Vec<Result<ParsedEvent, Problem>>, Problem> {
    if items.len() > MAX_EVENTS {
        let detail = format!("a batch must have at most {MAX_EVENTS} events; got {}", items.len());
        return Err(Problem::too_large(detail, Vec::new()));
    }
    Ok(items.iter().map(|item| parse(item)).collect())
}

fn elements(body: &[u8]) -> Result<Vec<&[u8]>, Problem> {
    let not_json = |error: serde_json::Error| Problem::bad_request(format!("the body is not JSON: {error}"));
    let value: &RawValue = serde_json::from_slice(body).map_err(not_json)?;
    if !value.get().starts_with('[') {
        return Err(Problem::invalid(vec![FieldError::whole("must be a JSON array")]));
    }
    let elements: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(not_json)?;
    Ok(elements.into_iter().map(|element| element.get().as_bytes()).collect())
}

/// Returns the lines that are not blank.
fn lines(body: &[u8]) -> Vec<&[u8]> {
    body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use age_governance::EventIdentity;
    use age_model::Engine;
    use proptest::prelude::*;

    use super::*;
    use crate::fuzz::{ENGINES, mangled, many};

    fn parse_as(media_type: &str, body: &[u8]) -> Result<Vec<Result<ParsedEvent, Problem>>, Problem> {
        let body =
            BatchBody { media_type: Some(media_type.to_owned()), bytes: body.to_vec().into(), sent_bytes: body.len() };
        parse(&HeaderMap::new(), &body, &ENGINES)
    }

    const GOOD: &str = r#"{"engine":"qa","eventType":"suite_failed","idempotencyKey":"k"}"#;
    const BAD: &str = r#"{"engine":"mail","eventType":"x"}"#;

    #[test]
    fn array_and_lines_parse_to_the_same_events() {
        for (media_type, body) in [
            ("application/json", format!(" [{GOOD}, {BAD}\n,{GOOD}] ")),
            ("application/x-ndjson", format!("{GOOD}\n\n{BAD}\r\n \t\n{GOOD}")),
            ("application/ndjson", format!("\n{GOOD}\n{BAD}\n{GOOD}\n")),
        ] {
            let items = parse_as(media_type, body.as_bytes()).unwrap();
            let good: Vec<bool> = items.iter().map(Result::is_ok).collect();
            assert_eq!(good, [true, false, true], "{media_type}");
            let first = items[0].as_ref().unwrap();
            let key = EventIdentity::Key("k".parse().unwrap());
            assert_eq!((first.reported.engine, &first.identity), (Engine::from_static("qa"), &key));
        }
        assert!(parse_as("application/json", b"[]").unwrap().is_empty());
        assert!(parse_as("application/x-ndjson", b"").unwrap().is_empty());
    }

    #[test]
    fn body_that_is_not_a_batch_is_refused_as_a_whole() {
        let status = |media_type, body: &str| parse_as(media_type, body.as_bytes()).unwrap_err().status().as_u16();
        assert_eq!(status("application/json", "[{}"), 400);
        assert_eq!(status("application/json", GOOD), 422);
        assert_eq!(status("text/plain", "[]"), 415);
        assert_eq!(status("application/json", &format!("[{}1]", "1,".repeat(500))), 413);
        assert_eq!(status("application/x-ndjson", &"1\n".repeat(501)), 413);
        assert_eq!(parse_as("application/x-ndjson", "{\n".repeat(500).as_bytes()).unwrap().len(), 500);
    }

    const ARRAYS: &[&str] = &[
        r#"[{"engine":"qa","eventType":"a","idempotencyKey":"k","details":{"a":[1.50]}},{"engine":"maos","event_type":"b","severity":"HIGH"},[],null]"#,
        r#"[{"specversion":"1.0","id":"1","source":"urn:age:qa","type":"x"},{}]"#,
        "[]",
    ];
    const TEXTS: &[&str] = &["{\"engine\":\"qa\",\"eventType\":\"a\"}\n{\"engine\":\"qa\"}\n\r\n[1]\n", "\n"];

    proptest! {
        #![proptest_config(many())]

        #[test]
        fn arbitrary_array_never_panics(body in mangled(ARRAYS), cloud in any::<bool>()) {
            let parsed =
                if cloud { parse_cloud_events(&HeaderMap::new(), &body, &ENGINES) } else { parse_as("application/json", &body) };
            if let Ok(items) = parsed {
                let values: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap_or_else(|_| vec![serde_json::Value::Null; items.len()]);
                prop_assert_eq!(items.len(), values.len());
            }
        }

        #[test]
        fn arbitrary_lines_are_a_batch(body in mangled(TEXTS)) {
            let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
            prop_assert_eq!(parse_as("application/x-ndjson", &body).unwrap().len(), lines);
        }
    }
}
