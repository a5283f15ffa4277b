//! The names of the counters of decisions.

use std::fmt;

use age_model::Hour;

/// The letters of the numbers of `DecisionCounts`, in their order: allowed, denied, needs approval, permits without an event, operations
/// without a permit, operations while AGE was unavailable, differences of the shadow.
const NUMBERS: [u8; 7] = *b"adnpous";

/// The prefixes of the counters of guardrails and of other reasons.
const RULE: &str = "r#";
const REASON: &str = "c#";

/// A counter of a row that counts decisions. Its text is the attribute: two letters for a number of an hour, such as `hd` for those
/// that were denied from 7 to 8 o'clock. No text ends with a capital letter, as the counters of events do: an earlier version reads past
/// the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecisionCounter<'a> {
    /// The number with this index in `DecisionCounts::numbers_mut`, in an hour.
    Number(Hour, usize),
    /// The decisions of a guardrail.
    Rule(&'a str),
    /// The decisions with a reason that is none of a guardrail.
    Reason(&'a str),
}

impl<'a> DecisionCounter<'a> {
    /// Parses the name of an attribute. Returns None if it is no counter that this version knows.
    pub(super) fn parse(name: &'a str) -> Option<Self> {
        if let Some(rule) = name.strip_prefix(RULE) {
            return Some(Self::Rule(rule));
        }
        if let Some(code) = name.strip_prefix(REASON) {
            return Some(Self::Reason(code));
        }
        let &[hour @ b'a'..=b'x', letter] = name.as_bytes() else { return None };
        let index = NUMBERS.iter().position(|number| *number == letter)?;
        Some(Self::Number(Hour::new(hour - b'a')?, index))
    }
}

impl fmt::Display for DecisionCounter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(hour, index) => {
                let letter = NUMBERS.get(*index).copied().unwrap_or(b'?');
                write!(f, "{}{}", char::from(b'a' + hour.number()), char::from(letter))
            }
            Self::Rule(rule) => write!(f, "{RULE}{rule}"),
            Self::Reason(code) => write!(f, "{REASON}{code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dynamodb::keys;

    #[test]
    fn counter_is_parsed_as_it_is_written_and_is_none_of_events() {
        assert_eq!(DecisionCounter::Number(Hour::new(7).unwrap(), 1).to_string(), "hd");
        let numbers =
            Hour::all().flat_map(|hour| (0..NUMBERS.len()).map(move |index| DecisionCounter::Number(hour, index)));
        let others = [DecisionCounter::Rule("large_refunds"), DecisionCounter::Reason("no_rule")];
        let mut names = BTreeSet::new();
        for counter in numbers.chain(others) {
            let name = counter.to_string();
            assert_eq!(DecisionCounter::parse(&name), Some(counter));
            assert!(!keys::is_counter(&name), "{name}");
            names.insert(name);
        }
        assert_eq!(names.len(), 24 * 7 + 2);
        for other in ["v", "ya", "hz", "hA", "day", "shard_count", "engine_shard", "é"] {
            assert_eq!(DecisionCounter::parse(other), None, "{other}");
        }
    }
}
