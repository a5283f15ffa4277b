//! Paths as clients write them: below the mapping key of a custom domain or a stage of API Gateway, or with a trailing slash.

use axum::extract::Request;
use axum::http::header::LOCATION;
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The beginnings of all paths of AGE.
const ROOTS: [&str; 2] = ["/api/governance", "/dashboard"];

/// The middleware that serves a path below a base path, such as `/v1/api/governance/events`, as the path without the base path, and
/// redirects a path with a trailing slash to the one without.
pub(crate) async fn middleware(mut request: Request, next: Next) -> Response {
    let base = strip_base_path(&mut request);
    let path = request.uri().path();
    let trimmed = path.trim_end_matches('/');
    if trimmed.len() < path.len() && split(path).is_some() {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        return (StatusCode::PERMANENT_REDIRECT, [(LOCATION, format!("{base}{trimmed}{query}"))]).into_response();
    }
    next.run(request).await
}

/// Removes what precedes a path of AGE in the path of `request`: the mapping key of a custom domain, or the stage. Returns it, such as
/// `/v1`; an empty text if nothing does, or if the path is none of AGE.
pub fn strip_base_path(request: &mut Request) -> String {
    let uri = request.uri();
    let Some((base, path)) = split(uri.path()).filter(|(base, _)| !base.is_empty()) else { return String::new() };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("{path}{query}")).ok();
    let base = base.to_owned();
    match Uri::from_parts(parts) {
        Ok(uri) => {
            *request.uri_mut() = uri;
            base
        }
        Err(_) => String::new(),
    }
}

/// Splits a path into a base path, which may be empty, and a path of AGE: at the first segment with which one of [`ROOTS`] begins,
/// so that an id in a path of AGE is never taken for its beginning. None if there is no such segment, or the base path has a
/// segment that a mapping key cannot have: a redirect to `//host` or `/\host` would leave the site.
fn split(path: &str) -> Option<(&str, &str)> {
    let is_root = |rest: &str| {
        ROOTS.iter().any(|root| rest.strip_prefix(root).is_some_and(|more| more.is_empty() || more.starts_with('/')))
    };
    let start =
        path.match_indices('/').map(|(start, _)| start).find(|start| path.get(*start..).is_some_and(is_root))?;
    let (base, path) = path.split_at_checked(start)?;
    let is_key = |segment: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"$-_.+!*'()".contains(&byte);
        !segment.is_empty() && segment.bytes().all(is_allowed)
    };
    base.split('/').skip(1).all(is_key).then_some((base, path))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base_path_ends_where_a_path_of_age_begins() {
        for (path, expected) in [
            ("/api/governance/events", ("", "/api/governance/events")),
            ("/v1/api/governance/events", ("/v1", "/api/governance/events")),
            ("/prod/x/dashboard/events", ("/prod/x", "/dashboard/events")),
            ("/prod/dashboard", ("/prod", "/dashboard")),
            ("/api/api/governance/event/", ("/api", "/api/governance/event/")),
            ("/dashboard/", ("", "/dashboard/")),
        ] {
            assert_eq!(split(path), Some(expected), "{path}");
        }
    }

    #[test]
    fn segment_in_an_id_is_not_the_beginning_of_a_path() {
        for path in [
            "/api/governance/events/dashboard",
            "/api/governance/incidents/x/api/governance/event",
            "/dashboard/events/api/governance/event",
            "/dashboard/incidents/dashboard",
        ] {
            assert_eq!(split(path), Some(("", path)));
        }
        for path in ["/", "/v1", "/dashboards", "/x/dashboard.css", "/api/governanceevents", "/api", "/v1/%2Fdashboard"]
        {
            assert_eq!(split(path), None, "{path}");
        }
    }

    #[test]
    fn redirect_stays_on_the_site() {
        for path in [
            "//evil.example/dashboard/",
            "/\\evil.example/dashboard/",
            "//dashboard/",
            "/a//dashboard/",
            "/%5cx/dashboard/",
        ] {
            assert_eq!(split(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn split_loses_nothing(path in "(/[a-z.\\\\%/]{0,9}|/api/governance|/dashboard|/){0,5}") {
            if let Some((base, rest)) = split(&path) {
                prop_assert_eq!(format!("{base}{rest}"), path.as_str());
                prop_assert!(!base.starts_with("//"));
            }
        }
    }
}
