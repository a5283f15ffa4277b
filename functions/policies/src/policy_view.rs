//! A policy version in responses.

use age_governance::PolicyDocument;
use age_model::{PolicyShadow, PolicyVersion, Timestamp};
use age_policy::Policy;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A policy version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyDocument)]
pub(crate) struct PolicyView {
    #[serde(flatten)]
    version: PolicyVersion,
    /// Whether AGE works by this version. Absent if that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
    /// Since when and until when the version is the shadow. Absent if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shadow: Option<PolicyShadow>,
    #[schema(value_type = Policy)]
    document: Box<RawValue>,
}

impl PolicyView {
    /// Returns the version as it is at `now`.
    ///
    /// # Errors
    /// If the stored document is not JSON.
    pub(crate) fn new(document: PolicyDocument, now: Timestamp) -> Result<Self, serde_json::Error> {
        let PolicyDocument { version, document, is_active, shadow } = document;
        let shadow = shadow.filter(|shadow| shadow.is_running(now));
        Ok(Self { version, active: is_active, shadow, document: RawValue::from_string(document)? })
    }
}
