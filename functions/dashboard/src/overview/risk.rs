//! The risk categories: the scores of the last 168 hours, against the policy's thresholds and the week before.

use std::collections::BTreeMap;

use age_model::{Period, RiskLevel, Timestamp};
use age_policy::{Category, Policy};
use age_scoring::Assessment;

use crate::overview::event_counts::{self, DAYS, HourlyCounts};
use crate::policy::category_title;
use crate::safe_text::SafeText;

const HOUR_SECONDS: i64 = 3600;
const WEEK_HOURS: i64 = 168;

/// The current risk of a category.
pub(super) struct CategoryRisk {
    pub(super) title: String,
    pub(super) score: u32,
    pub(super) level: RiskLevel,
    /// The policy recommends something for a higher score.
    pub(super) threshold: u32,
    /// Since when the score is above the threshold. None if it is not.
    pub(super) since: Option<RiskStart>,
    /// The score of the 168 hours before.
    pub(super) previous_score: u32,
    /// What the policy recommends for a score above the threshold.
    pub(super) recommendation: SafeText,
}

/// Since when a score is above its threshold, to the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RiskStart {
    /// Since this hour.
    Hour(Timestamp),
    /// Since before this hour, the oldest of which the score is known.
    Before(Timestamp),
}

impl CategoryRisk {
    /// Returns how the score compares with that of the 168 hours before.
    pub(super) fn change(&self) -> String {
        match (self.score, self.previous_score) {
            (now, previous) if now > previous => format!("▲\u{a0}{} (from {previous})", now - previous),
            (now, previous) if now < previous => format!("▼\u{a0}{} (from {previous})", previous - now),
            _ => "none".to_owned(),
        }
    }
}

/// Returns the risk of each category, the highest first.
pub(super) fn assess(policy: &Policy, hours: &HourlyCounts, now: Timestamp) -> Vec<CategoryRisk> {
    let week = Period::trailing_week(now);
    let Assessment { scores, levels, .. } = Assessment::of(policy, &event_counts::sum(hours, week));
    let previous_scores = Assessment::of(policy, &event_counts::sum(hours, week.previous_week())).scores;
    let score_in =
        |scores: &BTreeMap<String, u32>, category: &Category| scores.get(&category.name).copied().unwrap_or(0);
    let risk = |category: &Category| {
        let score = score_in(&scores, category);
        CategoryRisk {
            title: category_title(&category.name),
            score,
            level: levels.get(&category.name).copied().unwrap_or(RiskLevel::Low),
            threshold: category.recommend_above,
            since: (score > category.recommend_above).then(|| find_start(policy, category, hours, now)),
            previous_score: score_in(&previous_scores, category),
            recommendation: SafeText::new(&category.recommendation),
        }
    };
    let mut risks: Vec<CategoryRisk> = policy.categories.iter().map(risk).collect();
    risks.sort_by_key(|risk| std::cmp::Reverse(risk.score));
    risks
}

/// Returns since when the score of `category`, which is above its threshold at `now`, has been above it at each full hour.
fn find_start(policy: &Policy, category: &Category, hours: &HourlyCounts, now: Timestamp) -> RiskStart {
    let points = |at: Timestamp| {
        let Some(counts) = hours.get(&at) else { return 0 };
        let of_engines =
            category.engines.iter().map(|engine| age_scoring::severity_weight(policy, &counts.engine(*engine)));
        of_engines.fold(0, u64::saturating_add)
    };
    let mut hour = now.floor_hour();
    let oldest = hour.plus_seconds((WEEK_HOURS - DAYS * 24) * HOUR_SECONDS);
    let week = (0..=WEEK_HOURS).map(|hours_ago| points(hour.plus_seconds(-hours_ago * HOUR_SECONDS)));
    let mut sum = week.fold(0, u64::saturating_add);
    while hour > oldest {
        // The week that ended an hour earlier lacks one hour at its end, and has one more at its beginning.
        let earlier = points(hour.plus_seconds(-(WEEK_HOURS + 1) * HOUR_SECONDS));
        sum = sum.saturating_sub(points(hour)).saturating_add(earlier);
        if sum <= u64::from(category.recommend_above) {
            return RiskStart::Hour(hour);
        }
        hour = hour.plus_seconds(-HOUR_SECONDS);
    }
    RiskStart::Before(hour)
}

#[cfg(test)]
mod tests {
    use age_model::{Engine, Severity};

    use super::*;

    fn risk_of(events: &[(&str, u64)]) -> CategoryRisk {
        let mut hours: HourlyCounts = HourlyCounts::new();
        for (at, number) in events {
            let at: Timestamp = at.parse().unwrap();
            hours.entry(at).or_default().add(Engine::from_static("billing"), Severity::Critical, *number);
        }
        let now = "2026-11-23T09:30:00Z".parse().unwrap();
        assess(&Policy::compiled().unwrap(), &hours, now).into_iter().find(|risk| risk.title == "Billing risk").unwrap()
    }

    #[test]
    fn risk_starts_in_the_hour_that_crossed_the_threshold() {
        let hour = |text: &str| Some(RiskStart::Hour(text.parse().unwrap()));
        assert_eq!(risk_of(&[]).since, None);
        assert_eq!(risk_of(&[("2026-11-20T10:00:00Z", 1)]).since, None, "25 is not above 30");
        assert_eq!(risk_of(&[("2026-11-20T10:00:00Z", 2)]).since, hour("2026-11-20T10:00:00Z"));
        let late = risk_of(&[("2026-11-20T10:00:00Z", 1), ("2026-11-23T09:00:00Z", 1)]);
        assert_eq!((late.score, late.since), (50, hour("2026-11-23T09:00:00Z")));
        let twice = risk_of(&[("2026-11-10T10:00:00Z", 2), ("2026-11-20T10:00:00Z", 2)]);
        assert_eq!((twice.previous_score, twice.since), (50, hour("2026-11-20T10:00:00Z")), "it was not in between");
        let long: Vec<String> = (1..24).map(|day| format!("2026-11-{day:02}T00:00:00Z")).collect();
        let long: Vec<(&str, u64)> = long.iter().map(|at| (at.as_str(), 2)).collect();
        assert_eq!(risk_of(&long).since, hour("2026-11-01T00:00:00Z"));
        let longer: Vec<String> = (25..32).map(|day| format!("2026-10-{day}T00:00:00Z")).collect();
        let longer = [longer.iter().map(|at| (at.as_str(), 2)).collect(), long].concat();
        assert_eq!(risk_of(&longer).since, Some(RiskStart::Before("2026-10-31T09:00:00Z".parse().unwrap())));
    }

    #[test]
    fn change_from_last_week_names_the_previous_score() {
        assert_eq!(risk_of(&[]).change(), "none");
        assert_eq!(risk_of(&[("2026-11-20T10:00:00Z", 2)]).change(), "▲\u{a0}50 (from 0)");
        assert_eq!(risk_of(&[("2026-11-10T10:00:00Z", 1)]).change(), "▼\u{a0}25 (from 25)");
    }
}
