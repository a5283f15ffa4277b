//! Simulation equals reality: a random week is really run under one policy and simulated under another, and then really run under that
//! one with the same inputs. What follows must be the same.

mod driver;
mod random_policy;
mod random_week;

use std::collections::BTreeMap;

use age_model::{ActionStatus, Clock, Engine, Timestamp};
use age_policy::Policy;
use age_scoring::simulation::{Consequences, History, replay, simulate};
use proptest::prelude::*;

use self::driver::{Driver, Script, World as Run};
use self::random_policy::random_policy;
use self::random_week::random_week;
use crate::world::World;

const HASH: &str = Policy::HASH;

/// The number of cases: `POLICY_SIMULATION_CASES`, or few on a developer's machine.
fn cases() -> u32 {
    let set = std::env::var("POLICY_SIMULATION_CASES").ok().and_then(|cases| cases.parse().ok());
    set.unwrap_or(if std::env::var_os("CI").is_some() { 60 } else { 12 })
}

/// Reads the history of a world, as one of `policies` needs it.
async fn history(world: &World, policies: &[&Policy], from: Timestamp) -> History {
    let (simulator, engines) = (world.policy_simulator(), Engine::ALL);
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
    let scores = |weeks: &[age_scoring::simulation::WeekComparison]| -> Vec<_> {
        weeks.iter().map(|week| (week.from, week.draft.clone())).collect()
    };
    assert_eq!(scores(&simulation.weeks), scores(&weeks));
    let unknown = replay(&draft, &recorded).actions.into_values().filter(|it| it.is_unknown).count();
    let dispatched = again.actions.iter().filter(|it| it.status != ActionStatus::Suppressed).count();
    println!(
        "{} sweeps, {} events, {} actions, {} dispatched, {unknown} unknown, {} incidents, difference {:?}, not reproduced {}",
        first.sweeps + second.sweeps,
        recorded.events.len(),
        again.actions.len(),
        dispatched,
        again.incidents.len(),
        simulation.difference.counts.len(),
        simulation.self_check.not_reproduced
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn simulation_equals_reality(script in random_week(), draft in random_policy()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&script, draft));
    }
}
