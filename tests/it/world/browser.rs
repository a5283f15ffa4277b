//! A browser without scripts: it keeps cookies and submits forms.

use std::collections::BTreeMap;

use super::{Api, ApiResponse, World};

pub(crate) const SIGN_IN: &str = "/dashboard/sign-in";

/// A browser of one person.
pub(crate) struct Browser<'a> {
    world: &'a World,
    /// The execution environments to which the browser sends requests.
    api: Api,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self { world, api: world.api().clone(), cookies: BTreeMap::new() }
    }

    /// Returns the same browser, which sends requests to new execution environments with empty caches.
    pub(crate) async fn in_new_environment(self) -> Self {
        Self { api: self.world.new_environment().await, ..self }
    }

    /// Returns a browser signed in with the credential `kid`.
    pub(crate) async fn signed_in(world: &'a World, kid: &str) -> Self {
        let mut browser = Self::new(world);
        let response = browser.sign_in(world.token(kid), "/dashboard").await;
        assert_eq!((response.status, response.header("location")), (303, Some("/dashboard")), "{response:?}");
        browser
    }

    /// Returns the same browser, which sends requests to the environments `api`.
    pub(crate) fn sending_to(self, api: &Api) -> Self {
        Self { api: api.clone(), ..self }
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, body: &str) -> ApiResponse {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("Cookie", cookies.as_str())];
        headers.extend((method == "POST").then_some(("Content-Type", "application/x-www-form-urlencoded")));
        let response = self.api.send_without_token(method, path, &headers, body.as_bytes()).await;
        for cookie in response.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    pub(crate) async fn get(&mut self, path: &str) -> ApiResponse {
        self.send("GET", path, "").await
    }

    /// Submits the form of the page at `page`, with its CSRF token, to `path`.
    pub(crate) async fn submit(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> ApiResponse {
        let csrf_token = csrf_token(&self.get(page).await);
        let fields = fields.iter().copied().chain([("csrf", csrf_token.as_str())]);
        self.send("POST", path, &form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()).await
    }

    pub(crate) async fn sign_in(&mut self, token: &str, next: &str) -> ApiResponse {
        self.submit(SIGN_IN, SIGN_IN, &[("token", token), ("next", next)]).await
    }
}

/// Returns the CSRF token in the forms of a page.
pub(crate) fn csrf_token(page: &ApiResponse) -> String {
    between(&page.body, "name=\"csrf\" value=\"", "\"").to_owned()
}

/// Returns the text between the first `start` and the `end` that follows it.
pub(crate) fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("{start} is not in {text}"));
    rest.split(end).next().unwrap()
}
