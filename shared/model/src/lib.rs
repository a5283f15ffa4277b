//! Entities, value types and state machines of AGE. A value of one of these types is valid, or it cannot be constructed.
//!
//! Pure: no I/O, no AWS SDK. Time and randomness are arguments, see [`Clock`].

mod access_request;
mod access_request_part;
mod action;
mod alert;
mod approval;
mod canonical_text;
mod channel;
mod channel_name;
mod channel_target;
mod clock;
mod command_error;
mod content_hash;
mod counts;
mod credential;
mod credential_notification;
mod credential_record;
mod credential_registry;
mod credential_source;
mod dashboard_session;
mod decision;
mod decision_counts;
mod decision_reason;
mod decision_record;
mod delivery;
mod delivery_queue;
mod details;
mod duration;
mod ended_sessions;
mod engine;
mod event;
mod event_with_actions;
mod hexadecimal;
mod hold;
mod hold_record;
mod id;
mod idempotency_key;
mod incident;
mod incident_change;
mod incident_conflict;
mod incident_key;
mod incident_state;
mod json_check;
mod key_record;
mod keyring;
mod note;
mod notification_channel;
mod notification_failure;
mod origin_secrets;
mod outcome;
mod own_event;
mod period;
mod policy_hash;
mod policy_pointer;
mod policy_shadow;
mod policy_version;
mod posture;
mod rate_limit;
mod report;
mod report_rows;
mod report_step;
mod reported_type;
mod request_id;
mod risk_level;
mod sealing_key;
mod session_authentication;
mod severity;
mod simulation_job;
mod simulation_request;
mod spreadsheet;
mod store_error;
mod string_enum;
mod system_alert;
mod time;
mod timeline;
mod topic;
mod turns;
mod unknown_word;
mod unreadable_item;
mod verdict;
mod visible_text;

pub use access_request::AccessRequest;
pub use access_request_part::{AccessAction, AccessEntity, AccessRequestError};
pub use action::{Action, ActionItem, ActionStatus, InvalidTransition, PlannedAction};
pub use alert::{AlertId, AlertStatus};
pub use approval::{ApprovalDecision, ApprovalNotificationKind};
pub use channel::{ChannelKind, ChannelMessage};
pub use channel_name::{ChannelName, InvalidChannelName};
pub use channel_target::{
    ChannelTarget, OpenedFuture, SealedFuture, SealedTarget, SealingError, TargetOpener, TargetSealer,
};
pub use clock::{Clock, ManualClock, RandomnessUnavailable, Sleep};
pub use command_error::CommandError;
pub use counts::{ActionCounts, EventCounts, SeverityCounts};
pub use credential::{
    Credential, CredentialStatus, Grant, InvalidKeyId, InvalidToken, KeyId, Role, Secret, SecretHash, Token,
};
pub use credential_notification::{CredentialNotification, CredentialNotificationKind};
pub use credential_record::{CredentialRecord, Revocation};
pub use credential_registry::{CredentialRegistry, KeyringError, Rotation, StoredRecord};
pub use credential_source::{CredentialSource, KeyringFuture, RecordedFuture, SystemAlertRecorder};
pub use dashboard_session::DashboardSession;
pub use decision::{
    Decision, DecisionApproval, DecisionApprovalConflict, DecisionApprovalStatus, DecisionEventStatus, DecisionPosture,
    DecisionRequest,
};
pub use decision_counts::DecisionCounts;
pub use decision_reason::{DecisionReason, ReasonCode};
pub use decision_record::{ApprovalNotifications, DecisionRecord};
pub use delivery::{
    ALERT_AFTER, ChannelRequest, ChannelResponse, ChannelSender, DeliveryAttempt, DeliveryResult, MAX_DELIVERY_AGE,
    SendError, SentFuture, delivery_result, describe_delivery, pause_after,
};
pub use delivery_queue::{Delivery, DeliveryLane};
pub use details::{Details, DetailsError, MAX_DETAILS_BYTES, MAX_DETAILS_DEPTH};
pub use duration::format_duration;
pub use ended_sessions::EndedSessions;
pub use engine::{Engine, InvalidEngine};
pub use event::{Event, EventType, NewEvent};
pub use event_with_actions::EventWithActions;
pub use hexadecimal::hexadecimal;
pub use hold::{Hold, HoldOrigin, InvalidHoldEnd, InvalidOperationName, OperationName};
pub use hold_record::{HoldEnd, HoldRecord, HoldStatus};
pub use id::{DecisionId, DecisionKey, EventId, HoldId, MessageId, ReportId, SessionId, SimulationId};
pub use idempotency_key::IdempotencyKey;
pub use incident::{
    FailedRemediation, Incident, IncidentCause, IncidentCounters, IncidentId, IncidentStatus, InvalidIncidentId,
    Notification, NotificationKind, NotifiedCounts, NotifyAdmin,
};
pub use incident_change::{IncidentChange, IncidentChangeKind, StatusChange};
pub use incident_conflict::IncidentConflict;
pub use incident_key::IncidentKey;
pub use incident_state::{FiringAlerts, FiringAlertsChange, IncidentState, Remediation};
pub use key_record::{CounterChange, KeyRecord};
pub use keyring::{AuthError, Keyring, MAX_CREDENTIALS};
pub use note::Note;
pub use notification_channel::{Channel, ChannelFilter};
pub use notification_failure::NotificationFailure;
pub use origin_secrets::{InvalidOriginSecrets, OriginSecrets};
pub use outcome::Outcome;
pub use period::Period;
pub use policy_hash::{InvalidPolicyHash, PolicyHash};
pub use policy_pointer::{MAX_ENGINES_EVER, PolicyPointer};
pub use policy_shadow::{PolicyShadow, ShadowComparison, ShadowVerdict};
pub use policy_version::{PolicyActivation, PolicyVersion};
pub use posture::{EnginePosture, Posture};
pub use rate_limit::RateLimit;
pub use report::{
    ActionFigures, ActiveInPeriod, ActivitySummary, Baseline, IncidentFigures, PreviousWeek, Report, ReportInput,
    ReportKind, ReportSummary,
};
pub use report_rows::report_rows;
pub use report_step::{ReportStep, ReportStepKind, UnresolvedIncidents};
pub use reported_type::{InvalidReportedType, ReportedType};
pub use request_id::RequestId;
pub use risk_level::RiskLevel;
pub use sealing_key::{InvalidSealingKey, SealingKey};
pub use session_authentication::SessionError;
pub use severity::Severity;
pub use simulation_job::{SimulationJob, SimulationStatus};
pub use simulation_request::{MAX_SIMULATED_DAYS, SimulationRequest};
pub use spreadsheet::{BYTE_ORDER_MARK, format_csv};
pub use store_error::StoreError;
pub use string_enum::{UnknownName, Words, deserialize_known};
pub use system_alert::{SystemAlert, SystemAlertKind};
pub use time::{Day, Hour, Timestamp};
pub use timeline::{ActionTransition, Attribution, TimelineEntry, TimelineItem, action_timeline, timeline};
pub use topic::{SubscriptionCounts, TopicHealth, TopicName, TopicStatus, is_subscriber_notice_due};
pub use turns::take_turns;
pub use unknown_word::UnknownWord;
pub use unreadable_item::UnreadableItem;
pub use verdict::Verdict;
pub use visible_text::{is_hidden, shortened, visible_line, visible_text};
