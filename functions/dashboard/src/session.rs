//! Whoever is signed in: proven anew by the gate for each request.

use age_model::Token;
use age_platform::{Access, Caller, FormBody, Problem};
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::form::{Form, FormKey};
use crate::{App, cookie};

/// Whoever is signed in, as pages need them.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) caller: Caller,
    /// What their forms carry.
    pub(crate) csrf: String,
}

impl Session {
    /// Whether they may take and end incidents.
    pub(crate) const fn may_respond(&self) -> bool {
        Access::Responder.admits(self.caller.grant.role)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(not_signed_in)
    }
}

/// Lets a request through to a route of this `access`, or answers it. What would change something comes through only as a
/// form of our own pages.
pub(crate) async fn guard(App(app): App, access: Access, request: Request, next: Next) -> Response {
    let Some(token) = cookie::token(request.headers()) else { return not_signed_in().into_response() };
    let let_in = app.gate.let_in(access, &token, |caller| async {
        match admit(request, &token, caller, &app.forms).await {
            Ok(request) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    });
    let_in.await.unwrap_or_else(IntoResponse::into_response)
}

/// The request with its session, and the form that it brings.
async fn admit(mut request: Request, token: &Token, caller: Caller, forms: &FormKey) -> Result<Request, Problem> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let (parts, body) = request.into_parts();
        let mut bare = Request::new(body);
        bare.headers_mut().clone_from(&parts.headers);
        let FormBody(mut form) = FormBody::from_request(bare, &()).await?;
        forms.check(token, &mut form)?;
        request = Request::from_parts(parts, Body::empty());
        request.extensions_mut().insert(Form(form));
    }
    request.extensions_mut().insert(Session { caller, csrf: forms.proof(token) });
    Ok(request)
}

fn not_signed_in() -> Problem {
    Problem::unauthorized("sign in first")
}
