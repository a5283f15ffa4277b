//! Signing in and out.

use age_http::{Access, FormBody, NoQuery, Problem, Query, SignedInCaller};
use age_model::{DashboardSession, InvalidToken, SealingKey, Token};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::app::{App, AppState};
use crate::form::FormKey;
use crate::return_path::ReturnPath;
use crate::session::{sealed_cookie, with_cookie};
use crate::{cookie, page};

const PATH: &str = "/dashboard/sign-in";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    return_path: &'a ReturnPath,
    csrf_token: String,
    /// Why the last attempt failed.
    error: Option<&'a str>,
}

/// Returns the path of the sign-in page that leads to `return_path`.
pub(crate) fn path(return_path: &ReturnPath) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", &return_path.to_string()).finish();
    format!("{PATH}?{query}")
}

/// Shows the form. A caller who is signed in already is redirected.
pub(crate) async fn show(
    State(App(app)): State<App>,
    headers: HeaderMap,
    mut query: Query,
) -> Result<Response, Problem> {
    let return_path: ReturnPath = query.optional("next").unwrap_or_default();
    query.finish()?;
    if let Some(sealed) = cookie::read_session(&headers)
        && app.authentication.authenticate_session(Access::Reader, sealed).await.is_ok()
    {
        return Ok(page::redirect_to(&return_path.to_string()));
    }
    let key = app.authentication.sealing_key().await?;
    show_form(&app, key, StatusCode::OK, &headers, &return_path, None)
}

/// Starts a session for the caller with a valid token. The browser does not keep the token.
pub(crate) async fn sign_in(
    State(App(app)): State<App>,
    headers: HeaderMap,
    _: NoQuery,
    FormBody(mut form): FormBody,
) -> Result<Response, Problem> {
    let nonce = cookie::read_nonce(&headers).unwrap_or_default();
    let key = app.authentication.sealing_key().await?;
    FormKey::derive(&key).verify_sign_in(nonce, &mut form)?;
    let return_path: ReturnPath = form.optional("next").unwrap_or_default();
    let token = form.optional::<String>("token").unwrap_or_default();
    form.finish()?;
    match authenticate(&app, &token).await {
        Ok(token) => {
            let session = DashboardSession::start(&token, app.clock.as_ref());
            tracing::info!(caller.id = %session.kid, session.id = %session.id, "{} signed in", session.kid);
            let cookie = sealed_cookie(&key, &session, session.signed_in_at);
            with_cookie(page::redirect_to(&return_path.to_string()), &cookie)
        }
        // Only problems of the token are shown beside the form.
        Err(problem) if matches!(problem.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            show_form(&app, key, problem.status(), &headers, &return_path, Some(problem.detail()))
        }
        Err(problem) => Err(problem),
    }
}

/// Ends the session, wherever its cookie may have been copied to, and deletes the cookie. One that is not valid any more is only
/// deleted.
pub(crate) async fn sign_out(
    State(App(app)): State<App>,
    headers: HeaderMap,
    _: NoQuery,
    FormBody(mut form): FormBody,
) -> Result<Response, Problem> {
    if let Some(SignedInCaller { session, key, .. }) = signed_in_caller(&app, &headers).await? {
        FormKey::derive(&key).verify(session.id, &mut form)?;
        form.finish()?;
        app.tables.ended_sessions.end(&session, app.clock.as_ref()).await?;
        tracing::info!(caller.id = %session.kid, session.id = %session.id, "{} signed out", session.kid);
        // Others read this within a minute. If reading fails, so does this environment.
        let _ = app.authentication.read().await;
    }
    with_cookie(page::redirect_to(PATH), &cookie::clear_session())
}

/// Returns the caller whose session is in the cookie; None if there is none that is valid.
async fn signed_in_caller(app: &AppState, headers: &HeaderMap) -> Result<Option<SignedInCaller>, Problem> {
    let Some(sealed) = cookie::read_session(headers) else { return Ok(None) };
    match app.authentication.authenticate_session(Access::Authenticated, sealed).await {
        Ok(signed_in) => Ok(Some(signed_in)),
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Returns the token in `text`.
///
/// # Errors
/// 401 if it is not valid, 403 if its role may not read, 429 or 503 as [`age_http::Authentication::authenticate`] has it.
async fn authenticate(app: &AppState, text: &str) -> Result<Token, Problem> {
    let parsed = text.trim().parse();
    let token: Token = parsed.map_err(|error: InvalidToken| Problem::invalid_token(format!("the input {error}")))?;
    app.authentication.authenticate(Access::Reader, &token).await?;
    Ok(token)
}

/// Returns the form, bound to the browser by the nonce in its cookie.
fn show_form(
    app: &AppState,
    key: SealingKey,
    status: StatusCode,
    headers: &HeaderMap,
    return_path: &ReturnPath,
    error: Option<&str>,
) -> Result<Response, Problem> {
    let render = |nonce: &str| {
        let csrf_token = FormKey::derive(&key).sign_in_csrf_token(nonce);
        page::render(status, &SignInPage { return_path, csrf_token, error })
    };
    // All windows of a browser share the nonce: a new one would invalidate the forms of the others.
    if let Some(nonce) = cookie::read_nonce(headers) {
        return Ok(render(nonce));
    }
    let secret = app.clock.secret().map_err(|error| {
        tracing::error!(%error, "failed to create the nonce of the sign-in form: {error}");
        Problem::unavailable("signing in is not possible at the moment; retry later")
    })?;
    let nonce = URL_SAFE_NO_PAD.encode(secret);
    with_cookie(render(&nonce), &cookie::set_nonce(&nonce))
}
