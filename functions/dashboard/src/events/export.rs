//! The newest events of a filter as a CSV file.

use age_http::{Problem, Query};
use age_model::{Event, StoreError};
use age_store::EventFilter;
use axum::extract::State;
use axum::response::Response;

use crate::app::{App, AppState};
use crate::download::csv_response;
use crate::events::filter_form::EventFilterForm;

/// The most events of a file.
const MAX_EVENTS: usize = 500;

/// The most details of a file. CSV doubles their quotes, the response of the function escapes them once more, and Lambda responds
/// with at most 6 MB.
const MAX_DETAILS_BYTES: usize = 1024 * 1024;

/// The most reads for a file: a rare event type may be far down.
const MAX_READS: usize = 8;

const COLUMNS: [&str; 9] =
    ["id", "occurredAt", "engine", "eventType", "severity", "sourceTime", "reportedBy", "decisionId", "details"];

pub(crate) async fn download_csv(State(App(app)): State<App>, query: Query) -> Result<Response, Problem> {
    let active = app.policies.current();
    let mut query = query.without_blanks();
    let form = EventFilterForm::read(&mut query, &active);
    query.finish()?;
    let NewestEvents { events, are_all } = find_newest(&app, &form.filter(&active)).await?;
    let rows = [COLUMNS.map(str::to_owned)].into_iter().chain(events.into_iter().map(csv_row));
    Ok(csv_response(if are_all { "age-events.csv" } else { "age-events-newest.csv" }, rows))
}

struct NewestEvents {
    events: Vec<Event>,
    /// Whether the filter has no other events.
    are_all: bool,
}

/// Returns as many of the newest events as a file may have.
async fn find_newest(app: &AppState, filter: &EventFilter) -> Result<NewestEvents, StoreError> {
    let (mut events, mut before, mut unreadable) = (Vec::new(), None, 0);
    for _ in 0..MAX_READS {
        let missing = MAX_EVENTS.saturating_sub(events.len());
        let page = app.tables.search.page(filter, missing, before, app.clock.as_ref()).await?;
        events.extend(page.events);
        unreadable += page.unreadable.len();
        before = page.next;
        let details: usize = events.iter().map(details_bytes).sum();
        if before.is_none() || events.len() >= MAX_EVENTS || details >= MAX_DETAILS_BYTES {
            break;
        }
    }
    // The last read may have exceeded the limit.
    let mut details = 0;
    let fitting = events.iter().take_while(|event| {
        details += details_bytes(event);
        details <= MAX_DETAILS_BYTES
    });
    let fitting = fitting.count();
    let are_all = before.is_none() && fitting == events.len() && unreadable == 0;
    events.truncate(fitting);
    Ok(NewestEvents { events, are_all })
}

fn details_bytes(event: &Event) -> usize {
    event.reported.details.as_str().len()
}

/// Returns the values of [`COLUMNS`].
fn csv_row(Event { id, occurred_at, reported, reported_by, .. }: Event) -> [String; 9] {
    [
        id.to_string(),
        occurred_at.to_string(),
        reported.engine.to_string(),
        reported.event_type.into(),
        reported.severity.to_string(),
        reported.source_time.map(|at| at.to_string()).unwrap_or_default(),
        reported_by.map(String::from).unwrap_or_default(),
        reported.decision_id.map(String::from).unwrap_or_default(),
        reported.details.as_str().to_owned(),
    ]
}
