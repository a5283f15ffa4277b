//! The filter form of the list of decisions.

use std::collections::BTreeSet;

use age_http::Query;
use age_model::{DecisionApprovalStatus, Engine, Verdict};
use age_policy::ActivePolicy;
use age_store::DecisionFilter;

use crate::day_span::DaySpan;
use crate::engine_filter::read_engine;
use crate::paths::list_url;

/// The fields of the filter form, as they stand in the URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DecisionFilterForm {
    pub(crate) engine: Option<Engine>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) approval: Option<DecisionApprovalStatus>,
    /// When the decisions were made.
    pub(crate) days: DaySpan,
}

impl DecisionFilterForm {
    /// Reads the fields from `query`, which refuses those that are not valid.
    pub(super) fn read(query: &mut Query, active: &ActivePolicy) -> Self {
        Self {
            engine: read_engine(query, active),
            verdict: query.optional("verdict"),
            approval: query.optional("approval"),
            days: DaySpan::read(query),
        }
    }

    pub(super) fn filter(self, active: &ActivePolicy) -> DecisionFilter {
        DecisionFilter {
            // `read` has refused an engine that no active version ever had.
            engines: active.engines_of_records(self.engine).unwrap_or_default(),
            verdicts: self.verdict.into_iter().collect(),
            approvals: self.approval.into_iter().collect(),
            events: BTreeSet::new(),
            shadow_differs: false,
            from: self.days.start(),
            to: self.days.end(),
        }
    }

    /// Returns the URL of the list with these fields.
    pub(super) fn url(self, cursor: Option<String>) -> String {
        let fields = [
            ("engine", self.engine.map(|engine| engine.to_string())),
            ("verdict", self.verdict.map(|verdict| verdict.to_string())),
            ("approval", self.approval.map(|status| status.to_string())),
        ];
        list_url("/dashboard/decisions", fields.into_iter().chain(self.days.fields()).chain([("cursor", cursor)]))
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether the form selects nothing but an engine, if that.
    pub(super) fn is_of_engine_alone(self) -> bool {
        self == Self { engine: self.engine, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_has_the_fields_that_were_read() {
        let text = "engine=billing&verdict=needs_approval&approval=pending&from=2026-11-01&to=2026-11-02";
        let mut query = Query::parse(text.as_bytes());
        let form = DecisionFilterForm::read(&mut query, &ActivePolicy::compiled().unwrap());
        query.finish().unwrap();
        assert_eq!(form.url(None), format!("/dashboard/decisions?{text}"));
        assert_eq!(form.url(Some("c".to_owned())), format!("/dashboard/decisions?{text}&cursor=c"));
        assert!(!form.is_empty() && !form.is_of_engine_alone());
        let of_engine = DecisionFilterForm { engine: form.engine, ..DecisionFilterForm::default() };
        assert!(of_engine.is_of_engine_alone() && DecisionFilterForm::default().is_empty());
    }
}
