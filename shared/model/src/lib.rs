//! The words of AGE as types: a value of one of these types is valid, or it does not exist.
//!
//! No I/O, no AWS, no async: time and randomness come in through [`Clock`].

mod action;
mod clock;
mod counts;
mod credential;
mod details;
mod digest;
mod engine;
mod event;
mod id;
mod incident;
mod keyring;
mod names;
mod period;
mod report;
mod severity;
mod story;
mod time;
mod verdict;
mod watch;

pub use action::{Action, ActionItem, ActionStatus, IllegalMove, Owed};
pub use clock::{Clock, ManualClock};
pub use counts::{ActionCounts, Counts, SeverityCounts};
pub use credential::{
    Credential, Grant, KeyId, NoRandomness, NotAKeyId, NotAToken, Revocation, Role, Secret, SecretHash, Standing, Token,
};
pub use details::{Details, DetailsError, MAX_DETAILS_BYTES, MAX_DETAILS_DEPTH};
pub use engine::Engine;
pub use event::{Event, EventType, IdempotencyKey, NewEvent};
pub use id::{EventId, ReportId};
pub use incident::{
    Alarm, AlreadyTaken, Cause, Incident, IncidentId, IncidentStatus, Mark, NotAnIncident, Notice, NoticeKind,
    NotifyAdmin, Tally, Told,
};
pub use keyring::{Keyring, NotChanged, NotTaken};
pub use names::Unknown;
pub use period::Period;
pub use report::{
    ActionFigures, Before, Deeds, Figures, IncidentFigures, Previous, Report, ReportKind, RiskLevel, Summary,
};
pub use severity::Severity;
pub use story::{Statement, StoryEntry, StoryStep, TurnOfAction, life, story};
pub use time::{Day, Hour, Timestamp};
pub use verdict::{Decision, Note, Outcome};
pub use watch::{Kind, Plan, Remedy, Watch};
