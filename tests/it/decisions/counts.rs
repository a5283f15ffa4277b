//! Counts of decisions: each recorded decision is counted once, in the transaction that records it.

use age_model::{Clock, DecisionCounts, Engine, Period, ReasonCode, StoreError, Timestamp};
use age_store::{Freshness, RollupSet, Rollups, ShardedCounters};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    EVALUATION, EVALUATIONS, ask, ask_as, assert_counts_agree, counted, operation, recorded, refund, rollups, world,
};
use crate::dashboard::assert_safe;
use crate::policy_page::POLICY_PAGE;
use crate::world::browser::{Browser, between};
use crate::world::proxy::Fault;
use crate::world::test_credentials::{ANOTHER_ENGINE, BILLING, READER};
use crate::world::{World, event};

const BILLING_ENGINE: Engine = Engine::from_static("billing");

#[tokio::test]
async fn decision_is_counted_by_verdict_guardrail_and_reason_and_its_repeat_is_not() {
    let world = world().await;
    for _ in 0..3 {
        ask_as(&world, &refund(1), "r-1").await;
    }
    ask(&world, &refund(2000)).await;
    ask(&world, &operation("drop", 1)).await;
    let counts = counted(&world).await;
    assert_eq!((counts.allowed, counts.denied, counts.needs_approval, counts.decisions()), (1, 1, 1, 3));
    let by_rule = [("large_refunds".to_owned(), 1), ("refunds".to_owned(), 1)];
    assert_eq!((counts.by_rule, counts.by_reason), (by_rule.into(), [(ReasonCode::NoRule, 1)].into()));
    assert_eq!(rollups(&world).await.engines_with_decisions(), [BILLING_ENGINE].into());
}

#[tokio::test]
async fn batch_about_several_engines_is_counted_by_engine_in_one_transaction() {
    let world = world().await;
    let of = |engine: &str, amount: u64| {
        json!({
            "subject": { "type": "user", "id": "ada" }, "action": { "name": "charge" },
            "resource": { "type": "invoice", "id": "1" }, "context": { "engine": engine, "amount": amount },
        })
    };
    world.dynamodb.reset();
    let batch = json!({ "evaluations": [of("qa", 1), of("maos", 2), of("qa", 3)] });
    let answer = world.as_caller(ANOTHER_ENGINE).post_json(EVALUATIONS, &batch).await;
    assert_eq!(answer.list("/evaluations").len(), 3, "{answer:?}");
    assert_eq!((world.dynamodb.calls("TransactWriteItems"), world.dynamodb.calls("PutItem")), (1, 0));
    let week = Period::trailing_week(world.clock.now());
    let by_engine = rollups(&world).await.decisions_by_engine(week).unwrap();
    let allowed = by_engine.iter().map(|(engine, counts)| (engine.as_str(), counts.allowed, counts.by_rule["charges"]));
    assert_eq!(allowed.collect::<Vec<_>>(), [("maos", 1, 1), ("qa", 2, 2)]);
}

#[tokio::test]
async fn decision_of_another_hour_is_counted_in_the_periods_that_have_it() {
    let world = world().await;
    let start = world.clock.now();
    for _ in 0..3 {
        ask(&world, &operation("charge", 1)).await;
        world.clock.advance(3600);
    }
    world.clock.advance(86_400);
    let set = rollups(&world).await;
    let allowed = |from: i64, to: i64| {
        let period = Period::hours(start.plus_seconds(from * 3600), start.plus_seconds(to * 3600).floor_hour());
        set.decisions(period).unwrap().allowed
    };
    assert_eq!([allowed(0, 1), allowed(0, 2), allowed(1, 3), allowed(0, 30), allowed(3, 30)], [1, 2, 2, 3, 0]);
    let next_day = Period::hours(start.day().next().start(), start.plus_days(2));
    assert!(set.decisions(next_day).unwrap().is_empty() && set.decisions_by_engine(next_day).unwrap().is_empty());
}

/// 64 requests of 16 environments, half of them repeats of the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_decisions_spread_over_shards_and_each_recorded_one_is_counted_once() {
    const ENVIRONMENTS: usize = 16;
    let world = world().await;
    world.dynamodb.conflict_on_overlap();
    let environments = join_all((0..ENVIRONMENTS).map(|_| world.new_environment())).await;
    let request = async |number: usize| {
        let api = environments[number % ENVIRONMENTS].with_token(world.token(BILLING));
        let id = format!("r-{}", number / 2);
        let headers = [("Content-Type", "application/json"), ("X-Request-ID", id.as_str())];
        let body = operation(if number % 4 < 2 { "charge" } else { "transfer" }, 1).to_string();
        loop {
            let answer = api.send("POST", EVALUATION, &headers, body.as_bytes()).await;
            assert!(matches!(answer.status, 200 | 503), "{answer:?}");
            if answer.status == 200 {
                break answer.text("/context/id").to_owned();
            }
        }
    };
    let ids = join_all((0..64).map(request)).await;
    let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!((distinct.len(), recorded(&world).await.len()), (32, 32));
    assert!(world.dynamodb.conflicts() > 0, "no write conflicted, so the test has no effect");
    let counts = counted(&world).await;
    assert_eq!((counts.allowed, counts.needs_approval), (16, 16));
    assert_counts_agree(&world, "concurrent").await;
}

#[tokio::test]
async fn conflict_on_the_counter_moves_it_to_another_shard_that_readers_find() {
    for reason in ["TransactionConflict", "ThrottlingError"] {
        let world = world().await;
        world.dynamodb.set_fault(move |call| match (call.operation.as_str(), call.earlier) {
            ("TransactWriteItems", 0..3) => Fault::Cancel(reason),
            _ => Fault::None,
        });
        ask(&world, &operation("charge", 1)).await;
        let rollups = Rollups::new(&world.db(), "Rollups");
        let today = (BILLING_ENGINE, world.clock.now().day());
        assert_eq!(rollups.shard_count(today, ShardedCounters::Decisions).await.unwrap(), 4, "{reason}");
        assert_eq!(rollups.shard_count(today, ShardedCounters::Events).await.unwrap(), 1, "{reason}");
        assert_eq!(counted(&world).await.allowed, 1, "{reason}");
        assert_eq!(rollups.last_heard_at(BILLING_ENGINE, world.clock.now()).await.unwrap(), None, "{reason}");
    }
}

#[tokio::test]
async fn engine_that_asks_every_day_and_reports_nothing_was_last_heard_when_it_reported() {
    let world = world().await;
    let reported = world.clock.now();
    world.post(&event("billing", "invoice_synced", "LOW")).await;
    for _ in 0..12 {
        world.clock.advance(86_400);
        ask(&world, &operation("charge", 1)).await;
    }
    let rollups = Rollups::new(&world.db(), "Rollups");
    let now = world.clock.now();
    assert_eq!(rollups.last_heard_at(BILLING_ENGINE, now).await.unwrap(), Some(reported));
    assert_eq!(rollups.last_heard_at(Engine::from_static("qa"), now).await.unwrap(), None);
}

#[tokio::test]
async fn counter_that_is_not_known_fails_the_sum_of_decisions_and_no_other() {
    for name in ["hz", "later"] {
        let world = world().await;
        ask(&world, &operation("charge", 1)).await;
        world.post(&event("billing", "invoice_synced", "LOW")).await;
        let day = "2026-11-23#decisions";
        let changed = world.change_rows("Rollups", |row| {
            row[name] = json!({ "N": "3" });
            row["day"]["S"] == day
        });
        assert_eq!(changed, 1);
        let set = rollups(&world).await;
        let week = Period::trailing_week(world.clock.now());
        let error = set.decisions(week).unwrap_err();
        assert!(
            matches!(&error, StoreError::Corrupt { key, field, .. } if key == &format!("billing#0/{day}") && field == name)
        );
        assert_eq!(set.events(week).unwrap().total(), 1, "events are counted without the row");
        assert!(set.engines_with_decisions().contains(&BILLING_ENGINE));
        let earlier = Period::week_before("2026-11-23".parse().unwrap());
        assert!(set.decisions(earlier).unwrap().is_empty(), "the row is of another week");
    }
}

#[tokio::test]
async fn unknown_reason_and_attribute_of_a_later_version_are_kept() {
    let world = world().await;
    ask(&world, &operation("charge", 1)).await;
    world.change_rows("Rollups", |row| {
        row["c#frozen"] = json!({ "N": "2" });
        row["note"] = json!({ "S": "of a later version" });
        true
    });
    ask(&world, &operation("charge", 2)).await;
    let counts = counted(&world).await;
    assert_eq!((counts.allowed, counts.by_reason.clone()), (2, [(ReasonCode::stored("frozen"), 2)].into()));
    let row = world.row("Rollups", &[("engine_shard", "billing#0"), ("day", "2026-11-23#decisions")]);
    assert_eq!(row["Item"]["note"]["S"], "of a later version");
}

/// Every number is read as it was written.
#[tokio::test]
async fn every_number_is_counted_and_summed() {
    let world = World::new().await;
    let rollups = Rollups::new(&world.db(), "Rollups");
    let mut expected = DecisionCounts::default();
    let decisions = age_store::Decisions::new(&world.db(), "Decisions", 400);
    let policies = age_store::Policies::new(&world.db(), "Policies");
    for (hour, shard) in [(0, 0), (1, 0), (1, 0)] {
        let at: Timestamp = world.clock.now().plus_seconds(hour * 3600);
        let mut counts = DecisionCounts::default();
        for (number, counted) in (1..).zip(counts.numbers_mut()) {
            *counted = number * 10;
        }
        counts.add_rule("large_refunds", 7);
        counts.add_reason(ReasonCode::Held, 3);
        expected.add(&counts);
        let write = rollups.count_decisions((BILLING_ENGINE, at), shard, &counts).unwrap();
        let hash = age_model::PolicyHash::from_bytes([0; 32]);
        decisions.record(&[], vec![write], &policies, &hash).await.unwrap();
    }
    let week = Period::hours(world.clock.now(), world.clock.now().plus_days(1));
    let set: RollupSet = rollups.of(&[BILLING_ENGINE].into(), week, Freshness::Strong).await.unwrap();
    assert_eq!(set.decisions(week).unwrap(), expected);
    let row: Value = world.row("Rollups", &[("engine_shard", "billing#0"), ("day", "2026-11-23#decisions")]);
    assert_eq!((row["Item"]["aa"]["N"].as_str(), row["Item"]["bs"]["N"].as_str()), (Some("10"), Some("140")));
}

#[tokio::test]
async fn statistics_and_reports_have_the_decisions_of_their_period() {
    let world = world().await;
    ask(&world, &refund(1)).await;
    ask(&world, &operation("drop", 1)).await;
    let stats = world.get("/api/governance/stats").await;
    assert_eq!((stats.number("/decisions/allowed"), stats.number("/decisions/denied")), (1, 1));
    assert_eq!(stats.json["decisions"], stats.json["decisionsByEngine"]["billing"]);
    assert_eq!(stats.json["decisions"]["byRule"], json!({ "refunds": 1 }));
    assert_eq!(stats.json["decisions"]["byReason"], json!({ "no_rule": 1 }));
    let report = world.generate_report().await;
    assert_eq!(report.json["summary"]["decisions"], stats.json["decisions"]);

    world.set_time("2026-11-30T00:05:00Z");
    let made = world.run_weekly_report().await.unwrap();
    let sent = world.sns.published("reports");
    assert!(sent[0].message.contains("\nDecisions: 1 allowed, 1 denied, 0 needed approval\n"), "{}", sent[0].message);
    assert_eq!(sent[0].json["summary"]["decisions"], stats.json["decisions"]);
    let page = Browser::signed_in(&world, READER).await.get(&format!("/dashboard/reports/{}", made.id)).await;
    assert!(page.body.contains("<p>1 allowed, 1 denied, 0 needed approval.</p>"), "{}", page.body);
    assert!(page.body.contains("<th scope=\"row\"><bdi>refunds</bdi></th><td>1</td>"), "{}", page.body);

    // The week after had none, and says nothing about decisions.
    world.set_time("2026-12-07T00:05:00Z");
    let made = world.run_weekly_report().await.unwrap();
    let last = world.sns.published("reports").pop().unwrap();
    assert!(!last.message.contains("Decisions") && last.json["summary"].get("decisions").is_none(), "{}", last.message);
    let page = Browser::signed_in(&world, READER).await.get(&format!("/dashboard/reports/{}", made.id)).await;
    assert!(!page.body.contains("<h2 id=\"decisions\">"), "{}", page.body);
}

#[tokio::test]
async fn report_of_a_version_without_decisions_is_shown_without_them() {
    let world = world().await;
    ask(&world, &refund(1)).await;
    let report = world.generate_report().await;
    assert_eq!(report.number("/summary/decisions/allowed"), 1);
    let without_decisions = |row: &mut Value| {
        let mut report: Value = serde_json::from_str(row["report"]["S"].as_str().unwrap()).unwrap();
        let removed = report["summary"].as_object_mut().unwrap().remove("decisions");
        row["report"]["S"] = report.to_string().into();
        removed.is_some()
    };
    assert_eq!(world.change_rows("Reports", without_decisions), 1);
    let shown = world.get(&format!("/api/governance/reports/{}", report.text("/id"))).await;
    assert_eq!((shown.status, &shown.json["summary"]["decisions"]), (200, &Value::Null), "{shown:?}");
    let page =
        Browser::signed_in(&world, READER).await.get(&format!("/dashboard/reports/{}", report.text("/id"))).await;
    assert!(page.status == 200 && !page.body.contains("<h2 id=\"decisions\">"), "{}", page.body);
}

#[tokio::test]
async fn policy_page_says_how_often_each_guardrail_decided() {
    let world = world().await;
    for amount in [1, 2, 2000] {
        ask(&world, &refund(amount)).await;
    }
    let page = Browser::signed_in(&world, READER).await.get(POLICY_PAGE).await;
    assert_safe(&page);
    let of_rule = |rule: &str| between(&page.body, &format!("<h3><code>{rule}</code></h3>"), "</li>");
    for (rule, verdict, decided) in
        [("refunds", "allow", 2), ("large_refunds", "needs_approval", 1), ("charges", "allow", 0)]
    {
        let facts = of_rule(rule);
        assert!(facts.contains(&format!("<dt>Verdict</dt><dd>{verdict}</dd>")), "{facts}");
        assert!(facts.contains(&format!("<dt>Decisions</dt><dd>{decided}</dd>")), "{facts}");
    }
    assert!(of_rule("large_refunds").contains("Requests of every engine need approval if "), "{}", page.body);

    // A page that cannot read the numbers shows the guardrails without them.
    world.dynamodb.set_fault(|call| if call.body["TableName"] == "Rollups" { Fault::Refuse } else { Fault::None });
    let mut browser = Browser::signed_in(&world, READER).await.in_new_environment().await;
    let page = browser.get(POLICY_PAGE).await;
    assert!(page.status == 200 && page.body.contains("<h2 id=\"guardrails\">Guardrails: 5</h2>"), "{}", page.body);
    assert!(!page.body.contains("<dt>Decisions</dt>"), "{}", page.body);
}
