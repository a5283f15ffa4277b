//! Parsers of argument values that `clap` cannot derive from the type.

use age_model::{
    Action, ActionStatus, ChannelKind, ChannelMessage, Day, DecisionApprovalStatus, DecisionEventStatus, HoldStatus,
    IncidentStatus, ReportKind, Role, Severity, Timestamp, Verdict,
};
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
    action_parser: Action,
    action_status_parser: ActionStatus,
    channel_kind_parser: ChannelKind,
    channel_message_parser: ChannelMessage,
    decision_approval_parser: DecisionApprovalStatus,
    decision_event_parser: DecisionEventStatus,
    hold_status_parser: HoldStatus,
    incident_status_parser: IncidentStatus,
    report_kind_parser: ReportKind,
    role_parser: Role,
    severity_parser: Severity,
    verdict_parser: Verdict
);

/// Parses integers from 1.
pub(crate) fn positive_integer_parser() -> ValueParser {
    ValueParser::new(RangedU64ValueParser::<usize>::new().range(1..))
}

/// Parses a time, or a day, which stands for its midnight in UTC.
pub(crate) fn parse_day_or_time(text: &str) -> Result<Timestamp, &'static str> {
    let time = text.parse().or_else(|_| text.parse::<Day>().map(Day::start));
    time.map_err(|_| "must be a day such as 2026-11-23 or an RFC 3339 time such as 2026-11-23T00:05:00Z")
}

/// Parses the digest of an action or of an operation: a SHA-256.
pub(crate) fn parse_digest(text: &str) -> Result<String, &'static str> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_digest = text.len() == 64 && text.bytes().all(is_digit);
    is_digest
        .then(|| text.to_owned())
        .ok_or("must be the 64 hexadecimal digits that `agectl action show` or `agectl decision show` prints")
}
