//! Request bodies: one declaration gives a body its type, its reader and its schema.

use age_model::{
    AlertStatus, ApprovalDecision, ChannelKind, ChannelMessage, ChannelName, DecisionId, Details, DetailsError, Engine,
    EventType, IdempotencyKey, IncidentId, IncidentStatus, KeyId, Note, OperationName, Outcome, PolicyHash,
    ReportedType, Role, Severity, Timestamp,
};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::fields::{Fields, GIVEN_TWICE, Refused};
use crate::problem::Problem;

/// A request body that is a JSON object. Declare it with [`request_body!`](crate::request_body).
pub trait RequestBody: Sized {
    /// Reads the fields of the body. Every field is read before the first error returns, so that all errors are reported.
    ///
    /// # Errors
    /// [`Refused`] if a field is wrong.
    fn read(fields: &mut Fields) -> Result<Self, Refused>;

    /// Parses `body`.
    ///
    /// # Errors
    /// 400 if it is not JSON, 413 if a field is too large, 422 with every field that is wrong, unknown or given twice.
    fn parse(body: &[u8]) -> Result<Self, Problem> {
        let mut fields = Fields::parse(body)?;
        let read = Self::read(&mut fields);
        fields.finish(read)
    }
}

/// A type of a field of a request body.
pub trait FieldValue: Sized {
    /// Reads the field `name`; None if it is absent or `null`.
    ///
    /// # Errors
    /// [`Refused`] if the field is wrong.
    fn read_optional(fields: &mut Fields, name: &str) -> Result<Option<Self>, Refused>;

    /// Reads the field `name`.
    ///
    /// # Errors
    /// [`Refused`] if the field is wrong, or absent and required.
    fn read(fields: &mut Fields, name: &str) -> Result<Self, Refused> {
        Self::read_optional(fields, name)?.ok_or_else(|| fields.refuse_missing(name))
    }
}

impl<T: FieldValue> FieldValue for Option<T> {
    fn read_optional(fields: &mut Fields, name: &str) -> Result<Option<Self>, Refused> {
        T::read_optional(fields, name).map(Some)
    }
}

/// Implements [`FieldValue`] for types that are strings in JSON and parse with `FromStr`.
#[macro_export]
macro_rules! string_fields {
    ($($name:ty),+ $(,)?) => {$(
        impl $crate::FieldValue for $name {
            fn read_optional(fields: &mut $crate::Fields, name: &str) -> Result<Option<Self>, $crate::Refused> {
                fields.string(name)
            }
        }
    )+};
}

string_fields!(
    AlertStatus,
    ApprovalDecision,
    ChannelKind,
    ChannelMessage,
    ChannelName,
    DecisionId,
    Engine,
    EventType,
    IdempotencyKey,
    IncidentStatus,
    KeyId,
    Note,
    OperationName,
    Outcome,
    PolicyHash,
    ReportedType,
    Role,
    Severity,
    String,
    Timestamp,
);

/// Implements [`FieldValue`] for lists of types that are strings in JSON and parse with `FromStr`.
macro_rules! lists_of_strings {
    ($($name:ty),+ $(,)?) => {$(
        impl FieldValue for Vec<$name> {
            fn read_optional(fields: &mut Fields, name: &str) -> Result<Option<Self>, Refused> {
                fields.strings(name)
            }
        }
    )+};
}

lists_of_strings!(ChannelMessage, Engine, IncidentId, Severity, String);

impl FieldValue for Details {
    fn read_optional(fields: &mut Fields, name: &str) -> Result<Option<Self>, Refused> {
        let Some(raw) = fields.raw(name)? else { return Ok(None) };
        raw.get().parse().map(Some).map_err(|error| match error {
            DetailsError::TooLarge(_) => fields.refuse_too_large(name, error),
            DetailsError::DuplicateKey(pointer) => fields.refuse_part(name, &pointer, GIVEN_TWICE),
            _ => fields.refuse(name, error),
        })
    }
}

/// A whole number from `MIN` to `MAX`, both included. Mark fields of this type `#[schema(inline)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeNumber<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> WholeNumber<MIN, MAX> {
    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<const MIN: i64, const MAX: i64> FieldValue for WholeNumber<MIN, MAX> {
    fn read_optional(fields: &mut Fields, name: &str) -> Result<Option<Self>, Refused> {
        Ok(fields.number(name, MIN..=MAX)?.map(Self))
    }
}

impl<const MIN: i64, const MAX: i64> PartialSchema for WholeNumber<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(MIN)).maximum(Some(MAX)).into()
    }
}

impl<const MIN: i64, const MAX: i64> ToSchema for WholeNumber<MIN, MAX> {}

/// Declares a request body: a struct whose fields have a [`FieldValue`] type. JSON names are the names in camelCase. Unknown
/// fields are refused, and so they are in the schema, unless the body is declared as `open`.
#[macro_export]
macro_rules! request_body {
    (open $($body:tt)*) => {
        $crate::request_body!(@declare [] $($body)*);
    };
    (@declare [$($closed:ident)?] $(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty,)+
    }) => {
        #[derive(Debug, utoipa::ToSchema)]
        $(#[$meta])*
        #[serde($($closed,)? rename_all = "camelCase")]
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type,)+
        }

        impl $crate::RequestBody for $name {
            fn read(fields: &mut $crate::Fields) -> Result<Self, $crate::Refused> {
                $(let $field = $crate::FieldValue::read(fields, &$crate::json_name(stringify!($field)));)+
                Ok(Self { $($field: $field?,)+ })
            }
        }
    };
    ($($body:tt)*) => {
        $crate::request_body!(@declare [deny_unknown_fields] $($body)*);
    };
}

/// Returns the JSON name of the struct field `name`, in camelCase.
#[doc(hidden)]
#[must_use]
pub fn json_name(name: &str) -> String {
    let mut words = name.trim_start_matches("r#").split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |json, word| {
        let mut letters = word.chars();
        let initial = letters.next().map(|letter| letter.to_ascii_uppercase());
        json + &initial.into_iter().chain(letters).collect::<String>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::request_body! {
        /// A body with a field of each JSON type.
        struct Body {
            engine: Engine,
            source_time: Option<Timestamp>,
            engines: Option<Vec<Engine>>,
            #[schema(inline)]
            overlap_seconds: Option<WholeNumber<0, 10>>,
            details: Option<Details>,
        }
    }

    #[test]
    fn every_error_is_reported_with_its_pointer() {
        let body = br#"{"source_time":"x","sourceTime":"x","engines":["qa","?"],"overlapSeconds":11,"details":[]}"#;
        let problem = Body::parse(body).unwrap_err();
        let pointers: Vec<&str> = problem.errors().iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/engine", "/sourceTime", "/engines/1", "/overlapSeconds", "/details", "/source_time"]);
    }

    #[test]
    fn field_or_key_given_twice_is_refused_with_its_pointer() {
        for (body, pointer) in [
            (r#"{"engine":"qa","engine":"qa"}"#, "/engine"),
            (r#"{"engine":"qa","\u0065ngine":"maos"}"#, "/engine"),
            (r#"{"engine":"qa","details":{"user":"a","user":"root"}}"#, "/details/user"),
            (r#"{"engine":"qa","details":{"a/b":[{"c":1,"\u0063":1}]}}"#, "/details/a~1b/0/c"),
        ] {
            let problem = Body::parse(body.as_bytes()).unwrap_err();
            let pointers: Vec<&str> = problem.errors().iter().map(|error| error.pointer.as_str()).collect();
            assert_eq!((problem.status().as_u16(), pointers), (422, vec![pointer]), "{body}");
        }
    }

    #[test]
    fn absent_and_null_fields_are_none() {
        for body in [r#"{"engine":"qa"}"#, r#"{"engine":"qa","sourceTime":null,"overlapSeconds":null}"#] {
            let body = Body::parse(body.as_bytes()).unwrap();
            assert_eq!((body.engine, body.source_time, body.overlap_seconds), (Engine::from_static("qa"), None, None));
            assert!(body.engines.is_none() && body.details.is_none());
        }
    }

    #[test]
    fn schema_has_the_names_that_the_reader_reads() {
        let schema = serde_json::to_value(<Body as utoipa::PartialSchema>::schema()).unwrap();
        let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["details", "engine", "engines", "overlapSeconds", "sourceTime"]);
        assert_eq!(schema["required"], serde_json::json!(["engine"]));
        assert_eq!(schema["additionalProperties"], false);
    }
}
