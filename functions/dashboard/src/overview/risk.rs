//! The risk categories now: their scores of the last 168 hours, against the policy's thresholds and the week before.

use std::collections::BTreeMap;

use age_model::{EventCounts, Period, RiskLevel, Timestamp};
use age_scoring::{Assessment, Category, Policy};

use super::{DAYS, within};
use crate::text::{capitalised, words};

const HOUR_SECONDS: i64 = 3600;
const WEEK_HOURS: i64 = 168;

/// A category of risk now.
pub(super) struct Risk {
    pub(super) title: String,
    pub(super) score: u32,
    pub(super) level: RiskLevel,
    /// Above this score it is to be looked into.
    pub(super) threshold: u32,
    /// Since when it is above the threshold. None if it is not.
    pub(super) since: Option<Since>,
    /// Its score of the week before.
    pub(super) before: u32,
    /// What to do, if it is above its threshold.
    pub(super) advice: String,
}

/// Since when something is so, to the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// From this hour on.
    Hour(Timestamp),
    /// From before this hour on.
    Before(Timestamp),
}

impl Risk {
    /// How it compares with the week before.
    pub(super) fn trend(&self) -> String {
        match (self.score, self.before) {
            (now, before) if now > before => format!("▲ {} more than the week before ({before})", now - before),
            (now, before) if now < before => format!("▼ {} less than the week before ({before})", before - now),
            _ => "the same as the week before".to_owned(),
        }
    }
}

/// All of them, the highest first.
pub(super) fn all(policy: &Policy, hours: &BTreeMap<Timestamp, EventCounts>, now: Timestamp) -> Vec<Risk> {
    let week = Period::trailing_week(now);
    let scores = Assessment::of(policy, &within(hours, week)).scores;
    let before = Assessment::of(policy, &within(hours, week.previous_week())).scores;
    let of = |scores: &BTreeMap<String, u32>, category: &Category| scores.get(&category.name).copied().unwrap_or(0);
    let risk = |category: &Category| {
        let score = of(&scores, category);
        Risk {
            title: capitalised(&words(&category.name)),
            score,
            level: policy.level(score),
            threshold: category.recommend_above,
            since: (score > category.recommend_above).then(|| since(policy, category, hours, now)),
            before: of(&before, category),
            advice: category.recommendation.clone(),
        }
    };
    let mut risks: Vec<Risk> = policy.categories.iter().map(risk).collect();
    risks.sort_by_key(|risk| std::cmp::Reverse(risk.score));
    risks
}

/// Since when the score of `category`, which is above its threshold at `now`, has been so at each full hour.
fn since(policy: &Policy, category: &Category, hours: &BTreeMap<Timestamp, EventCounts>, now: Timestamp) -> Since {
    let points = |at: Timestamp| {
        let Some(counts) = hours.get(&at) else { return 0 };
        let of_engines =
            category.engines.iter().map(|engine| age_scoring::severity_weight(policy, &counts.engine(*engine)));
        of_engines.fold(0, u64::saturating_add)
    };
    let mut hour = now.floor_hour();
    let oldest = hour.plus_seconds((WEEK_HOURS - DAYS * 24) * HOUR_SECONDS);
    let week = (0..=WEEK_HOURS).map(|back| points(hour.plus_seconds(-back * HOUR_SECONDS)));
    let mut sum = week.fold(0, u64::saturating_add);
    while hour > oldest {
        // The week that ended an hour earlier has one hour less at its end, and one more at its beginning.
        let earlier = points(hour.plus_seconds(-(WEEK_HOURS + 1) * HOUR_SECONDS));
        sum = sum.saturating_sub(points(hour)).saturating_add(earlier);
        if sum <= u64::from(category.recommend_above) {
            return Since::Hour(hour);
        }
        hour = hour.plus_seconds(-HOUR_SECONDS);
    }
    Since::Before(hour)
}

#[cfg(test)]
mod tests {
    use age_model::{Engine, Severity};

    use super::*;

    fn risk_of(events: &[(&str, u64)]) -> Risk {
        let mut hours: BTreeMap<Timestamp, EventCounts> = BTreeMap::new();
        for (at, number) in events {
            let at: Timestamp = at.parse().unwrap();
            hours.entry(at).or_default().add(Engine::Billing, Severity::Critical, *number);
        }
        let now = "2026-11-23T09:30:00Z".parse().unwrap();
        all(&Policy::compiled().unwrap(), &hours, now).into_iter().find(|risk| risk.title == "Billing risk").unwrap()
    }

    #[test]
    fn it_is_high_since_the_hour_that_made_it_so() {
        let hour = |text: &str| Some(Since::Hour(text.parse().unwrap()));
        assert_eq!(risk_of(&[]).since, None);
        assert_eq!(risk_of(&[("2026-11-20T10:00:00Z", 1)]).since, None, "25 is not above 30");
        assert_eq!(risk_of(&[("2026-11-20T10:00:00Z", 2)]).since, hour("2026-11-20T10:00:00Z"));
        let late = risk_of(&[("2026-11-20T10:00:00Z", 1), ("2026-11-23T09:00:00Z", 1)]);
        assert_eq!((late.score, late.since), (50, hour("2026-11-23T09:00:00Z")));
        let twice = risk_of(&[("2026-11-10T10:00:00Z", 2), ("2026-11-20T10:00:00Z", 2)]);
        assert_eq!((twice.before, twice.since), (50, hour("2026-11-20T10:00:00Z")), "it was not in between");
        let long: Vec<String> = (1..24).map(|day| format!("2026-11-{day:02}T00:00:00Z")).collect();
        let long: Vec<(&str, u64)> = long.iter().map(|at| (at.as_str(), 2)).collect();
        assert_eq!(risk_of(&long).since, hour("2026-11-01T00:00:00Z"));
        let longer: Vec<String> = (25..32).map(|day| format!("2026-10-{day}T00:00:00Z")).collect();
        let longer = [longer.iter().map(|at| (at.as_str(), 2)).collect(), long].concat();
        assert_eq!(risk_of(&longer).since, Some(Since::Before("2026-10-31T09:00:00Z".parse().unwrap())));
    }

    #[test]
    fn the_trend_is_said() {
        assert_eq!(risk_of(&[]).trend(), "the same as the week before");
        assert_eq!(risk_of(&[("2026-11-20T10:00:00Z", 2)]).trend(), "▲ 50 more than the week before (0)");
        assert_eq!(risk_of(&[("2026-11-10T10:00:00Z", 1)]).trend(), "▼ 25 less than the week before (25)");
    }
}
