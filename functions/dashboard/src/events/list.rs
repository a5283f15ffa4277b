//! The list, newest first, of what the form asks for.

use age_model::{Day, Engine, Event, EventType, Severity, Timestamp};
use age_platform::{Problem, Query};
use age_scoring::Policy;
use age_store::{EventFilter, StoreError};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::page::{self, Part};
use crate::session::Session;
use crate::text::Shown;
use crate::{App, Parts, events, file};

/// How many are on a page.
const LIMIT: usize = 50;

/// How many a file has at most.
const FILE_LIMIT: usize = 500;

/// How many bytes of details a file has at most: quotes are doubled in it, and escaped once more on its way, and Lambda answers
/// at most 6 MB.
const FILE_BYTES: usize = 1024 * 1024;

/// A rare type is looked for so often.
const MAX_READINGS: usize = 8;

#[derive(Template)]
#[template(path = "events.html")]
struct Page<'a> {
    session: &'a Session,
    part: Part,
    asked: &'a Asked,
    /// Every engine that can be asked for, with its title.
    engines: Vec<(Engine, &'a str)>,
    rows: Vec<Row>,
    /// Where the list goes on.
    next: Option<String>,
    /// Whether others stand before these.
    is_later: bool,
    /// Where these are as a file.
    file: String,
}

/// An event as the list has it.
struct Row {
    path: String,
    engine: String,
    event_type: Shown,
    severity: Severity,
    at: Timestamp,
}

/// What the form asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    engine: Option<Engine>,
    severity: Option<Severity>,
    event_type: Option<EventType>,
    from: Option<Day>,
    /// The last day, as people mean it: it is listed, too.
    to: Option<Day>,
}

impl Asked {
    fn take(query: &mut Query) -> Self {
        let asked = Self {
            engine: query.take("engine"),
            severity: query.take("severity"),
            event_type: query.take("eventType"),
            from: query.take("from"),
            to: query.take("to"),
        };
        if asked.from.zip(asked.to).is_some_and(|(from, to)| from > to) {
            query.refuse("from", "must not be after to");
        }
        asked
    }

    fn filter(&self) -> EventFilter {
        EventFilter {
            engine: self.engine,
            severities: self.severity.into_iter().collect(),
            event_type: self.event_type.clone(),
            from: self.from.map(Day::start),
            to: self.to.map(|to| to.next().start()),
        }
    }

    /// The address that asks for the same, at `path`.
    fn address(&self, path: &str, cursor: Option<&str>) -> String {
        let fields = [
            ("engine", self.engine.map(|engine| engine.to_string())),
            ("severity", self.severity.map(|severity| severity.to_string())),
            ("eventType", self.event_type.clone().map(String::from)),
            ("from", self.from.map(|from| from.to_string())),
            ("to", self.to.map(|to| to.to_string())),
            ("cursor", cursor.map(str::to_owned)),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    fn event_type(&self) -> &str {
        self.event_type.as_ref().map_or("", EventType::as_str)
    }
}

pub(crate) async fn show(State(App(app)): State<App>, session: Session, query: Query) -> Result<Response, Problem> {
    let mut query = query.without_blanks();
    let asked = Asked::take(&mut query);
    let cursor: Option<String> = query.take("cursor");
    query.finish()?;

    let scope = format!("dashboard events {asked:?}");
    let before = cursor.map(|cursor| app.cursors.open(&scope, &cursor)).transpose()?;
    let is_later = before.is_some();
    let page = app.tables.listing.page(&asked.filter(), LIMIT, before, app.clock.as_ref()).await?;
    let next = page.next.map(|position| app.cursors.seal(&scope, &position));
    let page = Page {
        session: &session,
        part: Part::Events,
        engines: Engine::ALL.iter().map(|engine| (*engine, app.policy.title(*engine))).collect(),
        rows: page.events.iter().map(|event| Row::of(event, &app.policy)).collect(),
        next: next.map(|cursor| asked.address("/dashboard/events", Some(&cursor))),
        is_later,
        file: asked.address("/dashboard/events.csv", None),
        asked: &asked,
    };
    Ok(page::html(StatusCode::OK, &page))
}

/// The newest of what the form asks for, as a file.
pub(crate) async fn csv(State(App(app)): State<App>, query: Query) -> Result<Response, Problem> {
    let mut query = query.without_blanks();
    let asked = Asked::take(&mut query);
    query.finish()?;
    let (events, is_whole) = app.newest(&asked.filter()).await?;
    let names = ["id", "occurredAt", "engine", "eventType", "severity", "sourceTime", "reportedBy", "details"];
    let rows = [names.map(str::to_owned)].into_iter().chain(events.into_iter().map(cells));
    Ok(file::csv(if is_whole { "age-events.csv" } else { "age-events-the-newest.csv" }, rows))
}

impl Parts {
    /// As many of the newest events as go into a file, and whether they are all.
    async fn newest(&self, filter: &EventFilter) -> Result<(Vec<Event>, bool), StoreError> {
        let (mut events, mut before) = (Vec::new(), None);
        for _ in 0..MAX_READINGS {
            let missing = FILE_LIMIT.saturating_sub(events.len());
            let page = self.tables.listing.page(filter, missing, before, self.clock.as_ref()).await?;
            events.extend(page.events);
            before = page.next;
            let bytes: usize = events.iter().map(|event| event.reported.details.as_str().len()).sum();
            if before.is_none() || events.len() >= FILE_LIMIT || bytes >= FILE_BYTES {
                break;
            }
        }
        // The last reading may have gone over.
        let mut bytes = 0;
        let fit = events.iter().take_while(|event| {
            bytes += event.reported.details.as_str().len();
            bytes <= FILE_BYTES
        });
        let fit = fit.count();
        let is_whole = before.is_none() && fit == events.len();
        events.truncate(fit);
        Ok((events, is_whole))
    }
}

fn cells(event: Event) -> [String; 8] {
    let Event { id, occurred_at, reported, reported_by } = event;
    [
        id.to_string(),
        occurred_at.to_string(),
        reported.engine.to_string(),
        reported.event_type.into(),
        reported.severity.to_string(),
        reported.source_time.map(|at| at.to_string()).unwrap_or_default(),
        reported_by.map(String::from).unwrap_or_default(),
        reported.details.as_str().to_owned(),
    ]
}

impl Row {
    fn of(event: &Event, policy: &Policy) -> Self {
        let reported = &event.reported;
        Self {
            path: events::path(event.id),
            engine: policy.title(reported.engine).to_owned(),
            event_type: Shown::new(reported.event_type.as_str()),
            severity: reported.severity,
            at: event.occurred_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_in_its_address() {
        let text = "engine=billing&severity=HIGH&eventType=a%26b+c&from=2026-11-01&to=2026-11-02";
        let mut query = Query::parse(format!("{text}&cursor=").as_bytes()).without_blanks();
        let asked = Asked::take(&mut query);
        query.finish().unwrap();
        assert_eq!(asked.address("/x", None), format!("/x?{text}"));
        assert_eq!(asked.address("/x", Some("c")), format!("/x?{text}&cursor=c"));
        assert_eq!(asked.filter().to, Some("2026-11-03T00:00:00Z".parse().unwrap()));
        let mut blank = Query::parse(b"engine=&severity=&eventType=+&from=&to=").without_blanks();
        assert_eq!(Asked::take(&mut blank).address("/x", None), "/x");
        blank.finish().unwrap();
        let mut backwards = Query::parse(b"from=2026-11-02&to=2026-11-01");
        Asked::take(&mut backwards);
        assert!(backwards.finish().is_err());
    }
}
