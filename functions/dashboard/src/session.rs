//! Sessions: each request authenticates the credential in the browser's cookie again.

use age_http::{Access, Caller, FormBody, Problem};
use age_model::Token;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::Method;
use axum::http::request::Parts;
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
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(not_signed_in)
    }
}

/// The middleware before each route that is not public. It passes a request on if the cookie's credential may use a route of
/// this `access`. A request that may change something must be a form with the caller's CSRF token.
pub(crate) async fn authenticate(App(app): App, access: Access, request: Request, next: Next) -> Response {
    let Some(token) = cookie::read_token(request.headers()) else { return not_signed_in().into_response() };
    let response = app.authentication.authenticated(access, &token, |caller| async {
        match attach_session(request, &token, caller, &app.form_key).await {
            Ok(request) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    });
    response.await.unwrap_or_else(IntoResponse::into_response)
}

/// Returns the request with its [`Session`] and, unless it is a GET or HEAD, its [`VerifiedForm`] as extensions.
async fn attach_session(
    mut request: Request,
    token: &Token,
    caller: Caller,
    form_key: &FormKey,
) -> Result<Request, Problem> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let (parts, body) = request.into_parts();
        let mut form_request = Request::new(body);
        form_request.headers_mut().clone_from(&parts.headers);
        let FormBody(mut form) = FormBody::from_request(form_request, &()).await?;
        form_key.verify(token, &mut form)?;
        request = Request::from_parts(parts, Body::empty());
        request.extensions_mut().insert(VerifiedForm(form));
    }
    request.extensions_mut().insert(Session { caller, csrf_token: form_key.csrf_token(token) });
    Ok(request)
}

fn not_signed_in() -> Problem {
    Problem::unauthorized("sign in first")
}
