//! The options that every list has, and the parameters of its query.

use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::value_parsers::positive_integer_parser;

/// Bounds of the time between two requests of a watched list, in seconds.
const WATCH_SECONDS: std::ops::RangeInclusive<u64> = 1..=3600;

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ListOptions {
    /// List at most N items
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = positive_integer_parser())]
    limit: usize,
    /// List all items; with --json, one on each line, as soon as AGE has sent it
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// List again every SECONDS until Ctrl-C [default: 10]
    ///
    /// On a terminal, the list is drawn again. Elsewhere, and with --json, the items follow that are new or look different, one on each
    /// line. If AGE is unavailable, agectl says so and goes on.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "10", conflicts_with = "all")]
    #[arg(value_parser = RangedU64ValueParser::<u64>::new().range(WATCH_SECONDS))]
    watch: Option<u64>,
}

/// How much of a list is printed, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListMode {
    /// The first items, once.
    First { limit: usize },
    /// Every item, once.
    All,
    /// The first items, again after each `interval`.
    Watch { limit: usize, interval: Duration },
}

impl ListOptions {
    pub(crate) fn mode(self) -> ListMode {
        let Self { limit, all, watch } = self;
        match watch {
            _ if all => ListMode::All,
            Some(seconds) => ListMode::Watch { limit, interval: Duration::from_secs(seconds) },
            None => ListMode::First { limit },
        }
    }
}

/// Returns the parameter `name` with each of `values`, of which AGE lists the items that have one.
pub(crate) fn filter<T: ToString>(
    name: &'static str,
    values: impl IntoIterator<Item = T>,
) -> Vec<(&'static str, String)> {
    values.into_iter().map(|value| (name, value.to_string())).collect()
}
