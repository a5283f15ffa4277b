//! The one line past which everything is a valid event: bytes and headers in, types out.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::str::FromStr;

use axum::http::HeaderMap;
use model::{Details, DetailsError, EventType, IdempotencyKey, NewEvent};
use platform::{FieldError, Problem};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

const KEY_HEADER: &str = "Idempotency-Key";

/// An event and its idempotency key, from a request.
///
/// # Errors
/// 400 if the body is not JSON, 413 if the details are too large, else 422 with every field that is wrong.
pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<(NewEvent, Option<IdempotencyKey>), Problem> {
    let not_json = |error: serde_json::Error| Problem::bad_request(format!("the body is not JSON: {error}"));
    let value: &RawValue = serde_json::from_slice(body).map_err(not_json)?;
    if !value.get().starts_with('{') {
        return Err(Problem::invalid(vec![FieldError::whole("must be a JSON object")]));
    }
    let mut fields = Fields { given: serde_json::from_str(value.get()).map_err(not_json)?, ..Fields::default() };
    let key = fields.key(headers);
    let event = fields.event();
    fields.refuse_the_rest();
    match (event, key) {
        (Ok(event), Ok(key)) if fields.errors.is_empty() => Ok((event, key)),
        _ if fields.too_large => Err(Problem::too_large("the details are too large", fields.errors)),
        _ => Err(Problem::invalid(fields.errors)),
    }
}

/// The 422 for a key that has named another event before.
pub(crate) fn key_reused() -> Problem {
    Problem::invalid(vec![FieldError::new(KEY_HEADER, "was used before for an event with another body")])
}

/// A field was refused; the reason is among the errors.
struct Refused;

/// The fields of a body, and what is wrong with them.
#[derive(Default)]
struct Fields {
    given: Given,
    errors: Vec<FieldError>,
    too_large: bool,
}

impl Fields {
    fn event(&mut self) -> Result<NewEvent, Refused> {
        // Each is read before any is looked at, so that all that is wrong is told at once.
        let engine = self.required("engine");
        let event_type = self.event_type();
        let severity = self.optional("severity");
        let details = self.details();
        let source_time = self.optional("sourceTime");
        Ok(NewEvent {
            engine: engine?,
            event_type: event_type?,
            severity: severity?.unwrap_or_default(),
            details: details?,
            source_time: source_time?,
        })
    }

    fn refuse(&mut self, name: &str, detail: impl Display) -> Refused {
        self.errors.push(FieldError::new(name, detail.to_string()));
        Refused
    }

    /// The only value of a field. `null` is as good as none.
    fn raw(&mut self, name: &str) -> Result<Option<Box<RawValue>>, Refused> {
        let mut values = self.given.0.remove(name).unwrap_or_default();
        if values.len() > 1 {
            return Err(self.refuse(name, "must be given once"));
        }
        Ok(values.pop().filter(|value| value.get() != "null"))
    }

    fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, Refused> {
        let Some(raw) = self.raw(name)? else { return Ok(None) };
        let text: String = serde_json::from_str(raw.get()).map_err(|_| self.refuse(name, "must be a string"))?;
        text.parse().map(Some).map_err(|error| self.refuse(name, error))
    }

    fn required<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<T, Refused> {
        self.optional(name)?.ok_or_else(|| self.refuse(name, "is required"))
    }

    /// `eventType`, which the seed called `event_type`.
    fn event_type(&mut self) -> Result<EventType, Refused> {
        const NEW: &str = "eventType";
        const OLD: &str = "event_type";
        match (self.given.0.contains_key(NEW), self.given.0.contains_key(OLD)) {
            (true, true) => {
                self.required::<EventType>(NEW)?;
                self.required::<EventType>(OLD)?;
                Err(self.refuse(OLD, "must not be given beside eventType"))
            }
            (false, true) => self.required(OLD),
            _ => self.required(NEW),
        }
    }

    fn details(&mut self) -> Result<Details, Refused> {
        let Some(raw) = self.raw("details")? else { return Ok(Details::default()) };
        raw.get().parse().map_err(|error| {
            self.too_large |= matches!(error, DetailsError::TooLarge(_));
            self.refuse("details", error)
        })
    }

    fn key(&mut self, headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Refused> {
        let mut values = headers.get_all(KEY_HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(self.refuse(KEY_HEADER, "must be given once"));
        }
        value.to_str().unwrap_or_default().parse().map(Some).map_err(|error| self.refuse(KEY_HEADER, error))
    }

    /// A field with a slip in its name would be lost: an event that was meant to be CRITICAL would be LOW.
    fn refuse_the_rest(&mut self) {
        for name in std::mem::take(&mut self.given.0).keys() {
            self.refuse(name, "is not a field of an event");
        }
    }
}

/// The fields of a JSON object, each with all its values, not yet looked into.
#[derive(Default)]
struct Given(BTreeMap<String, Vec<Box<RawValue>>>);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Given;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
                let mut given = Given::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    given.0.entry(name).or_default().push(value);
                }
                Ok(given)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use model::{Engine, Severity};
    use proptest::prelude::*;

    use super::*;

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

    proptest! {
        #[test]
        fn never_panics(body in any::<Vec<u8>>()) {
            let _ = parse(&HeaderMap::new(), &body);
        }

        #[test]
        fn never_panics_on_what_looks_like_an_event(engine in ".{0,9}", event_type in ".{0,9}", rest in ".{0,30}") {
            let body = serde_json::json!({"engine": engine, "eventType": event_type, "details": rest}).to_string();
            prop_assert!(parsed(&body).is_err());
            let _ = parsed(&format!(r#"{{"engine":"qa","eventType":"a",{rest}}}"#));
        }
    }
}
