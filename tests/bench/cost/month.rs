//! A million events a month, in dollars.

use super::Writes;
use crate::figure::{Figure, Table};
use crate::prices;

/// The fraction of HIGH events. The others are LOW or MEDIUM. All have up to 1 KB.
const HIGH: f64 = 0.01;

/// How many of the other events a batch has.
const BATCH: f64 = 100.0;

/// The assumed time for which Lambda charges, in seconds: a single event or an outcome, a batch, a sweep. In this time, a function
/// of 256 MB has 4 to 25 times the CPU that it needs here, and waits for DynamoDB.
const EVENT_SECONDS: f64 = 0.015;
const BATCH_SECONDS: f64 = 0.100;
const SWEEP_SECONDS: f64 = 0.100;

/// The memory of these functions, in gigabytes.
const GIGABYTES: f64 = 0.25;

/// The number of sweeps in a month, in millions: one a minute.
const SWEEPS: f64 = 60.0 * 24.0 * 30.0 / 1e6;

/// The cost of each item in dollars: with single events, and with batches.
pub(super) struct Month(Vec<(&'static str, [f64; 2])>);

impl Month {
    pub(super) fn of(writes: &Writes) -> Self {
        let (high, idle) = (&writes.high, &writes.idle);
        let steps = [&high.accepted, &high.outcome, &high.postponed, &high.verified];
        let dollars = |written: f64, read: f64| written * prices::WRITES + read * prices::READS;
        let of_high = steps.iter().map(|units| dollars(units.written, units.read)).sum::<f64>() * HIGH;
        let low = 1.0 - HIGH;
        // In millions: LOW events or batches of them, HIGH events and the outcomes of their actions.
        let (requests, others) = ([low, low / BATCH], 2.0 * HIGH);
        let seconds = [low * EVENT_SECONDS, low / BATCH * BATCH_SECONDS];
        let both = |value: f64| [value, value];
        let lambda = |seconds: f64| {
            let seconds = seconds + others * EVENT_SECONDS + SWEEPS * SWEEP_SECONDS;
            seconds * 1e6 * GIGABYTES * prices::GIGABYTE_SECOND
        };
        Self(vec![
            (
                "DynamoDB: LOW and MEDIUM events",
                [writes.alone, writes.in_batch[2]].map(|each| low * each * prices::WRITES),
            ),
            ("DynamoDB: HIGH events, each with its action", both(of_high)),
            ("DynamoDB: a sweep a minute", both(dollars(idle.written, idle.read) * SWEEPS)),
            // A kilobyte each, in the table and again in its index.
            ("DynamoDB: keeping a month's events for a month", both(2.0 * prices::STORED)),
            ("Lambda: invocations", requests.map(|requests| (requests + others + SWEEPS) * prices::INVOCATIONS)),
            ("Lambda: time", seconds.map(lambda)),
            ("API Gateway", requests.map(|requests| (requests + others) * prices::REQUESTS)),
            ("SNS: one message an action", both(HIGH * prices::MESSAGES)),
        ])
    }

    fn totals(&self) -> [f64; 2] {
        [0, 1].map(|way| self.0.iter().map(|(_, dollars)| dollars[way]).sum())
    }

    pub(super) fn figures(&self) -> Vec<Figure> {
        let [alone, batched] = self.totals();
        let figure = |name: &str, value| Figure { name: name.to_owned(), value, unit: "dollars", limit: None };
        vec![figure("a million events a month, one by one", alone), figure("the same in batches of 100", batched)]
    }

    pub(super) fn table(&self) -> Table {
        let row = |(name, dollars): &(&str, [f64; 2])| {
            let mut row = vec![(*name).to_owned()];
            row.extend(dollars.map(|dollars| format!("{dollars:.2}")));
            row
        };
        let all = ("all", self.totals());
        Table {
            title: "A million events in a month of 30 days, in dollars",
            headings: vec![prices::AS_OF, "one by one", "in batches of 100"],
            rows: self.0.iter().chain([&all]).map(row).collect(),
        }
    }
}
