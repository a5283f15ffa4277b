//! A policy version in responses.

use age_governance::PolicyDocument;
use age_model::PolicyVersion;
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
    #[schema(value_type = Policy)]
    document: Box<RawValue>,
}

impl PolicyView {
    /// # Errors
    /// If the stored document is not JSON.
    pub(crate) fn new(document: PolicyDocument) -> Result<Self, serde_json::Error> {
        let PolicyDocument { version, document, is_active } = document;
        Ok(Self { version, active: is_active, document: RawValue::from_string(document)? })
    }
}
