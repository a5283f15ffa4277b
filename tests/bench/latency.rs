//! How long requests take when every call of AWS does: their calls, how many are in line, and p50 and p99.

use std::time::Duration;

use crate::figure::{Figure, Part, Table, rounded};
use crate::world::test_policies::with_transfers_that_need_approval;
use crate::world::timed_requests::TimedRequest;
use crate::world::{Api, World};

/// The latency that is added to each call of DynamoDB, and of SNS.
const ADDED: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(25)];

/// How often each request is made, in new environments and in a warm one.
const REQUESTS: usize = 100;

/// How much longer than its calls of AWS a request may take, in milliseconds.
const OWN_MILLIS: f64 = 10.0;

/// The most calls in line. None: the request has no limit.
const fn limit(request: TimedRequest) -> Option<u32> {
    match request {
        TimedRequest::LowEvent | TimedRequest::Statistics => Some(1),
        TimedRequest::Replay
        | TimedRequest::List
        | TimedRequest::Actions
        | TimedRequest::Overview
        | TimedRequest::Decision => Some(2),
        TimedRequest::Outcome => Some(3),
        TimedRequest::HighEvent => Some(4),
        TimedRequest::CriticalEvent => Some(5),
        TimedRequest::CriticalAgain => Some(6),
        TimedRequest::DecisionWithApproval => None,
    }
}

/// The measurements of one kind of request in one kind of environment.
struct Latency {
    request: TimedRequest,
    is_warm: bool,
    calls: usize,
    /// The calls in line, median: calls that are made together overlap, unless the machine is late by the latency of one.
    depth: usize,
    p50: f64,
    p99: f64,
    /// The time of a request in which none of its calls was in progress, in milliseconds, p99.
    own_p99: f64,
    /// The time of a request beyond the latency that was added to it, in milliseconds, p99.
    not_added_p99: f64,
}

/// Measures every kind of request.
pub(crate) async fn measure() -> Part {
    let mut all = Vec::new();
    for request in TimedRequest::ALL {
        for is_warm in [false, true] {
            all.push(Latency::measure(request, is_warm).await);
        }
        println!("{}", request.name());
    }
    let mut figures = Vec::new();
    for of_request in all.chunks_exact(2) {
        let request = of_request[0].request;
        let depth = of_request.iter().map(|it| it.depth).max().unwrap_or_default();
        let depth = f64::from(u32::try_from(depth).unwrap());
        let name = format!("{}: calls in line", request.name());
        figures.push(Figure { name, value: depth, unit: "calls", limit: limit(request).map(f64::from) });
    }
    let largest = |of: fn(&Latency) -> f64| all.iter().map(of).fold(0.0, f64::max);
    let own = largest(|it| it.own_p99);
    figures.push(Figure::limited("p99 of any request beyond its calls of AWS", own, "ms", OWN_MILLIS));
    let (name, value) = ("the same, with the time of the local DynamoDB", largest(|it| it.not_added_p99));
    figures.push(Figure { name: name.to_owned(), value, unit: "ms", limit: None });
    Part {
        title: "Latency",
        how: include_str!("latency/how.md"),
        figures,
        tables: vec![table(&all)],
        learned: include_str!("latency/learned.md"),
    }
}

impl Latency {
    async fn measure(request: TimedRequest, is_warm: bool) -> Self {
        let world = World::with_policy(&with_transfers_that_need_approval()).await;
        world.sweep().await;
        world.calls.add_latency(ADDED[0], ADDED[1]);
        let warm = world.new_environment().await;
        if is_warm {
            request.send(&world, &warm, REQUESTS).await;
        }
        let (mut calls, mut depths) = (0, Vec::new());
        let (mut millis, mut own, mut not_added) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..REQUESTS {
            let api: Api = if is_warm { warm.clone() } else { world.new_environment().await };
            let chain = request.send(&world, &api, number).await;
            calls = calls.max(chain.len());
            depths.push(chain.depth());
            millis.push(1000.0 * chain.took().as_secs_f64());
            own.push(1000.0 * chain.took().saturating_sub(chain.in_calls()).as_secs_f64());
            not_added.push(1000.0 * chain.took().saturating_sub(chain.added()).as_secs_f64());
        }
        depths.sort_unstable();
        Self {
            request,
            is_warm,
            calls,
            depth: depths[depths.len() / 2],
            p50: percentile(&mut millis, 50),
            p99: percentile(&mut millis, 99),
            own_p99: percentile(&mut own, 99),
            not_added_p99: percentile(&mut not_added, 99),
        }
    }
}

/// Returns the smallest value that `percent` of `values` do not exceed.
fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent).div_ceil(100) - 1]
}

fn table(all: &[Latency]) -> Table {
    let row = |it: &Latency| {
        vec![
            it.request.name().to_owned(),
            if it.is_warm { "warm" } else { "new" }.to_owned(),
            it.calls.to_string(),
            it.depth.to_string(),
            format!("{} ms", rounded(it.p50)),
            format!("{} ms", rounded(it.p99)),
            format!("{} ms", rounded(it.own_p99)),
            format!("{} ms", rounded(it.not_added_p99)),
        ]
    };
    Table {
        title: "Each request, 100 times",
        headings: vec![
            "request",
            "environment",
            "calls",
            "in line",
            "p50",
            "p99",
            "p99 beyond its calls",
            "beyond the added latency",
        ],
        rows: all.iter().map(row).collect(),
    }
}
