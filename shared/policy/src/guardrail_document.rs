//! The guardrails of the policy document. The build script compiles this file as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use age_model::{Engine, RiskLevel, Severity, Verdict, deserialize_known};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::document_schema;

/// A guardrail: a request for a decision that meets all conditions gets the verdict, unless another guardrail has a stricter one. The
/// order of guardrails has no effect.
///
/// If no condition is false and one is unknown, because the request lacks a field or the state is too old, a guardrail that denies or
/// that needs approval denies, and one that allows does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Guardrail {
    /// The id, which reasons and statistics name. Each guardrail has another one.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,63}$")]
    pub id: String,
    /// The engines whose requests the guardrail is about; any, if absent.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(min_items = 1, max_items = 64)]
    pub engines: BTreeSet<Engine>,
    /// The verdict.
    #[serde(deserialize_with = "deserialize_known")]
    pub verdict: Verdict,
    /// The reason that callers are given, on one line.
    #[schema(min_length = 1, max_length = 200)]
    pub message: String,
    /// The conditions on the request.
    #[serde(default, rename = "match", skip_serializing_if = "RequestConditions::is_empty")]
    pub request: RequestConditions,
    /// The conditions on the state of the fleet, which AGE knows.
    #[serde(default, skip_serializing_if = "StateConditions::is_empty")]
    pub state: StateConditions,
}

/// The conditions on a request, each by the path of a field such as `type` or `properties.status`. All must be met.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestConditions {
    /// Fields of the subject: `type`, `id`, and those below `properties`. At most 64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subject: BTreeMap<String, FieldCondition>,
    /// Fields of the action: `name`, and those below `properties`. At most 64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub action: BTreeMap<String, FieldCondition>,
    /// Fields of the resource: `type`, `id`, and those below `properties`. At most 64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resource: BTreeMap<String, FieldCondition>,
    /// Fields of the context, except for `decisionId` and those in `decisions.unbound_context`. At most 64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, FieldCondition>,
}

impl RequestConditions {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The conditions on a field, one or more. All must be met.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldCondition {
    /// The field is this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub equals: Option<FieldValue>,
    /// The field is one of these values.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, max_items = 100)]
    pub one_of: Option<Vec<FieldValue>>,
    /// The field is a string that begins with this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub prefix: Option<String>,
    /// The field is a number greater than this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = f64, minimum = -9_007_199_254_740_991_i64, maximum = 9_007_199_254_740_991_i64)]
    pub above: Option<Number>,
    /// The field is a number less than this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = f64, minimum = -9_007_199_254_740_991_i64, maximum = 9_007_199_254_740_991_i64)]
    pub below: Option<Number>,
    /// Whether the request has the field. This condition is never unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exists: Option<bool>,
}

/// A value that a field is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A string.
    Text(String),
    /// A number.
    Number(Number),
    /// True or false.
    Boolean(bool),
}

impl PartialSchema for FieldValue {
    fn schema() -> RefOr<Schema> {
        document_schema::field_value().into()
    }
}

impl ToSchema for FieldValue {}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => number.fmt(f),
            Self::Boolean(value) => value.fmt(f),
        }
    }
}

/// The conditions on the state of the fleet. All must be met. Those about levels, incidents and remediations are unknown if the posture
/// is older than 150 seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StateConditions {
    /// A category has at least a level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub at_level: Option<LevelCondition>,
    /// An engine has an open incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub open_incident: Option<IncidentCondition>,
    /// A remediation of an engine was found ineffective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ineffective_within: Option<RemediationCondition>,
    /// Another engine is on hold. A hold on the asking engine denies without any guardrail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub held: Option<HoldCondition>,
}

impl StateConditions {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A category has the level, or a higher one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelCondition {
    /// The name of a category of the policy.
    pub category: String,
    /// The lowest level.
    #[serde(deserialize_with = "deserialize_known")]
    pub level: RiskLevel,
}

/// An engine has an open incident of the severity, or of a higher one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentCondition {
    /// The lowest severity.
    #[serde(deserialize_with = "deserialize_known")]
    pub severity: Severity,
    /// Whether acknowledged incidents do not count. The default is false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub unacknowledged: bool,
    /// The engine of the incident; the one that asks, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub engine: Option<Engine>,
}

/// The latest remediation of an engine that was found ineffective was found so within a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemediationCondition {
    /// The time, in seconds.
    #[schema(minimum = 1, maximum = 604_800)]
    pub seconds: i64,
    /// The engine of the remediation; the one that asks, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub engine: Option<Engine>,
}

/// An engine is on hold with all its operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldCondition {
    /// The engine.
    pub engine: Engine,
}

/// Guardrails that have every field.
#[cfg(test)]
pub(crate) mod test_data {
    use serde_json::json;

    use super::Guardrail;

    pub(crate) fn guardrails() -> Vec<Guardrail> {
        let condition =
            json!({"equals": "a", "in": ["a", 1], "prefix": "a", "above": -0.5, "below": 1, "exists": true});
        let guardrail = json!({
            "id": "rule", "engines": ["billing"], "verdict": "needs_approval", "message": "guarded",
            "match": {
                "subject": {"type": condition}, "action": {"name": condition}, "resource": {"properties.a": condition},
                "context": {"a.b": condition},
            },
            "state": {
                "at_level": {"category": "billing_risk", "level": "HIGH"},
                "open_incident": {"severity": "HIGH", "unacknowledged": true, "engine": "qa"},
                "ineffective_within": {"seconds": 60, "engine": "qa"},
                "held": {"engine": "qa"},
            },
        });
        vec![serde_json::from_value(guardrail).unwrap()]
    }
}
