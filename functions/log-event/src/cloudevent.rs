//! `CloudEvents` 1.0 over HTTP: the event as a whole in the body, or its attributes in headers and its data in the body.
//!
//! `source` names the engine, `type` the event type, `source` and `id` the repeat, the extension `severity` the severity,
//! `data` the details. Other attributes are the senders' own; they are not kept.

use std::fmt;
use std::str::FromStr;

use age_model::{Details, Engine, EventType, IdempotencyKey, NewEvent, Severity, Timestamp, UnknownName};
use age_platform::{AnyBody, FieldError, Fields, Problem, Refused};
use axum::http::HeaderMap;
use percent_encoding::percent_decode_str;
use thiserror::Error;
use utoipa::ToSchema;

use crate::request;

/// The media type of an event as a whole.
pub(crate) const STRUCTURED: &str = "application/cloudevents+json";

/// What the headers of attributes begin with.
const PREFIX: &str = "ce-";

/// A `CloudEvent` as a whole. Other attributes are the sender's own.
#[derive(ToSchema)]
#[schema(as = CloudEvent)]
#[expect(dead_code, reason = "it is the form of what `structured` reads")]
pub(crate) struct Body {
    #[schema(pattern = "^1\\.0$")]
    specversion: String,
    /// With `source` it says what is a repeat.
    #[schema(min_length = 1)]
    id: String,
    /// It ends in the engine's name.
    #[schema(pattern = "(^|[/:#])(compliance|qa|documentation|image_engine|voice_engine|billing|deep_agent|maos)$")]
    source: String,
    r#type: EventType,
    time: Option<Timestamp>,
    severity: Option<Severity>,
    data: Option<Details>,
}

/// Whether the attributes are in headers.
pub(crate) fn is_binary(headers: &HeaderMap) -> bool {
    headers.contains_key("ce-specversion")
}

/// The event that a body holds as a whole.
///
/// # Errors
/// 400 if the body is not JSON, 413 if the data is too large, else 422 with every attribute that is wrong.
pub(crate) fn structured(headers: &HeaderMap, body: &[u8]) -> Result<(NewEvent, IdempotencyKey), Problem> {
    let mut fields = Fields::parse(body)?;
    refuse_key(&mut fields, headers);
    let mut too_large = false;
    let attributes = Attributes::read(&mut fields, "");
    let details = request::details(&mut fields, "data", &mut too_large);
    if fields.has("data_base64") {
        fields.refuse("data_base64", "must be JSON, in data");
    }
    fields.forget_the_others();
    let read = attributes.and_then(|attributes| Ok(attributes.event(details?)));
    request::finish(fields, read, too_large)
}

/// The event whose attributes are in headers.
///
/// # Errors
/// As [`structured`]; 415 if the body does not call itself JSON.
pub(crate) fn binary(headers: &HeaderMap, body: &AnyBody) -> Result<(NewEvent, IdempotencyKey), Problem> {
    if !body.bytes.is_empty() && !body.is_json() {
        return Err(Problem::not_json());
    }
    let given = headers.iter().filter(|(name, _)| name.as_str().starts_with(PREFIX));
    let text = |value: &[u8]| percent_decode_str(&String::from_utf8_lossy(value)).decode_utf8_lossy().into_owned();
    let mut fields = Fields::of_texts(given.map(|(name, value)| (name.as_str(), text(value.as_bytes()))));
    refuse_key(&mut fields, headers);
    let attributes = Attributes::read(&mut fields, PREFIX);
    fields.forget_the_others();
    let mut too_large = false;
    let details = request::whole_details(&mut fields, &body.bytes, &mut too_large);
    let read = attributes.and_then(|attributes| Ok(attributes.event(details?)));
    request::finish(fields, read, too_large)
}

/// The 422 for a source and an id that have named another event before.
pub(crate) fn id_reused() -> Problem {
    Problem::invalid(vec![FieldError::new("id", "was used before by this source for an event with other contents")])
}

/// A `CloudEvent` is named by itself; a second name would be one too many.
fn refuse_key(fields: &mut Fields, headers: &HeaderMap) {
    if headers.contains_key(request::KEY_HEADER) {
        fields.refuse(request::KEY_HEADER, "is not for CloudEvents: their source and id say what is a repeat");
    }
}

/// The attributes that AGE looks at.
struct Attributes {
    id: String,
    source: Source,
    event_type: EventType,
    time: Option<Timestamp>,
    severity: Option<Severity>,
}

impl Attributes {
    fn read(fields: &mut Fields, prefix: &str) -> Result<Self, Refused> {
        let name = |attribute: &str| format!("{prefix}{attribute}");
        let version = fields.required::<SpecVersion>(&name("specversion"));
        let (id, source) = (fields.required::<Id>(&name("id")), fields.required(&name("source")));
        let event_type = request::event_type_named(fields, &name("type"));
        let (time, severity) = (fields.optional(&name("time")), fields.optional(&name("severity")));
        let data_type = fields.optional::<JsonType>(&name("datacontenttype"));
        version?;
        data_type?;
        Ok(Self { id: id?.0, source: source?, event_type: event_type?, time: time?, severity: severity? })
    }

    fn event(self, details: Details) -> (NewEvent, IdempotencyKey) {
        let key = IdempotencyKey::of("cloudevents", &[&self.source.text, &self.id]);
        let event = NewEvent {
            engine: self.source.engine,
            event_type: self.event_type,
            severity: self.severity.unwrap_or_default(),
            details,
            source_time: self.time,
        };
        (event, key)
    }
}

/// Whose event it is: the last part of the text, after `/`, `:` or `#`, is the engine's name.
struct Source {
    text: String,
    engine: Engine,
}

impl FromStr for Source {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        let name = text.rsplit(['/', ':', '#']).next().unwrap_or_default();
        Ok(Self { text: text.to_owned(), engine: name.parse().map_err(InvalidSource)? })
    }
}

#[derive(Debug, Error)]
#[error("must end in the name of an engine, such as /engines/billing: its last part {0}")]
struct InvalidSource(UnknownName);

struct Id(String);

impl FromStr for Id {
    type Err = Empty;

    fn from_str(text: &str) -> Result<Self, Empty> {
        if text.is_empty() { Err(Empty) } else { Ok(Self(text.to_owned())) }
    }
}

#[derive(Debug, Error)]
#[error("must not be empty")]
struct Empty;

struct SpecVersion;

impl FromStr for SpecVersion {
    type Err = OtherVersion;

    fn from_str(text: &str) -> Result<Self, OtherVersion> {
        if text == "1.0" { Ok(Self) } else { Err(OtherVersion) }
    }
}

#[derive(Debug, Error)]
#[error("must be 1.0")]
struct OtherVersion;

struct JsonType;

impl FromStr for JsonType {
    type Err = NotJson;

    fn from_str(text: &str) -> Result<Self, NotJson> {
        let media_type = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media_type == "application/json" || media_type.ends_with("+json") { Ok(Self) } else { Err(NotJson) }
    }
}

#[derive(Debug)]
struct NotJson;

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a JSON type: the details of an event are JSON")
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;
    use crate::mangled::{MANY, mangled};

    #[test]
    fn a_source_ends_in_its_engine() {
        for good in ["billing", "/engines/billing", "urn:age:billing", "https://fleet.example/#billing"] {
            assert_eq!(good.parse::<Source>().map(|source| source.engine).unwrap(), Engine::Billing, "{good}");
        }
        for bad in ["", "/", "billing/", "Billing", "engine-billing"] {
            assert!(bad.parse::<Source>().is_err(), "{bad}");
        }
    }

    const WHOLE: &[&str] = &[
        r#"{"specversion":"1.0","id":"4711","source":"/engines/billing","type":"invoice_sync_failed","time":"2026-11-23T01:02:03Z","severity":"HIGH","datacontenttype":"application/json","data":{"a":[1.50,null]},"tenant":7}"#,
        r#"{"specversion":"1.0","id":"4711","source":"urn:age:qa","type":"x"}"#,
    ];
    const SOURCES: &[&str] = &["/engines/billing", "urn:age:qa", "https://fleet.example/#maos", "%2Fengines%2Fqa"];
    const TIMES: &[&str] = &["2026-11-23T01:02:03Z", "2026-11-23T01:02:60.999999999+23:59", "2026-02-29T00:00:00z"];
    const DATA: &[&str] = &[r#"{"a":[1.50,{"b":"\\u00e9"}]}"#, "{}", ""];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(MANY / 2))]

        #[test]
        fn any_body_is_an_event_or_is_refused(bytes in mangled(WHOLE)) {
            let _ = structured(&HeaderMap::new(), &bytes);
        }

        #[test]
        fn any_headers_are_an_event_or_are_refused(source in mangled(SOURCES), time in mangled(TIMES), id in any::<Vec<u8>>(), data in mangled(DATA)) {
            let values = [("ce-specversion", b"1.0".to_vec()), ("ce-source", source), ("ce-time", time), ("ce-id", id), ("ce-type", b"a".to_vec())];
            let headers = values.iter().filter_map(|(name, value)| {
                Some((HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?))
            });
            let body = AnyBody { media_type: Some("application/json".to_owned()), bytes: data.into() };
            let _ = binary(&headers.collect(), &body);
        }
    }
}
