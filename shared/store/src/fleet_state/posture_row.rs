//! The posture as attributes of a row. With 64 engines and 64 categories of the longest names, they have less than 8 KB.

use std::collections::BTreeMap;

use age_model::{
    Engine, EnginePosture, PolicyHash, Posture, RiskLevel, Severity, SeverityCounts, StoreError, Timestamp,
};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

use crate::dynamodb::attribute::{Item, binary, text};
use crate::dynamodb::client::Table;

/// Separates the name of an engine from its state.
const END_OF_NAME: u8 = 0;

/// The attributes with the posture, except for `engines`. They have no maps, to which a later version could add something that
/// would not be of this posture: each run replaces them whole.
#[derive(Debug, Deserialize)]
struct PostureRow {
    as_of: Timestamp,
    policy_hash: PolicyHash,
    /// Each level, followed by the categories that have it.
    levels: Vec<Vec<String>>,
}

/// Returns the attribute `levels`: each level, followed by the names of its categories.
pub(super) fn levels(posture: &Posture) -> AttributeValue {
    let mut levels: BTreeMap<RiskLevel, Vec<AttributeValue>> = BTreeMap::new();
    for (category, level) in &posture.levels {
        levels.entry(*level).or_insert_with(|| vec![text(level)]).push(text(category));
    }
    AttributeValue::L(levels.into_values().map(AttributeValue::L).collect())
}

/// Returns the attribute `engines`: each engine that has an open incident or an ineffective remediation, with its state.
pub(super) fn engines(posture: &Posture) -> AttributeValue {
    let engines = posture.engines.iter().filter(|(_, state)| **state != EnginePosture::default());
    let engine = |(engine, state): (&Engine, &EnginePosture)| {
        binary(&[engine.as_str().as_bytes(), &[END_OF_NAME], &encode(state)].concat())
    };
    AttributeValue::L(engines.map(engine).collect())
}

/// Returns the posture of the row, if it has one.
pub(super) fn parse(table: &Table, item: &Item) -> Result<Option<Posture>, StoreError> {
    if !["as_of", "policy_hash", "levels", "engines"].iter().any(|name| item.contains_key(*name)) {
        return Ok(None);
    }
    let PostureRow { as_of, policy_hash, levels } = table.parse(item)?;
    let of_level = |words: Vec<String>| {
        let mut words = words.into_iter();
        let level = words.next().map(|level| RiskLevel::stored(&level));
        words.filter_map(move |category| Some((category, level?)))
    };
    let engine = |value: &AttributeValue| {
        let bytes = value.as_b().ok()?.as_ref();
        let end = bytes.iter().position(|byte| *byte == END_OF_NAME)?;
        let (name, state) = bytes.split_at_checked(end)?;
        let (_, state) = state.split_first()?;
        Some((std::str::from_utf8(name).ok()?.parse::<Engine>().ok()?, decode(state)?))
    };
    let engines = item.get("engines").and_then(|engines| engines.as_l().ok());
    let engines = engines.and_then(|engines| engines.iter().map(engine).collect());
    let engines =
        engines.ok_or_else(|| table.corrupt(item, "engines", "must be a list of engines and their counts"))?;
    Ok(Some(Posture { as_of, policy_hash, levels: levels.into_iter().flat_map(of_level).collect(), engines }))
}

/// Encodes the numbers of open and of unacknowledged incidents by severity, two bytes each, and the time, eight bytes. A number of
/// 65,535 stands for more, of which no policy allows so many.
fn encode(state: &EnginePosture) -> Vec<u8> {
    let counts = [state.open_incidents, state.unacknowledged_incidents];
    let numbers = counts.iter().flat_map(|counts| Severity::ALL.iter().map(|severity| counts.of(*severity)));
    let mut bytes: Vec<u8> =
        numbers.flat_map(|number| u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes()).collect();
    bytes.extend(state.last_ineffective_at.into_iter().flat_map(|at| at.millis().to_be_bytes()));
    bytes
}

/// Decodes what [`encode`] has encoded. A later version may append more.
fn decode(mut bytes: &[u8]) -> Option<EnginePosture> {
    let mut counts = || {
        let mut counts = SeverityCounts::default();
        for severity in Severity::ALL {
            let (number, rest) = bytes.split_first_chunk()?;
            counts.add(*severity, u16::from_be_bytes(*number).into());
            bytes = rest;
        }
        Some(counts)
    };
    let (open_incidents, unacknowledged_incidents) = (counts()?, counts()?);
    let last_ineffective_at = bytes.first_chunk().map(|millis| Timestamp::from_millis(i64::from_be_bytes(*millis)));
    Some(EnginePosture { open_incidents, unacknowledged_incidents, last_ineffective_at })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the size of an attribute's value, as DynamoDB computes it.
    fn size(value: &AttributeValue) -> usize {
        match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::B(bytes) => bytes.as_ref().len(),
            AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + size(value)).sum::<usize>(),
            other => panic!("the posture has no {other:?}"),
        }
    }

    #[test]
    fn largest_posture_has_at_most_8_kb() {
        let mut counts = SeverityCounts::default();
        for severity in Severity::ALL {
            counts.add(*severity, 10_000);
        }
        let as_of: Timestamp = "2026-11-23T00:05:00Z".parse().unwrap();
        let state = EnginePosture {
            open_incidents: counts,
            unacknowledged_incidents: counts,
            last_ineffective_at: Some(as_of),
        };
        let level = |number: usize| RiskLevel::ALL[number % RiskLevel::ALL.len()];
        let posture = Posture {
            as_of,
            policy_hash: PolicyHash::from_bytes([1; 32]),
            levels: (0..64).map(|number| (format!("{number:c<64}"), level(number))).collect(),
            engines: (0..64).map(|number| (format!("e{number:_>31}").parse().unwrap(), state)).collect(),
        };
        let attributes = [
            ("fingerprint", text("age")),
            ("opened_at", text("fleet_state")),
            ("v", text("1")),
            ("as_of", text(posture.as_of)),
            ("policy_hash", text(posture.policy_hash)),
            ("levels", levels(&posture)),
            ("engines", engines(&posture)),
        ];
        let bytes: usize = attributes.iter().map(|(name, value)| name.len() + size(value)).sum();
        assert!((7_500..=8_192).contains(&bytes), "{bytes} bytes");
    }

    proptest! {
        #[test]
        fn state_of_an_engine_round_trips(numbers in prop::array::uniform8(0_u64..=10_000), millis in prop::option::of(0_i64..4_000_000_000_000)) {
            let mut state = EnginePosture { last_ineffective_at: millis.map(Timestamp::from_millis), ..EnginePosture::default() };
            let (open, unacknowledged) = numbers.split_at(4);
            for (severity, (open, unacknowledged)) in Severity::ALL.iter().zip(open.iter().zip(unacknowledged)) {
                state.open_incidents.add(*severity, *open);
                state.unacknowledged_incidents.add(*severity, *unacknowledged);
            }
            let bytes = encode(&state);
            prop_assert_eq!(decode(&bytes), Some(state));
            prop_assert_eq!(decode(&bytes[..15]), None);
            prop_assert_eq!(decode(&[bytes, if millis.is_some() { vec![7; 9] } else { Vec::new() }].concat()), Some(state));
        }
    }
}
