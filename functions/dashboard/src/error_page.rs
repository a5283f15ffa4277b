//! Problems as pages.

use age_http::{FieldError, Problem};
use askama::Template;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::return_path::{HOME, ReturnPath};
use crate::{page, sign_in};

/// Only the dashboard's own script, style and images, no form to another host, and no embedding in a frame.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'static str,
    detail: &'a str,
    errors: &'a [FieldError],
    /// The target of the link that leads back.
    back: &'a ReturnPath,
}

/// The middleware that renders problems as pages and sets the content security policy of every response.
pub(crate) async fn render_problems(request: Request, next: Next) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = render(&problem, &response, &method, &uri);
    }
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SECURITY_POLICY));
    response
}

/// Returns the page for `problem`, with the headers of `original` that do not describe its body. A caller who is not signed in
/// is redirected to the sign-in page.
fn render(problem: &Problem, original: &Response, method: &Method, uri: &Uri) -> Response {
    // The path of a form's target is that of its page and one more segment.
    let parent = uri.path().rsplit_once('/').map_or(HOME, |(parent, _)| parent);
    let path = if method == Method::GET { uri.path() } else { parent };
    let mut response = if problem.status() == StatusCode::UNAUTHORIZED {
        let query = uri.query().filter(|_| method == Method::GET);
        let path = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        page::redirect_to(&sign_in::path(&path.parse::<ReturnPath>().unwrap_or_default()))
    } else {
        let back: ReturnPath = if method == Method::GET { HOME } else { path }.parse().unwrap_or_default();
        let (title, detail, errors) = (title(problem.status()), problem.detail(), problem.errors());
        page::render(problem.status(), &ErrorPage { title, detail, errors, back: &back })
    };
    let of_body = [CONTENT_TYPE, CONTENT_LENGTH, WWW_AUTHENTICATE];
    for (name, value) in original.headers().iter().filter(|(name, _)| !of_body.contains(name)) {
        response.headers_mut().append(name, value.clone());
    }
    response
}

const fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "Invalid request",
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::METHOD_NOT_ALLOWED => "Method not allowed",
        StatusCode::CONFLICT => "Conflict",
        StatusCode::PAYLOAD_TOO_LARGE => "Request too large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "Unsupported media type",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE => "Service unavailable, retry later",
        _ => "Internal error",
    }
}
