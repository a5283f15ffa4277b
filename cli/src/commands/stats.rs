//! `agectl stats`: statistics of the last 30 days.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use age_model::{DecisionCounts, Severity, Timestamp};
use serde::Deserialize;

use crate::decision_figures::{decision_facts, guardrail_facts};
use crate::error::Error;
use crate::format::{NO_VALUE, format_timestamp};
use crate::session::Session;
use crate::text_layout::{format_bars, format_facts, format_section};

const RESOURCE: &str = "stats";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    total_events: u64,
    critical_count: u64,
    by_engine: BTreeMap<String, u64>,
    by_severity: BTreeMap<Severity, u64>,
    busiest_engine: Option<String>,
    top_risky_engine: Option<String>,
    latest_risk_score: Option<u64>,
    /// All numbers are 0 in the statistics of a version without decisions.
    #[serde(default)]
    decisions: DecisionCounts,
    as_of: Timestamp,
}

pub(crate) async fn print_stats(session: &mut Session<'_>) -> Result<(), Error> {
    let response = session.api_client().await?.get(&[RESOURCE], &[]).await?;
    if session.json {
        return session.print_json(&response.body);
    }
    let stats: Stats = response.parse()?;
    Ok(writeln!(session.stdout, "{}", stats.format())?)
}

impl Stats {
    fn format(&self) -> String {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| NO_VALUE.to_owned());
        let score = self.latest_risk_score.map(|score| format!("{score} of 100"));
        let facts = [
            ("Events", format!("{}, {} CRITICAL", self.total_events, self.critical_count)),
            ("Most events", or_none(&self.busiest_engine)),
            ("Most risk", or_none(&self.top_risky_engine)),
            ("Risk score of the last report", or_none(&score)),
        ];
        let title = format!("The last 30 days, {}", format_timestamp(self.as_of));
        let by_severity = self.by_severity.iter().rev().map(|(severity, count)| (severity.as_str(), *count));
        let mut by_engine: Vec<_> = self.by_engine.iter().map(|(engine, count)| (engine, *count)).collect();
        by_engine.sort_by_key(|(_, count)| Reverse(*count));
        let mut sections = vec![
            format_section(&title, format_facts(facts)),
            format_bars("Events by severity", by_severity),
            format_bars("Events by engine", by_engine),
        ];
        if !self.decisions.is_empty() {
            sections.push(format_section("Decisions", format_facts(decision_facts(&self.decisions))));
            sections.push(format_section("Guardrails", format_facts(guardrail_facts(&self.decisions))));
        }
        sections.join("\n\n")
    }
}
