//! Problems as pages.

use age_platform::{FieldError, Problem};
use askama::Template;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;

use crate::next::{HOME, Next};
use crate::{page, sign_in};

#[derive(Template)]
#[template(path = "refusal.html")]
struct Refusal<'a> {
    title: &'static str,
    detail: &'a str,
    errors: &'a [FieldError],
    /// The page that it came from.
    back: &'a Next,
}

/// The page for `problem`, with the other headers of its first `answer`. Who is not signed in is asked to.
pub(crate) fn show(problem: &Problem, answer: &Response, method: &Method, uri: &Uri) -> Response {
    // The page of a form is one above what the form does.
    let above = uri.path().rsplit_once('/').map_or(HOME, |(page, _)| page);
    let page = if method == Method::GET { uri.path() } else { above };
    let mut shown = if problem.status() == StatusCode::UNAUTHORIZED {
        let query = uri.query().filter(|_| method == Method::GET);
        let place = query.map_or_else(|| page.to_owned(), |query| format!("{page}?{query}"));
        page::see(&sign_in::path(&place.parse::<Next>().unwrap_or_default()))
    } else {
        let back: Next = if method == Method::GET { HOME } else { page }.parse().unwrap_or_default();
        let (title, detail, errors) = (title(problem.status()), problem.detail(), problem.errors());
        page::html(problem.status(), &Refusal { title, detail, errors, back: &back })
    };
    let of_body = [CONTENT_TYPE, CONTENT_LENGTH, WWW_AUTHENTICATE];
    for (name, value) in answer.headers().iter().filter(|(name, _)| !of_body.contains(name)) {
        shown.headers_mut().append(name, value.clone());
    }
    shown
}

const fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "That was not understood",
        StatusCode::FORBIDDEN => "You may not do this",
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::METHOD_NOT_ALLOWED => "This page cannot do that",
        StatusCode::CONFLICT => "Somebody was first",
        StatusCode::TOO_MANY_REQUESTS => "Too often",
        StatusCode::SERVICE_UNAVAILABLE => "Not now",
        _ => "That did not work",
    }
}
