//! The filter form of the list of events.

use age_http::Query;
use age_model::{Engine, EventType, Severity};
use age_policy::ActivePolicy;
use age_store::EventFilter;

use crate::day_span::DaySpan;
use crate::engine_filter::read_engine;
use crate::paths::list_url;

/// The fields of the filter form, as they stand in the URL.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct EventFilterForm {
    pub(crate) engine: Option<Engine>,
    pub(crate) severity: Option<Severity>,
    pub(crate) event_type: Option<EventType>,
    pub(crate) days: DaySpan,
}

impl EventFilterForm {
    /// Reads the fields from `query`, which refuses those that are not valid.
    pub(crate) fn read(query: &mut Query, active: &ActivePolicy) -> Self {
        Self {
            engine: read_engine(query, active),
            severity: query.optional("severity"),
            event_type: query.optional("eventType"),
            days: DaySpan::read(query),
        }
    }

    pub(crate) fn filter(&self, active: &ActivePolicy) -> EventFilter {
        EventFilter {
            // `read` has refused an engine that no active version ever had.
            engines: active.engines_of_records(self.engine).unwrap_or_default(),
            severities: self.severity.into_iter().collect(),
            event_types: self.event_type.clone().into_iter().collect(),
            from: self.days.start(),
            to: self.days.end(),
            ..EventFilter::default()
        }
    }

    /// Returns the URL of `path` with these fields.
    pub(crate) fn url(&self, path: &str, cursor: Option<&str>) -> String {
        let fields = [
            ("engine", self.engine.map(|engine| engine.to_string())),
            ("severity", self.severity.map(|severity| severity.to_string())),
            ("eventType", self.event_type.clone().map(String::from)),
        ];
        let cursor = ("cursor", cursor.map(str::to_owned));
        list_url(path, fields.into_iter().chain(self.days.fields()).chain([cursor]))
    }

    pub(crate) fn event_type(&self) -> &str {
        self.event_type.as_ref().map_or("", EventType::as_str)
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> EventFilterForm {
        let mut query = Query::parse(query.as_bytes()).without_blanks();
        let form = EventFilterForm::read(&mut query, &ActivePolicy::compiled().unwrap());
        query.finish().unwrap();
        form
    }

    #[test]
    fn url_has_the_fields_that_were_read() {
        let text = "engine=billing&severity=HIGH&eventType=a%26b+c&from=2026-11-01&to=2026-11-02";
        let form = read(text);
        assert_eq!(form.url("/x", None), format!("/x?{text}"));
        assert_eq!(form.url("/x", Some("c")), format!("/x?{text}&cursor=c"));
        assert_eq!(form.filter(&ActivePolicy::compiled().unwrap()).to, Some("2026-11-03T00:00:00Z".parse().unwrap()));
        assert_eq!(read(&format!("{text}&cursor=")), form);
    }

    #[test]
    fn blank_fields_are_no_filter() {
        let form = read("engine=&severity=&eventType=+&from=&to=");
        assert!(form.is_empty());
        assert_eq!(form.url("/x", None), "/x");
    }

    #[test]
    fn first_day_after_the_last_is_refused() {
        let mut query = Query::parse(b"from=2026-11-02&to=2026-11-01");
        EventFilterForm::read(&mut query, &ActivePolicy::compiled().unwrap());
        assert!(query.finish().is_err());
    }
}
