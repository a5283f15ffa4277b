//! Scores and levels of each week under two policies.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{EventCounts, RiskLevel};
use age_policy::Policy;

use crate::risk_assessment::Assessment;
use crate::simulation::history::History;
use crate::simulation::result::{LevelFlip, WeekComparison, WeekRisk};
use crate::simulation::week_counts::WeekCounts;

/// Compares the weeks of `history`. `mapped` has the events with the severities that the draft maps the words of alerts to.
pub(super) fn compare(
    active: &Policy,
    draft: &Policy,
    history: &History,
    mapped: Option<&History>,
) -> Vec<WeekComparison> {
    let compare_week = |week: &WeekCounts| {
        let counts = week.event_counts();
        let (before, after) = (&counts, mapped.map(|mapped| with_severities(week, history, mapped)));
        let (before, after) =
            (Assessment::of(active, before), Assessment::of(draft, after.as_ref().unwrap_or(&counts)));
        let flips = flips((active, &before), (draft, &after));
        WeekComparison { from: week.from, to: week.to, active: risk(before), draft: risk(after), flips }
    };
    history.weeks.iter().map(compare_week).collect()
}

/// Returns the numbers of events of `week`, with those whose severity `mapped` changes.
fn with_severities(week: &WeekCounts, history: &History, mapped: &History) -> EventCounts {
    let mut counts = week.counts.clone();
    let is_of_week = |at| (week.from..week.to).contains(&at);
    for (event, changed) in history.events.iter().zip(&mapped.events).filter(|(event, _)| is_of_week(event.occurred_at))
    {
        if event.severity != changed.severity {
            let of_engine = counts.entry(event.engine).or_default();
            let before = of_engine.entry(event.severity).or_default();
            *before = before.saturating_sub(1);
            *of_engine.entry(changed.severity).or_default() += 1;
        }
    }
    WeekCounts { counts, ..week.clone() }.event_counts()
}

fn risk(assessment: Assessment) -> WeekRisk {
    let Assessment { risk_score, level, scores, .. } = assessment;
    WeekRisk { risk_score, risk_level: level, risk_scores: scores }
}

fn flips((active, before): (&Policy, &Assessment), (draft, after): (&Policy, &Assessment)) -> Vec<LevelFlip> {
    let of_week = LevelFlip { category: None, before: Some(before.level), after: Some(after.level) };
    let levels = |policy: &Policy, scores: &BTreeMap<String, u32>| -> BTreeMap<String, RiskLevel> {
        scores.iter().map(|(category, score)| (category.clone(), policy.level(*score))).collect()
    };
    let (before, after) = (levels(active, &before.scores), levels(draft, &after.scores));
    let categories: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let of_categories = categories.into_iter().map(|category| LevelFlip {
        category: Some(category.clone()),
        before: before.get(category).copied(),
        after: after.get(category).copied(),
    });
    [of_week].into_iter().chain(of_categories).filter(|flip| flip.before != flip.after).collect()
}
