//! The dashboard in a browser: `tests/browser` does what people do, and what came of it is looked for here.
//!
//! These need Node, Chromium and what `npm ci` installs: `make test` sees to that.

mod week;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::world::people::{NIGHT_DESK, READER, TESTS};
use crate::world::{World, event};

/// Browsers at the same time would only slow each other down.
static TURN: Mutex<()> = Mutex::const_new(());

/// Much longer than the slowest of them takes, on a busy machine, too.
const PATIENCE: Duration = Duration::from_mins(3);

/// Runs a program of `tests/browser` against `world`. It fails where the program does.
async fn browse(world: &World, program: &str, settings: &[(&str, &str)]) {
    let url = world.api().serve().await;
    let tokens = [("AGE_DESK_TOKEN", NIGHT_DESK), ("AGE_READER_TOKEN", READER), ("AGE_API_TOKEN", TESTS)];
    let tokens = tokens.map(|(name, kid)| (name, world.token(kid)));
    let settings: Vec<_> = settings.iter().copied().chain(tokens).chain([("AGE_URL", url.as_str())]).collect();
    run(program, &settings).await;
}

/// Runs a program of `tests/browser`. It fails where the program does.
pub(crate) async fn run(program: &str, settings: &[(&str, &str)]) {
    let _turn = TURN.lock().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/browser");
    let is_ready = Path::new(folder).join("node_modules/.ready").exists();
    assert!(is_ready, "the browser tests' tools are missing: `make browser` installs them");
    let mut node = Command::new("node");
    node.current_dir(folder).args(["--test-reporter=spec", program]).envs(settings.iter().copied());
    let node = node.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, node).await.expect("the browser takes too long");
    let output = output.expect("Node cannot be run: install Node 20 or newer, then `make test`");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
}

/// 1,200 events of all engines within twenty minutes, and one of them CRITICAL.
async fn a_busy_morning(world: &World) {
    for number in 0..1200 {
        world.clock.advance(1);
        let engine = age_model::Engine::ALL[number % 8].as_str();
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

/// A person deals with the morning; what they did stands in the store under their name.
async fn deal_with_it(scripts: &str) {
    let world = World::new().await;
    a_busy_morning(&world).await;
    browse(&world, "walk.test.mjs", &[("AGE_SCRIPTS", scripts)]).await;
    let incidents = world.get("/api/governance/incidents").await;
    let story = world.get(&format!("/api/governance/incidents/{}", incidents.text("/incidents/0/id"))).await;
    let (by, note) = (story.text("/acknowledged/by"), story.text("/acknowledged/note"));
    assert_eq!((incidents.list("/incidents").len(), by, note), (1, NIGHT_DESK, "Failing over.\nBack by noon."));
    let events = world.get("/api/governance/events?eventType=permission_scope_widened").await;
    let event = world.get(&format!("/api/governance/events/{}", events.text("/events/0/id"))).await;
    assert_eq!((event.text("/actions/0/status"), event.text("/actions/0/decidedBy")), ("pending", NIGHT_DESK));
    let reports = world.get("/api/governance/reports").await;
    assert_eq!((reports.list("/reports").len(), reports.text("/reports/0/requestedBy")), (1, NIGHT_DESK));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn one_event_in_1200_is_found_and_dealt_with() {
    deal_with_it("on").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn no_script_is_needed_for_that() {
    deal_with_it("off").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn an_incident_is_taken_with_the_keyboard_alone() {
    let world = World::new().await;
    a_busy_morning(&world).await;
    browse(&world, "keyboard.test.mjs", &[]).await;
    let listed = world.get("/api/governance/incidents").await;
    let story = world.get(&format!("/api/governance/incidents/{}", listed.text("/incidents/0/id"))).await;
    assert_eq!((story.text("/acknowledged/by"), story.text("/acknowledged/note")), (NIGHT_DESK, "by keyboard"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn every_page_of_a_new_system_is_accessible_and_fits_its_screen() {
    let world = World::new().await;
    browse(&world, "empty.test.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn every_page_of_a_week_is_accessible_and_fits_its_screen() {
    let world = World::new().await;
    week::live(&world).await;
    browse(&world, "week.test.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn what_others_write_runs_nowhere_and_breaks_nothing() {
    let world = World::new().await;
    browse(&world, "hostile.test.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test"]
async fn an_open_page_keeps_up_and_loses_nothing() {
    let world = World::new().await;
    browse(&world, "live.test.mjs", &[]).await;
}
