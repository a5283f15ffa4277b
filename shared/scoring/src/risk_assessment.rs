//! The assessment of a period: scores, level and recommendations, computed from event counts.

use std::collections::BTreeMap;

use age_model::{Engine, EventCounts, RiskLevel, Severity, SeverityCounts};
use age_policy::{Category, Policy};

/// The scores, level and recommendations of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// Score by category, up to the policy's `score_cap`.
    pub scores: BTreeMap<String, u32>,
    /// Level by category.
    pub levels: BTreeMap<String, RiskLevel>,
    /// Score by category before the limit.
    pub raw_scores: BTreeMap<String, u64>,
    /// Points by category and engine. The points of a category sum to its raw score.
    pub contributions: BTreeMap<String, BTreeMap<Engine, u64>>,
    /// The category with the highest raw score; of equal ones the first in the policy. None if all scores are 0.
    pub peak: Option<String>,
    /// The mean of the scores, rounded half up.
    pub risk_score: u32,
    /// The level of the highest category.
    pub level: RiskLevel,
    /// Recommended steps, in the order of the policy.
    pub recommendations: Vec<String>,
}

impl Assessment {
    /// Assesses `counts` by `policy`.
    #[must_use]
    pub fn of(policy: &Policy, counts: &EventCounts) -> Self {
        let scored: Vec<Scored<'_>> =
            policy.categories.iter().map(|category| Scored::new(policy, category, counts)).collect();
        let mut highest: Option<&Scored<'_>> = None;
        for scored in &scored {
            if scored.raw > highest.map_or(0, |best| best.raw) {
                highest = Some(scored);
            }
        }
        let name = |scored: &Scored<'_>| scored.category.name.clone();
        Self {
            scores: scored.iter().map(|scored| (name(scored), scored.score)).collect(),
            levels: scored.iter().map(|scored| (name(scored), policy.level(scored.score))).collect(),
            raw_scores: scored.iter().map(|scored| (name(scored), scored.raw)).collect(),
            contributions: scored.iter().map(|scored| (name(scored), scored.points.clone())).collect(),
            peak: highest.map(name),
            risk_score: rounded_mean(scored.iter().map(|scored| scored.score)),
            level: policy.level(highest.map_or(0, |scored| scored.score)),
            recommendations: recommendations(policy, &scored, counts.of(Severity::Critical)),
        }
    }
}

/// Returns the points for `counts` by the policy's weights.
#[must_use]
pub fn severity_weight(policy: &Policy, counts: &SeverityCounts) -> u64 {
    policy
        .weights
        .iter()
        .fold(0, |sum: u64, (severity, weight)| sum.saturating_add(weight.saturating_mul(counts.of(*severity))))
}

struct Scored<'a> {
    category: &'a Category,
    points: BTreeMap<Engine, u64>,
    raw: u64,
    score: u32,
}

impl<'a> Scored<'a> {
    fn new(policy: &Policy, category: &'a Category, counts: &EventCounts) -> Self {
        let points: BTreeMap<_, _> =
            category.engines.iter().map(|engine| (*engine, severity_weight(policy, &counts.engine(*engine)))).collect();
        let raw = points.values().fold(0, |sum: u64, points| sum.saturating_add(*points));
        let score = u32::try_from(raw).unwrap_or(u32::MAX).min(policy.score_cap);
        Self { category, points, raw, score }
    }
}

fn rounded_mean(scores: impl ExactSizeIterator<Item = u32>) -> u32 {
    let number = u32::try_from(scores.len()).unwrap_or(u32::MAX).max(1);
    let sum: u32 = scores.sum();
    (2 * sum + number) / (2 * number)
}

fn recommendations(policy: &Policy, scored: &[Scored<'_>], critical: u64) -> Vec<String> {
    let above = scored.iter().filter(|scored| scored.score > scored.category.recommend_above);
    let mut recommendations: Vec<String> = above.map(|scored| scored.category.recommendation.clone()).collect();
    if critical > 0 {
        recommendations.push(policy.critical_recommendation(critical));
    }
    recommendations
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPERATIONAL: &str = "Review QA failures and documentation gaps";
    const BILLING: &str = "Audit billing sync and token enforcement";
    const SECURITY: &str = "Review compliance violations and MAOS permissions";
    const CLIENT: &str = "Check voice/image generation success rates";
    const PERFORMANCE: &str = "Optimize Deep Agent routing and response times";

    fn assess(events: &[(Engine, Severity, u64)]) -> Assessment {
        let mut counts = EventCounts::default();
        for (engine, severity, number) in events {
            counts.add(*engine, *severity, *number);
        }
        Assessment::of(&Policy::compiled().unwrap(), &counts)
    }

    #[test]
    fn recommendation_is_made_above_its_threshold_and_not_at_it() {
        let cases = [
            (Engine::from_static("documentation"), "operational_risk", 50, OPERATIONAL),
            (Engine::from_static("billing"), "billing_risk", 30, BILLING),
            (Engine::from_static("compliance"), "security_risk", 40, SECURITY),
            (Engine::from_static("voice_engine"), "client_risk", 30, CLIENT),
            (Engine::from_static("image_engine"), "client_risk", 30, CLIENT),
            (Engine::from_static("deep_agent"), "performance_risk", 40, PERFORMANCE),
        ];
        for (engine, category, threshold, recommendation) in cases {
            for (points, expected) in [(threshold - 1, false), (threshold, false), (threshold + 1, true)] {
                let assessment = assess(&[(engine, Severity::Low, points)]);
                assert_eq!(assessment.raw_scores.get(category), Some(&points));
                assert_eq!(
                    assessment.recommendations.iter().any(|text| text == recommendation),
                    expected,
                    "{engine} at {points}"
                );
            }
        }
    }

    #[test]
    fn engine_counts_in_every_category_that_lists_it() {
        let of = |engine| assess(&[(engine, Severity::Critical, 1)]).scores;
        let scored = |engine| -> Vec<String> {
            of(engine).into_iter().filter(|(_, score)| *score == 25).map(|(name, _)| name).collect()
        };
        assert_eq!(scored(Engine::from_static("qa")), ["operational_risk", "performance_risk"]);
        assert_eq!(scored(Engine::from_static("maos")), ["operational_risk", "security_risk"]);
        assert_eq!(scored(Engine::from_static("documentation")), ["operational_risk"]);
        assert_eq!(scored(Engine::from_static("compliance")), ["security_risk"]);
        assert_eq!(scored(Engine::from_static("billing")), ["billing_risk"]);
        assert_eq!(scored(Engine::from_static("voice_engine")), ["client_risk"]);
        assert_eq!(scored(Engine::from_static("image_engine")), ["client_risk"]);
        assert_eq!(scored(Engine::from_static("deep_agent")), ["performance_risk"]);
    }

    #[test]
    fn scores_are_capped_and_raw_scores_saturate() {
        let assessment = assess(&[
            (Engine::from_static("billing"), Severity::Critical, 400),
            (Engine::from_static("qa"), Severity::Low, u64::MAX),
        ]);
        assert_eq!(assessment.scores.get("billing_risk"), Some(&100));
        assert_eq!(assessment.raw_scores.get("billing_risk"), Some(&10_000));
        assert_eq!(assessment.raw_scores.get("operational_risk"), Some(&u64::MAX));
        assert_eq!(assessment.level, RiskLevel::Critical);
        for (points, score) in [(99, 99), (100, 100), (101, 100)] {
            assert_eq!(
                assess(&[(Engine::from_static("billing"), Severity::Low, points)]).scores.get("billing_risk"),
                Some(&score)
            );
        }
    }

    #[test]
    fn report_level_is_that_of_the_highest_category() {
        let levels = [
            (0, RiskLevel::Low),
            (24, RiskLevel::Low),
            (25, RiskLevel::Medium),
            (49, RiskLevel::Medium),
            (50, RiskLevel::High),
            (74, RiskLevel::High),
            (75, RiskLevel::Critical),
            (100, RiskLevel::Critical),
        ];
        for (points, level) in levels {
            let assessment = assess(&[(Engine::from_static("billing"), Severity::Low, points)]);
            assert_eq!(assessment.level, level, "at {points}");
            assert_eq!(assessment.risk_score, rounded_mean([u32::try_from(points).unwrap(), 0, 0, 0, 0].into_iter()));
        }
    }

    #[test]
    fn mean_is_rounded_half_up() {
        for (scores, mean) in
            [([1, 0, 0, 0, 1], 0), ([1, 1, 1, 0, 0], 1), ([100; 5], 100), ([0; 5], 0), ([100, 100, 99, 0, 0], 60)]
        {
            assert_eq!(rounded_mean(scores.into_iter()), mean, "{scores:?}");
        }
    }

    #[test]
    fn peak_is_the_higher_raw_score_then_the_first_in_the_policy() {
        let peak = |events: &[(Engine, Severity, u64)]| assess(events).peak;
        assert_eq!(peak(&[]), None);
        assert_eq!(
            peak(&[
                (Engine::from_static("compliance"), Severity::Low, 7),
                (Engine::from_static("billing"), Severity::Low, 7)
            ])
            .unwrap(),
            "billing_risk"
        );
        let both_capped = [
            (Engine::from_static("billing"), Severity::Low, 150),
            (Engine::from_static("voice_engine"), Severity::Low, 200),
        ];
        assert_eq!(peak(&both_capped).unwrap(), "client_risk");
    }

    #[test]
    fn critical_recommendation_has_the_number_of_events() {
        // MAOS alone scores 25 in security_risk, below its threshold of 40.
        let recommendations = assess(&[
            (Engine::from_static("qa"), Severity::Critical, 2),
            (Engine::from_static("maos"), Severity::Critical, 1),
        ])
        .recommendations;
        assert_eq!(recommendations, [OPERATIONAL, PERFORMANCE, "Address 3 critical events immediately"]);
    }

    fn engines() -> Vec<Engine> {
        Policy::compiled().unwrap().engines.into_keys().collect()
    }

    /// The original sketch's report, line by line: it reads every event.
    fn original_report(events: &[(Engine, Severity)]) -> (Vec<(&'static str, u64)>, u64, Vec<String>) {
        let risk = |engines: &[Engine]| {
            let mut score = 0_u64;
            for (engine, severity) in events {
                if engines.contains(engine) {
                    score += match severity {
                        Severity::Critical => 25,
                        Severity::Unknown(_) => 0,
                        Severity::High => 15,
                        Severity::Medium => 5,
                        Severity::Low => 1,
                    };
                }
            }
            score.min(100)
        };
        let scores = vec![
            (
                "operational_risk",
                risk(&[Engine::from_static("qa"), Engine::from_static("documentation"), Engine::from_static("maos")]),
            ),
            ("billing_risk", risk(&[Engine::from_static("billing")])),
            ("security_risk", risk(&[Engine::from_static("compliance"), Engine::from_static("maos")])),
            ("client_risk", risk(&[Engine::from_static("voice_engine"), Engine::from_static("image_engine")])),
            ("performance_risk", risk(&[Engine::from_static("deep_agent"), Engine::from_static("qa")])),
        ];
        let sum: u32 = scores.iter().map(|(_, score)| u32::try_from(*score).unwrap()).sum();
        let mean = (f64::from(sum) / 5.0).round();
        let thresholds = [(50, OPERATIONAL), (30, BILLING), (40, SECURITY), (30, CLIENT), (40, PERFORMANCE)];
        let mut recommendations: Vec<String> = Vec::new();
        for ((_, score), (threshold, recommendation)) in scores.iter().zip(thresholds) {
            if *score > threshold {
                recommendations.push(recommendation.to_owned());
            }
        }
        let critical = events.iter().filter(|(_, severity)| *severity == Severity::Critical).count();
        if critical > 0 {
            recommendations.push(format!("Address {critical} critical events immediately"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean of scores is 0 to 100")]
        (scores, mean as u64, recommendations)
    }

    proptest! {
        #[test]
        fn assessment_equals_the_report_of_the_original_sketch(events in prop::collection::vec((prop::sample::select(engines()), prop::sample::select(Severity::ALL)), 0..120)) {
            let listed: Vec<_> = events.iter().map(|(engine, severity)| (*engine, *severity, 1)).collect();
            let assessment = assess(&listed);
            let (scores, mean, recommendations) = original_report(&events);
            for (category, score) in scores {
                prop_assert_eq!(assessment.scores.get(category).map(|score| u64::from(*score)), Some(score));
            }
            prop_assert_eq!(u64::from(assessment.risk_score), mean);
            prop_assert_eq!(&assessment.recommendations, &recommendations);
            for (category, points) in &assessment.contributions {
                prop_assert_eq!(Some(&points.values().sum::<u64>()), assessment.raw_scores.get(category));
            }
        }
    }
}
