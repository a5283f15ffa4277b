//! The calculator of what an installation costs: the benchmark has it, and its tests run here.
#![expect(dead_code, reason = "the benchmark uses what these tests do not")]

#[path = "../bench/cost/installation.rs"]
mod installation;
#[path = "../bench/cost/prices.rs"]
mod prices;
#[path = "../bench/cost/usage.rs"]
mod usage;

use installation::{Installation, UnitUsages};
use usage::{Resource, Usage};

fn assert_near(value: f64, expected: f64) {
    assert!((value - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{value} is not {expected}");
}

#[test]
fn every_resource_has_a_price_and_a_line_in_the_bill() {
    let names: std::collections::BTreeSet<_> = Resource::ALL.iter().map(|resource| resource.name()).collect();
    assert_eq!(names.len(), Resource::ALL.len());
    for resource in Resource::ALL {
        assert!(Usage::default().with(resource, 1.0).dollars_of(resource) > 0.0, "{resource:?}");
    }
}

#[test]
fn usage_costs_the_sum_of_its_resources() {
    let usage = Usage::default().with(Resource::WriteUnits, 2e6).with(Resource::Emails, 1000.0);
    assert_near(usage.dollars(), 1.25 + 0.02);
    assert_near(usage.times(3.0).dollars(), 3.75 + 0.06);
    assert_near(usage.sent_to(5.0).dollars(), 1.25 + 0.10);
}

#[test]
fn only_storage_grows_with_the_time_for_which_rows_are_kept() {
    let usage = Usage::default().with(Resource::TableGigabytes, 1.0).with(Resource::Alarms, 1.0);
    assert_near(usage.kept_for(10.0).dollars(), 4.5 + 0.1);
}

#[test]
fn traces_are_one_a_second_and_a_twentieth_of_the_others() {
    let sampled =
        |traces| Usage::default().with(Resource::Traces, traces).sampled_within(100.0).amount(Resource::Traces);
    for (traces, expected) in [(0.0, 0.0), (40.0, 40.0), (100.0, 100.0), (300.0, 110.0)] {
        assert_near(sampled(traces), expected);
    }
}

#[test]
fn usages_add_up_by_resource() {
    let one = Usage::default().with(Resource::Requests, 1.0);
    let sum: Usage = [one.clone(), one.with(Resource::Keys, 2.0)].into_iter().sum();
    assert_near(sum.amount(Resource::Requests), 2.0);
    assert_near(sum.amount(Resource::Keys), 2.0);
}

fn one(resource: Resource) -> Usage {
    Usage::default().with(resource, 1.0)
}

#[test]
fn figures_are_parsed_and_others_have_their_default() {
    let parsed = Installation::parse(" events=2e6 batch=10\nmonths=2 ").unwrap();
    assert_eq!(parsed, Installation { events: 2e6, batch: 10.0, months: 2.0, ..Installation::default() });
    assert_eq!(Installation::parse("").unwrap(), Installation::default());
}

#[test]
fn every_figure_can_be_given() {
    for (key, value) in Installation::default().figures() {
        let parsed = Installation::parse(&format!("{key}={value}")).unwrap();
        assert_eq!(parsed, Installation::default(), "{key}");
    }
    assert_eq!(Installation::default().figures().len(), 13);
}

#[test]
fn wrong_figure_is_named_with_what_is_allowed() {
    for (text, named) in [
        ("events", "`events` must be a name, `=` and a number"),
        ("events=many", "`events` must be a number; got `many`"),
        ("readers=3", "`readers` must be one of events, high, critical"),
        ("batch=0", "`batch` must be from 1 to 500; got 0"),
        ("events=-1", "`events` must be from 0"),
        ("events=NaN", "`events` must be from 0"),
        ("high=0.6 critical=0.5", "`high` and `critical` together must be at most 1"),
    ] {
        let error = Installation::parse(text).unwrap_err();
        assert!(error.starts_with(named), "{text}: {error}");
    }
}

#[test]
fn installation_without_events_consumes_what_it_does_by_itself() {
    let units = UnitUsages { installation: one(Resource::Alarms), engine: one(Resource::ReadUnits), ..units() };
    let idle = Installation { events: 0.0, incidents: 0.0, people: 0.0, engines: 10.0, ..Installation::default() };
    let usage = idle.usage(&units);
    assert_near(usage.amount(Resource::Alarms), 1.0);
    assert_near(usage.amount(Resource::ReadUnits), 2.0);
    assert_near(usage.amount(Resource::Requests), 0.0);
}

/// A request of a single event, or a hundredth of one for an event of a batch.
fn units() -> UnitUsages {
    UnitUsages {
        low: one(Resource::Requests),
        low_in_batch: Usage::default().with(Resource::Requests, 0.01),
        high: one(Resource::Requests),
        critical: one(Resource::Requests),
        incident: one(Resource::Requests).with(Resource::Emails, 2.0),
        delivery: one(Resource::QueueRequests),
        ..UnitUsages::default()
    }
}

#[test]
fn batches_have_one_request_for_all_their_events() {
    let requests = |batch: f64| {
        let installation = Installation {
            events: 1e6,
            high: 0.0,
            critical: 0.0,
            incidents: 0.0,
            batch,
            people: 0.0,
            ..Installation::default()
        };
        installation.usage(&units()).amount(Resource::Requests)
    };
    for batch in [1.0, 2.0, 10.0, 100.0] {
        assert_near(requests(batch), 1e6 / batch);
    }
}

#[test]
fn messages_of_incidents_go_to_each_address_and_channel() {
    let installation = Installation { incidents: 10.0, addresses: 3.0, channels: 2.0, ..Installation::default() };
    let usage = installation.usage(&units());
    assert_near(usage.amount(Resource::Emails), 60.0);
    assert_near(usage.amount(Resource::QueueRequests), 40.0);
}

#[test]
fn rows_are_kept_for_months_and_invocations_are_sampled() {
    let units = UnitUsages { low: one(Resource::TableGigabytes).with(Resource::Traces, 1.0), ..UnitUsages::default() };
    let installation = Installation { events: 4e6, high: 0.0, critical: 0.0, months: 2.0, ..Installation::default() };
    let usage = installation.usage(&units);
    assert_near(usage.amount(Resource::TableGigabytes), 8e6);
    assert_near(usage.amount(Resource::Traces), 2_592_000.0 + 0.05 * 1_408_000.0);
}
