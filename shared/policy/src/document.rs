//! The policy document. The build script compiles this file as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use age_model::{Action, Engine, RiskLevel, Severity, deserialize_known};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::decision_document::DecisionRules;
use crate::document_schema;
use crate::guardrail_document::Guardrail;

/// The policy document: how events are scored, which actions they lead to, and when people are notified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The highest score of a category. A score is the sum of the weights of the events of its engines.
    #[schema(minimum = 1, maximum = 100)]
    pub score_cap: u32,
    /// The recommendation of a report with CRITICAL events. It contains `{count}`, which stands for their number.
    #[schema(min_length = 1, max_length = 200, pattern = r"\{count\}")]
    pub critical_recommendation: String,
    /// The engines by name, 1 to 64. Each is in at least one category. `age` is reserved for AGE's own events.
    pub engines: BTreeMap<Engine, EngineRules>,
    /// Points for one event of each severity.
    #[serde(deserialize_with = "deserialize_known")]
    #[schema(schema_with = document_schema::weights)]
    pub weights: BTreeMap<Severity, u64>,
    /// The lowest score of each level.
    #[serde(deserialize_with = "deserialize_known")]
    #[schema(schema_with = document_schema::levels)]
    pub levels: BTreeMap<RiskLevel, u32>,
    /// The risk categories, in the order in which reports recommend. Each has another name.
    #[schema(min_items = 1, max_items = 64)]
    pub categories: Vec<Category>,
    /// How actions are planned and how long their steps may take.
    pub actions: ActionRules,
    /// When incidents open and when people are notified.
    pub incidents: IncidentRules,
    /// The severities of alerts from Prometheus Alertmanager.
    pub alertmanager: AlertRules,
    /// The rules for activating other versions of the policy while this one is active.
    #[serde(default)]
    #[schema(default)]
    pub activation: ActivationRules,
    /// The guardrails, by which AGE decides whether an operation may run. The strictest verdict of all that match is the answer: deny,
    /// then needs approval, then allow. If none matches, the answer is deny, so a policy without guardrails permits nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 200)]
    pub guardrails: Vec<Guardrail>,
    /// The rules of the answers to requests for decisions.
    #[serde(default, skip_serializing_if = "DecisionRules::is_default")]
    pub decisions: DecisionRules,
}

/// The rules by which other versions of the policy are activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivationRules {
    /// Whether the admin who stored a version may not be the first to activate it: another one reviews it. The default is false. A version
    /// that was active before is activated by any admin.
    #[serde(default)]
    #[schema(default = false)]
    pub requires_another_admin: bool,
}

/// The rules of one engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineRules {
    /// The name for people, such as `Deep Agent`, on one line.
    #[schema(min_length = 1, max_length = 40)]
    pub title: String,
    /// An engine that reports no event for longer, in seconds, is silent, which opens an incident. 0 turns this off.
    #[schema(minimum = 0, maximum = 2_592_000)]
    pub expected_interval_seconds: i64,
}

/// A risk category: a score over the events of some engines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// The key of the score in reports, such as `billing_risk`.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,63}$")]
    pub name: String,
    /// The engines whose events are scored, each once. `age` may be one of them.
    #[schema(min_items = 1, max_items = 65)]
    pub engines: Vec<Engine>,
    /// Reports have the recommendation if the score is above this one, not at it.
    #[schema(minimum = 0, maximum = 100)]
    pub recommend_above: u32,
    /// The recommendation, on one line.
    #[schema(min_length = 1, max_length = 200)]
    pub recommendation: String,
}

/// The rules by which actions are planned and by which they end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionRules {
    /// The lowest severity of events that lead to actions. Events below it are stored and counted.
    #[serde(deserialize_with = "deserialize_known")]
    pub min_severity: Severity,
    /// The remediations that a responder must approve before they are dispatched, each once.
    #[serde(deserialize_with = "deserialize_known")]
    pub require_approval: BTreeSet<Action>,
    /// How long one function may try to dispatch an action before another may, in seconds. Longer than the function may run.
    #[schema(minimum = 30, maximum = 3600)]
    pub lease_seconds: i64,
    /// The waits before each further attempt to dispatch an action, in seconds. After the last attempt the action is undeliverable.
    #[schema(min_items = 1, max_items = 20, minimum = 1, maximum = 34_560_000)]
    pub retry_after_seconds: Vec<i64>,
    /// How long a worker has to report the outcome, in seconds.
    #[schema(minimum = 1, maximum = 34_560_000)]
    pub answer_within_seconds: i64,
    /// How long responders have to approve an action, in seconds.
    #[schema(minimum = 1, maximum = 34_560_000)]
    pub approve_within_seconds: i64,
    /// How long no event of the incident key may follow a succeeded remediation for it to be verified, in seconds.
    #[schema(minimum = 1, maximum = 34_560_000)]
    pub verify_after_seconds: i64,
    /// How long after its start a remediation in progress suppresses the same one, in seconds.
    #[schema(minimum = 1, maximum = 34_560_000)]
    pub repeat_after_seconds: i64,
    /// After so many ineffective remediations of an incident key, further ones are suppressed.
    #[schema(minimum = 1, maximum = 100)]
    pub give_up_after: usize,
    /// The time within which ineffective remediations are counted, in seconds.
    #[schema(minimum = 1, maximum = 34_560_000)]
    pub give_up_within_seconds: i64,
    /// The first rule that matches an event selects its action. The last rule has no conditions, and each rule matches an event that no
    /// rule before it matches.
    #[schema(min_items = 1, max_items = 256)]
    pub first_match: Vec<ActionRule>,
    /// Every rule that matches an event adds its action.
    #[schema(max_items = 256)]
    pub also: Vec<ActionRule>,
    /// The engine whose worker carries out a remediation, and whose credential alone may report its outcome. Without an entry, it is the
    /// engine of the event.
    #[serde(default, deserialize_with = "deserialize_known")]
    #[schema(schema_with = document_schema::carried_out_by)]
    pub carried_out_by: BTreeMap<Action, Engine>,
}

/// The severities of alerts from Prometheus Alertmanager.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertRules {
    /// The severity by the word of the label `severity`, at most 512 words of 1 to 64 characters in lower case. Words of senders are
    /// compared in any case.
    #[serde(deserialize_with = "deserialize_known")]
    pub severities: BTreeMap<String, Severity>,
    /// The severity of an alert without that label, or with another word.
    #[serde(deserialize_with = "deserialize_known")]
    pub otherwise: Severity,
}

impl AlertRules {
    /// Returns a sender's word for a severity as it is compared: in lower case, without white space around it.
    pub(crate) fn normalized(word: &str) -> String {
        word.trim().to_lowercase()
    }
}

/// When incidents open and when people are notified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentRules {
    /// The lowest severity of events that open an incident, about which people are notified. Not below `actions.min_severity`.
    #[serde(deserialize_with = "deserialize_known")]
    pub min_severity: Severity,
    /// The most open incidents of an engine. What would open more is gathered in one incident, `many_event_types`.
    #[schema(minimum = 1, maximum = 10_000)]
    pub max_open_per_engine: u64,
    /// The shortest time between two notifications while more events come, in seconds.
    #[schema(minimum = 1, maximum = 34_560_000)]
    pub digest_after_seconds: i64,
    /// The time between two reminders until the incident is acknowledged, in seconds.
    #[schema(minimum = 1, maximum = 34_560_000)]
    pub remind_after_seconds: i64,
    /// How long the first line has to acknowledge before the second line is notified, in seconds.
    #[schema(minimum = 1, maximum = 34_560_000)]
    pub second_line_after_seconds: i64,
    /// How long nothing may happen before an acknowledged incident resolves, in seconds.
    #[schema(minimum = 1, maximum = 34_560_000)]
    pub resolve_after_seconds: i64,
    /// What follows once the senders of an incident's alerts have reported all of them as resolved. Absent: an incident that nobody has
    /// acknowledged is resolved, an acknowledged one gets a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub on_resolved: Option<OnResolved>,
    /// How long one function may try to send a notification before another may, in seconds. Much longer than sending takes.
    #[schema(minimum = 30, maximum = 3600)]
    pub lease_seconds: i64,
    /// The rate limit of all e-mails together: the time in which one more may be sent, in seconds.
    #[schema(minimum = 1, maximum = 86_400)]
    pub email_interval_seconds: i64,
    /// How many e-mails may be sent at once after a pause. Two of them are reserved for the sweep.
    #[schema(minimum = 3, maximum = 9)]
    pub email_burst: u32,
}

impl IncidentRules {
    /// How many e-mails of a burst are reserved for the sweep, each of which covers many incidents. Without them, many new
    /// incidents would use the whole burst for initial notifications.
    pub const EMAILS_RESERVED_FOR_SWEEP: u32 = 2;
}

/// What follows once everything of an incident was reported as resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnResolved {
    /// The incident is resolved.
    Resolve,
    /// The incident stays as it is, and people are notified.
    Note,
}

impl OnResolved {
    /// Every member.
    pub const ALL: &[Self] = &[Self::Resolve, Self::Note];

    /// The name in the document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for OnResolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A rule: an event that meets all conditions leads to the action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionRule {
    /// The engine of the event; any, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub engine: Option<Engine>,
    /// The severity of the event, not below `actions.min_severity`; any, if absent.
    #[serde(default, deserialize_with = "deserialize_known", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub severity: Option<Severity>,
    /// The beginning of the event's type; any, if absent. Visible characters, none of them white space at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 128)]
    pub event_type_prefix: Option<String>,
    /// The action. `automated_governance_summary` belongs to reports and cannot be selected.
    #[serde(deserialize_with = "deserialize_known")]
    pub action: Action,
}
