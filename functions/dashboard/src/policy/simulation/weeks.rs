//! The scores of each week of a simulation, as a chart and as a table.

use std::collections::BTreeSet;

use age_model::{RiskLevel, Timestamp};
use age_scoring::simulation::{LevelFlip, Simulation, WeekComparison, WeekRisk};

use crate::policy::document_view::category_title;

/// The width of a week, in units of the chart: two bars, and a gap on each side.
const WEEK_WIDTH: usize = 60;
const BAR_WIDTH: usize = 22;
/// The height of the chart, in its units: that of the highest score.
const HEIGHT: u32 = 100;

/// The weeks of a simulation.
pub(crate) struct WeeksView {
    pub(crate) weeks: Vec<WeekView>,
    pub(crate) width: usize,
    pub(crate) height: u32,
    /// The chart in one sentence.
    pub(crate) summary: String,
}

/// A week before and after.
pub(crate) struct WeekView {
    pub(crate) from: Timestamp,
    pub(crate) before: SideView,
    pub(crate) after: SideView,
    /// The left edge of the week in the chart.
    pub(crate) x: usize,
    /// The categories whose scores or levels differ.
    pub(crate) categories: Vec<CategoryChange>,
}

/// The score of a week under one version.
pub(crate) struct SideView {
    pub(crate) score: u32,
    pub(crate) level: RiskLevel,
    /// The bar in the chart. At least one unit high, so that it can be seen.
    pub(crate) x: usize,
    pub(crate) y: u32,
    pub(crate) width: usize,
    pub(crate) height: u32,
}

/// The score of a category before and after, such as `25 → 40, MEDIUM → HIGH`.
pub(crate) struct CategoryChange {
    pub(crate) title: String,
    pub(crate) change: String,
}

impl WeeksView {
    pub(super) fn of(simulation: &Simulation) -> Self {
        let weeks: Vec<_> =
            simulation.weeks.iter().enumerate().map(|(index, week)| WeekView::of(index * WEEK_WIDTH, week)).collect();
        let differing = weeks.iter().filter(|week| week.differs()).count();
        let flipped = weeks.iter().filter(|week| week.before.level != week.after.level).count();
        let summary = format!("{differing} of {} weeks have another score, {flipped} another level", weeks.len());
        Self { width: WEEK_WIDTH.saturating_mul(weeks.len()), height: HEIGHT, summary, weeks }
    }
}

impl WeekView {
    fn of(x: usize, week: &WeekComparison) -> Self {
        let categories: BTreeSet<&String> =
            week.active.risk_scores.keys().chain(week.draft.risk_scores.keys()).collect();
        let left = x + (WEEK_WIDTH - 2 * BAR_WIDTH) / 2;
        Self {
            from: week.from,
            before: SideView::of(left, &week.active),
            after: SideView::of(left + BAR_WIDTH, &week.draft),
            x,
            categories: categories.into_iter().filter_map(|category| CategoryChange::of(category, week)).collect(),
        }
    }

    /// Whether the score or the level of the week differs.
    pub(crate) fn differs(&self) -> bool {
        (self.before.score, self.before.level) != (self.after.score, self.after.level)
    }

    pub(crate) const fn sides(&self) -> [&SideView; 2] {
        [&self.before, &self.after]
    }

    /// Returns the week in one sentence, for its bars.
    pub(crate) fn summary(&self) -> String {
        let Self { before, after, .. } = self;
        format!("before {} {}, after {} {}", before.score, before.level, after.score, after.level)
    }
}

impl SideView {
    fn of(x: usize, risk: &WeekRisk) -> Self {
        let height = risk.risk_score.clamp(1, HEIGHT);
        Self { score: risk.risk_score, level: risk.risk_level, x, y: HEIGHT - height, width: BAR_WIDTH - 2, height }
    }
}

impl CategoryChange {
    /// Returns the change of `category`; None if neither its score nor its level differs.
    fn of(category: &String, week: &WeekComparison) -> Option<Self> {
        let (before, after) = (week.active.risk_scores.get(category), week.draft.risk_scores.get(category));
        let flip = week.flips.iter().find(|flip| flip.category.as_ref() == Some(category));
        if before == after && flip.is_none() {
            return None;
        }
        let score = |score: Option<&u32>| score.map_or_else(|| "none".to_owned(), u32::to_string);
        let scores = format!("{} → {}", score(before), score(after));
        let change = flip.map_or(scores.clone(), |flip| format!("{scores}, {}", format_flip(flip)));
        Some(Self { title: category_title(category), change })
    }
}

fn format_flip(flip: &LevelFlip) -> String {
    let level = |level: Option<RiskLevel>| level.map_or_else(|| "none".to_owned(), |level| level.to_string());
    format!("{} → {}", level(flip.before), level(flip.after))
}
