//! What it costs to start a function and have it answer: each bootstrap of `make build`, spawned anew many times.

mod aws;
mod function;
mod process;
mod runtime_api;
mod tls;

use std::path::Path;
use std::sync::Arc;

use age_model::{Clock as _, ManualClock, Timestamp};
use age_store::{Credentials, DynamoDb};
use serde_json::Value;

use crate::figure::{Figure, Part, Table, median, rounded};
use crate::world::{tables, test_credentials};
use function::{FUNCTIONS, Function, HELLO};
use process::Process;
use runtime_api::RuntimeApi;

/// Each function is started so many times over each way to AWS; what is shown are medians.
const SPAWNS: usize = 15;

/// Requests to one environment after the first.
const WARM: usize = 20;

/// What one spawn took: CPU in milliseconds of all threads, wall time in milliseconds, memory in megabytes.
struct Spawn {
    cpu_to_next: f64,
    wall_to_next: f64,
    cpu_of_first: f64,
    cpu_warm: f64,
    peak: f64,
}

/// Medians over the spawns of a function.
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

/// Measures it on the bootstraps under `root`.
pub(crate) async fn measure(root: &Path) -> Part {
    let bench = Bench::start(root).await;
    let plain = bench.all("http").await;
    let tls = bench.all("https").await;
    let zips = zips(root);
    let (hello, log_event) = (of(&tls, "hello"), of(&tls, "log-event"));
    let largest = zips.iter().map(|(_, bytes)| *bytes).fold(0.0, f64::max);
    let peak = tls.iter().chain(&plain).map(|medians| medians.peak).fold(0.0, f64::max);
    let ratio = |log_event: &Medians, hello: &Medians| log_event.cpu_to_answer() / hello.cpu_to_answer();
    let figures = vec![
        Figure::limited("CPU to the first answer of `log-event`, HTTPS", ratio(log_event, hello), "× hello", 6.0),
        Figure::limited(
            "CPU to the first answer of `log-event`, HTTP",
            ratio(of(&plain, "log-event"), of(&plain, "hello")),
            "× hello",
            6.0,
        ),
        Figure::limited("CPU of the first write after init, HTTPS", log_event.cpu_of_first, "ms", 1.5),
        Figure::limited("CPU of a warm write, HTTPS", log_event.cpu_warm, "ms", 1.0),
        Figure::limited("largest zip", largest, "MB", 2.5),
        Figure::limited("largest peak of memory", peak, "MB", 16.0),
    ];
    let tables = vec![
        table("To AWS over HTTPS, as on Lambda", &tls, Some(&zips)),
        table("To AWS over plain HTTP, as on the local stack", &plain, None),
    ];
    Part {
        title: "Cold start",
        how: include_str!("cold_start/how.md"),
        figures,
        tables,
        learned: include_str!("cold_start/learned.md"),
    }
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
            if medians.function.once { String::new() } else { ms(medians.cpu_warm) },
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

/// The size of each function's zip in megabytes, as `make build` has found it.
fn zips(root: &Path) -> Vec<(String, f64)> {
    let found = std::fs::read(root.join("target/lambda/zips.json")).expect("`make build` measures the zips");
    let found: Value = serde_json::from_slice(&found).unwrap();
    let megabytes = |bytes: &Value| bytes.as_f64().unwrap() / 1e6;
    found.as_object().unwrap().iter().map(|(name, bytes)| (name.clone(), megabytes(bytes))).collect()
}

/// An AWS to call, and those who call.
struct Bench<'a> {
    root: &'a Path,
    http: String,
    https: String,
    /// What signs in.
    token: String,
    trusted: String,
}

impl<'a> Bench<'a> {
    async fn start(root: &'a Path) -> Self {
        let (dynamodb, _) = tables::start_dynamodb().await;
        let clock = Arc::new(ManualClock::at(now()));
        let config = age_runtime::aws::local(&dynamodb);
        let tokens = test_credentials::create(&Credentials::new(&DynamoDb::new(&config), "Credentials"), &clock).await;
        let address = aws::start(dynamodb).await;
        let (https, certificate) = tls::before(address.clone()).await;
        let trusted = root.join("target/bench-root.pem").display().to_string();
        std::fs::write(&trusted, certificate).unwrap();
        Self { root, http: format!("http://{address}"), https, token: tokens[test_credentials::TESTS].clone(), trusted }
    }

    /// Each function in turn, again and again, so that what else the machine does hits all alike.
    async fn all(&self, way: &str) -> Vec<Medians<'static>> {
        let functions: Vec<&Function> = [&HELLO].into_iter().chain(&FUNCTIONS).collect();
        let mut spawns: Vec<Vec<Spawn>> = functions.iter().map(|_| Vec::new()).collect();
        for round in 1..=SPAWNS {
            println!("Cold start over {way}, round {round} of {SPAWNS}");
            for (function, spawns) in functions.iter().zip(&mut spawns) {
                spawns.push(self.spawn(function, way).await);
            }
        }
        let medians = |(function, spawns): (&&'static Function, &Vec<Spawn>)| {
            let of = |value: fn(&Spawn) -> f64| median(spawns.iter().map(value).collect());
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

    async fn spawn(&self, function: &Function, way: &str) -> Spawn {
        let mut api = RuntimeApi::start().await;
        let endpoint = if way == "https" { &self.https } else { &self.http };
        let environment = function::environment(&api.address, endpoint, &self.trusted, function.name);
        let bootstrap = self.root.join("target/lambda").join(function.name).join("bootstrap");
        let process = Process::start(&bootstrap, &environment);
        api.ready().await;
        let wall_to_next = process.started.elapsed().as_secs_f64() * 1000.0;
        let cpu_to_next = process.cpu().await;
        let mut before = cpu_to_next;
        let (mut costs, times) = (Vec::new(), if function.once { 1 } else { 1 + WARM });
        for _ in 0..times {
            let response = api.invoke(function.event(&self.token)).await;
            function.check(&response);
            api.ready().await;
            let after = process.cpu().await;
            costs.push(after - before);
            before = after;
        }
        let cpu_of_first = costs.remove(0);
        let cpu_warm = if costs.is_empty() { f64::NAN } else { median(costs) };
        Spawn { cpu_to_next, wall_to_next, cpu_of_first, cpu_warm, peak: process.peak() }
    }
}

fn now() -> Timestamp {
    age_runtime::SystemClock::default().now()
}
