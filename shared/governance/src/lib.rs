//! The use cases of AGE, one module per verb. The only crate that combines store, notifications, policy and scoring. Knows no HTTP,
//! Lambda or SDK type.

mod action_lifecycle;
mod change_incident;
mod decide_approval;
mod dispatch_action;
mod event_writer;
mod generate_report;
mod incident_lifecycle;
mod incident_timeline;
mod manage_credentials;
mod notify_people;
mod pending_event;
mod planning_state;
mod record_batch;
mod record_event;
mod report_outcome;
mod sweep;
mod transaction_chunks;
mod weekly_report;

pub use action_lifecycle::{ActionLifecycle, OnFailedRemediation};
pub use change_incident::{acknowledge_incident, resolve_incident};
pub use decide_approval::{ApprovalConflict, decide_approval};
pub use dispatch_action::{ActionDispatcher, DispatchOutcome};
pub use event_writer::EventWriter;
pub use generate_report::ReportGenerator;
pub use incident_lifecycle::{IncidentLifecycle, IncidentUpdate};
pub use incident_timeline::IncidentTimeline;
pub use manage_credentials::{
    CredentialError, IssuedCredential, create_credential, create_first_admin, revoke_credential, rotate_credential,
};
pub use notify_people::{DueNotification, Notifier, SendSummary};
pub use pending_event::{IncomingEvent, WriteOutcome};
pub use record_batch::{BatchEvent, BatchResult};
pub use record_event::{EventRecorder, RecordResult, RecordedEvent};
pub use report_outcome::{OutcomeReport, report_outcome};
pub use sweep::{Sweep, SweepFailed, SweepReport};
pub use weekly_report::{WeeklyError, WeeklyReporter, WeeklyResult};
