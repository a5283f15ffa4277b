//! The original sketch's algorithms: they read every event and count.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::Value;
use uuid::Uuid;

/// A row of the sketch's table `governance_events`.
#[expect(dead_code, reason = "the sketch reads all columns")]
#[expect(clippy::struct_field_names, reason = "the fields are the columns")]
pub(crate) struct Event {
    pub(crate) id: Uuid,
    pub(crate) engine: String,
    pub(crate) event_type: String,
    pub(crate) severity: String,
    pub(crate) details: Value,
    pub(crate) occurred_at: SystemTime,
}

/// The sketch's report.
pub(crate) struct Report {
    pub(crate) total: usize,
    pub(crate) by_engine: BTreeMap<String, u64>,
    pub(crate) by_severity: BTreeMap<String, u64>,
    pub(crate) scores: BTreeMap<&'static str, u64>,
    pub(crate) risk_score: u64,
}

const CATEGORIES: [(&str, &[&str]); 5] = [
    ("operational_risk", &["qa", "documentation", "maos"]),
    ("billing_risk", &["billing"]),
    ("security_risk", &["compliance", "maos"]),
    ("client_risk", &["voice_engine", "image_engine"]),
    ("performance_risk", &["deep_agent", "qa"]),
];

/// The sketch's `generateWeeklyReport` after its query: one iteration over the events for each category and each field.
pub(crate) fn report(events: &[Event]) -> Report {
    let scores: BTreeMap<_, _> = CATEGORIES.iter().map(|(name, engines)| (*name, score(events, engines))).collect();
    let number = u64::try_from(scores.len()).unwrap();
    Report {
        total: events.len(),
        by_engine: count(events.iter().map(|event| event.engine.as_str())),
        by_severity: count(events.iter().map(|event| event.severity.as_str())),
        risk_score: (2 * scores.values().sum::<u64>() + number) / (2 * number),
        scores,
    }
}

fn score(events: &[Event], engines: &[&str]) -> u64 {
    let relevant = events.iter().filter(|event| engines.contains(&event.engine.as_str()));
    let points = relevant.map(|event| match event.severity.as_str() {
        "CRITICAL" => 25,
        "HIGH" => 15,
        "MEDIUM" => 5,
        _ => 1,
    });
    points.sum::<u64>().min(100)
}

/// The sketch's `countByField`.
pub(crate) fn count<'a>(values: impl Iterator<Item = &'a str>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for value in values {
        if let Some(count) = counts.get_mut(value) {
            *count += 1;
        } else {
            counts.insert(value.to_owned(), 1);
        }
    }
    counts
}
