//! The calculator: from the figures of an installation to what it consumes in a month of 30 days.

use super::usage::{Resource, Usage};

/// The variable of the environment with the reader's own figures.
pub(crate) const VARIABLE: &str = "AGE_INSTALLATION";

/// The events of the batches of [`UnitUsages::low_in_batch`].
pub(crate) const MEASURED_BATCH: f64 = 100.0;

/// The engines of [`UnitUsages::installation`].
const MEASURED_ENGINES: f64 = 8.0;

const SECONDS_PER_MONTH: f64 = 30.0 * 86_400.0;

/// The views of a page of the dashboard by a person in a month: it is open for 8 hours on 21 days and is read again every 20 seconds.
const VIEWS_PER_PERSON: f64 = 21.0 * 8.0 * 180.0;

/// The consumption of one of each thing. Rows are kept for a month, and e-mails go to one address.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnitUsages {
    /// A month without events, with eight engines.
    pub(crate) installation: Usage,
    /// A month of each further engine.
    pub(crate) engine: Usage,
    /// A LOW or MEDIUM event of up to 1 KB alone.
    pub(crate) low: Usage,
    /// Each of 100 such events in a batch.
    pub(crate) low_in_batch: Usage,
    /// A HIGH event alone, with its action, which succeeds and is verified.
    pub(crate) high: Usage,
    /// A CRITICAL event of an open incident alone.
    pub(crate) critical: Usage,
    /// An incident, with the CRITICAL event that opens it, its action and its e-mails.
    pub(crate) incident: Usage,
    /// Each further KB of an event.
    pub(crate) kilobyte: Usage,
    pub(crate) decision: Usage,
    /// A page of the dashboard.
    pub(crate) view: Usage,
    /// A read by the API.
    pub(crate) read: Usage,
    /// A message to a channel.
    pub(crate) delivery: Usage,
}

/// The figures of an installation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Installation {
    /// Events a month.
    pub(crate) events: f64,
    /// The fraction of HIGH events.
    pub(crate) high: f64,
    /// The fraction of CRITICAL events. HIGH and CRITICAL events are sent one by one.
    pub(crate) critical: f64,
    /// Incidents a month. A CRITICAL event that opens none belongs to one that is open.
    pub(crate) incidents: f64,
    /// Other events in a request.
    pub(crate) batch: f64,
    /// The size of an event's row in KB.
    pub(crate) kilobytes: f64,
    /// Engines.
    pub(crate) engines: f64,
    /// Decisions a month.
    pub(crate) decisions: f64,
    /// People who have the dashboard open while they work.
    pub(crate) people: f64,
    /// Reads by the API a month.
    pub(crate) reads: f64,
    /// Addresses that get the e-mails.
    pub(crate) addresses: f64,
    /// Channels.
    pub(crate) channels: f64,
    /// How many months of events are kept.
    pub(crate) months: f64,
}

impl Default for Installation {
    fn default() -> Self {
        Self {
            events: 1e6,
            high: 0.01,
            critical: 0.001,
            incidents: 50.0,
            batch: 1.0,
            kilobytes: 1.0,
            engines: MEASURED_ENGINES,
            decisions: 0.0,
            people: 1.0,
            reads: 0.0,
            addresses: 1.0,
            channels: 0.0,
            months: 400.0 / 30.0,
        }
    }
}

impl Installation {
    const KEYS: [&str; 13] = [
        "events",
        "high",
        "critical",
        "incidents",
        "batch",
        "kilobytes",
        "engines",
        "decisions",
        "people",
        "reads",
        "addresses",
        "channels",
        "months",
    ];

    /// Parses figures such as `events=250000 batch=10`. Others have their default.
    ///
    /// # Errors
    /// Names the word that is wrong, and what is allowed.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parsed = Self::default();
        for word in text.split_whitespace() {
            let (key, value) =
                word.split_once('=').ok_or_else(|| format!("`{word}` must be a name, `=` and a number"))?;
            let number: f64 = value.parse().map_err(|_| format!("`{key}` must be a number; got `{value}`"))?;
            let (least, most) = match key {
                "high" | "critical" => (0.0, 1.0),
                "batch" => (1.0, 500.0),
                "kilobytes" => (1.0, 16.0),
                "engines" => (1.0, 64.0),
                "months" => (1.0, 3650.0 / 30.0),
                _ => (0.0, 1e12),
            };
            if !(least..=most).contains(&number) {
                return Err(format!("`{key}` must be from {least} to {most}; got {value}"));
            }
            *parsed.field(key).ok_or_else(|| format!("`{key}` must be one of {}", Self::KEYS.join(", ")))? = number;
        }
        if parsed.high + parsed.critical > 1.0 {
            return Err("`high` and `critical` together must be at most 1".to_owned());
        }
        Ok(parsed)
    }

    fn field(&mut self, key: &str) -> Option<&mut f64> {
        Some(match key {
            "events" => &mut self.events,
            "high" => &mut self.high,
            "critical" => &mut self.critical,
            "incidents" => &mut self.incidents,
            "batch" => &mut self.batch,
            "kilobytes" => &mut self.kilobytes,
            "engines" => &mut self.engines,
            "decisions" => &mut self.decisions,
            "people" => &mut self.people,
            "reads" => &mut self.reads,
            "addresses" => &mut self.addresses,
            "channels" => &mut self.channels,
            "months" => &mut self.months,
            _ => return None,
        })
    }

    /// Returns the names of the figures and their values.
    pub(crate) fn figures(&self) -> Vec<(&'static str, f64)> {
        let mut figures = self.clone();
        Self::KEYS.into_iter().filter_map(|key| Some((key, *figures.field(key)?))).collect()
    }

    /// Returns what the installation consumes in a month, when its oldest rows have reached the end of their retention.
    pub(crate) fn usage(&self, units: &UnitUsages) -> Usage {
        let (high, critical) = (self.events * self.high, self.events * self.critical);
        let low = self.events - high - critical;
        // The requests of batches of other sizes are between those of single events and those of measured batches.
        let alone = ((1.0 / self.batch - 1.0 / MEASURED_BATCH) / (1.0 - 1.0 / MEASURED_BATCH)).max(0.0);
        let messages = units.incident.amount(Resource::Emails);
        let of_month: Usage = [
            units.installation.clone(),
            units.engine.times(self.engines - MEASURED_ENGINES),
            units.low.times(low * alone),
            units.low_in_batch.times(low * (1.0 - alone)),
            units.high.times(high),
            units.critical.times((critical - self.incidents).max(0.0)),
            units.incident.times(self.incidents),
            units.kilobyte.times(self.events * (self.kilobytes - 1.0)),
            units.decision.times(self.decisions),
            units.view.times(self.people * VIEWS_PER_PERSON),
            units.read.times(self.reads),
            units.delivery.times(self.incidents * messages * self.channels),
        ]
        .into_iter()
        .sum();
        of_month.kept_for(self.months).sent_to(self.addresses).sampled_within(SECONDS_PER_MONTH)
    }
}
