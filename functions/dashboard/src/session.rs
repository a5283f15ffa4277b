//! Sessions: each request authenticates the credential of the session in the browser's cookie again.

use age_http::{Access, Caller, FormBody, Problem, SessionKey, SignedInCaller};
use age_model::{DashboardSession, SealingKey, Timestamp};
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::cookie;
use crate::form::{FormKey, VerifiedForm};

/// The authenticated caller, as pages need it.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) caller: Caller,
    /// The CSRF token of the forms on the caller's pages.
    pub(crate) csrf_token: String,
}

impl Session {
    /// Whether the caller may change incidents, decide approvals and generate reports.
    pub(crate) const fn may_respond(&self) -> bool {
        Access::Responder.permits(self.caller.grant.role)
    }

    /// Whether the caller may change channels.
    pub(crate) const fn may_administer(&self) -> bool {
        Access::Admin.permits(self.caller.grant.role)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(not_signed_in)
    }
}

/// The middleware before each route that is not public. It passes a request on if the credential of the session may use a route of
/// this `access`. A request that may change something must be a form with the CSRF token of the session.
pub(crate) async fn authenticate(App(app): App, access: Access, request: Request, next: Next) -> Response {
    let Some(sealed) = cookie::read_session(request.headers()) else { return not_signed_in().into_response() };
    let signed_in = match app.authentication.authenticate_session(access, sealed).await {
        Ok(signed_in) => signed_in,
        Err(problem) => return problem.into_response(),
    };
    let renewed = renew(&signed_in, request.headers(), app.clock.now());
    let response = async {
        match attach_session(request, signed_in).await {
            Ok(request) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    };
    let response = app.authentication.with_refresh(response).await;
    match renewed {
        Some(cookie) => with_cookie(response, &cookie).unwrap_or_else(IntoResponse::into_response),
        None => response,
    }
}

/// Returns the cookie of the session with this activity. None if the recorded activity is recent enough, or a page has refreshed
/// itself: an unattended screen must not keep its session alive.
fn renew(signed_in: &SignedInCaller, headers: &HeaderMap, now: Timestamp) -> Option<String> {
    if headers.get("sec-fetch-dest").is_some_and(|destination| destination == "empty") {
        return None;
    }
    signed_in.session.renewed(now).map(|renewed| sealed_cookie(&signed_in.key, &renewed, now))
}

/// Returns the `Set-Cookie` value that stores `session`, sealed.
pub(crate) fn sealed_cookie(key: &SealingKey, session: &DashboardSession, now: Timestamp) -> String {
    cookie::set_session(&SessionKey::derive(key).seal(session), session.remaining(now))
}

/// Returns `response` with a `Set-Cookie` header.
///
/// # Errors
/// 503 if `cookie` is not a header value.
pub(crate) fn with_cookie(mut response: Response, cookie: &str) -> Result<Response, Problem> {
    let value = HeaderValue::from_str(cookie).map_err(|_| Problem::unavailable("the cookie cannot be set"))?;
    response.headers_mut().append(SET_COOKIE, value);
    Ok(response)
}

/// Returns the request with its [`Session`], the key of its cursors and, unless it is a GET or HEAD, its [`VerifiedForm`] as
/// extensions.
async fn attach_session(mut request: Request, signed_in: SignedInCaller) -> Result<Request, Problem> {
    let SignedInCaller { caller, session, key } = signed_in;
    let form_key = FormKey::derive(&key);
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let (parts, body) = request.into_parts();
        let mut form_request = Request::new(body);
        form_request.headers_mut().clone_from(&parts.headers);
        let FormBody(mut form) = FormBody::from_request(form_request, &()).await?;
        form_key.verify(session.id, &mut form)?;
        request = Request::from_parts(parts, Body::empty());
        request.extensions_mut().insert(VerifiedForm(form));
    }
    request.extensions_mut().insert(Session { caller, csrf_token: form_key.csrf_token(session.id) });
    request.extensions_mut().insert(key);
    Ok(request)
}

fn not_signed_in() -> Problem {
    Problem::missing_token("sign in first")
}
