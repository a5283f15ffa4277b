//! Simulating a policy over the past: the history of a period is read from the tables, within bounds, and `age_scoring` replays it.

mod heard_times;
mod recorded_events;
mod recorded_incidents;

use std::collections::BTreeSet;

use age_model::{Clock, Engine, EventId, Period, Severity, StoreError, Timestamp};
use age_policy::Policy;
use age_scoring::simulation::{self, History, LeftOut, RecordedAction, Simulation};
use age_store::{Actions, Credentials, EventSearch, Freshness, Incidents, RollupSet, Rollups, SystemHealthStore};

use self::heard_times::{heard, weeks};
use self::recorded_events::{EventRange, read_events, resolved_events, sort_events};
use self::recorded_incidents::read_incidents;

/// The most weeks of a simulation.
const MAX_WEEKS: i64 = 13;

/// The most events that are read.
const MAX_EVENTS: u64 = 20_000;

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
        engines: &[Engine],
        (from, to): (Timestamp, Timestamp),
        clock: &dyn Clock,
    ) -> Result<Simulation, StoreError> {
        let history = self.history(&[active.0, draft], engines, (from, to), clock).await?;
        Ok(simulation::simulate(active, draft, &history))
    }

    /// Reads the history from `from` to `to`, at most the last 13 weeks of it, with everything that one of `policies` would act on.
    ///
    /// # Errors
    /// As [`PolicySimulator::simulate`].
    pub async fn history(
        &self,
        policies: &[&Policy],
        engines: &[Engine],
        (from, to): (Timestamp, Timestamp),
        clock: &dyn Clock,
    ) -> Result<History, StoreError> {
        let SimulatorTables { search, rollups, actions, incidents, health, credentials } = &self.0;
        let to = to.min(clock.now());
        let from = from.max(to.plus_days(-7 * MAX_WEEKS)).floor_hour();
        let days = (from.day().minus(HEARD_DAYS), to.day());
        let counted = rollups.read(engines, days, Freshness::Cached(clock.now())).await?;
        let mut left_out = LeftOut::default();

        let range = self.events_to_read(policies, &counted, (from, to), &mut left_out)?;
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

        let keyring = credentials.recent().await?;
        Ok(History {
            schema_version: History::SCHEMA_VERSION,
            from,
            to,
            installed_at: health.get().await?.map(|health| health.installed_at),
            engines: heard(engines, &counted, &events, (from, to), &range, &keyring),
            weeks: weeks(&counted, (from, to))?,
            events,
            earlier_events,
            actions,
            incidents,
            left_out,
        })
    }

    /// Decides by the rollups which events are read: those that a policy would act on first, and the latest first.
    fn events_to_read(
        &self,
        policies: &[&Policy],
        counted: &RollupSet,
        (from, to): (Timestamp, Timestamp),
        left_out: &mut LeftOut,
    ) -> Result<EventRange, StoreError> {
        let maps_differ = policies.windows(2).any(|pair| matches!(pair, [a, b] if a.alertmanager != b.alertmanager));
        let lowest = policies.iter().map(|policy| policy.actions.min_severity).min().unwrap_or(Severity::High);
        // Another policy may map the word of an alert to another severity.
        let min_severity = if maps_differ { Severity::Low } else { lowest.min(Severity::High) };
        let mut range = EventRange { from, to, min_severity, reads_all: true };
        let (mut acted_on, mut others, mut is_cut) = (0, 0, false);
        for (hour, counts) in counted.by_hour(Period::hours(from, to))?.into_iter().rev() {
            let severe = Severity::ALL.iter().filter(|it| **it >= min_severity).map(|it| counts.of(*it)).sum::<u64>();
            if is_cut || acted_on + severe > MAX_EVENTS {
                is_cut = true;
                left_out.events += severe;
                left_out.complete_since.get_or_insert(range.from);
                continue;
            }
            acted_on += severe;
            others += counts.total() - severe;
            range.from = if is_cut { range.from } else { hour.max(from) };
        }
        if is_cut {
            left_out.complete_since = Some(range.from);
        } else {
            range.from = from;
        }
        if acted_on + others > MAX_EVENTS {
            range.reads_all = false;
            left_out.events += others;
        }
        Ok(range)
    }
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
