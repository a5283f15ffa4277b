//! A report on demand.

use age_http::{NoQuery, Problem};
use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::form::VerifiedForm;
use crate::page;
use crate::paths::report_path;
use crate::session::Session;

/// Generates a report of the last 168 whole hours and the current one, and redirects to its page.
pub(crate) async fn generate(
    State(App(app)): State<App>,
    session: Session,
    _: NoQuery,
    VerifiedForm(form): VerifiedForm,
) -> Result<Response, Problem> {
    form.finish()?;
    let report = app.report_generator.generate_on_demand(&app.tables.reports, session.caller.kid).await?;
    Ok(page::redirect_to(&report_path(report.id)))
}
