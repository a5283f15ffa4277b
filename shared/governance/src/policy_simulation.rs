//! Simulating a policy over the past: the history of a period is read from the tables, within bounds, and `age_scoring` replays it.

mod heard_times;
mod recorded_decisions;
mod recorded_events;
mod recorded_incidents;

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Clock, Engine, EventCounts, EventId, Period, Severity, StoreError, Timestamp};
use age_policy::Policy;
use age_scoring::simulation::{self, History, LeftOut, RecordedAction, Simulation};
use age_store::{
    Actions, Credentials, Decisions, EventSearch, Freshness, Incidents, Policies, Rollups, SystemHealthStore,
};

use self::heard_times::{heard, weeks};
use self::recorded_decisions::{DecisionLimits, DecisionRange, read_decisions, read_versions};
use self::recorded_events::{EventRange, read_events, resolved_events, sort_events};
use self::recorded_incidents::read_incidents;

/// The most weeks of a simulation.
const MAX_WEEKS: i64 = 13;

/// The most events that are read.
const MAX_EVENTS: u64 = 20_000;

/// The most decisions that a simulation reads, and the most bytes of their JSON.
const SIMULATED_DECISIONS: DecisionLimits = DecisionLimits { decisions: 20_000, bytes: 32_000_000 };

/// The same for an export, which Lambda answers together with the events: at most 6 MB.
const EXPORTED_DECISIONS: DecisionLimits = DecisionLimits { decisions: 20_000, bytes: 2_000_000 };

/// The longest interval at which an engine may be expected to report: so far back it is looked up when engines were heard.
const HEARD_DAYS: u64 = 31;

/// How long before the period events are read whose actions may not have been over at its beginning, in seconds: at most.
const MAX_EARLIER_SECONDS: i64 = 3 * 86_400;

/// The tables that a simulation reads.
#[derive(Debug, Clone)]
pub struct SimulatorTables {
    /// Events, by the rollups.
    pub search: EventSearch,
    /// The counts of events.
    pub rollups: Rollups,
    /// The actions of events.
    pub actions: Actions,
    /// Incidents, with their notifications and changes.
    pub incidents: Incidents,
    /// When AGE was installed.
    pub health: SystemHealthStore,
    /// Since when engines are in use.
    pub credentials: Credentials,
    /// The decisions.
    pub decisions: Decisions,
    /// The policy versions that decided.
    pub policies: Policies,
}

/// Simulates policies over the past. Build one per execution environment.
#[derive(Debug, Clone)]
pub struct PolicySimulator(SimulatorTables);

impl PolicySimulator {
    /// Reads these tables.
    #[must_use]
    pub const fn new(tables: SimulatorTables) -> Self {
        Self(tables)
    }

    /// Simulates `draft` from `from` to `to`, at most the last 13 weeks of it. `active` is the policy that is active now, with its hash,
    /// and `engines` are all that were ever used.
    ///
    /// # Errors
    /// [`StoreError`] if a table cannot be read, or a rollup cannot be counted.
    pub async fn simulate(
        &self,
        active: (&Policy, &str),
        draft: &Policy,
        engines: &BTreeSet<Engine>,
        (from, to): (Timestamp, Timestamp),
        clock: &dyn Clock,
    ) -> Result<Simulation, StoreError> {
        let policies = [active.0, draft];
        let history = self.read_history(&policies, engines, (from, to), SIMULATED_DECISIONS, clock).await?;
        Ok(simulation::simulate(active, draft, &history))
    }

    /// Reads the history from `from` to `to`, at most the last 13 weeks of it, with everything that one of `policies` would act on,
    /// the first of which is active. It has up to 2 MB of decisions.
    ///
    /// # Errors
    /// As [`PolicySimulator::simulate`].
    pub async fn history(
        &self,
        policies: &[&Policy],
        engines: &BTreeSet<Engine>,
        period: (Timestamp, Timestamp),
        clock: &dyn Clock,
    ) -> Result<History, StoreError> {
        self.read_history(policies, engines, period, EXPORTED_DECISIONS, clock).await
    }

    async fn read_history(
        &self,
        policies: &[&Policy],
        engines: &BTreeSet<Engine>,
        (from, to): (Timestamp, Timestamp),
        limits: DecisionLimits,
        clock: &dyn Clock,
    ) -> Result<History, StoreError> {
        let SimulatorTables { search, rollups, actions, incidents, health, credentials, .. } = &self.0;
        let to = to.min(clock.now());
        let from = from.max(to.plus_days(-7 * MAX_WEEKS)).floor_hour();
        let days = (from.day().minus(HEARD_DAYS), to.day());
        let counted = rollups.days(engines, days, Freshness::Cached(clock.now())).await?;
        let mut left_out = LeftOut::default();

        let hours = counted.by_hour(Period::hours(from, to))?;
        let range = events_to_read(min_severity(policies), hours, (from, to), &mut left_out);
        let mut events = read_events(search, engines, &range, clock, &mut left_out).await?;
        let earlier_range =
            EventRange { from: from.plus_seconds(-earlier_seconds(policies)), to: from, reads_all: false, ..range };
        let mut earlier_events = read_events(search, engines, &earlier_range, clock, &mut left_out).await?;
        earlier_events.extend(resolved_events(search, &events, &earlier_events).await?);

        let planned = events.iter().chain(&earlier_events).filter(|event| event.severity >= range.min_severity);
        let planned: BTreeSet<EventId> = planned.map(|event| event.id).collect();
        let found = actions.of_events(planned.into_iter().collect()).await?;
        left_out.unreadable += found.unreadable.len() as u64;
        let actions: Vec<RecordedAction> = found.items.iter().map(RecordedAction::from).collect();
        let incidents = read_incidents(incidents, (from, to), &mut left_out).await?;
        sort_events(&mut events, &actions, &incidents);

        let decided = DecisionRange { from, to, now: clock.now(), limits };
        let decisions = read_decisions(&self.0.decisions, engines, decided, &mut left_out).await?;
        let policy_versions = read_versions(&self.0.policies, &decisions).await?;

        let keyring = credentials.recent().await?;
        let active_engines = policies.first().map_or(0, |policy| policy.engines.len());
        Ok(History {
            schema_version: History::SCHEMA_VERSION,
            from,
            to,
            installed_at: health.get().await?.map(|health| health.installed_at),
            engines: heard(engines, &counted, &events, (from, to), &range, (&keyring, active_engines)),
            weeks: weeks(&counted, (from, to))?,
            events,
            earlier_events,
            actions,
            incidents,
            decisions,
            policy_versions,
            left_out,
        })
    }
}

/// Returns the lowest severity of the events that one of `policies` may act on; at most HIGH.
fn min_severity(policies: &[&Policy]) -> Severity {
    let maps_differ = policies.windows(2).any(|pair| matches!(pair, [a, b] if a.alertmanager != b.alertmanager));
    let lowest = policies.iter().map(|policy| policy.actions.min_severity).min();
    // Another policy may map the word of an alert to another severity.
    if maps_differ { Severity::Low } else { lowest.unwrap_or(Severity::High).min(Severity::High) }
}

/// Chooses by the counts of each hour which events are read: those of `min_severity` and higher first, and the latest first.
fn events_to_read(
    min_severity: Severity,
    hours: BTreeMap<Timestamp, EventCounts>,
    (from, to): (Timestamp, Timestamp),
    left_out: &mut LeftOut,
) -> EventRange {
    let (mut acted_on, mut others) = (0_u64, 0_u64);
    for (hour, counts) in hours.into_iter().rev() {
        let severe = Severity::ALL.iter().filter(|it| **it >= min_severity).map(|it| counts.of(*it));
        let severe: u64 = severe.fold(0, u64::saturating_add);
        if left_out.complete_since.is_none() && acted_on.saturating_add(severe) <= MAX_EVENTS {
            acted_on += severe;
            others = others.saturating_add(counts.total() - severe);
        } else {
            left_out.complete_since.get_or_insert(hour.plus_seconds(3600));
            left_out.events = left_out.events.saturating_add(counts.total());
        }
    }
    let reads_all = acted_on.saturating_add(others) <= MAX_EVENTS;
    if !reads_all {
        left_out.events = left_out.events.saturating_add(others);
    }
    EventRange { from: left_out.complete_since.unwrap_or(from), to, min_severity, reads_all }
}

/// Returns how long before the period events may have had actions that were not over at its beginning, in seconds.
fn earlier_seconds(policies: &[&Policy]) -> i64 {
    let longest = |policy: &&Policy| {
        let rules = &policy.actions;
        let running = rules.approve_within_seconds.saturating_add(rules.answer_within_seconds);
        running.saturating_add(rules.verify_after_seconds).max(rules.give_up_within_seconds)
    };
    policies.iter().map(longest).max().unwrap_or(0).clamp(0, MAX_EARLIER_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_events_that_a_policy_acts_on_are_read_first_and_the_others_are_counted() {
        let from: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let to = from.plus_seconds(4 * 3600);
        let hours = |numbers: [(u64, u64); 4]| -> BTreeMap<Timestamp, EventCounts> {
            let with_time = (0..).zip(numbers).map(|(hour, (low, high))| {
                let mut counts = EventCounts::default();
                counts.add("qa".parse().unwrap(), Severity::Low, low);
                counts.add("qa".parse().unwrap(), Severity::High, high);
                (from.plus_seconds(hour * 3600), counts)
            });
            with_time.collect()
        };
        let choose = |numbers| {
            let mut left_out = LeftOut::default();
            let range = events_to_read(Severity::High, hours(numbers), (from, to), &mut left_out);
            (range.from, range.reads_all, left_out.events, left_out.complete_since)
        };
        assert_eq!(choose([(1, 5000); 4]), (from, false, 4, None));
        assert_eq!(choose([(1000, 4000); 4]), (from, true, 0, None));
        let since = from.plus_seconds(2 * 3600);
        assert_eq!(choose([(10, 10), (0, 10_001), (0, 10_000), (0, 0)]), (since, true, 10_021, Some(since)));
    }

    #[test]
    fn events_are_read_from_the_lowest_severity_that_a_policy_acts_on() {
        let (policy, mut other) = (Policy::compiled().unwrap(), Policy::compiled().unwrap());
        assert_eq!(min_severity(&[&policy]), Severity::High);
        other.actions.min_severity = Severity::Critical;
        assert_eq!(min_severity(&[&policy, &other]), Severity::High);
        other.actions.min_severity = Severity::Medium;
        assert_eq!(min_severity(&[&policy, &other]), Severity::Medium);
        other.alertmanager.otherwise = Severity::Low;
        assert_eq!(min_severity(&[&policy, &other]), Severity::Low);
    }
}
