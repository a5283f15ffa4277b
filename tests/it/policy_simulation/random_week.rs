//! Random weeks: bursts of events with silence between them, and what workers and people would do.

use std::collections::BTreeSet;

use age_model::{ApprovalDecision, Outcome};
use proptest::prelude::*;
use proptest::sample::select;

use super::driver::{Command, Script, Step};

/// The engines and event types.
const PROBLEMS: [(&str, &str); 7] = [
    ("billing", "sync_failed"),
    ("billing", "ledger_lost"),
    ("billing", "invoice_late"),
    ("compliance", "permission_escalated"),
    ("qa", "suite_failed"),
    ("maos", "task_lost"),
    ("voice_engine", "noise"),
];

/// The name, severity and engine of each alert; two of them have one incident key.
pub(super) const ALERTS: [(&str, &str, &str); 3] =
    [("Down", "critical", "voice_engine"), ("Down", "error", "voice_engine"), ("SyncFailed", "error", "billing")];

fn severity() -> impl Strategy<Value = &'static str> {
    prop_oneof![2 => Just("LOW"), 2 => Just("MEDIUM"), 5 => Just("HIGH"), 4 => Just("CRITICAL")]
}

fn step() -> impl Strategy<Value = Step> {
    let commands = vec![
        Command::Acknowledge,
        Command::Acknowledge,
        Command::Resolve,
        Command::Resolve,
        Command::Comment,
        Command::Reopen,
    ];
    let decision = select(vec![ApprovalDecision::Approve, ApprovalDecision::Approve, ApprovalDecision::Deny]);
    let by = select(vec!["night-desk", "day-desk"]);
    prop_oneof![
        10 => (select(&PROBLEMS[..]), severity())
            .prop_map(|((engine, event_type), severity)| Step::Event { engine, event_type, severity }),
        2 => prop::collection::vec((select(&PROBLEMS[..]), severity()), 2..5).prop_map(|events| {
            // One of each engine: the order of those that were accepted together is not recorded.
            let mut engines = BTreeSet::new();
            let events = events.into_iter().map(|((engine, event_type), severity)| (engine, event_type, severity));
            let events = events.filter(|(engine, ..)| engines.insert(*engine));
            Step::Batch { events: events.collect() }
        }),
        4 => (0..ALERTS.len()).prop_map(|alert| Step::Alert { alert }),
        2 => (any::<prop::sample::Index>(), decision).prop_map(|(of, decision)| Step::Decide { of, decision }),
        6 => (any::<prop::sample::Index>(), select(commands), by)
            .prop_map(|(of, command, by)| Step::Change { of, command, by }),
    ]
}

/// Returns the milliseconds from one step to the next: minutes within a burst, hours or days between bursts.
fn pause() -> impl Strategy<Value = i64> {
    // No step falls on a whole minute, when the sweep runs, and none follows another so soon that an environment still relies on an old
    // number of open incidents.
    let minutes = prop_oneof![
        10 => 0..12_i64,
        4 => 12..70_i64,
        2 => 70..300_i64,
        1 => 300..1000_i64,
    ];
    (minutes, 11_001..59_000_i64).prop_map(|(minutes, millis)| minutes * 60_000 + millis)
}

pub(super) fn random_week() -> impl Strategy<Value = Script> {
    let answer = (
        select(vec![Some(Outcome::Succeeded), Some(Outcome::Succeeded), Some(Outcome::Failed), None]),
        5_000..2_400_000_i64,
    );
    (prop::collection::vec((pause(), step()), 6..26), prop::collection::vec(answer, 16), 0..300_i64)
        .prop_map(|(steps, answers, minutes_after)| Script { steps, answers, minutes_after })
}
