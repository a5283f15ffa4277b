//! The use cases of AGE, one module per verb. The only crate that combines store, notifications, policy and scoring. Knows no HTTP,
//! Lambda or SDK type.

mod action_lifecycle;
mod activate_policy;
mod alert_occurrences;
mod change_incident;
mod change_incidents;
mod configure_channels;
mod create_policy;
mod credential_expiry;
mod credential_monitor;
mod decide_approval;
mod decide_decision_approval;
mod decide_events;
mod decision_batch;
mod decision_counters;
mod decision_outcome;
mod dispatch_action;
mod due_notification;
mod event_writer;
mod export_history;
mod fleet_state_cache;
mod gathering;
mod generate_report;
mod heard_engines;
mod incident_lifecycle;
mod incident_shard;
mod incident_timeline;
mod key_decision;
mod manage_channels;
mod manage_credentials;
mod manage_holds;
mod manage_shadow;
mod notify_people;
mod open_incidents;
mod own_events;
mod pending_event;
mod planning_state;
mod policy_cache;
mod policy_notifier;
mod policy_simulation;
mod read_policies;
mod read_shadow;
mod record_batch;
mod record_event;
mod record_repeats;
mod relay;
mod report_outcome;
mod request_decision;
mod rollup_shards;
mod shadow_policy;
mod simulate_policy;
mod sweep;
mod transaction_chunks;
mod weekly_report;

pub use action_lifecycle::ActionLifecycle;
pub use activate_policy::{ActivationConflict, ActivationError, ActivationRequest, ActiveVersion, PolicyActivator};
pub use change_incident::{ChangedIncident, change_incident};
pub use change_incidents::{
    BulkConflict, BulkFailure, BulkFilter, BulkResult, BulkSelection, change_incidents, matching_incidents,
};
pub use configure_channels::{ChannelConfigurator, ChannelDraft, ChannelError};
pub use create_policy::{CreatedPolicy, create_policy};
pub use credential_monitor::CredentialMonitor;
pub use decide_approval::{ApprovalConflict, decide_approval};
pub use decide_decision_approval::decide_decision_approval;
pub use decision_batch::{BatchSemantics, DecisionAnswer, DecisionBatch, RequestedDecision};
pub use dispatch_action::{ActionDispatcher, DispatchOutcome};
pub use due_notification::{ApprovalId, DueNotification};
pub use event_writer::EventWriter;
pub use export_history::{HistoryExport, export_history};
pub use generate_report::ReportGenerator;
pub use incident_lifecycle::{IncidentLifecycle, IncidentUpdate};
pub use incident_timeline::{IncidentTimeline, TimelineTables};
pub use manage_channels::{ChannelManager, ChannelTestError, ListedChannel};
pub use manage_credentials::{
    CredentialError, IssuedCredential, create_credential, create_first_admin, list_credentials, revoke_credential,
    rotate_credential,
};
pub use manage_holds::{AppliedHold, HoldConflict, NewHold, end_hold, set_hold};
pub use manage_shadow::{ShadowError, ShadowRequest, end_shadow, start_shadow};
pub use notify_people::{NotifiedAtOnce, Notifier, NotifierStores, SendSummary};
pub use own_events::OwnEvents;
pub use pending_event::{EventIdentity, IncomingEvent, WriteOutcome};
pub use policy_cache::{CredentialsAndPolicy, EngineRefusal, KnownEngines, PolicyCache, PolicyStatus};
pub use policy_notifier::PolicyNotifier;
pub use policy_simulation::{PolicySimulator, SimulatorTables};
pub use read_policies::{
    PolicyDocument, PolicyList, PolicyListItem, PolicyReadError, VersionDifference, active_policy_version,
    list_policy_versions, policy_difference, policy_version,
};
pub use read_shadow::{ShadowStatus, running_shadow};
pub use record_batch::BatchResult;
pub use record_event::{EventRecorder, RecordResult, RecordedEvent};
pub use relay::{Relay, RelayError, RelayParts};
pub use report_outcome::{OutcomeReport, report_outcome};
pub use request_decision::{DecisionError, DecisionMaker};
pub use simulate_policy::{SimulationError, SimulationInput, SimulationJobs, run_simulation};
pub use sweep::{Sweep, SweepFailed, SweepReport};
pub use weekly_report::{WeeklyError, WeeklyReporter, WeeklyResult};
