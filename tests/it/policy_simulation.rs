//! Simulation equals reality: a random week is really run under one policy and simulated under another, and then really run under that
//! one with the same inputs. What follows must be the same.

mod driver;
mod random_policy;
mod random_week;

use std::collections::BTreeMap;

use age_model::{Action, Clock, Engine, Outcome, Severity, Timestamp};
use age_policy::Policy;
use age_scoring::simulation::{
    ChangeKind, Consequences, Difference, History, UnreproducedReason, WeekComparison, replay, simulate,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use self::driver::{Command, Driver, Script, Step, World as Run};
use self::random_policy::random_policy;
use self::random_week::random_week;
use crate::world::ENGINES;
use crate::world::World;

const HASH: &str = Policy::HASH;

/// The number of cases: `POLICY_SIMULATION_CASES`, or few on a developer's machine.
fn cases() -> u32 {
    let set = std::env::var("POLICY_SIMULATION_CASES").ok().and_then(|cases| cases.parse().ok());
    set.unwrap_or(if std::env::var_os("CI").is_some() { 16 } else { 6 })
}

/// Reads the history of a world, as one of `policies` needs it.
async fn history(world: &World, policies: &[&Policy], from: Timestamp) -> History {
    let (simulator, engines) = (world.policy_simulator(), &ENGINES.into());
    simulator.history(policies, engines, (from, world.clock.now()), world.clock.as_ref()).await.unwrap()
}

/// Writes what the consequences are, without what the replay does not say: how e-mails are shared, and the kinds of notifications about
/// approvals.
fn comparable(consequences: &Consequences) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    for ((event, action), it) in &consequences.actions {
        let notified = it.approval_notifications.last().map(|(_, at)| *at);
        let line = format!(
            "{} {} approval {} decided {:?} dispatched {:?} completed {:?} verified {:?} suppressed by {:?} notified {:?}",
            it.created_at,
            it.status,
            it.needs_approval,
            it.decided_at,
            it.dispatched_at,
            it.completed_at,
            it.verified_at,
            it.suppressed_by,
            notified
        );
        lines.insert(format!("action {event} {action}"), line);
    }
    for (id, it) in &consequences.incidents {
        let sent: Vec<String> = it
            .notifications
            .iter()
            .map(|sent| format!("{} {} +{} of {}", sent.at, sent.kind, sent.new_event_count, sent.event_count))
            .collect();
        let line = format!(
            "{} {} {} by {:?} events {} failed {} changes {:?} sent {sent:#?}",
            it.cause, it.severity, it.status, it.event_id, it.events, it.failed_remediations, it.changes
        );
        lines.insert(format!("incident {id}"), line);
    }
    lines
}

#[track_caller]
fn assert_same(replayed: &Consequences, real: &Consequences, what: &str) {
    let (replayed, real) = (comparable(replayed), comparable(real));
    let keys = replayed.keys().chain(real.keys()).collect::<std::collections::BTreeSet<_>>();
    let differences: Vec<String> = keys
        .into_iter()
        .filter(|key| replayed.get(*key) != real.get(*key))
        .map(|key| format!("{key}\n  replayed: {:?}\n  real:     {:?}", replayed.get(key), real.get(key)))
        .collect();
    assert!(differences.is_empty(), "{what}:\n{}", differences.join("\n"));
}

async fn check(script: &Script, draft: Policy) {
    let active = Policy::compiled().unwrap();
    let mut first = Driver::new(active.clone()).await;
    let from = first.begin();
    first.run(Run::First(script)).await;
    let recorded = history(&first.world, &[&active, &draft], from).await;
    let text = serde_json::to_string(&recorded).unwrap();
    assert_eq!(serde_json::from_str::<History>(&text).unwrap(), recorded, "a history survives its export");

    let simulation = simulate((&active, HASH), &draft, &recorded);
    let really = Consequences::recorded(&recorded);
    assert_same(&replay(&active, &recorded), &really, "replay under the active policy");
    let same = simulate((&active, HASH), &active, &recorded);
    assert!(same.difference.is_empty());

    let mut second = Driver::new(draft.clone()).await;
    second.run(Run::Again(script, &recorded)).await;
    let again = history(&second.world, &[&active, &draft], from).await;
    assert_same(&replay(&draft, &recorded), &Consequences::recorded(&again), "replay under the draft");
    let weeks = simulate((&draft, HASH), &draft, &again).weeks;
    let scores =
        |weeks: &[WeekComparison]| -> Vec<_> { weeks.iter().map(|week| (week.from, week.draft.clone())).collect() };
    assert_eq!(scores(&simulation.weeks), scores(&weeks));
}

#[tokio::test]
async fn simulating_the_active_policy_over_the_sample_week_changes_nothing_and_counts_what_it_cannot_reproduce() {
    let world = World::new().await;
    crate::browser::week::replay(&world).await;
    let from = world.clock.now().day().minus(8).start();
    let active = Policy::compiled().unwrap();
    let range = (from, world.clock.now());
    let simulator = world.policy_simulator();
    let simulate = async |draft: &Policy| {
        simulator.simulate((&active, HASH), draft, &ENGINES.into(), range, world.clock.as_ref()).await.unwrap()
    };
    let same = simulate(&active).await;
    assert!(same.difference.is_empty(), "{:?}", same.difference);
    assert!(same.weeks.iter().all(|week| week.flips.is_empty() && week.active == week.draft));
    let check = &same.self_check;
    assert_eq!(check.reasons.iter().map(|reason| reason.count).sum::<u64>(), check.not_reproduced);
    assert!(check.items.len() > 20 && check.items.len() as u64 <= check.not_reproduced);
    assert!(check.reproduced > 0, "{check:?}");
    let reasons: Vec<UnreproducedReason> = check.reasons.iter().map(|reason| reason.reason).collect();
    assert!(!reasons.contains(&UnreproducedReason::Unexplained), "{:#?}", check.items);

    let mut draft = active.clone();
    draft.incidents.min_severity = Severity::High;
    draft.actions.require_approval.insert(Action::BillingSyncRepair);
    draft.weights.insert(Severity::Critical, 60);
    let other = simulate(&draft).await;
    assert_eq!(other.self_check, same.self_check, "the self-check is about the active policy");
    let Difference { actions, approvals, incidents, notifications, .. } = &other.difference;
    assert!(
        approvals
            .items
            .iter()
            .all(|it| it.change == ChangeKind::Added && it.about.engine == Engine::from_static("billing"))
    );
    assert!(approvals.total > 0 && actions.total >= approvals.total && notifications.total > incidents.total);
    assert!(
        actions
            .items
            .iter()
            .any(|it| it.after.as_ref().is_some_and(|after| after.status == "unknown") && it.real.is_some())
    );
    assert!(incidents.items.iter().any(|it| it.change == ChangeKind::Added && it.real.is_none()));
    assert!(other.weeks.iter().any(|week| week.flips.iter().any(|flip| flip.category.is_some())), "{:?}", other.weeks);
    assert!(serde_json::to_string(&other).unwrap().len() < 350_000);
}

#[tokio::test]
async fn sweeps_at_which_nothing_is_due_change_nothing() {
    let step = |engine, event_type, severity| Step::Event { engine, event_type, severity };
    let script = Script {
        steps: vec![
            (17_000, step("billing", "sync_failed", "CRITICAL")),
            (1_207_000, step("compliance", "permission_escalated", "HIGH")),
            (3_011_000, step("qa", "suite_failed", "CRITICAL")),
            (707_000, Step::Change { of: index(0), command: Command::Acknowledge, by: "night-desk" }),
        ],
        answers: vec![(Some(Outcome::Succeeded), 61_000), (None, 0)],
        minutes_after: 300,
    };
    let mut results = Vec::new();
    for sweeps_always in [false, true] {
        let policy = Policy::compiled().unwrap();
        let mut driver = Driver::new(policy.clone()).await;
        driver.sweeps_always = sweeps_always;
        let from = driver.begin();
        driver.run(Run::First(&script)).await;
        let history = history(&driver.world, &[&policy], from).await;
        results.push((driver.sweeps, comparable(&Consequences::recorded(&history))));
    }
    let [(few, due), (many, always)] = results.try_into().unwrap();
    assert_eq!(due, always);
    assert!(10 < few && few * 5 < many, "{few} of {many}");
}

fn index(place: usize) -> prop::sample::Index {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tree = any::<prop::sample::Index>().new_tree(&mut runner).unwrap();
    assert_eq!(tree.current().index(1), place);
    tree.current()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn simulation_equals_reality(script in random_week(), draft in random_policy()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&script, draft));
    }
}
