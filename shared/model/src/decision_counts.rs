//! Counts of decisions: their verdicts, the guardrails that decided, and the operations whose other side is missing. Sums saturate
//! instead of wrapping.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::decision::Decision;
use crate::decision_reason::ReasonCode;
use crate::verdict::Verdict;

/// The numbers of decisions of one engine or of all, in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionCounts {
    /// Decisions that allowed the operation, with those by an approval.
    pub allowed: u64,
    /// Decisions that denied the operation.
    pub denied: u64,
    /// Decisions on operations that needed approval. The decision that uses the approval is counted as allowed.
    pub needs_approval: u64,
    /// Permits that no event followed in the time that the policy sets.
    pub permits_without_event: u64,
    /// Events of guarded operations without a permit.
    pub operations_without_permit: u64,
    /// Events of guarded operations that ran without a decision because AGE was unavailable, as the policy lets them.
    pub operations_while_unavailable: u64,
    /// Decisions whose verdict differs from that of the shadow policy.
    pub shadow_differences: u64,
    /// How many decisions each guardrail has decided: those whose reasons name it. Counted by whole days.
    pub by_rule: BTreeMap<String, u64>,
    /// How many decisions have a reason that is none of a guardrail, such as `no_rule` or `held`. Counted by whole days.
    pub by_reason: BTreeMap<ReasonCode, u64>,
}

impl DecisionCounts {
    /// Returns the counts of one decision.
    #[must_use]
    pub fn of(decision: &Decision) -> Self {
        let mut counts = Self::default();
        match decision.verdict {
            Verdict::Allow => counts.allowed = 1,
            Verdict::NeedsApproval => counts.needs_approval = 1,
            Verdict::Deny => counts.denied = 1,
            // INVARIANT: no decision is recorded with a verdict that this version does not know.
            Verdict::Unknown(_) => {}
        }
        counts.shadow_differences = u64::from(decision.shadow.is_some());
        let rules: BTreeSet<&String> = decision.reasons.iter().filter_map(|reason| reason.rule.as_ref()).collect();
        counts.by_rule = rules.into_iter().map(|rule| (rule.clone(), 1)).collect();
        let of_no_rule = decision.reasons.iter().filter(|reason| reason.rule.is_none());
        counts.by_reason = of_no_rule.map(|reason| (reason.code, 1)).collect();
        counts
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        let Self { by_rule, by_reason, .. } = other;
        let mut numbers = other.clone();
        for (sum, number) in self.numbers_mut().into_iter().zip(numbers.numbers_mut()) {
            *sum = sum.saturating_add(*number);
        }
        for (rule, number) in by_rule {
            self.add_rule(rule, *number);
        }
        for (reason, number) in by_reason {
            self.add_reason(*reason, *number);
        }
    }

    /// Adds `number` decisions of the guardrail `rule`.
    pub fn add_rule(&mut self, rule: &str, number: u64) {
        let sum = self.by_rule.entry(rule.to_owned()).or_default();
        *sum = sum.saturating_add(number);
    }

    /// Adds `number` decisions with a reason that is none of a guardrail.
    pub fn add_reason(&mut self, reason: ReasonCode, number: u64) {
        let sum = self.by_reason.entry(reason).or_default();
        *sum = sum.saturating_add(number);
    }

    /// Returns the number of decisions.
    #[must_use]
    pub const fn decisions(&self) -> u64 {
        self.allowed.saturating_add(self.denied).saturating_add(self.needs_approval)
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the numbers in words, without a full stop: `1,204 allowed, 12 denied, 3 needed approval; 1 operation without a permit`.
    /// None if nothing is counted.
    #[must_use]
    pub fn in_words(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let [allowed, denied, needed] = [self.allowed, self.denied, self.needs_approval].map(grouped);
        let verdicts = format!("{allowed} allowed, {denied} denied, {needed} needed approval");
        let others = [
            (self.permits_without_event, "permit without an event", "permits without an event"),
            (self.operations_without_permit, "operation without a permit", "operations without a permit"),
            (
                self.operations_while_unavailable,
                "operation while AGE was unavailable",
                "operations while AGE was unavailable",
            ),
            (self.shadow_differences, "other verdict of the shadow policy", "other verdicts of the shadow policy"),
        ];
        let others = others.into_iter().filter(|(number, ..)| *number > 0);
        let others =
            others.map(|(number, one, many)| format!("{} {}", grouped(number), if number == 1 { one } else { many }));
        Some(std::iter::once(verdicts).chain(others).collect::<Vec<_>>().join("; "))
    }

    /// Returns the guardrails that decided, those with the most decisions first.
    #[must_use]
    pub fn most_decisive(&self) -> Vec<(&str, u64)> {
        let mut rules: Vec<_> = self.by_rule.iter().map(|(rule, number)| (rule.as_str(), *number)).collect();
        rules.sort_by_key(|(_, number)| Reverse(*number));
        rules
    }

    /// Returns every number but those by guardrail and by reason, with its name in JSON.
    #[must_use]
    pub fn named_numbers(&self) -> [(&'static str, u64); 7] {
        let mut counts = self.clone();
        let names = [
            "allowed",
            "denied",
            "needsApproval",
            "permitsWithoutEvent",
            "operationsWithoutPermit",
            "operationsWhileUnavailable",
            "shadowDifferences",
        ];
        let mut numbers = counts.numbers_mut().into_iter();
        names.map(|name| (name, numbers.next().map_or(0, |number| *number)))
    }

    /// Returns every number but those by guardrail and by reason, in the order of declaration.
    pub const fn numbers_mut(&mut self) -> [&mut u64; 7] {
        let Self {
            allowed,
            denied,
            needs_approval,
            permits_without_event,
            operations_without_permit,
            operations_while_unavailable,
            shadow_differences,
            by_rule: _,
            by_reason: _,
        } = self;
        [
            allowed,
            denied,
            needs_approval,
            permits_without_event,
            operations_without_permit,
            operations_while_unavailable,
            shadow_differences,
        ]
    }
}

impl<'a> FromIterator<&'a DecisionCounts> for DecisionCounts {
    fn from_iter<I: IntoIterator<Item = &'a DecisionCounts>>(counts: I) -> Self {
        let mut sum = Self::default();
        counts.into_iter().for_each(|counts| sum.add(counts));
        sum
    }
}

/// Returns the digits in groups of three: `1,204`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::decision::DecisionRequest;
    use crate::decision_reason::DecisionReason;
    use crate::engine::Engine;
    use crate::id::DecisionId;
    use crate::policy_hash::PolicyHash;

    fn decision(verdict: Verdict, reasons: &[(Option<&str>, ReasonCode)]) -> Decision {
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let reason = |(rule, code): &(Option<&str>, ReasonCode)| DecisionReason {
            rule: rule.map(str::to_owned),
            code: *code,
            message: String::new(),
        };
        Decision {
            id: DecisionId::fresh(&clock),
            decided_at: clock.now(),
            engine: Engine::from_static("billing"),
            asked_by: "billing".parse().unwrap(),
            request: DecisionRequest {
                subject_type: "engine".to_owned(),
                subject_id: "billing".to_owned(),
                action: "refund".to_owned(),
                resource_type: "invoice".to_owned(),
                resource_id: "4711".to_owned(),
                digest: String::new(),
                request_id: None,
                position: 0,
                payload: None,
            },
            verdict,
            reasons: reasons.iter().map(reason).collect(),
            policy_hash: PolicyHash::from_bytes([0; 32]),
            posture: None,
            expires_at: clock.now(),
            approval: None,
            approved_by_decision: None,
            event_expected_by: None,
            event_status: None,
            followed_by: None,
            shadow: None,
        }
    }

    #[test]
    fn decision_counts_its_verdict_once_and_each_guardrail_of_its_reasons_once() {
        let missing = [
            (Some("large_refunds"), ReasonCode::MissingField),
            (Some("large_refunds"), ReasonCode::WrongType),
            (Some("no_refunds_at_risk"), ReasonCode::RuleMatched),
        ];
        let counts = DecisionCounts::of(&decision(Verdict::Deny, &missing));
        assert_eq!((counts.allowed, counts.denied, counts.needs_approval, counts.decisions()), (0, 1, 0, 1));
        let by_rule = [("large_refunds".to_owned(), 1), ("no_refunds_at_risk".to_owned(), 1)];
        assert_eq!((counts.by_rule, counts.by_reason.len()), (by_rule.into(), 0));

        let approved = [(Some("large_refunds"), ReasonCode::RuleMatched), (None, ReasonCode::Approved)];
        let mut counts = DecisionCounts::of(&decision(Verdict::Allow, &approved));
        counts.add(&DecisionCounts::of(&decision(Verdict::NeedsApproval, &approved[..1])));
        assert_eq!((counts.allowed, counts.needs_approval, counts.by_rule["large_refunds"]), (1, 1, 2));
        assert_eq!(counts.by_reason, [(ReasonCode::Approved, 1)].into());
    }

    #[test]
    fn json_has_every_number() {
        let counts = DecisionCounts { permits_without_event: 2, ..DecisionCounts::default() };
        let json = serde_json::to_value(&counts).unwrap();
        assert_eq!(
            (&json["allowed"], &json["permitsWithoutEvent"], &json["byRule"]),
            (&0.into(), &2.into(), &serde_json::json!({}))
        );
        for (name, number) in counts.named_numbers() {
            assert_eq!(json[name], number, "{name}");
        }
        assert_eq!(serde_json::from_value::<DecisionCounts>(json).unwrap(), counts);
    }

    #[test]
    fn words_name_what_is_counted_and_nothing_else() {
        assert_eq!(DecisionCounts::default().in_words(), None);
        let mut counts = DecisionCounts { allowed: 1_204, denied: 12, needs_approval: 3, ..DecisionCounts::default() };
        assert_eq!(counts.in_words().unwrap(), "1,204 allowed, 12 denied, 3 needed approval");
        (counts.permits_without_event, counts.operations_without_permit) = (2, 1);
        (counts.operations_while_unavailable, counts.shadow_differences) = (1_000_000, 1);
        assert_eq!(
            counts.in_words().unwrap(),
            "1,204 allowed, 12 denied, 3 needed approval; 2 permits without an event; 1 operation without a permit; \
             1,000,000 operations while AGE was unavailable; 1 other verdict of the shadow policy"
        );
        let (mut none, mut only) = (DecisionCounts::default(), DecisionCounts::default());
        only.permits_without_event = 1;
        none.add(&only);
        assert_eq!(none.in_words().unwrap(), "0 allowed, 0 denied, 0 needed approval; 1 permit without an event");
    }

    #[test]
    fn guardrails_with_the_most_decisions_come_first() {
        let mut counts = DecisionCounts::default();
        for (rule, number) in [("a", 1), ("b", 3), ("c", 1)] {
            counts.add_rule(rule, number);
        }
        assert_eq!(counts.most_decisive(), [("b", 3), ("a", 1), ("c", 1)]);
    }

    fn counts() -> impl Strategy<Value = DecisionCounts> {
        let number = || prop_oneof![0..1000_u64, Just(u64::MAX)];
        let rules = prop::collection::btree_map("[a-c]", number(), 0..3);
        let reasons = prop::collection::btree_map(prop::sample::select(ReasonCode::ALL), number(), 0..3);
        (prop::array::uniform7(number()), rules, reasons).prop_map(|(numbers, by_rule, by_reason)| {
            let mut counts = DecisionCounts { by_rule, by_reason, ..DecisionCounts::default() };
            for (counted, number) in counts.numbers_mut().into_iter().zip(numbers) {
                *counted = number;
            }
            counts
        })
    }

    proptest! {
        #[test]
        fn sum_is_the_same_in_any_order_and_saturates(all in prop::collection::vec(counts(), 0..5)) {
            let (mut forwards, backwards): (DecisionCounts, DecisionCounts) =
                (all.iter().collect(), all.iter().rev().collect());
            prop_assert_eq!(&forwards, &backwards);
            for (index, number) in forwards.numbers_mut().into_iter().enumerate() {
                let naive = all.iter().map(|counts| u128::from(*counts.clone().numbers_mut()[index])).sum::<u128>();
                prop_assert_eq!(u128::from(*number), naive.min(u64::MAX.into()));
            }
            for (rule, number) in &forwards.by_rule {
                let naive = all.iter().filter_map(|counts| counts.by_rule.get(rule)).map(|it| u128::from(*it)).sum::<u128>();
                prop_assert_eq!(u128::from(*number), naive.min(u64::MAX.into()));
            }
        }
    }
}
