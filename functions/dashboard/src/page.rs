//! Responses that all pages use.

use askama::Template;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

/// The section of the dashboard that a page belongs to: the marked entry of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Incidents,
    Events,
    Actions,
    Decisions,
    Reports,
    Engines,
    Channels,
    Policy,
}

/// Returns the rendered page, or 500 if `template` cannot be rendered.
pub(crate) fn render<T: Template>(status: StatusCode, template: &T) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            let template = std::any::type_name::<T>();
            tracing::error!(template, %error, "failed to render {template}: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Returns a response that sends the browser to `path` with a GET.
pub(crate) fn redirect_to(path: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(path) else {
        tracing::error!(path, "failed to redirect to {path:?}: the path is not a header value");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}
