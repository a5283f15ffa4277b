//! The only crate that depends on the DynamoDB SDK: rows, queries and the writes of transactions. No business rules.
//!
//! Every key string is in `dynamodb::keys`; every table is read by key, never scanned. A row that cannot be read is a
//! [`StoreError::Corrupt`](age_model::StoreError); lists name it beside the others, see [`Found`], and sums fail. Writes keep what
//! a later version has stored in a row.

mod action_search;
mod actions;
mod credential_notifications;
mod credential_rows;
mod credentials;
mod decision_events;
mod decision_list;
mod decisions;
mod due_decisions;
mod dynamodb;
mod email_rate_limiter;
mod ended_sessions;
mod event_search;
mod events;
mod fleet_state;
mod found;
mod incident_list;
mod incident_rows;
mod incident_state_row;
mod incident_states;
mod incidents;
mod operations;
mod pending_approvals;
mod policies;
mod policy_activations;
mod policy_notifications;
mod policy_shadows;
mod policy_simulations;
mod policy_versions;
mod report_deliveries;
mod reports;
mod rollups;
mod shard_assignment;
mod system_alerts;
mod system_health;

pub use action_search::{ActionFilter, ActionPage, ActionSearch};
pub use actions::{Actions, OpenAction};
pub use credential_notifications::{CredentialNotifications, SentCredentialNotifications};
pub use credentials::Credentials;
pub use decision_list::{DecisionFilter, DecisionPage};
pub use decisions::{Decisions, NewDecision, RecordedDecisions, UsedApproval};
pub use due_decisions::DueDecision;
pub use dynamodb::backoff::wait_before_retry;
pub use dynamodb::client::{Consistency, DynamoDb};
pub use dynamodb::keys::{DueStep, InvalidPosition, Position};
pub use dynamodb::transaction::{ExistingRow, TransactionResult, Write};
pub use email_rate_limiter::{EmailBudget, EmailRateLimiter, NotifiedLine, UsedPermits};
pub use ended_sessions::{CredentialsWithSessions, EndedSessionsStore};
pub use event_search::{EventFilter, EventPage, EventSearch};
pub use events::Events;
pub use fleet_state::hold_list::{HoldFilter, HoldPage, HoldPosition, InvalidHoldPosition};
pub use fleet_state::holds::SetHold;
pub use fleet_state::{FleetStateStore, RecordedPosture, StoredFleetState};
pub use found::Found;
pub use incident_list::{IncidentFilter, IncidentPage};
pub use incident_state_row::{IncidentStateChange, IncidentStateRecord};
pub use incident_states::{DueIncident, IncidentStates};
pub use incidents::{IncidentRecord, IncidentSummary, Incidents};
pub use operations::{UncheckedOperation, UncheckedPage};
pub use pending_approvals::PendingApprovals;
pub use policies::{Policies, PolicyPointers, ReadPointer, ReadPointers};
pub use policy_activations::{ActivationChange, PolicyActivationPage};
pub use policy_notifications::PolicyNotifications;
pub use policy_versions::{AddedPolicy, ListedPolicyVersion, PolicyVersionPage, StoredPolicy};
pub use report_deliveries::{ReportDeliveries, ReportDelivery};
pub use reports::{ReportFilter, ReportPage, Reports};
pub use rollups::shard_counts::ShardedCounters;
pub use rollups::{Freshness, OutcomeCounters, PlannedRemediations, Rollup, RollupSet, Rollups};
pub use shard_assignment::{MAX_SHARD_COUNT, ShardAssignments};
pub use system_alerts::SystemAlerts;
pub use system_health::{SystemHealth, SystemHealthStore};
