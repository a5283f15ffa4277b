//! The filter form of the list of incidents.

use std::fmt;
use std::str::FromStr;

use age_governance::BulkFilter;
use age_http::Query;
use age_model::{Engine, IncidentStatus, Severity, UnknownName};
use age_policy::ActivePolicy;
use age_store::IncidentFilter;

use crate::day_span::DaySpan;
use crate::engine_filter::read_engine;
use crate::paths::list_url;

/// The incidents of which statuses the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusFilter {
    Status(IncidentStatus),
    All,
}

/// Which incidents the list shows: open ones of all engines, unless the URL says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IncidentFilterForm {
    pub(crate) status: StatusFilter,
    pub(crate) engine: Option<Engine>,
    pub(crate) severity: Option<Severity>,
    /// When they were opened.
    pub(crate) days: DaySpan,
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

impl IncidentFilterForm {
    /// Returns the filter for all incidents of `status`.
    pub(crate) const fn of(status: StatusFilter) -> Self {
        Self { status, engine: None, severity: None, days: DaySpan { from: None, to: None } }
    }

    /// Reads the filter from a URL or a form, which refuses values that are not valid.
    pub(super) fn read(query: &mut Query, active: &ActivePolicy) -> Self {
        let status = query.optional("status").unwrap_or(StatusFilter::Status(IncidentStatus::Open));
        let engine = read_engine(query, active);
        Self { status, engine, severity: query.optional("severity"), days: DaySpan::read(query) }
    }

    /// The status that the incidents have; None for any.
    pub(super) const fn incident_status(self) -> Option<IncidentStatus> {
        if let StatusFilter::Status(status) = self.status { Some(status) } else { None }
    }

    pub(super) fn filter(self) -> IncidentFilter {
        IncidentFilter {
            statuses: self.incident_status().into_iter().collect(),
            severities: self.severity.into_iter().collect(),
            engines: self.engine.into_iter().collect(),
            from: self.days.start(),
            to: self.days.end(),
        }
    }

    /// Returns the filter of a bulk change for the unresolved incidents of this filter; None if it has only resolved ones.
    pub(super) fn unresolved(self) -> Option<BulkFilter> {
        let status = self.incident_status();
        let has_unresolved = status != Some(IncidentStatus::Resolved);
        has_unresolved.then(|| BulkFilter {
            engine: self.engine,
            status,
            severity: self.severity,
            opened_from: self.days.start(),
            opened_before: self.days.end(),
            ..BulkFilter::default()
        })
    }

    pub(super) const fn with_status(self, status: StatusFilter) -> Self {
        Self { status, ..self }
    }

    /// Whether the list has only some of the incidents with its status.
    pub(crate) fn is_narrowed(self) -> bool {
        self != Self::of(self.status)
    }

    /// Returns the fields, as URLs and forms have them.
    pub(crate) fn fields(self) -> impl Iterator<Item = (&'static str, Option<String>)> {
        let fields = [
            ("status", Some(self.status.to_string())),
            ("engine", self.engine.map(|engine| engine.to_string())),
            ("severity", self.severity.map(|severity| severity.to_string())),
        ];
        fields.into_iter().chain(self.days.fields())
    }

    /// Returns the URL of `path` with this filter.
    pub(crate) fn url(self, path: &str) -> String {
        list_url(path, self.fields())
    }
}
