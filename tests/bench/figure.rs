//! What is found, in the form in which it is written down.

use std::fmt::{self, Display, Formatter};

use serde_json::{Value, json};

/// One number that something is said about.
pub(crate) struct Figure {
    /// In plain words, unique in its part.
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// It must not be larger; none for one that is only shown.
    pub(crate) limit: Option<f64>,
}

impl Figure {
    /// One that has a limit.
    pub(crate) fn limited(name: impl Into<String>, value: f64, unit: &'static str, limit: f64) -> Self {
        Self { name: name.into(), value, unit, limit: Some(limit) }
    }

    pub(crate) fn is_within(&self) -> bool {
        self.limit.is_none_or(|limit| self.value <= limit)
    }

    /// Where it stands against its limit.
    pub(crate) const fn verdict(&self) -> &'static str {
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
        self.limit.map_or(Ok(()), |limit| write!(f, ", limit {}: {}", rounded(limit), self.verdict()))
    }
}

/// Rows of text under their headings.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) headings: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// What a part of the benchmark found.
pub(crate) struct Part {
    pub(crate) title: &'static str,
    /// What is measured and how, in Markdown.
    pub(crate) how: &'static str,
    pub(crate) figures: Vec<Figure>,
    pub(crate) tables: Vec<Table>,
    /// What was learned by it, in Markdown.
    pub(crate) learned: &'static str,
}

/// Three digits that say something; whole numbers whole.
pub(crate) fn rounded(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
