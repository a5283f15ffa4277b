//! The static files of the pages, which are part of the binary.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

pub(crate) async fn style() -> impl IntoResponse {
    static_file("text/css; charset=utf-8", include_str!("style.css"))
}

pub(crate) async fn script() -> impl IntoResponse {
    static_file("text/javascript; charset=utf-8", include_str!("script.js"))
}

pub(crate) async fn icon() -> impl IntoResponse {
    static_file("image/svg+xml", include_str!("icon.svg"))
}

/// Browsers cache the file for five minutes: after an update, a page may look wrong for as long.
fn static_file(media_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "public, max-age=300")], text)
}
