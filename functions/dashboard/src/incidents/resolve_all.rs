//! Resolving all incidents that a filter shows: the page that asks for a confirmation, and the page with the result.

use age_governance::{BulkFilter, BulkSelection, change_incidents, matching_incidents};
use age_http::{FieldError, NoQuery, Problem, Query};
use age_model::{IncidentId, StatusChange, Timestamp};
use age_policy::{IncidentCommand, Policy};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::engine_title::engine_title;
use crate::form::VerifiedForm;
use crate::format::format_count;
use crate::incidents::filter::IncidentFilterForm;
use crate::page::{self, Section};
use crate::paths::incident_path;
use crate::safe_text::SafeText;
use crate::session::Session;

/// How many of the incidents the page names; the others are counted.
const MAX_LISTED: usize = 10;

/// The most incidents that a form may name as their number.
const MAX_EXPECTED: usize = 1_000_000;

#[derive(Template)]
#[template(path = "resolve_all.html")]
struct ConfirmationPage<'a> {
    session: &'a Session,
    section: Section,
    filter: IncidentFilterForm,
    engine: Option<SafeText>,
    /// The latest incidents, with path and title.
    incidents: Vec<(String, SafeText)>,
    more: usize,
    form: ResolveAllForm,
}

#[derive(Template)]
#[template(path = "resolved_all.html")]
struct ResultPage<'a> {
    session: &'a Session,
    section: Section,
    filter: IncidentFilterForm,
    resolved: String,
    unchanged: Option<String>,
    /// Path, title and reason of each incident that could not be resolved.
    failures: Vec<(String, SafeText, String)>,
    /// The form that continues, if incidents are left.
    form: Option<ResolveAllForm>,
}

/// The hidden fields of the form that resolves all incidents of a filter.
struct ResolveAllForm {
    expected_count: u64,
    /// Incidents that are opened later are left alone.
    opened_before: Timestamp,
}

impl ResolveAllForm {
    fn label(&self) -> String {
        format!("Resolve {}", format_count(self.expected_count, "incident"))
    }
}

pub(crate) async fn show(State(App(app)): State<App>, session: Session, query: Query) -> Result<Response, Problem> {
    let active = app.policies.current();
    let mut query = query.without_blanks();
    let filter = IncidentFilterForm::read(&mut query, &active);
    query.finish()?;
    // The incidents of this very millisecond are included.
    let opened_before = app.clock.now().plus_millis(1);
    let bulk_filter = unresolved(filter, opened_before)?;
    let matching = matching_incidents(&app.tables.incidents, &bulk_filter).await?;
    let page = ConfirmationPage {
        session: &session,
        section: Section::Incidents,
        filter,
        engine: filter.engine.map(|engine| engine_title(&active.policy, engine)),
        incidents: matching.iter().take(MAX_LISTED).map(|id| (incident_path(id), title(id, &active.policy))).collect(),
        more: matching.len().saturating_sub(MAX_LISTED),
        form: ResolveAllForm { expected_count: matching.len() as u64, opened_before },
    };
    Ok(page::render(StatusCode::OK, &page))
}

pub(crate) async fn resolve_all(
    State(App(app)): State<App>,
    session: Session,
    _: NoQuery,
    VerifiedForm(form): VerifiedForm,
) -> Result<Response, Problem> {
    let active = app.policies.current();
    let mut form = form.without_blanks();
    let filter = IncidentFilterForm::read(&mut form, &active);
    let expected_count = form.number("expectedCount", 0, 0..=MAX_EXPECTED) as u64;
    let opened_before: Option<Timestamp> = form.optional("openedBefore");
    let note = VerifiedForm(form).into_note()?;
    let required = || Problem::invalid(vec![FieldError::new("openedBefore", "is required")]);
    let opened_before = opened_before.ok_or_else(required)?;

    let selection = BulkSelection::Matching { filter: unresolved(filter, opened_before)?, expected_count };
    let (incidents, lifecycle, clock) = (&app.tables.incidents, app.action_lifecycle.incidents(), app.clock.as_ref());
    let change = StatusChange { at: clock.now(), by: Some(session.caller.kid.clone()), note };
    let result =
        change_incidents(incidents, lifecycle, selection, IncidentCommand::Resolve, change, &active.hash, clock)
            .await?;
    let left = result.remaining.saturating_add(result.failed);
    let failures = result.failures.into_iter().map(|failure| {
        let (path, title) = (incident_path(&failure.id), title(&failure.id, &active.policy));
        let problem = failure.error.map_or_else(|| crate::app::AppState::no_incident(&failure.id), Problem::from);
        (path, title, problem.detail().to_owned())
    });
    let page = ResultPage {
        session: &session,
        section: Section::Incidents,
        filter,
        resolved: format_count(result.changed, "incident"),
        unchanged: (result.unchanged > 0).then(|| format_count(result.unchanged, "incident")),
        failures: failures.collect(),
        form: (left > 0).then_some(ResolveAllForm { expected_count: left, opened_before }),
    };
    Ok(page::render(StatusCode::OK, &page))
}

/// Returns the filter of the unresolved incidents that were opened before this time.
fn unresolved(filter: IncidentFilterForm, opened_before: Timestamp) -> Result<BulkFilter, Problem> {
    let refused = || Problem::invalid(vec![FieldError::new("status", "must be open, acknowledged or all")]);
    let filter = filter.unresolved().ok_or_else(refused)?;
    let opened_before = filter.opened_before.map_or(opened_before, |end| end.min(opened_before));
    Ok(BulkFilter { opened_before: Some(opened_before), ..filter })
}

fn title(id: &IncidentId, policy: &Policy) -> SafeText {
    SafeText::new(&format!("{}: {}", policy.title(&id.key.engine), id.key.event_type.as_str()))
}
