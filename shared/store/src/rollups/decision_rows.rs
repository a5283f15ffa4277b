//! The rows that count decisions.

use std::collections::BTreeMap;

use age_model::{Day, DecisionCounts, Engine, Hour, ReasonCode, StoreError};

use crate::dynamodb::attribute::Item;
use crate::dynamodb::client::Table;
use crate::rollups::attributes::{SHARD_COUNT, count, shard_count};
use crate::rollups::decision_counter::DecisionCounter;

/// The counters of one engine's decisions, one day, one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DecisionRollup {
    pub(super) engine: Engine,
    pub(super) day: Day,
    /// How many shards the day has. Only the row of shard 0 has more than 1.
    pub(super) shard_count: u32,
    /// The numbers of each hour that has any.
    pub(super) hours: BTreeMap<Hour, DecisionCounts>,
    /// The numbers by guardrail and by reason, which are those of the day.
    pub(super) of_day: DecisionCounts,
    /// Why the counters are incomplete, if they are: the row has some that this version does not know.
    pub(super) uncounted: Option<StoreError>,
}

impl DecisionRollup {
    /// Parses a row of `engine` that counts decisions of `day`.
    pub(super) fn parse(table: &Table, (engine, day): (Engine, Day), item: &Item) -> Result<Self, StoreError> {
        let mut rollup = Self {
            engine,
            day,
            shard_count: shard_count(table, item)?,
            hours: BTreeMap::new(),
            of_day: DecisionCounts::default(),
            uncounted: None,
        };
        // In the order of names, so that the same row has the same error.
        let sorted: BTreeMap<_, _> = item.iter().filter(|(name, _)| !is_no_counter(name)).collect();
        for (name, value) in sorted {
            match (DecisionCounter::parse(name), count(table, item, name)) {
                (Some(counter), Ok(number)) => rollup.add(counter, number.unwrap_or(0)),
                (Some(_), Err(error)) => rollup.uncounted = Some(error),
                // A number with an unknown name counts something that would be missing from every sum.
                (None, _) if value.is_n() => {
                    rollup.uncounted = Some(table.corrupt(item, name.clone(), "counts something that is not known"));
                }
                (None, _) => {}
            }
        }
        Ok(rollup)
    }

    fn add(&mut self, counter: DecisionCounter<'_>, number: u64) {
        match counter {
            DecisionCounter::Number(hour, index) => {
                let of_hour = self.hours.entry(hour).or_default();
                if let Some(counted) = of_hour.numbers_mut().into_iter().nth(index) {
                    *counted = number;
                }
            }
            DecisionCounter::Rule(rule) => self.of_day.add_rule(rule, number),
            DecisionCounter::Reason(code) => self.of_day.add_reason(ReasonCode::stored(code), number),
        }
    }
}

/// Whether an attribute is a number that counts nothing.
fn is_no_counter(name: &str) -> bool {
    ["v", "expires_at", SHARD_COUNT].contains(&name)
}

/// Returns the counters that `counts` adds to in `hour`, each with its number.
pub(super) fn counters(counts: &DecisionCounts, hour: Hour) -> Vec<(String, i64)> {
    let mut counts = counts.clone();
    let numbers: Vec<u64> = counts.numbers_mut().into_iter().map(|number| *number).collect();
    let numbers = numbers.into_iter().enumerate();
    let numbers = numbers.map(|(index, number)| (DecisionCounter::Number(hour, index), number));
    let rules = counts.by_rule.iter().map(|(rule, number)| (DecisionCounter::Rule(rule), *number));
    let reasons = counts.by_reason.iter().map(|(code, number)| (DecisionCounter::Reason(code.as_str()), *number));
    let counted = numbers.chain(rules).chain(reasons);
    counted.map(|(counter, by)| (counter.to_string(), i64::try_from(by).unwrap_or(i64::MAX))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamodb::update::UpdateExpression;

    #[test]
    fn counters_of_as_many_guardrails_as_a_policy_has_fit_into_one_update() {
        let mut counts = DecisionCounts { allowed: 50, denied: 50, needs_approval: 50, ..DecisionCounts::default() };
        for number in 0..200 {
            counts.add_rule(&format!("rule_{number:03}_{}", "x".repeat(55)), 50);
        }
        for reason in ReasonCode::ALL {
            counts.add_reason(*reason, 50);
        }
        let mut expression = UpdateExpression::default();
        expression.set_schema_version();
        for (counter, by) in counters(&counts, Hour::new(23).unwrap()) {
            expression.add(&counter, by);
        }
        let bytes = expression.to_string().len();
        assert!(bytes <= 4096, "DynamoDB refuses an expression of more than 4 KB: {bytes}");
    }
}
