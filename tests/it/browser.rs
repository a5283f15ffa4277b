//! The dashboard in a browser. The programs of `tests/browser` use it as people do; the tests here assert what was stored.
//!
//! They need Node, Chromium and the packages that `npm ci` installs. `make test` installs them.

mod operations;
pub(crate) mod week;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::policy_page::{self, POLICY_PAGE};
use crate::world::test_credentials::{ADMIN, BILLING, NIGHT_DESK, READER, TESTS};
use crate::world::{ENGINES, World, event};
use crate::{channel_pages, decisions};

/// One browser runs at a time: several would slow each other down.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Much longer than the slowest program takes on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(3);

/// Runs a program of `tests/browser` against `world`. Panics if the program fails.
async fn run_against(world: &World, program: &str, settings: &[(&str, &str)]) {
    let url = world.api().serve().await;
    let people = [("AGE_ADMIN_TOKEN", ADMIN), ("AGE_DESK_TOKEN", NIGHT_DESK), ("AGE_READER_TOKEN", READER)];
    let tokens = people.into_iter().chain([("AGE_API_TOKEN", TESTS), ("AGE_ENGINE_TOKEN", BILLING)]);
    let tokens = tokens.map(|(name, kid)| (name, world.token(kid)));
    let settings: Vec<_> = settings.iter().copied().chain(tokens).chain([("AGE_URL", url.as_str())]).collect();
    run(program, &settings).await;
}

/// Runs a program of `tests/browser`. Panics if the program fails.
pub(crate) async fn run(program: &str, settings: &[(&str, &str)]) {
    let _guard = ONE_AT_A_TIME.lock().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/browser");
    let is_ready = Path::new(folder).join("node_modules/.ready").exists();
    assert!(is_ready, "the browser tests' tools are missing: `make browser` installs them");
    let mut node = Command::new("node");
    node.current_dir(folder).args(["--test-reporter=spec", program]).envs(settings.iter().copied());
    let node = node.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(TIMEOUT, node).await.expect("the browser test timed out");
    let output = output.expect("Node cannot be run: install Node 20 or newer, then `make test`");
    let report = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {report}");
}

/// Reports 1,200 events of all engines within 20 minutes, one of them CRITICAL, and runs a sweep.
async fn report_busy_morning(world: &World) {
    for number in 0..1200 {
        world.clock.advance(1);
        let engine = ENGINES[number % 8].as_str();
        let mut event = match number {
            777 => event("billing", "ledger_sync_outage", "CRITICAL"),
            900 => event("compliance", "permission_scope_widened", "HIGH"),
            _ => event(engine, &format!("routine_{}", number % 24), ["LOW", "MEDIUM", "LOW", "HIGH"][number / 8 % 4]),
        };
        event["details"] = json!({ "number": number, "ledger": "eu-2" });
        let sent = world.post(&event).await;
        assert_eq!(sent.status, 201, "{sent:?}");
    }
    world.sweep().await;
}

/// Runs the walk through a busy morning, and asserts that each step is stored with the name of its caller.
async fn walk_through_busy_morning(scripts: &str) {
    let world = World::new().await;
    report_busy_morning(&world).await;
    run_against(&world, "walk.test.mjs", &[("AGE_SCRIPTS", scripts)]).await;
    let incidents = world.get("/api/governance/incidents").await;
    let incident = world.get(&format!("/api/governance/incidents/{}", incidents.text("/incidents/0/id"))).await;
    let (by, note) = (incident.text("/acknowledged/by"), incident.text("/acknowledged/note"));
    assert_eq!((incidents.list("/incidents").len(), by, note), (1, NIGHT_DESK, "Failing over.\nBack by noon."));
    let events = world.get("/api/governance/events?eventType=permission_scope_widened").await;
    let event = world.get(&format!("/api/governance/events/{}", events.text("/events/0/id"))).await;
    assert_eq!((event.text("/actions/0/status"), event.text("/actions/0/decidedBy")), ("pending", NIGHT_DESK));
    let reports = world.get("/api/governance/reports").await;
    assert_eq!((reports.list("/reports").len(), reports.text("/reports/0/requestedBy")), (1, NIGHT_DESK));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn critical_event_among_1200_is_found_and_handled_with_scripts() {
    walk_through_busy_morning("on").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn critical_event_among_1200_is_found_and_handled_without_scripts() {
    walk_through_busy_morning("off").await;
}

/// Runs the program in which a responder decides on two operations and pauses an engine, and asserts what is stored.
async fn decide_operations_and_pause(scripts: &str) {
    let world = World::with_policy(&decisions::policy()).await;
    world.sweep().await;
    let mut asked = Vec::new();
    for invoice in ["1", "2"] {
        let mut refund = decisions::refund(2000);
        refund["resource"]["id"] = invoice.into();
        asked.push(decisions::id(&decisions::ask(&world, &refund).await).to_owned());
        world.clock.advance(1);
    }
    run_against(&world, "decisions.test.mjs", &[("AGE_SCRIPTS", scripts)]).await;
    for (id, status) in asked.iter().zip(["approved", "denied"]) {
        let decided = world.get(&format!("/api/governance/decisions/{id}")).await;
        let approval = (decided.text("/approval/status"), decided.text("/approval/decidedBy"));
        assert_eq!(approval, (status, NIGHT_DESK), "{decided:?}");
    }
    let holds = world.get("/api/governance/holds").await;
    let texts = ["status", "operation", "reason", "until", "setBy", "endedBy", "endReason"];
    let texts = texts.map(|name| holds.text(&format!("/holds/0/{name}")));
    let until = "2026-11-23T06:00:00.000Z";
    let reason = "Refunds do not match\nthe ledger.";
    assert_eq!(texts, ["ended", "refund", reason, until, NIGHT_DESK, NIGHT_DESK, "They match."]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn operations_are_decided_and_an_engine_is_paused_with_scripts() {
    decide_operations_and_pause("on").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn operations_are_decided_and_an_engine_is_paused_without_scripts() {
    decide_operations_and_pause("off").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn incident_is_acknowledged_by_keyboard() {
    let world = World::new().await;
    report_busy_morning(&world).await;
    run_against(&world, "keyboard.test.mjs", &[]).await;
    let listed = world.get("/api/governance/incidents").await;
    let incident = world.get(&format!("/api/governance/incidents/{}", listed.text("/incidents/0/id"))).await;
    assert_eq!((incident.text("/acknowledged/by"), incident.text("/acknowledged/note")), (NIGHT_DESK, "by keyboard"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn every_page_of_a_new_system_is_accessible_and_fits_its_screen() {
    let world = World::new().await;
    run_against(&world, "empty.test.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn every_page_of_a_week_is_accessible_and_fits_its_screen() {
    let world = World::new().await;
    week::replay(&world).await;
    operations::ask_on_monday(&world).await;
    channel_pages::create_channels(&world).await;
    run_against(&world, "week.test.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn hostile_text_is_shown_and_not_executed() {
    let world = World::new().await;
    run_against(&world, "hostile.test.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn every_page_of_a_policy_at_its_bounds_is_accessible_and_fits_its_screen() {
    let world = World::new().await;
    let [active, draft] = policy_page::activate_large_policy(&world).await;
    let (active, draft) = (format!("{POLICY_PAGE}/{active}"), format!("{POLICY_PAGE}/{draft}"));
    let others =
        "/dashboard/policy/versions /dashboard/policy/activations /dashboard /dashboard/engines /dashboard/incidents";
    let paths = [POLICY_PAGE, &active, &draft, others].join(" ");
    run_against(&world, "policy.test.mjs", &[("AGE_POLICY_PAGES", &paths)]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn open_page_refreshes_and_keeps_input() {
    let world = World::new().await;
    run_against(&world, "live.test.mjs", &[]).await;
}
