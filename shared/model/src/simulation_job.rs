//! A simulation of a policy version, as it runs and ends.

use crate::credential::KeyId;
use crate::id::SimulationId;
use crate::simulation_request::SimulationRequest;
use crate::time::Timestamp;

/// How long a simulation may run, in seconds: longer than the function that runs it, and its start.
const RUN_SECONDS: i64 = 360;

/// For how many days the result of a simulation is kept.
const KEPT_DAYS: i64 = 30;

crate::string_enum::open_string_enum! {
    /// The status of a simulation.
    SimulationStatus {
        /// The simulation runs, or will soon.
        Running = "running",
        /// The simulation has a result.
        Succeeded = "succeeded",
        /// The simulation has no result.
        Failed = "failed",
    }
}

/// A simulation of a policy version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulationJob {
    /// The id, which follows from the request.
    pub id: SimulationId,
    /// The simulated version, the compared version and the period.
    pub request: SimulationRequest,
    /// The status.
    pub status: SimulationStatus,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// The credential of the responder who asked for it.
    pub started_by: KeyId,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it has no result, for people.
    pub error: Option<String>,
    /// The result as JSON, at most 350 KB.
    pub result: Option<String>,
}

impl SimulationJob {
    /// The largest result, in bytes of JSON: a row of the store has 400 KB.
    pub const MAX_RESULT_BYTES: usize = 350_000;

    /// Returns the simulation for `request` that `by` asks for at `now`.
    #[must_use]
    pub fn start(request: SimulationRequest, by: KeyId, now: Timestamp) -> Self {
        Self {
            id: SimulationId::of(&request),
            request,
            status: SimulationStatus::Running,
            started_at: now,
            started_by: by,
            finished_at: None,
            error: None,
            result: None,
        }
    }

    /// Returns when the simulation ends at the latest.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        self.started_at.plus_seconds(RUN_SECONDS)
    }

    /// Returns when the row expires.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.started_at.plus_days(KEPT_DAYS)
    }

    /// Returns the simulation as it is at `now`: one that did not end in time has failed.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Self {
        if self.status != SimulationStatus::Running || now < self.deadline() {
            return self;
        }
        let error = "the simulation did not end in time; start it again, or simulate a shorter period".to_owned();
        Self { finished_at: Some(self.deadline()), status: SimulationStatus::Failed, error: Some(error), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy_hash::PolicyHash;

    #[test]
    fn simulation_that_does_not_end_in_time_has_failed() {
        let now: Timestamp = "2026-11-23T00:05:00Z".parse().unwrap();
        let hash = PolicyHash::from_bytes([1; 32]);
        let request = SimulationRequest { hash, active_hash: hash, from: now.plus_days(-7), to: now };
        let job = SimulationJob::start(request, "desk".parse().unwrap(), now);
        assert_eq!(job.clone().as_of(job.deadline().plus_seconds(-1)), job);
        let late = job.clone().as_of(job.deadline());
        assert_eq!((late.status, late.finished_at), (SimulationStatus::Failed, Some(job.deadline())));
        let done = SimulationJob { status: SimulationStatus::Succeeded, ..job.clone() };
        assert_eq!(done.clone().as_of(job.deadline()), done);
        let other = SimulationRequest { to: now.plus_seconds(1), ..request };
        assert!(SimulationId::of(&request) == job.id && SimulationId::of(&other) != job.id);
    }
}
