//! The first sweeps after an outage of SNS: people are notified first, and the actions are handed over.

use std::collections::BTreeSet;
use std::time::Instant;

use age_model::Clock;
use age_runtime::SystemClock;

use crate::figure::{Figure, Part, Table, rounded};
use crate::world::{ENGINES, World, event};

/// How many actions the outage has held back.
const ACTIONS: usize = 10_000;

/// How many CRITICAL incidents were opened at its end.
const INCIDENTS: usize = 3;

/// How long before the sweeps the events were accepted, in seconds.
const OUTAGE_SECONDS: i64 = 600;

/// In how many sweeps all actions must be handed over.
const SWEEPS: usize = 3;

struct SweepResult {
    seconds: f64,
    /// How many actions were handed over.
    actions: usize,
    /// How many of the incidents people were notified of.
    notified: usize,
    /// Whether people were notified before the first action was handed over.
    is_people_first: bool,
}

/// Measures the sweeps until all actions are handed over, and the sweep after that.
pub(crate) async fn measure() -> Part {
    let world = World::new().await;
    // The actions and notifications that SNS refused are due again when the sweep runs by the clock of the machine.
    world.clock.set(SystemClock::default().now().plus_seconds(-OUTAGE_SECONDS));
    world.sweep().await;
    world.sns.set_refusing(true);
    for engine in ENGINES {
        assert_eq!(world.post(&event(engine.as_str(), "order_lost", "HIGH")).await.status, 201);
        world.copy_action_and_event(engine.as_str(), ACTIONS / ENGINES.len() - 1);
    }
    for engine in &ENGINES[..INCIDENTS] {
        let event = event(engine.as_str(), "ledger_lost", "CRITICAL");
        assert_eq!(world.post(&event).await.status, 201);
    }
    world.sns.set_refusing(false);
    let mut sweeper = world.sweeper();
    sweeper.clock = Box::new(SystemClock::default());
    let mut sweeps = Vec::new();
    while sweeps.len() < 10 && handed_over(&world).len() < ACTIONS {
        sweeps.push(sweep(&world, &sweeper).await);
        println!("sweep {}: {} actions", sweeps.len(), sweeps.last().map_or(0, |sweep| sweep.actions));
    }
    let published = world.sns.published("actions").len();
    let twice = published - handed_over(&world).len();
    let late = sweeps.first().is_none_or(|first| !first.is_people_first || first.notified < INCIDENTS);
    let figures = vec![
        Figure::limited(
            "incidents of which the first sweep notifies nobody, or after actions",
            f64::from(late),
            "",
            0.0,
        ),
        Figure::limited("sweeps that hand over 10,000 actions", number(sweeps.len()), "sweeps", number(SWEEPS)),
        Figure::limited("actions handed over twice", number(twice), "actions", 0.0),
    ];
    Part {
        title: "Outage",
        how: include_str!("outage/how.md"),
        figures,
        tables: vec![table(&sweeps)],
        learned: include_str!("outage/learned.md"),
    }
}

async fn sweep(world: &World, sweeper: &age_governance::Sweep) -> SweepResult {
    let (before, topics_before) = (handed_over(world).len(), world.sns.published_topics().len());
    let started = Instant::now();
    Box::pin(sweeper.run()).await.into_result().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let topics: Vec<String> = world.sns.published_topics().into_iter().skip(topics_before).collect();
    let position = |topic: &str| topics.iter().position(|published| published == topic);
    let emails = world.sns.published("notifications");
    let is_in_email = |incident: &usize| {
        let title = ENGINES[*incident].as_str();
        emails
            .iter()
            .any(|email| email.json["incidents"].as_array().into_iter().flatten().any(|it| it["engine"] == title))
    };
    SweepResult {
        seconds,
        actions: handed_over(world).len() - before,
        notified: (0..INCIDENTS).filter(is_in_email).count(),
        is_people_first: match (position("notifications"), position("actions")) {
            (Some(notification), Some(action)) => notification < action,
            (notification, _) => notification.is_some(),
        },
    }
}

/// Returns the events whose actions were handed over.
fn handed_over(world: &World) -> BTreeSet<String> {
    world.sns.published("actions").iter().map(|message| message.json["eventId"].to_string()).collect()
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn table(sweeps: &[SweepResult]) -> Table {
    let row = |(number, sweep): (usize, &SweepResult)| {
        vec![
            number.to_string(),
            format!("{} s", rounded(sweep.seconds)),
            sweep.actions.to_string(),
            format!("{} of {INCIDENTS}", sweep.notified),
        ]
    };
    Table {
        title: "The sweeps after the outage",
        headings: vec!["sweep", "time", "actions handed over", "incidents notified of"],
        rows: (1..).zip(sweeps).map(row).collect(),
    }
}
