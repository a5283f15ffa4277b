//! The first page: the list of incidents, for now.

use axum::extract::State;
use axum::response::Response;
use platform::{NoQuery, Problem};

use crate::session::Session;
use crate::{App, page};

pub(crate) async fn show(State(App(_app)): State<App>, _session: Session, _: NoQuery) -> Result<Response, Problem> {
    Ok(page::see("/dashboard/incidents"))
}
