//! The body of a batch: a JSON array, NDJSON or a batch of `CloudEvents`. What is wrong with an event is its own affair.

use age_model::{EventId, IdempotencyKey, NewEvent};
use age_platform::{AnyBody, FieldError, Problem};
use axum::http::HeaderMap;
use serde_json::value::RawValue;

use crate::{cloudevent, request};

/// The largest body of a batch, in bytes.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// The most events in a batch.
pub(super) const MAX_EVENTS: usize = 500;

const CLOUD_EVENTS: &str = "application/cloudevents-batch+json";

/// The media type has never been registered, so both names are in use.
const LINES: [&str; 2] = ["application/x-ndjson", "application/ndjson"];

/// An event of a batch.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) reported: NewEvent,
    pub(super) key: Option<IdempotencyKey>,
    /// The 422 for a key that has named another event before.
    pub(super) reused: fn() -> Problem,
}

impl Item {
    /// The id that its key gives it.
    pub(super) fn id(&self) -> Option<EventId> {
        self.key.as_ref().map(|key| EventId::keyed(self.reported.engine, key))
    }
}

/// The events of a batch in their order, or why they are none.
///
/// # Errors
/// 400 if the body is not JSON, 413 if it holds too many, 415 if it calls itself something else, 422 if it is no array.
pub(super) fn read(headers: &HeaderMap, body: &AnyBody<MAX_BYTES>) -> Result<Vec<Result<Item, Problem>>, Problem> {
    if headers.contains_key(request::KEY_HEADER) {
        let detail = "is not for batches: each event has a name of its own";
        return Err(Problem::invalid(vec![FieldError::new(request::KEY_HEADER, detail)]));
    }
    let (items, read) = match body.media_type.as_deref() {
        Some(CLOUD_EVENTS) => (elements(&body.bytes)?, cloud_event as fn(&[u8]) -> Result<Item, Problem>),
        Some(lines_are) if LINES.contains(&lines_are) => (lines(&body.bytes), event as _),
        _ if body.is_json() => (elements(&body.bytes)?, event as _),
        _ => {
            let detail =
                "the body must be a JSON array, NDJSON or a batch of CloudEvents, and its Content-Type must say so";
            return Err(Problem::unsupported_media_type(detail));
        }
    };
    if items.len() > MAX_EVENTS {
        return Err(Problem::too_large(format!("a batch has at most {MAX_EVENTS} events"), Vec::new()));
    }
    Ok(items.into_iter().map(read).collect())
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

/// Lines that are not blank.
fn lines(body: &[u8]) -> Vec<&[u8]> {
    body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect()
}

fn event(json: &[u8]) -> Result<Item, Problem> {
    let (reported, key) = request::parse_item(json)?;
    Ok(Item { reported, key, reused: || request::key_reused(request::KEY_FIELD) })
}

fn cloud_event(json: &[u8]) -> Result<Item, Problem> {
    let (reported, key) = cloudevent::structured(&HeaderMap::new(), json)?;
    Ok(Item { reported, key: Some(key), reused: cloudevent::id_reused })
}

#[cfg(test)]
mod tests {
    use age_model::Engine;
    use proptest::prelude::*;

    use super::*;
    use crate::mangled::{MANY, mangled};

    fn read_as(media_type: &str, body: &[u8]) -> Result<Vec<Result<Item, Problem>>, Problem> {
        let body = AnyBody { media_type: Some(media_type.to_owned()), bytes: body.to_vec().into() };
        read(&HeaderMap::new(), &body)
    }

    const GOOD: &str = r#"{"engine":"qa","eventType":"suite_failed","idempotencyKey":"k"}"#;
    const BAD: &str = r#"{"engine":"mail","eventType":"x"}"#;

    #[test]
    fn an_array_and_lines_are_the_same() {
        for (media_type, body) in [
            ("application/json", format!(" [{GOOD}, {BAD}\n,{GOOD}] ")),
            ("application/x-ndjson", format!("{GOOD}\n\n{BAD}\r\n \t\n{GOOD}")),
            ("application/ndjson", format!("\n{GOOD}\n{BAD}\n{GOOD}\n")),
        ] {
            let items = read_as(media_type, body.as_bytes()).unwrap();
            let good: Vec<bool> = items.iter().map(Result::is_ok).collect();
            assert_eq!(good, [true, false, true], "{media_type}");
            let first = items[0].as_ref().unwrap();
            assert_eq!((first.reported.engine, first.key.as_ref().unwrap().as_str()), (Engine::Qa, "k"));
        }
        assert!(read_as("application/json", b"[]").unwrap().is_empty());
        assert!(read_as("application/x-ndjson", b"").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_batch_is_refused_as_a_whole() {
        let status = |media_type, body: &str| read_as(media_type, body.as_bytes()).unwrap_err().status().as_u16();
        assert_eq!(status("application/json", "[{}"), 400);
        assert_eq!(status("application/json", GOOD), 422);
        assert_eq!(status("text/plain", "[]"), 415);
        assert_eq!(status("application/json", &format!("[{}1]", "1,".repeat(500))), 413);
        assert_eq!(status("application/x-ndjson", &"1\n".repeat(501)), 413);
        assert_eq!(read_as("application/x-ndjson", "{\n".repeat(500).as_bytes()).unwrap().len(), 500);
    }

    const ARRAYS: &[&str] = &[
        r#"[{"engine":"qa","eventType":"a","idempotencyKey":"k","details":{"a":[1.50]}},{"engine":"maos","event_type":"b","severity":"HIGH"},[],null]"#,
        r#"[{"specversion":"1.0","id":"1","source":"urn:age:qa","type":"x"},{}]"#,
        "[]",
    ];
    const TEXTS: &[&str] = &["{\"engine\":\"qa\",\"eventType\":\"a\"}\n{\"engine\":\"qa\"}\n\r\n[1]\n", "\n"];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(MANY / 4))]

        #[test]
        fn any_array_is_a_batch_or_is_refused(body in mangled(ARRAYS), cloud in any::<bool>()) {
            let media_type = if cloud { CLOUD_EVENTS } else { "application/json" };
            if let Ok(items) = read_as(media_type, &body) {
                let values: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap_or_else(|_| vec![serde_json::Value::Null; items.len()]);
                prop_assert_eq!(items.len(), values.len());
            }
        }

        #[test]
        fn any_lines_are_a_batch(body in mangled(TEXTS)) {
            let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
            prop_assert_eq!(read_as("application/x-ndjson", &body).unwrap().len(), lines);
        }
    }
}
