//! A whole AGE in one process: its functions, a DynamoDB behind a proxy that can fail, an SNS that listens, a clock.

pub(crate) mod browser;
mod http;
mod many;
pub(crate) mod people;
pub(crate) mod proxy;
pub(crate) mod sns;
pub(crate) mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;

use age_dispatch::{Dispatcher, Escalations};
use age_model::{ManualClock, Timestamp};
use age_notify::{Sns as SnsClient, Topic};
use age_platform::{CursorKey, Gate, Rate, Route, Routes};
use age_scoring::Policy;
use age_store::{
    Actions, Credentials, Db, EventSearch, Events, IncidentStates, Incidents, Intake, Life, Reports, Rollups,
    WeeklyReports,
};
use aws_config::SdkConfig;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use dashboard::{FormKey, Tables};
use dynoxide::Database;
use generate_report::{Firing, Made, Reporter, Weekly, WeeklyError};
use proxy::Proxy;
use serde_json::Value;
use sns::Sns;
use sweep::{Sweep, Swept};
use tower::ServiceExt;

pub(crate) const RETENTION_DAYS: i64 = 400;

/// The clock of a test often stands still; only tests of the rate want one.
pub(crate) const UNHURRIED: Rate = Rate::new(1_000_000, 1_000_000);

/// Monday, five past midnight: when the weekly report is due.
pub(crate) fn monday() -> Timestamp {
    "2026-11-23T00:05:00Z".parse().unwrap()
}

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    database: Database,
    pub(crate) dynamodb: Proxy,
    pub(crate) sns: Sns,
    db_config: SdkConfig,
    sns_config: SdkConfig,
    /// To DynamoDB past the proxy: the faults are for what a test is about, and few are about credentials.
    direct_config: SdkConfig,
    /// The token of each credential, by its name.
    tokens: BTreeMap<String, String>,
    /// The environments that `send` reaches: one of each function.
    api: Api,
}

/// One execution environment of every function behind the API.
#[derive(Clone)]
pub(crate) struct Api {
    functions: Vec<Function>,
    token: String,
}

/// A function: its routes, and the router that serves them.
#[derive(Clone)]
struct Function {
    routes: Vec<Route>,
    router: Router,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(monday()));
        let (url, database) = tables::dynamodb().await;
        let direct_config = age_platform::aws::local(&url);
        let dynamodb = Proxy::start(url).await;
        let sns = Sns::start(Arc::clone(&clock), dynamodb.injector()).await;
        let (db_config, sns_config) = (age_platform::aws::local(&dynamodb.url), age_platform::aws::local(&sns.url));
        let tokens = people::credentials(&credentials_of(&direct_config), &clock).await;
        let gate = gate(&direct_config, UNHURRIED, &clock).await;
        let api = Api::new(&clock, &db_config, &sns_config, &gate, &tokens[people::TESTS]);
        Self { clock, database, dynamodb, sns, db_config, sns_config, direct_config, tokens, api }
    }

    pub(crate) fn at(&self, moment: &str) {
        self.clock.set(moment.parse().unwrap());
    }

    /// Another execution environment of every function, which knows nothing of the first.
    pub(crate) async fn another_environment(&self) -> Api {
        let gate = gate(&self.direct_config, UNHURRIED, &self.clock).await;
        Api::new(&self.clock, &self.db_config, &self.sns_config, &gate, self.token(people::TESTS))
    }

    /// Another execution environment of every function, which reads its credentials through the proxy.
    pub(crate) async fn guarded_environment(&self, rate: Rate) -> Api {
        let gate = gate(&self.db_config, rate, &self.clock).await;
        Api::new(&self.clock, &self.db_config, &self.sns_config, &gate, self.token(people::TESTS))
    }

    /// The credentials that there are in the beginning; see `people`.
    pub(crate) fn token(&self, kid: &str) -> &str {
        &self.tokens[kid]
    }

    /// The environments that `send` reaches.
    pub(crate) const fn api(&self) -> &Api {
        &self.api
    }

    /// Those as they answer the credential called `kid`.
    pub(crate) fn as_kid(&self, kid: &str) -> Api {
        self.api.with_token(self.token(kid))
    }

    /// The credentials, past the proxy.
    pub(crate) fn credentials(&self) -> Credentials {
        credentials_of(&self.direct_config)
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.api.send(method, path, headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.api.get(path).await
    }

    pub(crate) async fn post(&self, event: &Value) -> Answer {
        self.api.post(event, None).await
    }

    pub(crate) async fn post_keyed(&self, event: &Value, key: &str) -> Answer {
        self.api.post(event, Some(key)).await
    }

    pub(crate) async fn report(&self) -> Answer {
        self.send("POST", "/api/governance/report", &[], b"").await
    }

    /// Follows the cursors of a list of events to its end.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let mut events = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}{cursor}")).await;
            assert_eq!(page.status, 200, "{page:?}");
            events.extend(page.list("/events").to_vec());
            match page.json.get("nextCursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return events,
            }
        }
    }

    pub(crate) fn db(&self) -> Db {
        Db::new(&self.db_config)
    }

    /// A new execution environment of the weekly function.
    pub(crate) fn weekly(&self) -> Weekly {
        let db = self.db();
        Weekly {
            reporter: Reporter::new(
                Rollups::new(&db, "Rollups"),
                Incidents::new(&db, "Incidents"),
                Policy::compiled().unwrap(),
                Arc::clone(&self.clock),
            ),
            reports: WeeklyReports::new(Reports::new(&db, "Reports"), Actions::new(&db, "Actions")),
            topic: SnsClient::new(&self.sns_config).topic("arn:aws:sns:us-east-1:000000000000:reports"),
            api: Some("https://age.example".to_owned()),
        }
    }

    /// A new execution environment of the sweep.
    pub(crate) fn sweeper(&self) -> Sweep {
        let db = self.db();
        let (life, policy) = (life(&db), Policy::compiled().unwrap());
        Sweep {
            listing: EventSearch::new(events(&db), Rollups::new(&db, "Rollups")),
            dispatcher: Dispatcher::new(topic(&self.sns_config, "actions"), &life, &policy),
            escalations: escalations(&db, &self.sns_config),
            people: topic(&self.sns_config, "notifications"),
            second_line: topic(&self.sns_config, "second-line"),
            reports: Reports::new(&db, "Reports"),
            clock: Box::new(Arc::clone(&self.clock)),
        }
    }

    /// Sweeps, and nothing may fail.
    pub(crate) async fn sweep(&self) -> Swept {
        self.sweeper().run().await.finish().unwrap()
    }

    /// Posts JSON to a path.
    pub(crate) async fn tell(&self, path: &str, body: &Value) -> Answer {
        self.api.tell(path, body).await
    }

    /// How many rows the day of `engine` is spread over, by what its first row says.
    pub(crate) async fn width(&self, engine: &str, day: &str) -> u64 {
        let row = self.row("Rollups", &[("engine_shard", &format!("{engine}#0")), ("day", day)]).await;
        row["Item"]["width"]["N"].as_str().map_or(1, |width| width.parse().unwrap())
    }

    /// A row as DynamoDB has it.
    pub(crate) async fn row(&self, table: &str, key: &[(&str, &str)]) -> Value {
        let key: serde_json::Map<_, _> =
            key.iter().map(|(name, value)| ((*name).to_owned(), serde_json::json!({ "S": value }))).collect();
        self.dynamodb.ask("GetItem", &serde_json::json!({ "TableName": table, "Key": key })).await
    }

    pub(crate) async fn fire(&self) -> Result<Made, WeeklyError> {
        self.weekly().run(Firing::default()).await
    }
}

impl Api {
    fn new(clock: &Arc<ManualClock>, db_config: &SdkConfig, sns_config: &SdkConfig, gate: &Gate, token: &str) -> Self {
        let db = Db::new(db_config);
        let (events, rollups, reports) = (events(&db), Rollups::new(&db, "Rollups"), Reports::new(&db, "Reports"));
        let (life, escalations) = (life(&db), escalations(&db, sns_config));
        let policy = || Policy::compiled().unwrap();
        let clock = || Arc::clone(clock);
        let dispatcher = Dispatcher::new(topic(sns_config, "actions"), &life, &policy());
        let intake = Intake::new(events.clone(), life.clone());
        let cursors = || CursorKey::new("a key of the tests").unwrap();
        let listing = EventSearch::new(events.clone(), rollups.clone());
        let table = Incidents::new(&db, "Incidents");
        let reporter = Reporter::new(rollups.clone(), table.clone(), policy(), clock());
        let of_actions =
            actions::App::new(listing.clone(), life.clone(), cursors(), policy(), escalations.clone(), clock());
        let of_dashboard = dashboard::App::new(
            Tables { listing: listing.clone(), life: life.clone(), incidents: table.clone(), reports: reports.clone() },
            gate.clone(),
            (cursors(), FormKey::new("another key of the tests").unwrap()),
            policy(),
            clock(),
        );
        let of_incidents = incidents::App::new(table, listing.clone(), life.clone(), cursors(), policy(), clock());
        let of_events = list_events::App::new(events, listing, life.actions().clone(), cursors(), clock());
        let of_reports = list_reports::App::new(reports.clone(), cursors());
        let of_stats = get_stats::App::new(rollups, reports.clone(), policy(), clock());
        let of_credentials = credentials::App::new(Credentials::new(&db, "Credentials"), clock());
        let functions = vec![
            Function::new(get_stats::routes(), gate, of_stats),
            Function::new(log_event::routes(), gate, log_event::App::new(intake, dispatcher, escalations, clock())),
            Function::new(list_events::routes(), gate, of_events),
            Function::new(actions::routes(), gate, of_actions),
            Function::new(incidents::routes(), gate, of_incidents),
            Function::new(generate_report::routes(), gate, (reporter, reports)),
            Function::new(list_reports::routes(), gate, of_reports),
            Function::new(credentials::routes(), gate, of_credentials),
            Function { routes: dashboard::routes().list().collect(), router: dashboard::router(of_dashboard) },
        ];
        Self { functions, token: token.to_owned() }
    }

    /// The same environments, as they answer another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { functions: self.functions.clone(), token: token.to_owned() }
    }

    /// Every route of every function.
    pub(crate) fn routes(&self) -> Vec<Route> {
        self.functions.iter().flat_map(|function| function.routes.clone()).collect()
    }

    /// The function that has a path, as the template's routes give it: that with the method, where there are two. The first has
    /// those that no other has.
    fn function(&self, method: &str, path: &str) -> Router {
        let path = path.split('?').next().unwrap_or_default();
        // The template gives all below `/dashboard` to the dashboard, known or not.
        let path = if path.starts_with("/dashboard/") { "/dashboard" } else { path };
        let has = |function: &&Function| function.routes.iter().any(|route| is_of(route.path, path));
        let takes = |function: &&&Function| {
            function.routes.iter().any(|route| is_of(route.path, path) && route.method == method)
        };
        let having: Vec<&Function> = self.functions.iter().filter(has).collect();
        let function = having.iter().find(takes).or(having.last()).copied();
        function.unwrap_or(&self.functions[0]).router.clone()
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let headers: Vec<_> = headers.iter().copied().chain([("Authorization", authorization.as_str())]).collect();
        self.send_bare(method, path, &headers, body).await
    }

    /// Sends these headers alone: no token.
    pub(crate) async fn send_bare(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, value.as_bytes());
        }
        let request = request.body(Body::from(body.to_vec())).unwrap();
        let response = self.function(method, path).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status.as_u16(), headers: parts.headers, json, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").await
    }

    /// Posts JSON to a path.
    pub(crate) async fn tell(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes()).await
    }

    pub(crate) async fn post(&self, event: &Value, key: Option<&str>) -> Answer {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(key.map(|key| ("Idempotency-Key", key)));
        self.send("POST", "/api/governance/event", &headers, event.to_string().as_bytes()).await
    }
}

impl Function {
    fn new<S: Clone + Send + Sync + 'static>(routes: Routes<S>, gate: &Gate, state: S) -> Self {
        Self { routes: routes.list().collect(), router: routes.behind(gate, state) }
    }
}

/// Whether `path` is one of those that `pattern` stands for.
fn is_of(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    let fits = |(pattern, part): (&&str, &&str)| pattern.starts_with('{') || pattern == part;
    pattern.len() == path.len() && pattern.iter().zip(&path).all(fits)
}

/// What a caller gets.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer} in {self:?}"))
    }

    pub(crate) fn number(&self, pointer: &str) -> u64 {
        self.json
            .pointer(pointer)
            .and_then(Value::as_u64)
            .unwrap_or_else(|| panic!("no number at {pointer} in {self:?}"))
    }

    /// The actions in an answer, each with how far it has come.
    pub(crate) fn actions(&self) -> Vec<(&str, &str)> {
        self.list("/actions")
            .iter()
            .map(|item| (item["action"].as_str().unwrap(), item["status"].as_str().unwrap()))
            .collect()
    }

    pub(crate) fn list(&self, pointer: &str) -> &[Value] {
        self.json
            .pointer(pointer)
            .and_then(Value::as_array)
            .unwrap_or_else(|| panic!("no list at {pointer} in {self:?}"))
    }
}

fn credentials_of(config: &SdkConfig) -> Credentials {
    Credentials::new(&Db::new(config), "Credentials")
}

async fn gate(config: &SdkConfig, rate: Rate, clock: &Arc<ManualClock>) -> Gate {
    Gate::open(credentials_of(config), rate, Arc::clone(clock)).await
}

fn events(db: &Db) -> Events {
    Events::new(db, "Events", RETENTION_DAYS)
}

fn life(db: &Db) -> Life {
    Life::new(Actions::new(db, "Actions"), IncidentStates::new(db, "Incidents"), Rollups::new(db, "Rollups"))
}

fn topic(sns_config: &SdkConfig, name: &str) -> Topic {
    SnsClient::new(sns_config).topic(format!("arn:aws:sns:us-east-1:000000000000:{name}"))
}

fn escalations(db: &Db, sns_config: &SdkConfig) -> Escalations {
    let policy = Policy::compiled().unwrap();
    Escalations::new(topic(sns_config, "notifications"), events(db), &life(db), &policy, None)
}

/// An event as a caller sends it.
pub(crate) fn event(engine: &str, event_type: &str, severity: &str) -> Value {
    serde_json::json!({ "engine": engine, "eventType": event_type, "severity": severity })
}
