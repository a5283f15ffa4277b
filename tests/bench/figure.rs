//! The results of the benchmark: figures, tables and parts.

use std::fmt::{self, Display, Formatter};

use serde_json::{Value, json};

/// One measured number.
pub(crate) struct Figure {
    /// The name, unique in its part. It is the figure's key in `target/bench.json`.
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// The maximum. None if the figure has no limit.
    pub(crate) limit: Option<f64>,
}

impl Figure {
    /// Returns a figure with a limit.
    pub(crate) fn limited(name: impl Into<String>, value: f64, unit: &'static str, limit: f64) -> Self {
        Self { name: name.into(), value, unit, limit: Some(limit) }
    }

    pub(crate) fn is_within(&self) -> bool {
        self.limit.is_none_or(|limit| self.value <= limit)
    }

    /// Returns whether the figure meets its limit, in words. Empty without a limit.
    pub(crate) const fn limit_status(&self) -> &'static str {
        match self.limit {
            None => "",
            Some(limit) if self.value <= limit => "met",
            Some(_) => "**missed**",
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "name": self.name, "value": self.value, "unit": self.unit, "limit": self.limit, "met": self.is_within() })
    }
}

impl Display for Figure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.name, rounded(self.value), self.unit)?;
        self.limit.map_or(Ok(()), |limit| write!(f, ", limit {}: {}", rounded(limit), self.limit_status()))
    }
}

/// A table of texts.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) headings: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// The results of one part of the benchmark.
pub(crate) struct Part {
    pub(crate) title: &'static str,
    /// The description of the measurement, in Markdown.
    pub(crate) how: &'static str,
    pub(crate) figures: Vec<Figure>,
    pub(crate) tables: Vec<Table>,
    /// The conclusions, in Markdown.
    pub(crate) learned: &'static str,
}

/// Formats a number with about three significant digits. Whole numbers have no fraction.
pub(crate) fn rounded(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Returns the median.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
