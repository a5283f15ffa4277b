//! An engine is added and removed by policy versions, while the stack runs.

use std::time::Duration;

use age_model::{Clock, Timestamp};
use age_runtime::SystemClock;
use reqwest::{Method, redirect};
use serde_json::{Value, json};

use super::{Stack, agectl};
use crate::world::http_client;

/// How long after an activation every environment works by the version, in seconds.
const EVERYWHERE_SECONDS: i64 = 60;

/// Adds `search` in the category `client_risk` to the default policy, as a person does who edits the file.
fn with_search(default: &str) -> String {
    let category = "engines = [\"voice_engine\", \"image_engine\"";
    let (before, after) = default.split_once(category).unwrap_or_else(|| panic!("no client_risk in {default}"));
    let engine = "\n[engines.search]\ntitle = \"Search\"\nexpected_interval_seconds = 0\n";
    format!("{before}{category}, \"search\"{after}{engine}")
}

fn now() -> Timestamp {
    SystemClock::default().now()
}

/// Waits until every environment works by the version that was activated at `activated`.
async fn wait_until_everywhere(activated: Timestamp) {
    let rest = activated.plus_seconds(EVERYWHERE_SECONDS).millis() - now().millis();
    tokio::time::sleep(Duration::from_millis(u64::try_from(rest).unwrap_or(0))).await;
}

impl Stack {
    /// Runs agectl as the admin. Returns what it prints.
    pub(super) async fn agectl(&self, arguments: &[&str], input: &str) -> String {
        let (code, output) = agectl(self, self.name("AGE_ADMIN_TOKEN"), arguments, input).await;
        assert_eq!(code, 0, "{arguments:?}: {output}");
        output
    }

    /// Posts a CRITICAL event of `search` until the response has `status`. Returns the response, at the latest a minute after `since`.
    async fn post_until(&self, token: &str, status: u16, since: Timestamp) -> Value {
        let event = json!({ "engine": "search", "eventType": "index_lost", "severity": "CRITICAL" }).to_string();
        loop {
            let began = now();
            let headers = [("Content-Type", "application/json")];
            let answer =
                self.call_as(Some(token), Method::POST, "/api/governance/event", &headers, event.clone()).await;
            if answer.0 == status {
                return answer.1;
            }
            assert!(began < since.plus_seconds(EVERYWHERE_SECONDS), "since {since}: {answer:?}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Returns a page of the dashboard, signed in as the admin.
    async fn dashboard_page(&self, path: &str) -> String {
        let url = |path: &str| format!("{}{path}", self.name("AGE_API_URL"));
        let client = http_client().redirect(redirect::Policy::none()).build().unwrap();
        let cookie = |response: &reqwest::Response| {
            let cookies = response.headers().get_all("set-cookie").iter();
            cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let form = client.get(url("/dashboard/sign-in")).send().await.unwrap();
        let mut cookies = cookie(&form);
        let page = form.text().await.unwrap();
        let csrf = crate::world::browser::between(&page, "name=\"csrf\" value=\"", "\"").to_owned();
        let fields = [("csrf", csrf.as_str()), ("token", self.name("AGE_ADMIN_TOKEN")), ("next", "/dashboard")];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let sign_in = client.post(url("/dashboard/sign-in")).header("Cookie", cookies.join("; "));
        let sign_in = sign_in.header("Content-Type", "application/x-www-form-urlencoded").body(body);
        let signed_in = sign_in.send().await.unwrap();
        assert_eq!(signed_in.status(), 303);
        cookies.extend(cookie(&signed_in));
        let page = client.get(url(path)).header("Cookie", cookies.join("; ")).send().await.unwrap();
        assert_eq!(page.status(), 200, "{path}");
        page.text().await.unwrap()
    }
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn engine_is_added_by_a_policy_version_and_retired_by_a_rollback() {
    let stack = Stack::connect().await;
    let default = stack.agectl(&["policy", "show", "default"], "").await;
    let draft = with_search(&default);
    stack.agectl(&["policy", "check", "-"], &draft).await;
    let pushed = stack.agectl(&["policy", "push", "-", "--json"], &draft).await;
    let pushed: Value = serde_json::from_str(&pushed).unwrap_or_else(|error| panic!("{error}: {pushed}"));
    let hash = pushed["hash"].as_str().unwrap();
    assert_eq!(pushed["document"]["engines"]["search"]["title"], "Search");

    let simulated = stack.agectl(&["policy", "simulate", hash, "--json"], "").await;
    let simulated: Value = serde_json::from_str(&simulated).unwrap_or_else(|error| panic!("{error}: {simulated}"));
    assert_eq!(simulated["status"], "succeeded", "{simulated}");

    stack.agectl(&["policy", "activate", hash, "--reason", "Search is live", "--yes"], "").await;
    let activated = now();
    let create = ["credential", "create", "search-worker", "--role", "engine", "--engine", "search"];
    let token = stack.agectl(&create, "").await.lines().next().unwrap().to_owned();
    let event = stack.post_until(&token, 201, activated).await;
    let id = event["id"].as_str().unwrap();

    wait_until_everywhere(activated).await;
    let (_, stats) = stack.get("/api/governance/stats").await;
    assert_eq!(stats["byEngine"]["search"], 1, "{stats}");
    let (_, report) = stack.call(Method::POST, "/api/governance/report", &[], String::new()).await;
    assert_eq!(report["summary"]["byEngine"]["search"], 1, "{report}");
    assert_eq!(report["summary"]["contributions"]["client_risk"]["search"], 25, "{report}");
    assert!(stack.dashboard_page("/dashboard").await.contains("Search"));
    assert!(stack.dashboard_page("/dashboard/engines").await.contains("search-worker"));
    let emails = stack.receive_all("NOTIFICATIONS_QUEUE_URL").await;
    let own: Vec<_> = emails.iter().filter(|email| email["Message"].as_str().unwrap().contains(id)).collect();
    assert_eq!(own.len(), 1, "{emails:?}");
    assert_eq!(own[0]["Subject"], "[AGE] CRITICAL Search: index_lost");

    stack.agectl(&["policy", "rollback", "--reason", "Search is not ready", "--yes"], "").await;
    let rolled_back = now();
    let refused = stack.post_until(&token, 422, rolled_back).await;
    assert_eq!(refused["errors"][0]["pointer"], "/engine", "{refused}");
    wait_until_everywhere(rolled_back).await;
    let (_, stats) = stack.get("/api/governance/stats").await;
    assert!(stats["byEngine"]["search"].as_u64().unwrap() >= 1, "its past is counted: {stats}");
    let (_, listed) = stack.get("/api/governance/events?engine=search").await;
    assert!(listed["events"].as_array().unwrap().iter().any(|listed| listed["id"] == id), "{listed}");
    let (_, activations) = stack.get("/api/governance/policies/activations").await;
    assert_eq!(activations["activations"][0]["reason"], "Search is not ready", "{activations}");

    let resolve = json!({ "engine": "search", "expectedCount": 1 });
    assert_eq!(stack.post_json("/api/governance/incidents/resolve", &resolve).await.0, 200);
    stack.agectl(&["credential", "revoke", "search-worker"], "").await;
}
