//! The calls of AWS that requests make, and how many of them are in line. The figures are exact: a request that needs more is slower
//! for every caller.

use std::time::Duration;

use crate::world::World;
use crate::world::test_policies::with_transfers_that_need_approval;
use crate::world::timed_requests::TimedRequest;

/// Long enough that calls that are made together overlap, on a busy machine as well.
const LATENCY: Duration = Duration::from_millis(150);

/// Returns the number of calls of a request, and how many of them are in line.
const fn expected(request: TimedRequest) -> (usize, usize) {
    match request {
        TimedRequest::LowEvent => (1, 1),
        TimedRequest::HighEvent => (4, 4),
        TimedRequest::CriticalEvent => (9, 5),
        TimedRequest::CriticalAgain => (4, 3),
        TimedRequest::Replay | TimedRequest::Outcome | TimedRequest::Decision => (2, 2),
        TimedRequest::Statistics => (11, 1),
        TimedRequest::List => (11, 2),
        TimedRequest::Actions => (19, 2),
        TimedRequest::Overview => (26, 2),
        TimedRequest::DecisionWithApproval => (3, 2),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_make_exactly_these_calls_in_line() {
    let world = World::with_policy(&with_transfers_that_need_approval()).await;
    world.sweep().await;
    world.calls.add_latency(LATENCY, LATENCY);
    let mut wrong = Vec::new();
    for (kind, request) in TimedRequest::ALL.into_iter().enumerate() {
        let api = world.new_environment().await;
        // In an environment that has just been initialized, and in a warm one.
        for state in ["new", "warm"] {
            let calls = request.send(&world, &api, 10 * kind + usize::from(state == "warm")).await;
            assert!(calls.took() >= calls.in_calls() && calls.in_calls() >= calls.added(), "{calls:?}");
            let measured = (calls.len(), calls.depth());
            if measured != expected(request) {
                let operations = calls.operations();
                wrong.push(format!("{}, {state}: {measured:?}: {operations}", request.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "(calls, calls in line) are not as expected:\n{}", wrong.join("\n"));
}
