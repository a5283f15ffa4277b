//! Prices of single things, and the bills of installations of several sizes.

use super::installation::{Installation, UnitUsages, VARIABLE};
use super::prices;
use super::usage::{Resource, Usage};
use crate::figure::{Figure, Table, rounded};

/// The examples: the heading of the column, and the figures.
const EXAMPLES: [(&str, &str); 4] = [
    ("100,000 events", "events=1e5 incidents=10 decisions=1e4 people=2 reads=1e4 addresses=2 channels=1"),
    ("1 million", "events=1e6 incidents=50 decisions=1e5 people=5 reads=5e4 addresses=3 channels=2"),
    (
        "10 million",
        "events=1e7 incidents=200 batch=10 engines=16 decisions=1e6 people=10 reads=2e5 addresses=5 channels=3",
    ),
    (
        "100 million",
        "events=1e8 incidents=500 batch=100 engines=64 decisions=1e7 people=25 reads=1e6 addresses=10 channels=5",
    ),
];

/// A million events of which 1 % are HIGH, and nothing else; rows are kept for a month.
const MILLION: Installation = Installation {
    events: 1e6,
    high: 0.01,
    critical: 0.0,
    incidents: 0.0,
    batch: 1.0,
    kilobytes: 1.0,
    engines: 8.0,
    decisions: 0.0,
    people: 0.0,
    reads: 0.0,
    addresses: 1.0,
    channels: 0.0,
    months: 1.0,
};

pub(super) struct Bill {
    pub(super) units: UnitUsages,
}

impl Bill {
    pub(super) fn figures(&self) -> Vec<Figure> {
        let idle = self.units.installation.dollars();
        let million = |batch| Installation { batch, ..MILLION }.usage(&self.units).dollars() - idle;
        let figure = |name: &str, value| Figure { name: name.to_owned(), value, unit: "dollars", limit: None };
        vec![
            figure("an installation without events, a month", idle),
            figure("a million events a month, one by one, besides", million(1.0)),
            figure("the same in batches of 100", million(100.0)),
        ]
    }

    /// Returns the table with which a reader calculates: multiply and add.
    pub(super) fn of_each_thing(&self) -> Table {
        let units = &self.units;
        let thing = |name: &str, usage: &Usage, times: f64| {
            let usage = usage.times(times);
            let observed = [Resource::LogGigabytes, Resource::Traces].map(|resource| usage.dollars_of(resource));
            let stored = [Resource::TableGigabytes, Resource::IndexGigabytes].map(|it| usage.dollars_of(it));
            let [observed, stored] = [observed, stored].map(|dollars| dollars.iter().sum::<f64>());
            let rest = usage.dollars() - observed - stored;
            let row = [rest, observed, stored].map(|dollars| format!("{dollars:.2}"));
            std::iter::once(name.to_owned()).chain(row).collect()
        };
        Table {
            title: "The price of each thing, in dollars",
            headings: vec![prices::AS_OF, "doing it", "logs and traces", "a month of storage"],
            rows: vec![
                thing("an installation with eight engines, a month", &units.installation, 1.0),
                thing("ten further engines, a month", &units.engine, 10.0),
                thing("a million LOW or MEDIUM events of up to 1 KB, one by one", &units.low, 1e6),
                thing("a million of them in batches of 100", &units.low_in_batch, 1e6),
                thing("a million HIGH events, each with an action that is verified", &units.high, 1e6),
                thing("a million CRITICAL events of open incidents", &units.critical, 1e6),
                thing("a million events: each further KB", &units.kilobyte, 1e6),
                thing(
                    "a thousand incidents, each with its actions and two e-mails to one address",
                    &units.incident,
                    1e3,
                ),
                thing("a million messages to channels", &units.delivery, 1e6),
                thing("a million decisions", &units.decision, 1e6),
                thing("a million views of a page of the dashboard", &units.view, 1e6),
                thing("a million reads by the API", &units.read, 1e6),
            ],
        }
    }

    /// Returns the bills of the examples and of the reader's own figures, if the environment has them.
    pub(super) fn of_installations(&self) -> Table {
        let mut headings = vec![prices::AS_OF];
        let mut installations = Vec::new();
        for (heading, figures) in EXAMPLES {
            headings.push(heading);
            installations.push(Installation::parse(figures).unwrap());
        }
        if let Ok(figures) = std::env::var(VARIABLE) {
            headings.push("yours");
            installations.push(Installation::parse(&figures).unwrap_or_else(|error| panic!("{VARIABLE}: {error}")));
        }
        let usages: Vec<Usage> = installations.iter().map(|installation| installation.usage(&self.units)).collect();
        let row = |name: &str, cells: &mut dyn Iterator<Item = String>| {
            let mut row = vec![name.to_owned()];
            row.extend(cells);
            row
        };
        let figures: Vec<_> = installations.iter().map(Installation::figures).collect();
        let mut rows: Vec<Vec<String>> = (0..figures[0].len())
            .map(|index| {
                let name = figures[0][index].0;
                row(&format!("`{name}`"), &mut figures.iter().map(|of_one| figure(of_one[index].1)))
            })
            .collect();
        rows.extend(Resource::ALL.iter().map(|resource| {
            row(resource.name(), &mut usages.iter().map(|usage| format!("{:.2}", usage.dollars_of(*resource))))
        }));
        rows.push(row("all, in dollars", &mut usages.iter().map(|usage| format!("{:.2}", usage.dollars()))));
        Table { title: "Installations in a month of 30 days, in dollars", headings, rows }
    }
}

/// Formats a figure of an installation, such as `0.001` or `250,000`.
fn figure(value: f64) -> String {
    if value < 1000.0 {
        return if value.fract() == 0.0 || value < 1.0 { value.to_string() } else { rounded(value) };
    }
    let digits = format!("{value:.0}");
    let group = |(index, digit): (usize, char)| {
        let comma = index > 0 && (digits.len() - index) % 3 == 0;
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}
