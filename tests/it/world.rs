//! AGE in one process: its functions, an in-memory DynamoDB behind a proxy that injects faults, a fake SNS, and a manual clock.

pub(crate) mod browser;
mod bulk_data;
pub(crate) mod call_log;
pub(crate) mod channel_targets;
mod emulator;
mod engines;
mod http_server;
pub(crate) mod https_receivers;
mod message_schemas;
pub(crate) mod proxy;
pub(crate) mod receivers;
pub(crate) mod sns;
pub(crate) mod tables;
pub(crate) mod test_credentials;
pub(crate) mod test_policies;
pub(crate) mod timed_requests;
pub(crate) mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;

use age_governance::{
    ActionDispatcher, ActionLifecycle, ChannelManager, CredentialMonitor, DecisionMaker, EventRecorder, EventWriter,
    IncidentLifecycle, Notifier, NotifierStores, OwnEvents, PolicyActivator, PolicyCache, PolicyNotifier,
    PolicySimulator, Relay, RelayParts, ReportGenerator, SimulationJobs, SimulatorTables, Sweep, SweepReport,
    WeeklyError, WeeklyReporter, WeeklyResult,
};
use age_http::{Authentication, RequestRate, Route, Routes};
use age_model::{ChannelSender, DashboardSession, ManualClock, RequestId, Timestamp};
use age_notify::{Sns as SnsClient, Topic};
use age_policy::Policy;
use age_store::{
    ActionSearch, Actions, Channels, CredentialNotifications, Credentials, CredentialsWithSessions, Decisions,
    Deliveries, DynamoDb, EmailRateLimiter, EndedSessionsStore, EventSearch, Events, FleetStateStore, IncidentStates,
    Incidents, Policies, PolicyNotifications, ReportDeliveries, Reports, Rollups, SystemAlerts, SystemHealthStore,
};
use aws_config::SdkConfig;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use call_log::CallLog;
use channel_targets::ReversedTargets;
use dynoxide::Database;
pub(crate) use engines::ENGINES;
use proxy::Proxy;
use receivers::Receivers;
use serde_json::Value;
use sns::Sns;
use tower::ServiceExt;

pub(crate) const RETENTION_DAYS: i64 = 400;

/// A request rate that no test reaches. Most tests do not advance the clock, so a lower rate would refuse their requests.
pub(crate) const UNLIMITED: RequestRate = RequestRate::new(1_000_000, 1_000_000);

/// How large the response to any POST may be, besides twice its request.
const SMALL_RESPONSE_BYTES: usize = 64 * 1024;

/// The largest response that Lambda returns.
const LAMBDA_RESPONSE_BYTES: usize = 6 * 1024 * 1024;

/// Returns the time at which the weekly report is due: Monday, 00:05 UTC. The clock of a new world starts there.
pub(crate) fn monday() -> Timestamp {
    "2026-11-23T00:05:00Z".parse().unwrap()
}

/// The id of each request.
pub(crate) const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    database: Database,
    pub(crate) dynamodb: Proxy,
    pub(crate) sns: Sns,
    /// The calls of both.
    pub(crate) calls: Arc<CallLog>,
    db_config: SdkConfig,
    sns_config: SdkConfig,
    /// Connects to DynamoDB by a proxy without faults. The authentication layer uses it, so that injected faults do not affect it.
    direct_config: SdkConfig,
    /// The token of each credential, by its key id.
    tokens: BTreeMap<String, String>,
    /// The execution environments to which `send` sends requests: one of each function.
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
        Self::start(None).await
    }

    /// A world in which `policy` is active from the beginning.
    pub(crate) async fn with_policy(policy: &Policy) -> Self {
        Self::start(Some(policy)).await
    }

    async fn start(policy: Option<&Policy>) -> Self {
        let clock = Arc::new(ManualClock::at(monday()));
        let database = tables::create_database();
        let direct = Proxy::start(database.clone(), Arc::default()).await;
        let direct_config = age_runtime::aws::local(&direct.url);
        let calls = Arc::new(CallLog::default());
        let dynamodb = Proxy::start(database.clone(), Arc::clone(&calls)).await;
        let sns = Sns::start(Arc::clone(&clock), Arc::clone(&calls), dynamodb.injector()).await;
        let (db_config, sns_config) = (age_runtime::aws::local(&dynamodb.url), age_runtime::aws::local(&sns.url));
        let tokens = test_credentials::create(&credentials_table(&direct_config), &clock).await;
        if let Some(policy) = policy {
            test_policies::activate(policy, &DynamoDb::new(&direct_config), clock.as_ref()).await;
        }
        let authentication = authentication(&direct_config, UNLIMITED, &clock).await;
        let api = Api::new(&clock, &db_config, &sns_config, &authentication, &tokens[test_credentials::TESTS]);
        Self { clock, database, dynamodb, sns, calls, db_config, sns_config, direct_config, tokens, api }
    }

    pub(crate) fn set_time(&self, moment: &str) {
        self.clock.set(moment.parse().unwrap());
    }

    /// Starts a new execution environment of every function, with empty caches.
    pub(crate) async fn new_environment(&self) -> Api {
        let authentication = authentication(&self.direct_config, UNLIMITED, &self.clock).await;
        Api::new(&self.clock, &self.db_config, &self.sns_config, &authentication, self.token(test_credentials::TESTS))
    }

    /// Starts a new execution environment of every function that reads its credentials through the proxy.
    pub(crate) async fn environment_with_proxied_credentials(&self, rate: RequestRate) -> Api {
        let authentication = authentication(&self.db_config, rate, &self.clock).await;
        Api::new(&self.clock, &self.db_config, &self.sns_config, &authentication, self.token(test_credentials::TESTS))
    }

    /// Returns the token of the credential `kid`; see `test_credentials`.
    pub(crate) fn token(&self, kid: &str) -> &str {
        &self.tokens[kid]
    }

    /// Returns a session that the credential `kid` has started now.
    pub(crate) fn session(&self, kid: &str) -> DashboardSession {
        DashboardSession::start(&self.token(kid).parse().unwrap(), self.clock.as_ref())
    }

    /// Returns the environments to which `send` sends requests.
    pub(crate) const fn api(&self) -> &Api {
        &self.api
    }

    /// Returns the same environments, called with the credential `kid`.
    pub(crate) fn as_caller(&self, kid: &str) -> Api {
        self.api.with_token(self.token(kid))
    }

    /// Returns the table of credentials, without the proxy.
    pub(crate) fn credentials(&self) -> Credentials {
        credentials_table(&self.direct_config)
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> ApiResponse {
        self.api.send(method, path, headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> ApiResponse {
        self.api.get(path).await
    }

    pub(crate) async fn post(&self, event: &Value) -> ApiResponse {
        self.api.post(event, None).await
    }

    pub(crate) async fn post_keyed(&self, event: &Value, key: &str) -> ApiResponse {
        self.api.post(event, Some(key)).await
    }

    pub(crate) async fn generate_report(&self) -> ApiResponse {
        self.send("POST", "/api/governance/report", &[], b"").await
    }

    /// Reads all pages of a list of events.
    pub(crate) async fn list_events(&self, path: &str) -> Vec<Value> {
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

    pub(crate) fn db(&self) -> DynamoDb {
        DynamoDb::new(&self.db_config)
    }

    /// Starts a new execution environment of the weekly report.
    pub(crate) fn weekly_reporter(&self) -> WeeklyReporter {
        let db = self.db();
        WeeklyReporter::new(
            generator(&db, &self.clock),
            Reports::new(&db, "Reports"),
            ReportDeliveries::new(&Actions::new(&db, "Actions")),
            topic(&self.sns_config, "reports"),
            Some("https://age.example".to_owned()),
        )
    }

    /// Starts a new execution environment of the sweep.
    pub(crate) fn sweeper(&self) -> Sweep {
        let db = self.db();
        let (lifecycle, policies) = (lifecycle(&db), policies(&db));
        Sweep {
            events: events(&db),
            incidents: Incidents::new(&db, "Incidents"),
            fleet_state: FleetStateStore::new(&db, "Incidents"),
            decisions: decisions(&db),
            dispatcher: dispatcher(&lifecycle, &policies, &self.sns_config),
            notifier: notifier(&db, &lifecycle, &policies, &self.sns_config).with_decisions(decisions(&db)),
            credentials: CredentialMonitor::new(
                Credentials::new(&db, "Credentials"),
                SystemAlerts::new(&db, "Incidents"),
                CredentialNotifications::new(&db, "Incidents"),
            ),
            system_alerts: SystemAlerts::new(&db, "Incidents"),
            own_events: OwnEvents::new(events(&db), Rollups::new(&db, "Rollups")),
            policy_notifications: PolicyNotifier::new(PolicyNotifications::new(&db, "Incidents")),
            second_line: topic(&self.sns_config, "second-line"),
            reports_topic: topic(&self.sns_config, "reports"),
            alarms_topic: topic(&self.sns_config, "alarms"),
            reports: Reports::new(&db, "Reports"),
            channels: Channels::new(&db, "Channels"),
            // No topic has a subscription of a relay.
            relay_subscriptions: 0,
            clock: Box::new(Arc::clone(&self.clock)),
        }
    }

    /// Returns the queues of the channels.
    pub(crate) fn deliveries(&self) -> Deliveries {
        Deliveries::new(&self.db(), "Deliveries")
    }

    /// Starts a new execution environment of the relay, whose requests go to `receivers`.
    pub(crate) fn relay(&self, receivers: &Receivers) -> Relay {
        self.relay_by(Box::new(receivers.clone()))
    }

    /// Starts a new execution environment of the relay, whose requests `sender` sends.
    pub(crate) fn relay_by(&self, sender: Box<dyn ChannelSender>) -> Relay {
        let db = self.db();
        let clock = Arc::clone(&self.clock);
        Relay::new(RelayParts {
            channels: Channels::new(&db, "Channels"),
            deliveries: self.deliveries(),
            incidents: Incidents::new(&db, "Incidents"),
            opener: Box::new(ReversedTargets),
            sender,
            clock,
        })
    }

    pub(crate) fn policy_simulator(&self) -> PolicySimulator {
        policy_simulator(&self.db())
    }

    /// Runs one sweep. Panics if any part of it fails.
    pub(crate) async fn sweep(&self) -> SweepReport {
        Box::pin(self.sweeper().run()).await.into_result().unwrap()
    }

    /// Sends a POST request with a JSON body.
    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> ApiResponse {
        self.api.post_json(path, body).await
    }

    /// Reads the shard count of a day of `engine` from its first rollup row.
    pub(crate) fn shard_count(&self, engine: &str, day: &str) -> u64 {
        let row = self.row("Rollups", &[("engine_shard", &format!("{engine}#0")), ("day", day)]);
        row["Item"]["shard_count"]["N"].as_str().map_or(1, |count| count.parse().unwrap())
    }

    /// Reads a row of a table.
    pub(crate) fn row(&self, table: &str, key: &[(&str, &str)]) -> Value {
        let key: serde_json::Map<_, _> =
            key.iter().map(|(name, value)| ((*name).to_owned(), serde_json::json!({ "S": value }))).collect();
        self.dynamodb.call("GetItem", &serde_json::json!({ "TableName": table, "Key": key }))
    }

    pub(crate) async fn run_weekly_report(&self) -> Result<WeeklyResult, WeeklyError> {
        self.weekly_reporter().run(None).await
    }
}

impl Api {
    fn new(
        clock: &Arc<ManualClock>,
        db_config: &SdkConfig,
        sns_config: &SdkConfig,
        authentication: &Authentications,
        token: &str,
    ) -> Self {
        let db = DynamoDb::new(db_config);
        let (events, rollups, reports) = (events(&db), Rollups::new(&db, "Rollups"), Reports::new(&db, "Reports"));
        let (actions, incidents) = (Actions::new(&db, "Actions"), Incidents::new(&db, "Incidents"));
        let lifecycle = lifecycle(&db);
        let policies = &authentication.policies;
        let notifier = notifier(&db, &lifecycle, policies, sns_config);
        let clock = || Arc::clone(clock);
        let search = EventSearch::new(events.clone(), rollups.clone());
        let health = SystemHealthStore::new(&db, "Incidents");
        let system_alerts = SystemAlerts::new(&db, "Incidents");
        let recorder = EventRecorder::new(
            EventWriter::new(events.clone(), lifecycle.clone()),
            dispatcher(&lifecycle, policies, sns_config),
            notifier.clone(),
        );
        let action_search = ActionSearch::new(actions.clone(), rollups.clone(), RETENTION_DAYS);
        let actions_app =
            actions::App::new(action_search.clone(), lifecycle.clone(), notifier, policies.clone(), clock());
        let dashboard_app = dashboard::App::new(
            dashboard::Tables {
                events: events.clone(),
                search: search.clone(),
                actions: actions.clone(),
                action_search,
                incidents: incidents.clone(),
                rollups: rollups.clone(),
                reports: reports.clone(),
                decisions: Decisions::new(&db, "Decisions", RETENTION_DAYS),
                policies: Policies::new(&db, "Policies"),
                deliveries: Deliveries::new(&db, "Deliveries"),
                fleet_state: FleetStateStore::new(&db, "Incidents"),
                health: health.clone(),
                system_alerts: system_alerts.clone(),
                ended_sessions: EndedSessionsStore::new(&db, "Incidents"),
            },
            lifecycle.clone(),
            SimulationJobs::new(Policies::new(&db, "Policies"), topic(sns_config, "simulations")),
            channel_manager(&db, sns_config),
            authentication.dashboard.clone(),
            policies.clone(),
            clock(),
        );
        let tables = incidents::Tables {
            events: events.clone(),
            search: search.clone(),
            actions: actions.clone(),
            incidents: incidents.clone(),
            deliveries: Deliveries::new(&db, "Deliveries"),
            fleet_state: FleetStateStore::new(&db, "Incidents"),
            health,
            system_alerts: system_alerts.clone(),
        };
        let incidents_app = incidents::App::new(tables, lifecycle.incidents().clone(), policies.clone(), clock());
        let own_events = OwnEvents::new(events.clone(), rollups.clone());
        let events_app = list_events::App::new(events, search, actions, policies.clone(), clock());
        let reports_app = list_reports::App::new(reports.clone());
        let stats_app = get_stats::App::new(rollups, reports.clone(), policies.clone(), clock());
        let credentials_app = credentials::App::new(Credentials::new(&db, "Credentials"), policies.clone(), clock());
        let table = Policies::new(&db, "Policies");
        let activator = PolicyActivator::new(table.clone(), own_events);
        let simulations = SimulationJobs::new(table.clone(), topic(sns_config, "simulations"));
        let policies_app = policies::App::new(
            table,
            activator,
            simulations,
            policy_simulator(&db),
            Rollups::new(&db, "Rollups"),
            clock(),
        );
        let generator = ReportGenerator::new(Rollups::new(&db, "Rollups"), incidents, policies.clone(), clock());
        let rollups = Rollups::new(&db, "Rollups");
        let maker =
            DecisionMaker::new(decisions(&db), rollups, FleetStateStore::new(&db, "Incidents"), policies.clone());
        let decide_app = decide::App::new(maker, None, clock());
        let channels_app =
            channels::App::new(channel_manager(&db, sns_config), ReversedTargets, policies.clone(), clock());
        let authentication = &authentication.api;
        let functions = vec![
            Function::new(get_stats::routes(), authentication, stats_app),
            Function::new(log_event::routes(), authentication, log_event::App::new(recorder, system_alerts, clock())),
            Function::new(list_events::routes(), authentication, events_app),
            Function::new(actions::routes(), authentication, actions_app),
            Function::new(incidents::routes(), authentication, incidents_app),
            Function::new(generate_report::routes(), authentication, generate_report::App { generator, reports }),
            Function::new(list_reports::routes(), authentication, reports_app),
            Function::new(credentials::routes(), authentication, credentials_app),
            Function::new(policies::routes(), authentication, policies_app),
            Function::new(decide::routes(), authentication, decide_app),
            Function::new(channels::routes(), authentication, channels_app),
            Function { routes: dashboard::routes().list().collect(), router: dashboard::router(dashboard_app) },
        ];
        Self { functions, token: token.to_owned() }
    }

    /// Returns the same environments, called with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { functions: self.functions.clone(), token: token.to_owned() }
    }

    /// Returns the routes of all functions.
    pub(crate) fn routes(&self) -> Vec<Route> {
        self.functions.iter().flat_map(|function| function.routes.clone()).collect()
    }

    /// Returns the function to which API Gateway would send a request: the one with a route for path and method, else one with
    /// the path, else the first. `/v1` is the mapping key of a custom domain.
    fn function(&self, method: &str, path: &str) -> Router {
        let path = path.split('?').next().unwrap_or_default();
        let path = path.strip_prefix("/v1").unwrap_or(path);
        // The template sends every path below `/dashboard` to the dashboard.
        let path = if path.starts_with("/dashboard/") { "/dashboard" } else { path };
        let has_path = |function: &&Function| function.routes.iter().any(|route| path_matches(route.path, path));
        let has_method = |function: &&&Function| {
            function.routes.iter().any(|route| path_matches(route.path, path) && route.method == method)
        };
        let candidates: Vec<&Function> = self.functions.iter().filter(has_path).collect();
        let function = candidates.iter().find(has_method).or(candidates.last()).copied();
        function.unwrap_or(&self.functions[0]).router.clone()
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> ApiResponse {
        let authorization = format!("Bearer {}", self.token);
        let headers: Vec<_> = headers.iter().copied().chain([("Authorization", authorization.as_str())]).collect();
        self.send_without_token(method, path, &headers, body).await
    }

    /// Sends a request with only these headers, without a token.
    pub(crate) async fn send_without_token(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> ApiResponse {
        let mut request = Request::builder().method(method).uri(path).extension(RequestId::new(REQUEST_ID));
        for (name, value) in headers {
            request = request.header(*name, value.as_bytes());
        }
        let sent = body.len();
        let request = request.body(Body::from(body.to_vec())).unwrap();
        let response = self.function(method, path).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if method == "POST" {
            let largest = (2 * sent + SMALL_RESPONSE_BYTES).min(LAMBDA_RESPONSE_BYTES);
            assert!(body.len() <= largest, "{path}: {} bytes for {sent}", body.len());
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        ApiResponse { status: parts.status.as_u16(), headers: parts.headers, json, body }
    }

    pub(crate) async fn get(&self, path: &str) -> ApiResponse {
        self.send("GET", path, &[], b"").await
    }

    /// Sends a POST request with a JSON body.
    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> ApiResponse {
        self.send("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes()).await
    }

    pub(crate) async fn post(&self, event: &Value, key: Option<&str>) -> ApiResponse {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(key.map(|key| ("Idempotency-Key", key)));
        self.send("POST", "/api/governance/event", &headers, event.to_string().as_bytes()).await
    }
}

impl Function {
    fn new<S: Clone + Send + Sync + 'static>(routes: Routes<S>, authentication: &Authentication, state: S) -> Self {
        Self { routes: routes.list().collect(), router: routes.authenticated(authentication, state) }
    }
}

/// Returns whether `path` matches the route `pattern`, in which `{name}` matches any segment.
fn path_matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    let matches = |(pattern, part): (&&str, &&str)| pattern.starts_with('{') || pattern == part;
    pattern.len() == path.len() && pattern.iter().zip(&path).all(matches)
}

/// The response to a request, read in full.
#[derive(Debug, Clone)]
pub(crate) struct ApiResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) body: String,
}

impl ApiResponse {
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

    /// Returns the name and status of each action in the response.
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

fn credentials_table(config: &SdkConfig) -> Credentials {
    Credentials::new(&DynamoDb::new(config), "Credentials")
}

/// The authentication layers of the functions of the API, and of the dashboard, which has sessions as well.
struct Authentications {
    api: Authentication,
    dashboard: Authentication,
    /// The policy, which is read with the credentials.
    policies: PolicyCache,
}

async fn authentication(config: &SdkConfig, rate: RequestRate, clock: &Arc<ManualClock>) -> Authentications {
    let db = DynamoDb::new(config);
    let alerts = || SystemAlerts::new(&db, "Incidents");
    let ended_sessions = EndedSessionsStore::new(&db, "Incidents");
    let policies = policies(&db);
    let credentials = policies.with_credentials(credentials_table(config));
    let with_sessions = CredentialsWithSessions { credentials: credentials.clone(), ended_sessions };
    Authentications {
        policies,
        api: Authentication::with_alerts(credentials, rate, Arc::clone(clock), alerts()).await,
        dashboard: Authentication::with_alerts(with_sessions, rate, Arc::clone(clock), alerts()).await,
    }
}

fn policies(db: &DynamoDb) -> PolicyCache {
    PolicyCache::with_shadow(Policies::new(db, "Policies")).unwrap()
}

fn events(db: &DynamoDb) -> Events {
    Events::new(db, "Events", RETENTION_DAYS)
}

fn lifecycle(db: &DynamoDb) -> ActionLifecycle {
    let actions = Actions::new(db, "Actions");
    let incidents = IncidentLifecycle::new(IncidentStates::new(db, "Incidents", RETENTION_DAYS), actions.clone());
    ActionLifecycle::new(actions, incidents, Rollups::new(db, "Rollups"))
}

fn policy_simulator(db: &DynamoDb) -> PolicySimulator {
    let rollups = Rollups::new(db, "Rollups");
    PolicySimulator::new(SimulatorTables {
        search: EventSearch::new(events(db), rollups.clone()),
        rollups,
        actions: Actions::new(db, "Actions"),
        incidents: Incidents::new(db, "Incidents"),
        health: SystemHealthStore::new(db, "Incidents"),
        credentials: Credentials::new(db, "Credentials"),
        decisions: Decisions::new(db, "Decisions", RETENTION_DAYS),
        policies: Policies::new(db, "Policies"),
    })
}

fn topic(sns_config: &SdkConfig, name: &str) -> Topic {
    SnsClient::new(sns_config).topic(format!("arn:aws:sns:us-east-1:000000000000:{name}"))
}

fn dispatcher(lifecycle: &ActionLifecycle, policies: &PolicyCache, sns_config: &SdkConfig) -> ActionDispatcher {
    ActionDispatcher::new(topic(sns_config, "actions"), lifecycle, policies)
}

fn channel_manager(db: &DynamoDb, sns_config: &SdkConfig) -> ChannelManager {
    let (channels, deliveries) = (Channels::new(db, "Channels"), Deliveries::new(db, "Deliveries"));
    ChannelManager::new(channels, deliveries, topic(sns_config, "relay"))
}

fn decisions(db: &DynamoDb) -> Decisions {
    Decisions::new(db, "Decisions", RETENTION_DAYS)
}

fn notifier(db: &DynamoDb, lifecycle: &ActionLifecycle, policies: &PolicyCache, sns_config: &SdkConfig) -> Notifier {
    Notifier::new(
        topic(sns_config, "notifications"),
        NotifierStores {
            rate_limiter: EmailRateLimiter::new(db, "Incidents"),
            health: SystemHealthStore::new(db, "Incidents"),
            alerts: SystemAlerts::new(db, "Incidents"),
            events: events(db),
        },
        lifecycle,
        policies,
        None,
    )
}

fn generator(db: &DynamoDb, clock: &Arc<ManualClock>) -> ReportGenerator {
    let policies = policies(db);
    ReportGenerator::new(Rollups::new(db, "Rollups"), Incidents::new(db, "Incidents"), policies, Arc::clone(clock))
}

/// Begins an HTTP client of a test.
pub(crate) fn http_client() -> reqwest::ClientBuilder {
    // Beside agectl, whose client has TLS, reqwest wants to know a library for cryptography. Another test may have chosen it.
    drop(tokio_rustls::rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder()
}

/// Returns the JSON body that reports an event.
pub(crate) fn event(engine: &str, event_type: &str, severity: &str) -> Value {
    serde_json::json!({ "engine": engine, "eventType": event_type, "severity": severity })
}
