//! Parsers of argument values that `clap` cannot derive from the type.

use age_model::{IncidentStatus, Role, Severity};
use clap::builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser, ValueParser};

/// Defines parsers of enums. They know all names, so that help and completions list them.
macro_rules! enum_parsers {
    ($($function:ident: $enum:ty),+) => {$(
        pub(crate) fn $function() -> ValueParser {
            let names = <$enum>::ALL.iter().map(|variant| variant.as_str());
            ValueParser::new(PossibleValuesParser::new(names).try_map(|name| name.parse::<$enum>()))
        }
    )+};
}

enum_parsers!(
    incident_status_parser: IncidentStatus,
    role_parser: Role,
    severity_parser: Severity
);

/// Parses integers from 1.
pub(crate) fn positive_integer_parser() -> ValueParser {
    ValueParser::new(RangedU64ValueParser::<usize>::new().range(1..))
}
