//! The cost of a cold start: each bootstrap of `make build` is started many times and sent requests.

mod aws;
mod function;
mod process;
mod runtime_api;

use std::path::Path;
use std::sync::Arc;

use age_model::{Clock as _, DashboardSession, ManualClock, Timestamp};
use age_policy::Policy;
use age_store::{Credentials, DynamoDb};
use serde_json::Value;

use crate::figure::{Figure, Part, Table, median, rounded};
use crate::world::proxy::Proxy;
use crate::world::test_policies::{activate, largest_policy};
use crate::world::{tables, test_credentials, tls};
use function::{FUNCTIONS, Function, HELLO, OF_LARGEST_POLICY};
use process::Process;
use runtime_api::RuntimeApi;

/// How many times each function is started for each kind of connection to AWS. The tables show medians.
const STARTS: usize = 15;

/// How many requests one environment gets after the first.
const WARM_REQUESTS: usize = 22;

/// How many guardrails a policy may have.
const GUARDRAILS: usize = 200;

/// The limit of a warm request: the 1 ms that it was, on the machine on which a warm `hello` took 0.22 ms.
const WARM_LIMIT: f64 = 4.5;

/// The cost of one start: CPU time of all threads and wall time in milliseconds, memory in megabytes.
struct StartCost {
    cpu_to_next: f64,
    wall_to_next: f64,
    cpu_of_first: f64,
    cpu_warm: f64,
    peak: f64,
}

/// Medians over the starts of a function.
struct Medians<'a> {
    function: &'a Function,
    cpu_to_next: f64,
    wall_to_next: f64,
    cpu_of_first: f64,
    cpu_warm: f64,
    peak: f64,
}

impl Medians<'_> {
    fn cpu_to_answer(&self) -> f64 {
        self.cpu_to_next + self.cpu_of_first
    }
}

/// Measures the bootstraps in `root`.
pub(crate) async fn measure(root: &Path) -> Part {
    let bench = Bench::start(root, None).await;
    let plain = bench.measure_functions("http", &FUNCTIONS).await;
    let tls = bench.measure_functions("https", &FUNCTIONS).await;
    let bench = Bench::start(root, Some(&with_guardrails(largest_policy()))).await;
    let largest_policy = bench.measure_functions("https", &OF_LARGEST_POLICY).await;
    let zips = zips(root);
    let (hello, log_event) = (of(&tls, "hello"), of(&tls, "log-event"));
    let zip_of = |name: &str| zips.iter().find(|(other, _)| other == name).map_or(0.0, |(_, bytes)| *bytes);
    let has_own_limit = |name: &str| ["dashboard", "sweep"].contains(&name);
    let largest = zips.iter().filter(|(name, _)| !has_own_limit(name)).map(|(_, bytes)| *bytes).fold(0.0, f64::max);
    let peak = tls.iter().chain(&plain).chain(&largest_policy).map(|medians| medians.peak).fold(0.0, f64::max);
    let ratio = |log_event: &Medians, hello: &Medians| log_event.cpu_to_answer() / hello.cpu_to_answer();
    let figures = vec![
        Figure::limited("CPU to the first answer of `log-event`, HTTPS", ratio(log_event, hello), "× hello", 6.0),
        Figure::limited(
            "CPU to the first answer of `log-event`, HTTP",
            ratio(of(&plain, "log-event"), of(&plain, "hello")),
            "× hello",
            6.0,
        ),
        Figure::limited(
            "the same with 64 engines and 200 rules, HTTPS",
            ratio(of(&largest_policy, "log-event"), of(&largest_policy, "hello")),
            "× hello",
            6.0,
        ),
        Figure::limited("CPU of the first write after init, HTTPS", log_event.cpu_of_first, "ms", 1.5),
        Figure::limited("CPU of a warm write, HTTPS", warm(&tls, "log-event"), "× hello", WARM_LIMIT),
        Figure::limited(
            "the same with 64 engines and 200 rules",
            warm(&largest_policy, "log-event"),
            "× hello",
            WARM_LIMIT,
        ),
        Figure::limited("CPU of a warm decision, HTTPS", warm(&tls, "decide"), "× hello", WARM_LIMIT),
        Figure::limited(
            "the same with 64 engines, 200 rules and 200 guardrails",
            warm(&largest_policy, "decide"),
            "× hello",
            WARM_LIMIT,
        ),
        Figure::limited("zip of `log-event`", zip_of("log-event"), "MB", 2.5),
        Figure::limited("zip of the dashboard", zip_of("dashboard"), "MB", 3.1),
        Figure::limited("zip of `decide`", zip_of("decide"), "MB", 2.5),
        Figure::limited("zip of `sweep`", zip_of("sweep"), "MB", 2.6),
        Figure::limited("largest of the other zips", largest, "MB", 2.5),
        Figure::limited("largest peak of memory", peak, "MB", 16.0),
    ];
    let tables = vec![
        table("To AWS over HTTPS, as on Lambda", &tls, Some(&zips)),
        table("To AWS over plain HTTP, as on the local stack", &plain, None),
        table("With a policy of 64 engines and 200 rules, over HTTPS", &largest_policy, None),
    ];
    Part {
        title: "Cold start",
        how: include_str!("cold_start/how.md"),
        figures,
        tables,
        learned: include_str!("cold_start/learned.md"),
    }
}

/// Returns the CPU time of a warm request of the function `name`, as a multiple of that of `hello`.
fn warm(all: &[Medians], name: &str) -> f64 {
    of(all, name).cpu_warm / of(all, "hello").cpu_warm
}

/// Returns `policy` with 200 guardrails, each with conditions on the request and on the state of the fleet. The last one allows what the
/// benchmark asks for.
fn with_guardrails(mut policy: Policy) -> Policy {
    let guardrail = |number: usize| {
        let (verdict, action) = if number == GUARDRAILS { ("allow", "read") } else { ("deny", "write") };
        let rule = serde_json::json!({
            "id": format!("rule_{number:03}"), "verdict": verdict, "message": format!("rule {number} decides"),
            "match": { "action": { "name": { "equals": action } }, "resource": { "id": { "prefix": "record" } } },
            "state": { "open_incident": { "severity": "CRITICAL", "unacknowledged": true } },
        });
        serde_json::from_value(rule).unwrap()
    };
    policy.guardrails = (1..=GUARDRAILS).map(guardrail).collect();
    policy.validate().unwrap();
    policy
}

fn of<'a>(all: &'a [Medians<'a>], name: &str) -> &'a Medians<'a> {
    all.iter().find(|medians| medians.function.name == name).unwrap()
}

fn table(title: &'static str, all: &[Medians], zips: Option<&[(String, f64)]>) -> Table {
    let mut headings = vec![
        "function",
        "CPU to ready",
        "CPU of the first answer",
        "both",
        "× hello",
        "CPU warm",
        "wall to ready",
        "peak memory",
    ];
    let hello = of(all, "hello").cpu_to_answer();
    let row = |medians: &Medians| {
        let ms = |value| format!("{} ms", rounded(value));
        let mut row = vec![
            format!("`{}`", medians.function.name),
            ms(medians.cpu_to_next),
            ms(medians.cpu_of_first),
            ms(medians.cpu_to_answer()),
            rounded(medians.cpu_to_answer() / hello),
            ms(medians.cpu_warm),
            ms(medians.wall_to_next),
            format!("{} MB", rounded(medians.peak)),
        ];
        let zip = |zips: &[(String, f64)]| zips.iter().find(|(name, _)| name == medians.function.name).unwrap().1;
        row.extend(zips.map(|zips| format!("{} MB", rounded(zip(zips)))));
        row
    };
    let rows = all.iter().map(row).collect();
    headings.extend(zips.map(|_| "zip"));
    Table { title, headings, rows }
}

/// Returns the size of each function's zip in megabytes, which `make build` has written.
fn zips(root: &Path) -> Vec<(String, f64)> {
    let found = std::fs::read(root.join("target/lambda/zips.json"))
        .expect("the sizes of the zips are missing: run `make build`");
    let found: Value = serde_json::from_slice(&found).unwrap();
    let megabytes = |bytes: &Value| bytes.as_f64().unwrap() / 1e6;
    found.as_object().unwrap().iter().map(|(name, bytes)| (name.clone(), megabytes(bytes))).collect()
}

/// A fake AWS, over HTTP and HTTPS, and a token for requests.
struct Bench<'a> {
    root: &'a Path,
    http: String,
    https: String,
    /// An admin's token.
    token: String,
    /// A session of the same admin, sealed.
    session: String,
    trusted: String,
}

impl<'a> Bench<'a> {
    async fn start(root: &'a Path, policy: Option<&Policy>) -> Self {
        let dynamodb = Proxy::start(tables::create_database(), Arc::default()).await.url;
        let clock = Arc::new(ManualClock::at(now()));
        let config = age_runtime::aws::local(&dynamodb);
        let credentials = Credentials::new(&DynamoDb::new(&config), "Credentials");
        let mut tokens = test_credentials::create(&credentials, &clock).await;
        let token = tokens.remove(test_credentials::TESTS).unwrap();
        let session = DashboardSession::start(&token.parse().unwrap(), clock.as_ref());
        let session = test_credentials::seal(&credentials, &session).await;
        if let Some(policy) = policy {
            activate(policy, &DynamoDb::new(&config), clock.as_ref()).await;
        }
        let address = aws::start(dynamodb).await;
        let (https, certificate) = tls::start_proxy(address.clone()).await;
        let trusted = root.join("target/bench-root.pem").display().to_string();
        std::fs::write(&trusted, certificate).unwrap();
        Self { root, http: format!("http://{address}"), https, token, session, trusted }
    }

    /// Starts each function in turn, in rounds, so that load on the machine affects all alike.
    async fn measure_functions(&self, scheme: &str, functions: &'static [Function]) -> Vec<Medians<'static>> {
        let functions: Vec<&Function> = [&HELLO].into_iter().chain(functions).collect();
        let mut spawns: Vec<Vec<StartCost>> = functions.iter().map(|_| Vec::new()).collect();
        for round in 1..=STARTS {
            println!("Cold start over {scheme}, round {round} of {STARTS}");
            for (function, spawns) in functions.iter().zip(&mut spawns) {
                spawns.push(self.start_function(function, scheme).await);
            }
        }
        let medians = |(function, spawns): (&&'static Function, &Vec<StartCost>)| {
            let of = |value: fn(&StartCost) -> f64| median(spawns.iter().map(value).collect());
            Medians {
                function,
                cpu_to_next: of(|spawn| spawn.cpu_to_next),
                wall_to_next: of(|spawn| spawn.wall_to_next),
                cpu_of_first: of(|spawn| spawn.cpu_of_first),
                cpu_warm: of(|spawn| spawn.cpu_warm),
                peak: of(|spawn| spawn.peak),
            }
        };
        functions.iter().zip(&spawns).map(medians).collect()
    }

    async fn start_function(&self, function: &Function, scheme: &str) -> StartCost {
        let mut api = RuntimeApi::start().await;
        let endpoint = if scheme == "https" { &self.https } else { &self.http };
        let environment = function::environment(&api.address, endpoint, &self.trusted, function.name);
        let bootstrap = self.root.join("target/lambda").join(function.name).join("bootstrap");
        let process = Process::start(&bootstrap, &environment);
        api.ready().await;
        let wall_to_next = process.started.elapsed().as_secs_f64() * 1000.0;
        let cpu_to_next = process.cpu().await;
        let mut before = cpu_to_next;
        let mut costs = Vec::new();
        for _ in 0..=WARM_REQUESTS {
            let response = api.invoke(function.event(&self.token, &self.session)).await;
            function.assert_succeeded(&response);
            api.ready().await;
            let after = process.cpu().await;
            costs.push(after - before);
            before = after;
        }
        let cpu_of_first = costs.remove(0);
        StartCost { cpu_to_next, wall_to_next, cpu_of_first, cpu_warm: median(costs), peak: process.peak() }
    }
}

fn now() -> Timestamp {
    age_runtime::SystemClock::default().now()
}
