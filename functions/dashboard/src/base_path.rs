//! Pages below the mapping key of a custom domain or a stage: their links and redirects stay below it.

use age_http::strip_base_path;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The attributes of pages that browsers follow. Texts of engines and people cannot have such a piece: their quotes are escaped.
const LINKS: [&str; 3] = [" href=\"/dashboard", " src=\"/dashboard", " action=\"/dashboard"];

/// The middleware that removes the base path from the request and adds it to the links of the response. Without a base path, it
/// changes nothing.
pub(crate) async fn keep_base_path(mut request: Request, next: Next) -> Response {
    let base = strip_base_path(&mut request);
    let response = next.run(request).await;
    if base.is_empty() { response } else { below(&base, response).await }
}

async fn below(base: &str, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let location = parts.headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let location =
        location.filter(|location| location.starts_with("/dashboard")).map(|location| format!("{base}{location}"));
    if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
        parts.headers.insert(LOCATION, location);
    }
    if !is_html(&parts.headers) {
        return Response::from_parts(parts, body);
    }
    // The body of a page is in memory, so that it can be read without an error.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut page = String::from_utf8_lossy(&bytes).into_owned();
    for link in LINKS {
        let below = link.replace("/dashboard", &format!("{base}/dashboard"));
        page = page.replace(link, &below);
    }
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(page))
}

fn is_html(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|media_type| media_type.as_bytes().starts_with(b"text/html"))
}
