//! Random valid policies.

use std::collections::BTreeSet;

use age_model::{Action, Severity};
use age_policy::{ActionRule, OnResolved, Policy};
use proptest::prelude::*;
use proptest::sample::select;

const REMEDIATIONS: [Action; 4] =
    [Action::MaosAutoFix, Action::DeepAgentPolicyUpdate, Action::BillingSyncRepair, Action::PermissionReset];

fn rule() -> impl Strategy<Value = ActionRule> {
    let engine = prop::option::of(select(vec!["billing", "qa", "compliance", "voice_engine"]));
    let severity = prop::option::of(select(Severity::ALL));
    let prefix = prop::option::weighted(0.3, select(vec!["sync", "perm", "Down"]));
    let action = select([&REMEDIATIONS[..], &[Action::NotifyAdmin]].concat());
    (engine, severity, prefix, action).prop_map(|(engine, severity, prefix, action)| ActionRule {
        engine: engine.map(|engine| engine.parse().unwrap()),
        severity,
        event_type_prefix: prefix.map(str::to_owned),
        action,
    })
}

/// Whether `earlier` matches every event that `later` matches: a policy may not have such a rule later.
fn covers(earlier: &ActionRule, later: &ActionRule) -> bool {
    earlier.engine.is_none_or(|engine| later.engine == Some(engine))
        && earlier.severity.is_none_or(|severity| later.severity == Some(severity))
        && earlier.event_type_prefix.as_ref().is_none_or(|earlier| {
            later.event_type_prefix.as_ref().is_some_and(|later| later.starts_with(earlier.as_str()))
        })
}

/// Returns `rule` for a policy in which events below `min` lead to no actions.
fn from_severity(mut rule: ActionRule, min: Severity) -> ActionRule {
    rule.severity = rule.severity.map(|severity| severity.max(min));
    rule
}

/// A random policy. Its e-mails have no budget that a test reaches, because a simulation does not replay that.
pub(super) fn random_policy() -> impl Strategy<Value = Policy> {
    let severities = (select(Severity::ALL), select(Severity::ALL));
    let approvals = prop::collection::btree_set(select(&REMEDIATIONS[..]), 0..3);
    let rules = (prop::collection::vec(rule(), 0..4), select(&REMEDIATIONS[..]), prop::collection::vec(rule(), 0..3));
    // Half of the policies select the actions that the default policy selects, so that recorded outcomes count.
    let rules = prop::option::of(rules);
    let action_times = (
        select(vec![300, 1800, 7200]),
        select(vec![1200, 3600, 86_400]),
        select(vec![600, 3600, 14_400]),
        select(vec![60, 600, 3600]),
        (1..4_usize, select(vec![3600, 86_400])),
    );
    let incident_times = (
        select(vec![60, 300, 1800]),
        select(vec![7200, 14_400]),
        select(vec![300, 1800, 7200]),
        select(vec![3600, 86_400]),
        select(vec![1, 2, 500]),
        select(vec![None, Some(OnResolved::Resolve), Some(OnResolved::Note)]),
    );
    let intervals = prop::collection::vec(select(vec![0, 0, 0, 0, 3 * 3600, 12 * 3600]), 8);
    let scores =
        (1..101_u32, 0..60_u32, (1..5_u64, 5..10_u64, 10..20_u64, 20..60_u64), (1..30_u32, 31..60_u32, 61..100_u32));
    (severities, approvals, rules, action_times, incident_times, intervals, scores).prop_map(
        |((a, b), approvals, selection, times, incidents, intervals, scores)| {
            let mut policy = Policy::compiled().unwrap();
            let rules = &mut policy.actions;
            rules.min_severity = a.min(b);
            rules.require_approval = approvals.into_iter().collect::<BTreeSet<_>>();
            if let Some((first, last, also)) = selection {
                let catch_all = ActionRule { engine: None, severity: None, event_type_prefix: None, action: last };
                let min = rules.min_severity;
                rules.first_match.clear();
                for rule in first.into_iter().map(|rule| from_severity(rule, min)).chain([catch_all]) {
                    if !rules.first_match.iter().any(|earlier| covers(earlier, &rule)) {
                        rules.first_match.push(rule);
                    }
                }
                rules.also = also.into_iter().map(|rule| from_severity(rule, min)).collect();
            }
            (rules.answer_within_seconds, rules.approve_within_seconds) = (times.0, times.1);
            (rules.verify_after_seconds, rules.repeat_after_seconds) = (times.2, times.3);
            (rules.give_up_after, rules.give_up_within_seconds) = times.4;
            let rules = &mut policy.incidents;
            rules.min_severity = a.max(b);
            (rules.digest_after_seconds, rules.remind_after_seconds) = (incidents.0, incidents.1);
            (rules.second_line_after_seconds, rules.resolve_after_seconds) = (incidents.2, incidents.3);
            (rules.max_open_per_engine, rules.on_resolved) = (incidents.4, incidents.5);
            (rules.email_interval_seconds, rules.email_burst) = (1, 9);
            for (rules, interval) in policy.engines.values_mut().zip(intervals) {
                rules.expected_interval_seconds = interval;
            }
            let (cap, above, weights, levels) = scores;
            policy.score_cap = cap;
            for category in &mut policy.categories {
                category.recommend_above = above;
            }
            let (low, medium, high, critical) = weights;
            for (weight, value) in policy.weights.values_mut().zip([low, medium, high, critical]) {
                *weight = value;
            }
            for (level, value) in policy.levels.values_mut().zip([0, levels.0, levels.1, levels.2]) {
                *level = value;
            }
            policy.validate().unwrap();
            policy
        },
    )
}
