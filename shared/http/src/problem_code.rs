//! The catalogue of problems: a stable code for each, by which programs tell them apart.

use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Makes an enum of codes, each with the text that it has in JSON and a sentence for the reference.
macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal, $text:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $text] $variant,)+
        }

        impl $name {
            /// All codes, in the order of the reference.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the code as it is in JSON. It never changes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Returns what the code means, as a sentence of the reference.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words = Self::ALL.iter().map(|code| code.as_str());
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
            }
        }

        impl ToSchema for $name {}
    };
}

codes! {
    /// The kind of a problem.
    ProblemCode {
        MalformedRequest = "malformed_request", "The body is not JSON, not UTF-8 or not gzip, or the cursor is not valid.";
        MissingToken = "missing_token", "The request has no bearer token.";
        InvalidToken = "invalid_token", "The token is malformed, wrong, revoked or expired, or too new to be known everywhere.";
        Forbidden = "forbidden", "The role of the credential may not use the route, or the credential may not act for the engine.";
        NotFound = "not_found", "The resource does not exist.";
        MethodNotAllowed = "method_not_allowed", "The resource does not have the method. The header `Allow` lists those that it has.";
        Conflict = "conflict", "The state of the resource does not permit the change. `detail` says what the state is.";
        TooLarge = "too_large", "The body, a batch or a field is larger than allowed.";
        UnsupportedMediaType = "unsupported_media_type", "The route expects another content type or content encoding.";
        InvalidFields = "invalid_fields", "Fields of the body, parameters or headers are not valid. `errors` names each.";
        TooManyRequests = "too_many_requests", "The caller exceeds its rate. Nothing was stored: retry after `Retry-After`.";
        CorruptData = "corrupt_data", "Stored data cannot be read. A retry does not help; an operator looks at the logs.";
        Unavailable = "unavailable", "AGE cannot do it now. Nothing was stored: retry after `Retry-After`.";
        UnknownOutcome = "unknown_outcome", "It is not known whether the write was stored. A retry is safe, for an event with the same idempotency key.";
    }
}

codes! {
    /// The kind of an error in one field.
    FieldErrorCode {
        Required = "required", "The field is missing.";
        Unknown = "unknown", "The route does not know a field of this name.";
        Duplicate = "duplicate", "The field is given twice.";
        TooLarge = "too_large", "The value is larger than allowed.";
        Invalid = "invalid", "The value is not allowed. `detail` says what is.";
    }
}

impl ProblemCode {
    /// Returns the URI that identifies the kind of problem (RFC 9457, 3.1.1).
    pub(crate) fn uri(self) -> String {
        format!("urn:age:problem:{}", self.as_str())
    }
}
