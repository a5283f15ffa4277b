//! The functions, and the request that each gets.

use serde_json::{Value, json};

/// A function and its request.
pub(crate) struct Function {
    /// The name of its folder in `target/lambda`.
    pub(crate) name: &'static str,
    request: FunctionRequest,
}

enum FunctionRequest {
    Get(&'static str),
    Post(&'static str, &'static str),
    /// A payload that is not an HTTP request.
    Raw(&'static str),
}

use FunctionRequest::{Get, Post, Raw};

const EVENT: &str =
    r#"{"engine":"billing","eventType":"invoice_sent","severity":"LOW","details":{"invoice":4711,"total":"12.50"}}"#;

const EVALUATION: &str = r#"{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"record","id":"record-1"},"context":{"engine":"billing"}}"#;

/// The baseline.
pub(crate) const HELLO: Function = repeatable("hello", Post("/api/governance/event", EVENT));

/// The deployed functions.
pub(crate) const FUNCTIONS: [Function; 16] = [
    repeatable("log-event", Post("/api/governance/event", EVENT)),
    repeatable("list-events", Get("/api/governance/events")),
    repeatable("actions", Get("/api/governance/actions")),
    repeatable("incidents", Get("/api/governance/incidents")),
    repeatable("generate-report", Post("/api/governance/report", "")),
    repeatable("list-reports", Get("/api/governance/reports")),
    repeatable("get-stats", Get("/api/governance/stats")),
    repeatable("credentials", Get("/api/governance/credentials")),
    repeatable("channels", Get("/api/governance/channels")),
    repeatable("policies", Get("/api/governance/policies")),
    repeatable("dashboard", Get("/dashboard")),
    repeatable("sweep", Raw("{}")),
    repeatable("weekly-report", Raw("{}")),
    repeatable("relay", Raw("{}")),
    repeatable("simulate-policy", Raw(r#"{"Records":[]}"#)),
    repeatable("decide", Post("/access/v1/evaluation", EVALUATION)),
];

/// The functions that are measured with the largest policy.
pub(crate) const OF_LARGEST_POLICY: [Function; 4] = [
    repeatable("decide", Post("/access/v1/evaluation", EVALUATION)),
    repeatable("log-event", Post("/api/governance/event", EVENT)),
    repeatable("get-stats", Get("/api/governance/stats")),
    repeatable("sweep", Raw("{}")),
];

const fn repeatable(name: &'static str, request: FunctionRequest) -> Function {
    Function { name, request }
}

impl Function {
    /// Returns the payload of an invocation.
    pub(crate) fn event(&self, token: &str, session: &str) -> String {
        match self.request {
            Raw(event) => event.to_owned(),
            Get(path) => http_request("GET", path, "", token, session),
            Post(path, body) => http_request("POST", path, body, token, session),
        }
    }

    /// Panics if the response of an HTTP request is not successful: its cost would be meaningless.
    pub(crate) fn assert_succeeded(&self, response: &[u8]) {
        if matches!(self.request, Raw(_)) {
            return;
        }
        let response: Value = serde_json::from_slice(response).unwrap();
        let status = response["statusCode"].as_u64();
        assert!(status.is_some_and(|status| status < 300), "{}: {response}", self.name);
    }
}

fn http_request(method: &str, path: &str, body: &str, token: &str, session: &str) -> String {
    let request = json!({
        "version": "2.0", "routeKey": format!("ANY {path}"), "rawPath": path, "rawQueryString": "",
        "cookies": [format!("__Host-age={session}")],
        "headers": {
            "accept": "*/*", "authorization": format!("Bearer {token}"), "content-length": body.len().to_string(),
            "content-type": "application/json", "host": "age.example", "user-agent": "bench/1",
            "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700", "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "000000000000", "apiId": "age", "domainName": "age.example", "domainPrefix": "age",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "bench/1" },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": format!("ANY {path}"), "stage": "$default",
            "time": "23/Nov/2026:00:05:00 +0000", "timeEpoch": 1_795_392_300_000_u64,
        },
        "body": body, "isBase64Encoded": false,
    });
    request.to_string()
}

/// Returns the variables of an execution environment: those of Lambda, and those of the template for all functions.
pub(crate) fn environment(runtime_api: &str, aws: &str, trusted: &str, function: &str) -> Vec<(String, String)> {
    let topic = |name: &str| format!("arn:aws:sns:us-east-1:000000000000:{name}");
    let set = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let known = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", function),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/age"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/23/[$LATEST]0"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEXAMPLETOKEN"),
        ("AWS_ENDPOINT_URL", aws),
        ("SSL_CERT_FILE", trusted),
        ("CREDENTIALS_TABLE", "Credentials"),
        ("POLICIES_TABLE", "Policies"),
        ("EVENTS_TABLE", "Events"),
        ("ROLLUPS_TABLE", "Rollups"),
        ("ACTIONS_TABLE", "Actions"),
        ("INCIDENTS_TABLE", "Incidents"),
        ("REPORTS_TABLE", "Reports"),
        ("DECISIONS_TABLE", "Decisions"),
        ("CHANNELS_TABLE", "Channels"),
        ("CHANNELS_KEY_ARN", "arn:aws:kms:us-east-1:000000000000:key/channels"),
        ("DELIVERIES_TABLE", "Deliveries"),
        ("RELAY_SUBSCRIPTIONS", "0"),
        ("EVENT_RETENTION_DAYS", "400"),
        ("REQUESTS_PER_SECOND", "100000"),
        ("REQUESTS_BURST", "100000"),
    ];
    let topics = [
        ("ACTIONS_TOPIC_ARN", "actions"),
        ("NOTIFICATIONS_TOPIC_ARN", "notifications"),
        ("SECOND_LINE_TOPIC_ARN", "second-line"),
        ("REPORTS_TOPIC_ARN", "reports"),
        ("SIMULATIONS_TOPIC_ARN", "simulations"),
        ("RELAY_TOPIC_ARN", "relay"),
        ("ALARMS_TOPIC_ARN", "alarms"),
    ];
    known.map(set).into_iter().chain(topics.map(|(name, to)| (name.to_owned(), topic(to)))).collect()
}
