//! Signing in and out.

use age_http::{Access, FormBody, NoQuery, Problem, Query};
use age_model::{InvalidToken, Token};
use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::app::{App, AppState};
use crate::return_path::ReturnPath;
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
    if let Some(token) = cookie::read_token(&headers)
        && app.authentication.authenticate(Access::Reader, &token).await.is_ok()
    {
        return Ok(page::redirect_to(&return_path.to_string()));
    }
    show_form(&app, StatusCode::OK, &headers, &return_path, None)
}

/// Stores a valid token in a cookie of the browser.
pub(crate) async fn sign_in(
    State(App(app)): State<App>,
    headers: HeaderMap,
    _: NoQuery,
    FormBody(mut form): FormBody,
) -> Result<Response, Problem> {
    let nonce = cookie::read_nonce(&headers).unwrap_or_default();
    app.form_key.verify_sign_in(nonce, &mut form)?;
    let return_path: ReturnPath = form.optional("next").unwrap_or_default();
    let token = form.optional::<String>("token").unwrap_or_default();
    form.finish()?;
    match authenticate(&app, &token).await {
        Ok(token) => with_cookie(page::redirect_to(&return_path.to_string()), &cookie::set_token(&token)),
        // Only problems of the token are shown beside the form.
        Err(problem) if matches!(problem.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            show_form(&app, problem.status(), &headers, &return_path, Some(problem.detail()))
        }
        Err(problem) => Err(problem),
    }
}

/// Deletes the token's cookie. A token that is no longer valid can be deleted as well.
pub(crate) async fn sign_out(
    State(App(app)): State<App>,
    headers: HeaderMap,
    _: NoQuery,
    FormBody(mut form): FormBody,
) -> Result<Response, Problem> {
    if let Some(token) = cookie::read_token(&headers) {
        app.form_key.verify(&token, &mut form)?;
        form.finish()?;
    }
    with_cookie(page::redirect_to(PATH), &cookie::clear_token())
}

/// Returns the token in `text`.
///
/// # Errors
/// 401 if it is not valid, 403 if its role may not read, 429 or 503 as [`age_http::Authentication::authenticate`] has it.
async fn authenticate(app: &AppState, text: &str) -> Result<Token, Problem> {
    let parsed = text.trim().parse();
    let token: Token = parsed.map_err(|error: InvalidToken| Problem::unauthorized(format!("the input {error}")))?;
    app.authentication.authenticate(Access::Reader, &token).await?;
    Ok(token)
}

/// Returns the form, bound to the browser by the nonce in its cookie.
fn show_form(
    app: &AppState,
    status: StatusCode,
    headers: &HeaderMap,
    return_path: &ReturnPath,
    error: Option<&str>,
) -> Result<Response, Problem> {
    let render = |nonce: &str| {
        let csrf_token = app.form_key.sign_in_csrf_token(nonce);
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

fn with_cookie(mut response: Response, cookie: &str) -> Result<Response, Problem> {
    let value = HeaderValue::from_str(cookie).map_err(|_| Problem::unavailable("the cookie cannot be set"))?;
    response.headers_mut().append(SET_COOKIE, value);
    Ok(response)
}
