//! Signing in and out.

use age_model::{InvalidToken, Token};
use age_platform::{Access, FormBody, NoQuery, Problem, Query};
use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::next::Next;
use crate::{App, Parts, cookie, page};

const PATH: &str = "/dashboard/sign-in";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'a> {
    next: &'a Next,
    csrf: String,
    /// Why the last try was refused.
    refused: Option<&'a str>,
}

/// Where to sign in, to go on to `next`.
pub(crate) fn path(next: &Next) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", &next.to_string()).finish();
    format!("{PATH}?{query}")
}

/// The form. Whoever is signed in already goes on.
pub(crate) async fn show(
    State(App(app)): State<App>,
    headers: HeaderMap,
    mut query: Query,
) -> Result<Response, Problem> {
    let next: Next = query.take("next").unwrap_or_default();
    query.finish()?;
    if let Some(token) = cookie::token(&headers)
        && app.gate.admit(Access::Reader, &token).await.is_ok()
    {
        return Ok(page::see(&next.to_string()));
    }
    app.form(StatusCode::OK, &headers, &next, None)
}

/// Takes a token, and has the browser keep it if it is taken.
pub(crate) async fn sign_in(
    State(App(app)): State<App>,
    headers: HeaderMap,
    _: NoQuery,
    FormBody(mut form): FormBody,
) -> Result<Response, Problem> {
    let nonce = cookie::nonce(&headers).unwrap_or_default();
    app.forms.check_nonce(nonce, &mut form)?;
    let next: Next = form.take("next").unwrap_or_default();
    let token = form.take::<String>("token").unwrap_or_default();
    form.finish()?;
    match app.prove(&token).await {
        Ok(token) => with_cookie(page::see(&next.to_string()), &cookie::keep(&token)),
        // What is wrong with the token is said beside the form; the rest is not about it.
        Err(problem) if matches!(problem.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            app.form(problem.status(), &headers, &next, Some(problem.detail()))
        }
        Err(problem) => Err(problem),
    }
}

/// Has the browser forget its token. No credential needs to be proven for that.
pub(crate) async fn sign_out(
    State(App(app)): State<App>,
    headers: HeaderMap,
    _: NoQuery,
    FormBody(mut form): FormBody,
) -> Result<Response, Problem> {
    if let Some(token) = cookie::token(&headers) {
        app.forms.check(&token, &mut form)?;
        form.finish()?;
    }
    with_cookie(page::see(PATH), &cookie::forget())
}

impl Parts {
    async fn prove(&self, text: &str) -> Result<Token, Problem> {
        let token: Token =
            text.trim().parse().map_err(|error: InvalidToken| Problem::unauthorized(format!("it {error}")))?;
        self.gate.admit(Access::Reader, &token).await?;
        Ok(token)
    }

    /// The form, bound to the browser by a nonce that it keeps.
    fn form(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        next: &Next,
        refused: Option<&str>,
    ) -> Result<Response, Problem> {
        let page = |nonce: &str| page::html(status, &Page { next, csrf: self.forms.proof_of_nonce(nonce), refused });
        // A browser has one for all its windows: a new one would make their forms useless.
        if let Some(nonce) = cookie::nonce(headers) {
            return Ok(page(nonce));
        }
        let secret = self.clock.secret().map_err(|error| {
            tracing::error!(%error, "nobody can sign in");
            Problem::unavailable("nobody can sign in at this moment; try again")
        })?;
        let nonce = URL_SAFE_NO_PAD.encode(secret);
        with_cookie(page(&nonce), &cookie::bind(&nonce))
    }
}

fn with_cookie(mut response: Response, cookie: &str) -> Result<Response, Problem> {
    let value = HeaderValue::from_str(cookie).map_err(|_| Problem::unavailable("the cookie cannot be set"))?;
    response.headers_mut().append(SET_COOKIE, value);
    Ok(response)
}
