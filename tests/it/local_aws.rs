//! End-to-end tests: the real template and the real binaries on a local AWS that enforces IAM.
//!
//! They need a running stack: `make test` starts one and sets `AGE_STACK_ENV` to the path of its `stack.env`.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, MutexGuard};

use crate::world::http_client;

mod authzen;
mod night_on_call;
mod policy;

/// A text that must not appear in any log. `infra/local/secret_scan.py` searches for it after the run.
const PRIVATE: &str = "not-for-any-log";

const NEEDS_STACK: &str = "AGE_STACK_ENV must be the path of a running stack's stack.env: use `make test`";

/// Serializes the tests: they share one stack, and some of them deny permissions.
static STACK_LOCK: Mutex<()> = Mutex::const_new(());

/// A running stack.
struct Stack {
    names: BTreeMap<String, String>,
    http: Client,
    _guard: MutexGuard<'static, ()>,
}

impl Stack {
    async fn connect() -> Self {
        let file = std::env::var("AGE_STACK_ENV").expect(NEEDS_STACK);
        let text = std::fs::read_to_string(file).expect(NEEDS_STACK);
        let names = text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned()));
        Self { names: names.collect(), http: http_client().build().unwrap(), _guard: STACK_LOCK.lock().await }
    }

    fn name(&self, name: &str) -> &str {
        self.names.get(name).unwrap_or_else(|| panic!("{name} is not in stack.env"))
    }

    /// Calls the API with the admin's token.
    async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> (u16, Value) {
        self.call_as(Some(self.name("AGE_ADMIN_TOKEN")), method, path, headers, body).await
    }

    /// Calls the API with `token`.
    async fn call_as(
        &self,
        token: Option<&str>,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> (u16, Value) {
        let url = format!("{}{path}", self.name("AGE_API_URL"));
        let mut request = self.http.request(method, url).body(body).timeout(Duration::from_secs(30));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, &[], String::new()).await
    }

    async fn post_json(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call(Method::POST, path, &[("Content-Type", "application/json")], body.to_string()).await
    }

    async fn post(&self, event: &Value, key: &str) -> (u16, Value) {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        self.call(Method::POST, "/api/governance/event", &headers, event.to_string()).await
    }

    /// Invokes the weekly report as its schedule does. The error is the function's.
    async fn run_weekly_report(&self) -> Result<Value, Value> {
        let now = age_runtime::SystemClock::default();
        self.invoke(self.name("WEEKLY_FUNCTION"), &json!({ "scheduledTime": age_model::Clock::now(&now) })).await
    }

    /// Invokes the sweep with a clock that is `seconds` ahead.
    async fn sweep_later(&self, seconds: i64) -> Result<Value, Value> {
        let function = self.name("SWEEP_FUNCTION");
        let real = self.configuration(function).await["Environment"]["Variables"].clone();
        let mut later = real.clone();
        later["CLOCK_OFFSET_SECONDS"] = json!(seconds.to_string());
        self.set_variables(function, &later).await;
        let swept = self.invoke(function, &json!({})).await;
        self.set_variables(function, &real).await;
        swept
    }

    async fn configuration(&self, function: &str) -> Value {
        let url = format!("{}/2015-03-31/functions/{function}/configuration", self.name("AWS_ENDPOINT_URL"));
        let response = self.http.get(url).header("Authorization", self.authorization("lambda")).send().await.unwrap();
        response.json().await.unwrap()
    }

    async fn set_variables(&self, function: &str, variables: &Value) {
        let url = format!("{}/2015-03-31/functions/{function}/configuration", self.name("AWS_ENDPOINT_URL"));
        let body = json!({ "Environment": { "Variables": variables } }).to_string();
        let request = self.http.put(url).header("Authorization", self.authorization("lambda")).body(body);
        assert!(request.send().await.unwrap().status().is_success());
    }

    async fn invoke(&self, function: &str, payload: &Value) -> Result<Value, Value> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let url = format!("{}{path}", self.name("AWS_ENDPOINT_URL"));
        let signed = self.authorization("lambda");
        let body = payload.to_string();
        let response = self.http.post(url).header("Authorization", signed).body(body).send().await.unwrap();
        let failed = response.headers().contains_key("X-Amz-Function-Error");
        let payload = response.json().await.unwrap();
        if failed { Err(payload) } else { Ok(payload) }
    }

    /// Receives all messages of a queue.
    async fn receive_all(&self, queue: &str) -> Vec<Value> {
        let mut messages = Vec::new();
        loop {
            let body = json!({ "QueueUrl": self.name(queue), "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1 });
            let request = self
                .http
                .post(self.name("AWS_ENDPOINT_URL"))
                .header("X-Amz-Target", "AmazonSQS.ReceiveMessage")
                .header("Content-Type", "application/x-amz-json-1.0")
                .header("Authorization", self.authorization("sqs"))
                .body(body.to_string());
            let response: Value = request.send().await.unwrap().json().await.unwrap();
            let Some(received) = response.get("Messages").and_then(Value::as_array).filter(|some| !some.is_empty())
            else {
                return messages;
            };
            messages.extend(
                received.iter().map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()),
            );
        }
    }

    /// Denies `action` to the role of `function`; None removes the denial.
    async fn set_denied(&self, function: &str, action: Option<&str>) {
        let configuration = self.configuration(function).await;
        let role = configuration["Role"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let statement = json!({ "Effect": "Deny", "Action": action, "Resource": "*" });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let mut form = vec![("Version", "2010-05-08"), ("RoleName", &role), ("PolicyName", "denied-by-a-test")];
        match action {
            Some(_) => form.extend([("Action", "PutRolePolicy"), ("PolicyDocument", &policy)]),
            None => form.push(("Action", "DeleteRolePolicy")),
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(self.name("AWS_ENDPOINT_URL")).header("Authorization", self.authorization("iam"));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
    }

    /// Returns an authorization header. The local AWS identifies its admin by the key id and does not verify the signature.
    fn authorization(&self, service: &str) -> String {
        let key = self.name("AWS_ACCESS_KEY_ID");
        let region = self.name("AWS_REGION");
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/20261123/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
    }
}

fn actions(event: &Value) -> Vec<(&str, &str)> {
    let items = event["actions"].as_array().unwrap().iter();
    items.map(|item| (item["action"].as_str().unwrap(), item["status"].as_str().unwrap())).collect()
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn event_is_stored_and_published_end_to_end() {
    let stack = Stack::connect().await;
    let before = stack.get("/api/governance/stats").await.1["totalEvents"].as_u64().unwrap();
    let sent = json!({"engine": "billing", "eventType": "invoice_sync_failed", "severity": "CRITICAL", "details": {"invoices": 1204, "of": PRIVATE}});

    let (status, created) = stack.post(&sent, "end-to-end").await;
    assert_eq!(status, 201, "{created}");
    let id = created["id"].as_str().unwrap();
    assert_eq!(actions(&created), [("billing_sync_repair", "dispatched"), ("notify_admin", "dispatched")]);
    assert_eq!(stack.post(&sent, "end-to-end").await.0, 200);
    let mut other = sent.clone();
    other["severity"] = json!("LOW");
    assert_eq!(stack.post(&other, "end-to-end").await.0, 422);

    assert_eq!(stack.get(&format!("/api/governance/events/{id}")).await, (200, created.clone()));
    let (status, listed) = stack.get("/api/governance/events?engine=billing&severity=CRITICAL&limit=1").await;
    assert_eq!((status, &listed["events"][0]["id"]), (200, &created["id"]));
    let after = stack.get("/api/governance/stats").await.1["totalEvents"].as_u64().unwrap();
    assert!(after > before, "{after}");

    let notifications = stack.receive_all("NOTIFICATIONS_QUEUE_URL").await;
    let own: Vec<_> = notifications.iter().filter(|email| email["Message"].as_str().unwrap().contains(id)).collect();
    assert_eq!(own.len(), 1, "{notifications:?}");
    assert_eq!(own[0]["Subject"], "[AGE] CRITICAL Billing: invoice_sync_failed");
    assert!(
        own[0]["Message"].as_str().unwrap().contains(&format!("{}/dashboard/events/{id}", stack.name("AGE_API_URL")))
    );
    let requests = stack.receive_all("ACTIONS_QUEUE_URL").await;
    let own: Vec<_> = requests.iter().filter(|request| request["Message"].as_str().unwrap().contains(id)).collect();
    assert_eq!(own.len(), 1, "{requests:?}");
    assert_eq!(own[0]["MessageAttributes"]["action"]["Value"], "billing_sync_repair");
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn reports_are_generated_on_demand_and_weekly() {
    let stack = Stack::connect().await;
    let (status, _) =
        stack.post(&json!({"engine": "qa", "eventType": "suite_failed", "severity": "HIGH"}), "reported").await;
    assert!(matches!(status, 200 | 201));
    let (status, report) = stack.call(Method::POST, "/api/governance/report", &[], String::new()).await;
    assert_eq!((status, &report["kind"]), (201, &json!("on_demand")));
    assert!(report["summary"]["byEngine"]["qa"].as_u64().unwrap() >= 1, "{report}");
    let shown = stack.get(&format!("/api/governance/reports/{}", report["id"].as_str().unwrap())).await;
    assert_eq!(shown, (200, report.clone()));

    let made = stack.run_weekly_report().await.unwrap();
    assert_eq!(stack.run_weekly_report().await.unwrap(), made, "one week, one report");
    let weekly = stack.get(&format!("/api/governance/reports/{}", made["id"].as_str().unwrap())).await.1;
    assert_eq!(weekly["kind"], "weekly");
    let emails = stack.receive_all("REPORTS_QUEUE_URL").await;
    let report = |email: &Value| {
        let mut message: Value = serde_json::from_str(email["Message"].as_str().unwrap()).unwrap();
        for name in ["schemaVersion", "type", "subject", "text"] {
            message.as_object_mut().unwrap().remove(name).unwrap();
        }
        message
    };
    let own: Vec<Value> = emails.iter().map(report).collect();
    assert_eq!(own, [weekly], "the queue gets the report as JSON, once");
    let (_, listed) = stack.get("/api/governance/reports").await;
    assert!(listed["reports"].as_array().unwrap().len() >= 2);
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn invalid_request_through_the_gateway_is_refused() {
    let stack = Stack::connect().await;
    let json_type = ("Content-Type", "application/json");
    let post = Method::POST;
    for (method, path, headers, body, expected) in [
        (post.clone(), "/api/governance/event", vec![json_type], "{".to_owned(), 400),
        (post.clone(), "/api/governance/event", vec![json_type], "{}".to_owned(), 422),
        (post.clone(), "/api/governance/event", vec![json_type], " ".repeat(300_000), 413),
        (post, "/api/governance/event", vec![("Content-Type", "text/plain")], "{}".to_owned(), 415),
        (Method::DELETE, "/api/governance/event", vec![], String::new(), 405),
        (Method::GET, "/api/governance/report", vec![], String::new(), 405),
        (Method::GET, "/api/governance/events/nothing", vec![], String::new(), 404),
        (Method::GET, "/api/governance/elsewhere", vec![], String::new(), 404),
        (Method::GET, "/api/governance/events?cursor=forged", vec![], String::new(), 400),
        (Method::GET, "/api/governance/stats?days=%3Cb%3E", vec![], String::new(), 422),
    ] {
        let (status, problem) = stack.call(method.clone(), path, &headers, body).await;
        assert_eq!(
            (status, problem["status"].as_u64()),
            (expected, Some(u64::from(expected))),
            "{method} {path}: {problem}"
        );
    }
}

/// HTTP clients escape these characters, so the test sends the requests over a TCP connection.
#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn invalid_characters_in_a_url_do_not_crash_a_function() {
    let stack = Stack::connect().await;
    let host = stack.name("AGE_GATEWAY_HOST");
    let token = stack.name("AGE_ADMIN_TOKEN");
    for (target, expected) in [
        ("/api/governance/events?eventType=<b>", "200"),
        ("/api/governance/events?eventType=\"", "200"),
        ("/api/governance/stats?<script>", "422"),
        ("/api/governance/<nothing>", "404"),
    ] {
        let mut connection =
            TcpStream::connect(stack.name("AWS_ENDPOINT_URL").trim_start_matches("http://")).await.unwrap();
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nX-Forwarded-Proto: https,http\r\nConnection: close\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).await.unwrap();
        assert_eq!(response.split(' ').nth(1), Some(expected), "{target}: {response}");
    }
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn event_is_stored_with_a_pending_action_without_publish_permission() {
    let stack = Stack::connect().await;
    let sent = json!({"engine": "maos", "eventType": "task_lost", "severity": "HIGH"});
    stack.set_denied("age-log-event", Some("sns:Publish")).await;
    let refused = stack.post(&sent, "sns-refuses").await;
    stack.set_denied("age-log-event", None).await;
    assert_eq!((refused.0, actions(&refused.1)), (201, vec![("MAOS_auto_fix", "pending")]));
    let sent = json!({"engine": "maos", "eventType": "task_stuck", "severity": "HIGH"});
    let accepted = stack.post(&sent, "sns-accepts").await;
    assert_eq!((accepted.0, actions(&accepted.1)), (201, vec![("MAOS_auto_fix", "dispatched")]));
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn write_without_permission_is_a_503_and_stores_nothing() {
    let stack = Stack::connect().await;
    let sent = json!({"engine": "documentation", "eventType": "page_stale", "severity": "LOW"});
    stack.set_denied("age-log-event", Some("dynamodb:UpdateItem")).await;
    let (status, problem) = stack.post(&sent, "iam-refuses").await;
    stack.set_denied("age-log-event", None).await;
    assert_eq!(status, 503, "{problem}");
    assert!(!problem.to_string().contains("AccessDenied"), "{problem}");
    let (status, created) = stack.post(&sent, "iam-refuses").await;
    assert_eq!(status, 201, "the refused request has stored the event: {created}");
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn weekly_run_without_read_permission_creates_no_report() {
    let stack = Stack::connect().await;
    let weekly = async || {
        let (_, listed) = stack.get("/api/governance/reports?limit=100").await;
        listed["reports"].as_array().unwrap().iter().filter(|report| report["kind"] == "weekly").count()
    };
    let before = weekly().await;
    stack.set_denied(stack.name("WEEKLY_FUNCTION"), Some("dynamodb:*")).await;
    let failed = stack.run_weekly_report().await;
    stack.set_denied(stack.name("WEEKLY_FUNCTION"), None).await;
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(weekly().await, before);
    assert!(stack.run_weekly_report().await.is_ok());
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn scheduled_sweep_dispatches_and_worker_reports_the_outcome() {
    let stack = Stack::connect().await;
    stack.receive_all("ACTIONS_QUEUE_URL").await;
    let outcome = async |request: &Value, outcome: &str| {
        let body = json!({ "outcome": outcome, "detail": "by a worker of the tests" });
        stack.post_json(request["outcomePath"].as_str().unwrap(), &body).await
    };
    // The function cannot publish, so only the sweep can dispatch the action.
    stack.set_denied("age-log-event", Some("sns:Publish")).await;
    let sent = json!({"engine": "deep_agent", "eventType": "routing_slow", "severity": "HIGH"});
    let (status, created) = stack.post(&sent, "swept").await;
    let critical = json!({"engine": "qa", "eventType": "gate_lost", "severity": "CRITICAL"});
    let notified_later = stack.post(&critical, "notified-later").await;
    stack.set_denied("age-log-event", None).await;
    assert_eq!((notified_later.0, actions(&notified_later.1)), (201, vec![("notify_admin", "pending")]));
    assert_eq!((status, actions(&created)), (201, vec![("DeepAgent_policy_update", "pending")]));

    let mut requests = Vec::new();
    for _ in 0..90 {
        let all = stack.receive_all("ACTIONS_QUEUE_URL").await;
        requests.extend(
            all.into_iter()
                .filter(|request| request["Message"].as_str().unwrap().contains(created["id"].as_str().unwrap())),
        );
        if !requests.is_empty() {
            break;
        }
    }
    assert_eq!(requests.len(), 1, "the scheduled sweep dispatches the action once");
    let request: Value = serde_json::from_str(requests[0]["Message"].as_str().unwrap()).unwrap();
    assert_eq!((&request["eventId"], &request["attempt"]), (&created["id"], &json!(2)));
    let (status, item) = outcome(&request, "succeeded").await;
    assert_eq!((status, &item["status"]), (200, &json!("succeeded")), "{item}");
    assert_eq!(outcome(&request, "failed").await.0, 409);
    let (status, listed) = stack.get("/api/governance/actions?engine=deep_agent&status=succeeded").await;
    assert_eq!((status, &listed["actions"][0]["eventId"]), (200, &created["id"]));

    // The sweep also sends the notification that log-event could not send, in the same run or the next.
    let mut own = Vec::new();
    for _ in 0..90 {
        let emails = stack.receive_all("NOTIFICATIONS_QUEUE_URL").await;
        own.extend(emails.into_iter().filter(|email| email["Message"].as_str().unwrap().contains("gate_lost")));
        if !own.is_empty() {
            break;
        }
    }
    assert_eq!(own.len(), 1, "{own:?}");
    let path = format!("/api/governance/events/{}", notified_later.1["id"].as_str().unwrap());
    assert_eq!(actions(&stack.get(&path).await.1), [("notify_admin", "dispatched")]);
    let health = stack.get("/api/governance/health").await;
    assert_eq!((health.0, &health.1["notificationsReachable"]), (200, &json!(true)), "{}", health.1);
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn failed_remediation_opens_an_incident_that_is_escalated_and_resolved() {
    let stack = Stack::connect().await;
    stack.receive_all("SECOND_LINE_QUEUE_URL").await;
    let sent = json!({"engine": "voice_engine", "eventType": "synthesis_failed", "severity": "HIGH"});
    let (_, created) = stack.post(&sent, "fails").await;
    let of = |created: &Value| {
        format!("/api/governance/events/{}/actions/MAOS_auto_fix/outcome", created["id"].as_str().unwrap())
    };
    assert_eq!(stack.post_json(&of(&created), &json!({"outcome": "failed", "detail": PRIVATE})).await.0, 200);
    let find = async |status: &str| {
        let (code, listed) = stack.get(&format!("/api/governance/incidents?status={status}&limit=200")).await;
        assert_eq!(code, 200, "{listed}");
        let is_ours = |it: &&Value| it["eventType"] == "synthesis_failed";
        listed["incidents"].as_array().unwrap().iter().find(is_ours).cloned()
    };
    let incident = find("open").await.expect("an incident");
    assert_eq!(
        (&incident["cause"], &incident["notificationCount"]),
        (&json!("failed_remediation"), &json!(1)),
        "{incident}"
    );
    let path = format!("/api/governance/incidents/{}", incident["id"].as_str().unwrap());
    let emails = stack.receive_all("NOTIFICATIONS_QUEUE_URL").await;
    let page = format!("{}/dashboard/incidents/{}", stack.name("AGE_API_URL"), incident["id"].as_str().unwrap());
    assert!(emails.iter().any(|email| email["Message"].as_str().unwrap().contains(&page)), "{emails:?}");

    // The incident is not acknowledged for half an hour.
    assert!(stack.sweep_later(1900).await.is_ok());
    let second = stack.receive_all("SECOND_LINE_QUEUE_URL").await;
    assert!(second.iter().any(|email| email["Message"].as_str().unwrap().contains(&page)), "{second:?}");
    let (status, acknowledged) = stack.post_json(&format!("{path}/acknowledge"), &json!({"note": PRIVATE})).await;
    assert_eq!((status, &acknowledged["status"]), (200, &json!("acknowledged")), "{acknowledged}");

    // The problem recurs after its remediation succeeded: the remediation is ineffective.
    let (_, again) = stack.post(&sent, "done").await;
    assert_eq!(stack.post_json(&of(&again), &json!({"outcome": "succeeded"})).await.0, 200);
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(stack.post(&sent, "recurs").await.0, 201);
    let shown = stack.get(&format!("/api/governance/events/{}", again["id"].as_str().unwrap())).await.1;
    assert_eq!(actions(&shown), [("MAOS_auto_fix", "ineffective")]);
    let (_, timeline) = stack.get(&path).await;
    assert_eq!((&timeline["failedRemediationCount"], &timeline["eventCount"]), (&json!(2), &json!(3)), "{timeline}");
    assert_eq!(stack.post_json(&format!("{path}/resolve"), &json!({})).await.0, 200);
    assert!(find("resolved").await.is_some() && find("open").await.is_none());
    let (_, report) = stack.call(Method::POST, "/api/governance/report", &[], String::new()).await;
    assert!(report["summary"]["actions"]["failed"].as_u64().unwrap() >= 1, "{report}");
    assert!(report["summary"]["incidents"]["acknowledged"].as_u64().unwrap() >= 1, "{report}");
}

/// Runs a program of `tests/senders`, which sends requests with other software. Outside CI, a program whose software is missing
/// is skipped with a message.
async fn run_sender(script: &'static str) {
    // Keeps the stack locked while the program uses it.
    let stack = Stack::connect().await;
    let output = run_program(script, Vec::new()).await;
    drop(stack);
    let text = text_of(&output);
    if output.status.code() == Some(77) && std::env::var_os("CI").is_none() {
        // Not `eprintln!`: the test harness hides the output of passing tests.
        std::io::Write::write_all(&mut std::io::stderr(), format!("{script}: {text}").as_bytes()).unwrap();
        return;
    }
    assert!(output.status.success(), "{text}");
}

/// Runs a Python program of `tests/senders` with these environment variables.
async fn run_program(script: &'static str, variables: Vec<(&'static str, String)>) -> std::process::Output {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let stack_env = root.join(std::env::var("AGE_STACK_ENV").unwrap());
    let program = tokio::task::spawn_blocking(move || {
        let mut python = std::process::Command::new(root.join(".venv/bin/python"));
        python.arg(root.join("tests/senders").join(script)).env("AGE_STACK_ENV", stack_env);
        python.envs(variables).output().unwrap()
    });
    program.await.unwrap()
}

fn text_of(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Clients that five generators make of `infra/openapi.json` are typed right, and AGE accepts what they send.
#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn requests_of_generated_clients_are_accepted() {
    // Other tests use the stack meanwhile.
    let generated = run_program("../clients/generate.py", Vec::new()).await;
    assert!(generated.status.success(), "{}", text_of(&generated));
    run_sender("../clients/send.py").await;
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn events_of_the_cloudevents_sdk_are_accepted() {
    run_sender("cloudevents_sdk.py").await;
}

/// Each permission in the template is needed, and no role has others. `make permissions` prints the table.
#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn each_role_has_exactly_the_permissions_it_needs() {
    run_sender("../iam/least_privilege.py").await;
}

/// Schemathesis sends valid and invalid requests of `infra/openapi.json`, with and without a token.
#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn responses_match_the_contract_for_generated_requests() {
    run_sender("contract.py").await;
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn alerts_of_debians_alertmanager_are_accepted() {
    run_sender("alertmanager.py").await;
}

/// A credential that one function revokes is refused by the others.
#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn request_without_valid_credential_is_refused() {
    let stack = Stack::connect().await;
    let ask = async |token: Option<&str>, method: &Method, path: &str, body: &Value| {
        let headers: &[_] = if body.is_null() { &[] } else { &[("Content-Type", "application/json")] };
        let text = if body.is_null() { String::new() } else { body.to_string() };
        stack.call_as(token, method.clone(), path, headers, text).await
    };
    let engine = stack.name("AGE_TOKEN_QA").to_owned();
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let own = json!({ "engine": "qa", "eventType": "suite_passed" });
    let others = json!({ "engine": "billing", "eventType": "invoice_sent" });
    for (token, method, path, body, expected) in [
        (None, &get, "/api/governance/stats", &Value::Null, 401),
        (None, &post, "/api/governance/event", &own, 401),
        (Some(engine.as_str()), &post, "/api/governance/event", &own, 201),
        (Some(engine.as_str()), &post, "/api/governance/event", &others, 403),
        (Some(engine.as_str()), &get, "/api/governance/events", &Value::Null, 403),
        (Some(engine.as_str()), &get, "/api/governance/credentials", &Value::Null, 403),
        (Some(engine.as_str()), &get, "/api/governance/health", &Value::Null, 200),
    ] {
        let (status, response) = ask(token, method, path, body).await;
        assert_eq!(status, expected, "{method} {path}: {response}");
    }
    let wanted = json!({ "kid": "short-lived", "role": "reader" });
    let (status, made) = ask(Some(stack.name("AGE_ADMIN_TOKEN")), &post, "/api/governance/credentials", &wanted).await;
    assert_eq!((status, &made["createdBy"]), (201, &json!("local-admin")), "{made}");
    let token = made["token"].as_str().unwrap();
    assert_eq!(ask(Some(token), &get, "/api/governance/stats", &Value::Null).await.0, 200);
    let path = "/api/governance/credentials/short-lived";
    assert_eq!(ask(Some(stack.name("AGE_ADMIN_TOKEN")), &delete, path, &Value::Null).await.0, 200);
    let refused = async {
        while ask(Some(token), &get, "/api/governance/stats", &Value::Null).await.0 != 401 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_mins(1), refused).await;
    assert!(in_time.is_ok(), "a revoked credential is accepted after a minute");
}

/// Runs `agectl`. Returns its exit code and its output.
async fn agectl(stack: &Stack, token: &str, arguments: &[&str], input: &str) -> (i32, String) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut command = tokio::process::Command::new(root.join("target/debug/agectl"));
    command.args(arguments).env("AGE_API_URL", stack.name("AGE_API_URL")).env("AGE_TOKEN", token);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    let ended = running.wait_with_output().await.unwrap();
    let text = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    (ended.status.code().unwrap(), text)
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn agectl_manages_credentials_events_and_incidents() {
    let stack = Stack::connect().await;
    let admin = stack.name("AGE_ADMIN_TOKEN").to_owned();
    let create = ["credential", "create", "desk-worker", "--role", "engine", "--engine", "maos", "--expires-in", "1h"];
    let (code, output) = agectl(&stack, &admin, &create, "").await;
    let worker = output.lines().next().unwrap().to_owned();
    assert!(code == 0 && worker.starts_with("agov1.desk-worker."), "{code}");
    assert_eq!(agectl(&stack, &admin, &create, "").await.0, 1, "the credential exists");
    assert_eq!(agectl(&stack, &worker, &["credential", "list"], "").await.0, 4);

    let lines = "{\"engine\":\"maos\",\"eventType\":\"queue_lost\",\"severity\":\"CRITICAL\"}\n{\"engine\":\"maos\",\"eventType\":\"alive\"}\n";
    let import = ["event", "import", "-", "--batch", "tests"];
    let first = agectl(&stack, &worker, &import, lines).await;
    assert_eq!(first, (0, "2 lines: 2 stored, 0 already there, 0 refused\n".to_owned()));
    let again = agectl(&stack, &worker, &import, lines).await;
    assert_eq!(again, (0, "2 lines: 0 stored, 2 already there, 0 refused\n".to_owned()));
    let others = "{\"engine\":\"billing\",\"eventType\":\"alive\"}\n";
    let (code, output) = agectl(&stack, &worker, &["event", "import", "-"], others).await;
    assert!(code != 0 && output.contains("desk-worker may not act for engine billing"), "{code} {output}");

    let (code, listed) = agectl(&stack, &admin, &["incident", "list", "--status", "open", "--json"], "").await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let own = listed["incidents"].as_array().unwrap().iter().find(|it| it["eventType"] == "queue_lost").unwrap();
    let id = own["id"].as_str().unwrap();
    assert_eq!((code, agectl(&stack, &admin, &["incident", "ack", id, "--note", "mine"], "").await.0), (0, 0));
    assert_eq!(agectl(&stack, &admin, &["incident", "resolve", id], "").await.0, 0);
    assert_eq!(stack.get(&format!("/api/governance/incidents/{id}")).await.1["status"], "resolved");

    let (code, output) = agectl(&stack, &admin, &["credential", "rotate", "desk-worker", "--overlap", "1m"], "").await;
    let renewed = output.lines().next().unwrap().to_owned();
    assert_eq!(code, 0, "{output}");
    let send = ["event", "send", "--engine", "maos", "--type", "alive"];
    for token in [&worker, &renewed] {
        assert_eq!(agectl(&stack, token, &send, "").await.0, 0, "both secrets are valid");
    }
    assert_eq!(agectl(&stack, &admin, &["credential", "revoke", "desk-worker"], "").await.0, 0);
    let (status, _) = stack.call(Method::POST, "/api/governance/report", &[], String::new()).await;
    let (code, shown) = agectl(&stack, &admin, &["report", "show"], "").await;
    assert!(status == 201 && code == 0 && shown.contains("maos"), "{shown}");
}

/// Chromium uses the gateway: `Secure` cookies, paths of any depth, redirects, files.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running stack, Node and Chromium: make test"]
async fn incident_is_acknowledged_in_a_browser() {
    let stack = Stack::connect().await;
    let event = json!({ "engine": "documentation", "eventType": "index_lost", "severity": "CRITICAL" });
    assert_eq!(stack.post(&event, "index-lost").await.0, 201);
    let (_, listed) = stack.get("/api/governance/incidents?status=open").await;
    let own = listed["incidents"].as_array().unwrap().iter().find(|it| it["eventType"] == "index_lost").unwrap();
    let id = own["id"].as_str().unwrap();
    let (url, token) = (stack.name("AGE_API_URL"), stack.name("AGE_ADMIN_TOKEN"));
    let link = format!("{url}/dashboard/incidents/{id}");
    let settings = [("AGE_URL", url), ("AGE_LINK", &link), ("AGE_DESK_TOKEN", token), ("AGE_API_TOKEN", token)];
    crate::browser::run("deployed.test.mjs", &settings).await;
    let (_, stored) = stack.get(&format!("/api/governance/incidents/{id}")).await;
    assert_eq!((&stored["status"], &stored["acknowledged"]["note"]), (&json!("acknowledged"), &json!("Seen.")));
}
