//! Changes between two versions of a policy, as people read them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The changes from one version of a policy to another, and for whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyDifference {
    /// The changes. None, if the versions are equal.
    pub changes: Vec<PolicyChange>,
}

/// One change between two versions of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyChange {
    /// The subject of the change, such as `engine search`, `category client_risk`, `HIGH events of billing` or `incidents`.
    pub subject: String,
    /// The change, such as `The time between two reminders becomes 2 h; it was 4 h.`
    pub sentence: String,
    /// The place in the document, such as `incidents.remind_after_seconds`. Absent if the change is not one of a single value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub path: Option<String>,
    /// The value before, as it is in the document. Absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub before: Option<String>,
    /// The value after, as it is in the document. Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub after: Option<String>,
}

impl PolicyChange {
    pub(crate) fn new(subject: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { subject: subject.into(), sentence: sentence.into(), path: None, before: None, after: None }
    }

    /// Adds the place and the values of the document.
    pub(crate) fn with_values(self, path: &str, before: Option<String>, after: Option<String>) -> Self {
        Self { path: Some(path.to_owned()), before, after, ..self }
    }
}

/// Returns `items` as a list in a sentence, such as `a, b and c`.
pub(crate) fn listed<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    match items.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "none".to_owned(),
    }
}
