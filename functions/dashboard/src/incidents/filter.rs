//! The filter of the list of incidents: status and engine.

use std::fmt;
use std::str::FromStr;

use age_governance::BulkFilter;
use age_http::Query;
use age_model::{Engine, IncidentStatus, UnknownName};
use age_policy::ActivePolicy;

use crate::engine_filter::read_engine;

/// The incidents of which statuses the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusFilter {
    Status(IncidentStatus),
    All,
}

/// Which incidents the list shows: open ones of all engines, unless the URL says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IncidentFilter {
    pub(crate) status: StatusFilter,
    pub(crate) engine: Option<Engine>,
}

impl StatusFilter {
    pub(super) const ALL: &[Self] = &[
        Self::Status(IncidentStatus::Open),
        Self::Status(IncidentStatus::Acknowledged),
        Self::Status(IncidentStatus::Resolved),
        Self::All,
    ];
}

impl fmt::Display for StatusFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

impl FromStr for StatusFilter {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::Status) }
    }
}

impl IncidentFilter {
    /// Reads the filter from a URL or a form, which refuses values that are not valid.
    pub(super) fn read(query: &mut Query, active: &ActivePolicy) -> Self {
        let status = query.optional("status").unwrap_or(StatusFilter::Status(IncidentStatus::Open));
        Self { status, engine: read_engine(query, active) }
    }

    /// The status that the incidents have; None for any.
    pub(super) const fn incident_status(self) -> Option<IncidentStatus> {
        if let StatusFilter::Status(status) = self.status { Some(status) } else { None }
    }

    /// Returns the filter of a bulk change for the unresolved incidents of this filter; None if it has only resolved ones.
    pub(super) fn unresolved(self) -> Option<BulkFilter> {
        let status = self.incident_status();
        let has_unresolved = status != Some(IncidentStatus::Resolved);
        has_unresolved.then(|| BulkFilter { engine: self.engine, status, ..BulkFilter::default() })
    }

    pub(super) const fn with_status(self, status: StatusFilter) -> Self {
        Self { status, ..self }
    }

    /// Returns the URL of `path` with this filter.
    pub(crate) fn url(self, path: &str) -> String {
        let engine = self.engine.map(|engine| format!("&engine={engine}")).unwrap_or_default();
        format!("{path}?status={}{engine}", self.status)
    }
}
