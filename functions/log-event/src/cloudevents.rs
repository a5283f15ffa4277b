//! `CloudEvents` 1.0 over HTTP, in structured mode (the whole event in the body) and binary mode (attributes in headers, data in
//! the body).
//!
//! `source` ends in the engine's name, `type` is the event type, `data` has the details. The extension `severity` is the severity, and
//! the extension `decisionid` names the decision that permitted what the event reports.
//! `source` and `id` identify the event. Other attributes are ignored.

use std::str::FromStr;

use age_governance::{EventIdentity, KnownEngines};
use age_http::{FieldError, Fields, Problem, Refused, RequestBody, request_body, string_fields};
use age_model::{
    DecisionId, Details, Engine, EventType, IdempotencyKey, InvalidEngine, NewEvent, ReportedType, Severity, Timestamp,
};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode;
use thiserror::Error;

use crate::known_engine::refuse_unknown_engine;
use crate::parsed_event::{BatchBody, KEY_HEADER, ParsedEvent};

/// The route that accepts CloudEvents.
pub(crate) const PATH: &str = "/api/governance/intake/cloudevents";

/// The media type of an event in structured mode.
pub(crate) const STRUCTURED: &str = "application/cloudevents+json";

/// The media type of events in batched mode.
pub(crate) const BATCHED: &str = "application/cloudevents-batch+json";

/// The prefix of the names of all media types of CloudEvents.
const MEDIA_TYPES: &str = "application/cloudevents";

/// The prefix of headers with attributes, in binary mode.
const HEADER_PREFIX: &str = "ce-";

const DATA_BASE64: &str = "data_base64";

const NO_KEY: &str = "must not be given: source and id identify a CloudEvent";

request_body! {
    open
    /// A CloudEvent in structured mode. Other attributes are ignored.
    #[schema(as = CloudEvent)]
    pub(crate) struct CloudEvent {
        #[schema(value_type = String, pattern = "^1\\.0$")]
        specversion: SpecVersion,
        /// Identifies the event together with `source`.
        #[schema(value_type = String, min_length = 1)]
        id: Id,
        /// Ends in the name of the engine.
        #[schema(value_type = String, pattern = "(^|[/:#])[a-z][a-z0-9_]{0,31}$")]
        source: Source,
        /// Not a type of AGE's own incidents: `engine_silent`, `many_event_types`, `operation_without_permit` or `permit_without_event`.
        #[schema(value_type = EventType)]
        r#type: ReportedType,
        time: Option<Timestamp>,
        /// LOW if absent.
        severity: Option<Severity>,
        /// The decision that permitted what the event reports.
        decisionid: Option<DecisionId>,
        /// A JSON type, if it is given.
        #[schema(value_type = Option<String>, pattern = "^[^/;]+/(json|[^;]+\\+json)(;.*)?$")]
        datacontenttype: Option<JsonType>,
        /// At most 16 KB and 16 levels; {} if absent. `data_base64` is accepted in its place, if `datacontenttype` is given.
        data: Option<Details>,
    }
}

/// Whether a request says that it has CloudEvents, in any mode.
pub(crate) fn is_declared(headers: &HeaderMap, media_type: Option<&str>) -> bool {
    headers.contains_key("ce-specversion") || media_type.is_some_and(|name| name.starts_with(MEDIA_TYPES))
}

/// Whether a request has an event in binary mode. With a media type of CloudEvents the body is an event, whatever the headers are.
pub(crate) fn is_binary(headers: &HeaderMap, media_type: Option<&str>) -> bool {
    headers.contains_key("ce-specversion") && !media_type.is_some_and(|name| name.starts_with(MEDIA_TYPES))
}

/// Parses an event in structured mode.
///
/// # Errors
/// 400 if the body is not JSON, 413 if the data is too large, else 422 with every attribute that is wrong.
pub(crate) fn parse_structured(
    headers: &HeaderMap,
    body: &[u8],
    engines: &KnownEngines,
) -> Result<ParsedEvent, Problem> {
    let mut fields = Fields::parse(body)?;
    // What is wrong with it is among the errors of the fields.
    let _ = read_base64(&mut fields);
    parse(fields, headers, engines)
}

/// Makes `data` of `data_base64`: binary data, which is JSON if `datacontenttype` says so (JSON event format, 3.1.2).
fn read_base64(fields: &mut Fields) -> Result<(), Refused> {
    let Some(text) = fields.string::<String>(DATA_BASE64)? else { return Ok(()) };
    if fields.is_given("data") {
        return Err(fields.refuse(DATA_BASE64, "must not be given beside data"));
    }
    if fields.peek::<JsonType>("datacontenttype").is_none() {
        let detail = "needs a datacontenttype of JSON, such as application/json: the details of an event are JSON";
        return Err(fields.refuse(DATA_BASE64, detail));
    }
    let bytes =
        STANDARD.decode(text).map_err(|error| fields.refuse(DATA_BASE64, format!("must be Base64: {error}")))?;
    fields.add_json("data", &bytes)
}

/// Parses an event in binary mode.
///
/// # Errors
/// As [`parse_structured`]; 415 if there is a body that is not declared as JSON.
pub(crate) fn parse_binary(
    headers: &HeaderMap,
    body: &BatchBody,
    engines: &KnownEngines,
) -> Result<ParsedEvent, Problem> {
    let is_json = || body.media_type.as_ref().is_some_and(|media_type| media_type.parse::<JsonType>().is_ok());
    if !body.bytes.is_empty() && !is_json() {
        let detail = "the Content-Type of a CloudEvent in binary mode must be application/json or end in +json";
        return Err(Problem::unsupported_media_type(detail));
    }
    let attributes = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(HEADER_PREFIX)?;
        // The binding defines no such headers; the data is the body.
        (!matches!(name, "data" | DATA_BASE64)).then(|| (name, decode_header(value.as_bytes())))
    });
    let mut fields = Fields::of_headers(HEADER_PREFIX, attributes);
    if fields.has("datacontenttype") {
        fields.refuse("datacontenttype", "must not be given: the Content-Type has the type of the data");
    }
    if !body.bytes.is_empty() {
        // What is wrong with it is among the errors of the fields.
        let _ = fields.add_json("data", &body.bytes);
    }
    parse(fields, headers, engines)
}

/// Decodes a header value (HTTP binding, 3.1.3.2): first a string in double quotes, then percent-encoding, once. None if the result
/// is not UTF-8.
fn decode_header(value: &[u8]) -> Option<String> {
    let unquoted = match value {
        [b'"', quoted @ .., b'"'] => unescape(quoted),
        _ => None,
    };
    let decoded: Vec<u8> = percent_decode(unquoted.as_deref().unwrap_or(value)).collect();
    String::from_utf8(decoded).ok()
}

/// Removes the backslashes that escape the character after them. None if the text of a string in double quotes (RFC 9110, 5.6.4) is
/// not one: it ends within an escape or has a double quote without one.
fn unescape(quoted: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => text.push(*bytes.next()?),
            b'"' => return None,
            other => text.push(*other),
        }
    }
    Some(text)
}

/// Refuses an idempotency key of a batch.
pub(crate) fn refuse_key(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(KEY_HEADER) {
        return Err(Problem::invalid(vec![FieldError::new(KEY_HEADER, NO_KEY)]));
    }
    Ok(())
}

fn parse(mut fields: Fields, headers: &HeaderMap, engines: &KnownEngines) -> Result<ParsedEvent, Problem> {
    let engine = fields.peek::<Source>("source").map(|source| source.engine);
    refuse_unknown_engine(&mut fields, "source", engine, engines);
    fields.ignore_unknown();
    if headers.contains_key(KEY_HEADER) {
        fields.refuse_header(KEY_HEADER, NO_KEY);
    }
    let read = CloudEvent::read(&mut fields);
    fields.finish(read).map(ParsedEvent::from)
}

impl From<CloudEvent> for ParsedEvent {
    fn from(CloudEvent { id, source, r#type, time, severity, decisionid, data, .. }: CloudEvent) -> Self {
        let key = IdempotencyKey::of_intake("cloudevents", &[&source.text, &id.0]);
        let reported = NewEvent {
            engine: source.engine,
            event_type: r#type.into(),
            severity: severity.unwrap_or_default(),
            details: data.unwrap_or_default(),
            source_time: time,
            decision_id: decisionid,
        };
        Self { reported, identity: EventIdentity::Key(key), key_field: "id" }
    }
}

string_fields!(Id, JsonType, Source, SpecVersion);

/// The source of an event. Its last part, after `/`, `:` or `#`, is the name of the engine.
#[derive(Debug)]
pub(crate) struct Source {
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
#[error("must end in the name of an engine, such as /engines/billing: the last part {0}")]
pub(crate) struct InvalidSource(InvalidEngine);

/// The id of an event, unique in its source.
#[derive(Debug)]
pub(crate) struct Id(String);

impl FromStr for Id {
    type Err = EmptyId;

    fn from_str(text: &str) -> Result<Self, EmptyId> {
        if text.is_empty() { Err(EmptyId) } else { Ok(Self(text.to_owned())) }
    }
}

#[derive(Debug, Error)]
#[error("must not be empty")]
pub(crate) struct EmptyId;

/// The version of the specification, 1.0.
#[derive(Debug)]
pub(crate) struct SpecVersion;

impl FromStr for SpecVersion {
    type Err = OtherVersion;

    fn from_str(text: &str) -> Result<Self, OtherVersion> {
        if text == "1.0" { Ok(Self) } else { Err(OtherVersion) }
    }
}

#[derive(Debug, Error)]
#[error("must be 1.0")]
pub(crate) struct OtherVersion;

/// A media type of JSON.
#[derive(Debug)]
pub(crate) struct JsonType;

impl FromStr for JsonType {
    type Err = NotJson;

    fn from_str(text: &str) -> Result<Self, NotJson> {
        let media_type = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let subtype = media_type.split_once('/').map(|(_, subtype)| subtype);
        match subtype {
            Some(subtype) if subtype == "json" || subtype.ends_with("+json") => Ok(Self),
            _ => Err(NotJson),
        }
    }
}

#[derive(Debug, Error)]
#[error("must be application/json or end in +json: the details of an event are JSON")]
pub(crate) struct NotJson;

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;
    use crate::fuzz::{ENGINES, mangled, many};

    #[test]
    fn source_ends_in_the_name_of_its_engine() {
        for good in ["billing", "/engines/billing", "urn:age:billing", "https://fleet.example/#billing"] {
            assert_eq!(
                good.parse::<Source>().map(|source| source.engine).unwrap(),
                Engine::from_static("billing"),
                "{good}"
            );
        }
        for bad in ["", "/", "billing/", "Billing", "the-billing"] {
            assert!(bad.parse::<Source>().is_err(), "{bad}");
        }
    }

    #[test]
    fn header_value_is_unquoted_and_then_decoded_once() {
        for (value, text) in [
            ("/engines/billing", "/engines/billing"),
            (r#""/engines/billing""#, "/engines/billing"),
            (r#""a \"b\" \\ \c""#, r#"a "b" \ c"#),
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
            ("%e2%82%ac%41", "€A"),
            (r#""%22""#, "\""),
            ("%2541", "%41"),
            ("100%", "100%"),
            ("%zz", "%zz"),
            (r#""""#, ""),
            (r#"""#, r#"""#),
            (r#""open"#, r#""open"#),
            (r#""a"b""#, r#""a"b""#),
            (r#""a\""#, r#""a\""#),
        ] {
            assert_eq!(decode_header(value.as_bytes()).as_deref(), Some(text), "{value}");
        }
        for invalid in [&b"%C0%A0"[..], b"%ff", b"\xff", b"%ed%a0%80"] {
            assert_eq!(decode_header(invalid), None, "{invalid:?}");
        }
        assert_eq!(decode_header("é".as_bytes()).as_deref(), Some("é"), "bytes of UTF-8 stand for themselves");
    }

    #[test]
    fn json_types_are_those_of_the_json_event_format() {
        for json in ["application/json", "text/json", "application/vnd.x+json", "APPLICATION/JSON; charset=utf-8"] {
            assert!(json.parse::<JsonType>().is_ok(), "{json}");
        }
        for other in ["text/xml", "application/jsonp", "json", "", "+json", "application/json+xml"] {
            assert!(other.parse::<JsonType>().is_err(), "{other}");
        }
    }

    const STRUCTURED_BODIES: &[&str] = &[
        r#"{"specversion":"1.0","id":"4711","source":"/engines/billing","type":"invoice_sync_failed","time":"2026-11-23T01:02:03Z","severity":"HIGH","datacontenttype":"application/json","data":{"a":[1.50,null]},"tenant":7}"#,
        r#"{"specversion":"1.0","id":"4711","source":"urn:age:qa","type":"x"}"#,
    ];
    const SOURCES: &[&str] = &["/engines/billing", "urn:age:qa", "https://fleet.example/#maos", "%2Fengines%2Fqa"];
    const TIMES: &[&str] = &["2026-11-23T01:02:03Z", "2026-11-23T01:02:60.999999999+23:59", "2026-02-29T00:00:00z"];
    const DATA: &[&str] = &[r#"{"a":[1.50,{"b":"\\u00e9"}]}"#, "{}", ""];

    proptest! {
        #![proptest_config(many())]

        #[test]
        fn arbitrary_body_never_panics(bytes in mangled(STRUCTURED_BODIES)) {
            let _ = parse_structured(&HeaderMap::new(), &bytes, &ENGINES);
        }

        #[test]
        fn arbitrary_headers_never_panic(source in mangled(SOURCES), time in mangled(TIMES), id in any::<Vec<u8>>(), data in mangled(DATA)) {
            let values = [("ce-specversion", b"1.0".to_vec()), ("ce-source", source), ("ce-time", time), ("ce-id", id), ("ce-type", b"a".to_vec())];
            let headers = values.iter().filter_map(|(name, value)| {
                Some((HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?))
            });
            let media_type = Some("application/json".to_owned());
            let body = BatchBody { media_type, sent_bytes: data.len(), bytes: data.into() };
            let _ = parse_binary(&headers.collect(), &body, &ENGINES);
        }
    }
}
