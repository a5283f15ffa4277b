//! The consumption of one of each thing, measured in this process; the time of functions is assumed.

use age_model::{ActionStatus, Clock, TopicName};
use serde_json::json;

use super::installation::{MEASURED_BATCH, UnitUsages};
use super::usage::{Resource, Usage};
use super::{Writes, assert_status, decisions, fresh, logs, template};
use crate::world::browser::Browser;
use crate::world::proxy::Units;
use crate::world::receivers::Receivers;
use crate::world::test_credentials::{BILLING, NIGHT_DESK, READER};
use crate::world::test_policies::{activate, largest_policy};
use crate::world::{ApiResponse, World};

/// The minutes of a month of 30 days, in each of which the sweep and the relay run.
const MINUTES: f64 = 30.0 * 24.0 * 60.0;

/// The memory of functions in gigabytes.
const SMALL: f64 = 0.25;
const LARGE: f64 = 0.5;
const SWEEP: f64 = 1769.0 / 1024.0;

/// The time for which Lambda charges, in seconds. It is assumed: calls in line as in the part Latency, of 5 ms to DynamoDB and 25 ms to SNS,
/// and the CPU of a warm request as in the part Cold start, of which a function of 256 MB has a seventh.
const LOW_SECONDS: f64 = 0.015;
const BATCH_SECONDS: f64 = 0.100;
const HIGH_SECONDS: f64 = 0.060;
const CRITICAL_SECONDS: f64 = 0.100;
const OUTCOME_SECONDS: f64 = 0.020;
const DECISION_SECONDS: f64 = 0.020;
const READ_SECONDS: f64 = 0.040;
const VIEW_SECONDS: f64 = 0.060;
const SWEEP_SECONDS: f64 = 0.120;
const RELAY_SECONDS: f64 = 0.030;
/// The channel's server responds meanwhile.
const DELIVERY_SECONDS: f64 = 0.300;

/// The bytes of the line with the metrics that each sweep writes.
const METRICS_LINE_BYTES: f64 = 1_400.0;

/// The metrics of the sweep besides those of each status of an action.
const OTHER_METRICS: f64 = 12.0;

/// The requests to KMS in a month that DynamoDB and SNS make with the keys that AWS manages: one in five minutes for each function and
/// table or topic in use; assumed to be twelve.
const KEY_REQUESTS: f64 = 12.0 * MINUTES / 5.0;

/// The empty requests to the relay's queue in a month: five pollers of Lambda wait for up to 20 seconds each.
const EMPTY_RECEIVES: f64 = 5.0 * 3.0 * MINUTES;

/// The kilobytes of rows that are kept, as assumed: a HIGH event with its action, a CRITICAL event with its two, an incident with its
/// timeline, a decision.
const HIGH_KILOBYTES: f64 = 2.0;
const CRITICAL_KILOBYTES: f64 = 3.0;
const INCIDENT_KILOBYTES: f64 = 5.0;
const DECISION_KILOBYTES: f64 = 1.0;

pub(super) async fn units(writes: &Writes) -> UnitUsages {
    let low = Box::pin(low()).await;
    let in_batch = request(LOW_SECONDS, SMALL)
        .with(Resource::GigabyteSeconds, (BATCH_SECONDS - LOW_SECONDS) * SMALL)
        .with(Resource::LogGigabytes, gigabytes(low.1))
        .times(1.0 / MEASURED_BATCH)
        .with(Resource::WriteUnits, writes.in_batch[2]);
    let high = &writes.high;
    let later = [&high.outcome, &high.postponed, &high.verified].map(capacity);
    let outcome = request(OUTCOME_SECONDS, LARGE).with(Resource::LogGigabytes, gigabytes(low.1));
    let (critical, incident) = Box::pin(incident(&writes.idle)).await;
    UnitUsages {
        installation: Box::pin(installation(&writes.idle)).await,
        engine: engine(&writes.idle).await,
        low: kept(capacity(&low.0), 1.0)
            .plus(request(LOW_SECONDS, SMALL))
            .with(Resource::LogGigabytes, gigabytes(low.1)),
        low_in_batch: kept(in_batch, 1.0),
        high: kept(high_request().await, HIGH_KILOBYTES).plus(outcome).plus(later.into_iter().sum()),
        critical,
        incident,
        kilobyte: kept(Usage::default().with(Resource::WriteUnits, further_kilobyte().await), 1.0),
        decision: decision().await,
        view: view().await,
        read: read().await,
        delivery: Box::pin(delivery()).await,
    }
}

fn gigabytes(bytes: f64) -> f64 {
    bytes / 1e9
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn capacity(units: &Units) -> Usage {
    Usage::default().with(Resource::WriteUnits, units.written).with(Resource::ReadUnits, units.read)
}

/// Returns a request to the API without its capacity and the function's own log lines.
fn request(seconds: f64, memory: f64) -> Usage {
    invocation(seconds, memory)
        .with(Resource::Requests, 1.0)
        .with(Resource::LogGigabytes, gigabytes(logs::bytes_of_api()))
}

fn invocation(seconds: f64, memory: f64) -> Usage {
    Usage::default()
        .with(Resource::Invocations, 1.0)
        .with(Resource::GigabyteSeconds, seconds * memory)
        .with(Resource::Traces, 1.0)
        .with(Resource::LogGigabytes, gigabytes(logs::bytes_of_lambda()))
}

/// Adds rows of `kilobytes`, of which one is an event's, which is in its index as well.
fn kept(usage: Usage, kilobytes: f64) -> Usage {
    usage.with(Resource::TableGigabytes, kilobytes / 1e6).with(Resource::IndexGigabytes, 1.0 / 1e6)
}

/// Returns the capacity that `work` consumes, the bytes of the functions' log lines, and its result.
async fn metered<T>(world: &World, work: impl Future<Output = T>) -> (Units, f64, T) {
    let (bytes, (units, result)) = logs::bytes_of(world.dynamodb.measure_units(work)).await;
    (units, bytes, result)
}

/// Returns what a request consumes, and its response.
async fn metered_request(
    world: &World,
    (seconds, memory): (f64, f64),
    work: impl Future<Output = ApiResponse>,
) -> (Usage, ApiResponse) {
    let before = world.sns.published_topics().len();
    let (units, bytes, response) = metered(world, work).await;
    let messages = world.sns.published_topics().len() - before;
    let usage = capacity(&units).plus(request(seconds, memory)).with(Resource::LogGigabytes, gigabytes(bytes));
    (usage.with(Resource::Messages, number(messages)), response)
}

async fn low() -> (Units, f64) {
    let world = World::new().await;
    assert_status(&world.post(&fresh(&world, "LOW", 0)).await, 201);
    let (units, bytes, response) = metered(&world, world.post(&fresh(&world, "LOW", 600))).await;
    assert_status(&response, 201);
    (units, bytes)
}

async fn high_request() -> Usage {
    let world = World::new().await;
    world.sweep().await;
    let (usage, response) =
        metered_request(&world, (HIGH_SECONDS, SMALL), world.post(&fresh(&world, "HIGH", 600))).await;
    assert_status(&response, 201);
    usage
}

async fn further_kilobyte() -> f64 {
    super::one(1500, "LOW", false).await.written - super::one(600, "LOW", false).await.written
}

/// Measures a CRITICAL event of an open incident; and an incident: its event, the outcome of its action, an e-mail about the other event,
/// and the person who acknowledges and resolves it.
async fn incident(idle: &Units) -> (Usage, Usage) {
    let world = World::new().await;
    world.sweep().await;
    let critical = fresh(&world, "CRITICAL", 600);
    let post = || metered_request(&world, (CRITICAL_SECONDS, SMALL), world.post(&critical));
    let (mut incident, response) = post().await;
    assert_status(&response, 201);
    let (again, repeated) = post().await;
    assert_status(&repeated, 201);
    let outcome = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", response.text("/id"));
    let worker = world.as_caller(BILLING);
    let succeeded = json!({ "outcome": "succeeded" });
    let (usage, response) =
        metered_request(&world, (OUTCOME_SECONDS, LARGE), worker.post_json(&outcome, &succeeded)).await;
    assert_status(&response, 200);
    incident = incident.plus(usage);
    let incidents = world.get("/api/governance/incidents").await;
    let path = format!("/api/governance/incidents/{}", incidents.text("/incidents/0/id"));
    let responder = world.as_caller(NIGHT_DESK);
    for (minutes, change) in [(1, None), (5, None), (4, Some("acknowledge")), (60, None), (1, Some("resolve"))] {
        world.clock.advance(60 * minutes);
        let before = world.sns.published_topics().len();
        let (units, _) = world.dynamodb.measure_units(Box::pin(world.sweep())).await;
        let messages = number(world.sns.published_topics().len() - before);
        incident = incident
            .with(Resource::WriteUnits, units.written - idle.written)
            .with(Resource::ReadUnits, units.read - idle.read)
            .with(Resource::Messages, messages);
        if let Some(change) = change {
            let (path, body) = (format!("{path}/{change}"), json!({}));
            let change = responder.post_json(&path, &body);
            let (usage, response) = metered_request(&world, (OUTCOME_SECONDS, LARGE), change).await;
            assert_status(&response, 200);
            incident = incident.plus(usage);
        }
    }
    let emails = world.sns.published("notifications").len();
    assert_eq!(emails, 2, "the initial e-mail and the one about the other event");
    let emails = number(emails);
    // Each e-mail goes through the relay's queue as well: it is stored there, received and deleted.
    let relayed = invocation(RELAY_SECONDS, SMALL).with(Resource::QueueRequests, 3.0).times(emails);
    let incident = incident.plus(relayed).with(Resource::Emails, emails);
    (kept(again, CRITICAL_KILOBYTES), kept(incident, CRITICAL_KILOBYTES + INCIDENT_KILOBYTES))
}

/// Measures a month without events: sweeps, runs of the relay, and what is deployed.
async fn installation(idle: &Units) -> Usage {
    let world = World::new().await;
    world.sweep().await;
    world.clock.advance(60);
    let (sweep_bytes, _) = logs::bytes_of(Box::pin(world.sweep())).await;
    let relay = world.relay(&Receivers::new(&world.clock));
    let (relay_units, relay_bytes, run) = metered(&world, Box::pin(relay.run())).await;
    run.unwrap();
    let sweep = invocation(SWEEP_SECONDS, SWEEP)
        .plus(capacity(idle))
        .with(Resource::LogGigabytes, gigabytes(sweep_bytes + METRICS_LINE_BYTES))
        .with(Resource::Messages, number(TopicName::ALL.len()));
    let relay = invocation(RELAY_SECONDS, SMALL)
        .plus(capacity(&relay_units))
        .with(Resource::LogGigabytes, gigabytes(relay_bytes));
    let metrics = number(ActionStatus::ALL.len()) + OTHER_METRICS;
    sweep
        .plus(relay)
        .with(Resource::ScheduledInvocations, 2.0)
        .times(MINUTES)
        .with(Resource::Metrics, metrics)
        .with(Resource::Alarms, template::count("AWS::CloudWatch::Alarm"))
        .with(Resource::Keys, template::count("AWS::KMS::Key"))
        .with(Resource::KeyRequests, KEY_REQUESTS)
        .with(Resource::QueueRequests, EMPTY_RECEIVES)
}

/// Measures what the sweep consumes in a month for each further engine.
async fn engine(idle: &Units) -> Usage {
    let world = World::new().await;
    let policy = largest_policy();
    activate(&policy, &world.db(), world.clock.as_ref()).await;
    world.sweep().await;
    world.clock.advance(60);
    let (largest, _) = world.dynamodb.measure_units(Box::pin(world.sweep())).await;
    let further = number(policy.engines.len()) - 8.0;
    Usage::default().with(Resource::ReadUnits, (largest.read - idle.read) / further).times(MINUTES)
}

async fn decision() -> Usage {
    let [decision, ..] = decisions().await;
    let kept = Usage::default()
        .with(Resource::TableGigabytes, DECISION_KILOBYTES / 1e6)
        .with(Resource::IndexGigabytes, 0.2 * DECISION_KILOBYTES / 1e6);
    let world = World::new().await;
    world.sweep().await;
    let request_body = json!({
        "subject": { "type": "engine", "id": "billing" }, "action": { "name": "view" },
        "resource": { "type": "account", "id": "4711" }, "context": { "amount": 20 },
    });
    let engine = world.as_caller(BILLING);
    let (_, bytes, response) = metered(&world, engine.post_json("/access/v1/evaluation", &request_body)).await;
    assert_status(&response, 200);
    kept.plus(capacity(&decision)).plus(request(DECISION_SECONDS, LARGE)).with(Resource::LogGigabytes, gigabytes(bytes))
}

/// Measures the overview of the dashboard in a warm environment, in a system in which every hour of 30 days has events.
async fn view() -> Usage {
    let world = World::new().await;
    world.fill_every_hour(32).await;
    let mut browser = Browser::signed_in(&world, READER).await.in_new_environment().await;
    assert_status(&browser.get("/dashboard").await, 200);
    let (usage, page) = metered_request(&world, (VIEW_SECONDS, LARGE), browser.get("/dashboard")).await;
    assert_status(&page, 200);
    usage.with(Resource::SentGigabytes, gigabytes(number(page.body.len())))
}

/// Measures statistics in a warm environment of the same system.
async fn read() -> Usage {
    let world = World::new().await;
    world.fill_every_hour(32).await;
    let api = world.new_environment().await;
    assert_status(&api.get("/api/governance/stats").await, 200);
    let (usage, response) = metered_request(&world, (READ_SECONDS, SMALL), api.get("/api/governance/stats")).await;
    assert_status(&response, 200);
    usage.with(Resource::SentGigabytes, gigabytes(number(response.body.len())))
}

/// Measures the delivery of a message to a channel.
async fn delivery() -> Usage {
    let world = World::new().await;
    let relay = world.relay(&Receivers::new(&world.clock));
    let channel = json!({ "name": "ops", "kind": "slack", "url": "https://slack.example.com/services/T0/B0/path" });
    assert_status(&world.post_json("/api/governance/channels", &channel).await, 201);
    relay.run().await.unwrap();
    let message = json!({ "schemaVersion": 1, "type": "notification", "incidents": [{
        "kind": "initial", "id": "billing.1795403565000.order_failed", "engine": "billing", "eventType": "order_failed",
        "severity": "CRITICAL", "status": "open", "cause": "critical_event", "openedAt": "2026-11-23T00:05:00.000Z",
        "eventCount": 1, "newEventCount": 1, "failedRemediationCount": 0,
    }]});
    let work = Box::pin(async {
        relay.queue(&message.to_string(), world.clock.now()).await.unwrap();
        relay.work_off().await.unwrap();
    });
    let (units, bytes, ()) = metered(&world, work).await;
    capacity(&units)
        .with(Resource::GigabyteSeconds, DELIVERY_SECONDS * SMALL)
        .with(Resource::LogGigabytes, gigabytes(bytes))
}
