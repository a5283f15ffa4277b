//! Paths below the mapping key of a custom domain or a stage, and paths with a trailing slash.

use std::collections::BTreeSet;

use crate::world::browser::Browser;
use crate::world::test_credentials::{BILLING, NIGHT_DESK, READER};
use crate::world::{World, event};

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[tokio::test]
async fn path_below_a_mapping_key_is_served() {
    let world = World::new().await;
    let body = event("billing", "invoice_sync_failed", "CRITICAL").to_string();
    let created = world.send("POST", "/v1/api/governance/event", &[JSON], body.as_bytes()).await;
    assert_eq!(created.status, 201, "{created:?}");
    let id = created.text("/id");
    assert_eq!(world.get("/v1/api/governance/events?engine=billing").await.list("/events").len(), 1);
    assert_eq!(world.get(&format!("/v1/api/governance/events/{id}")).await.text("/id"), id);
    assert_eq!(world.get("/v1/api/governance/stats").await.number("/totalEvents"), 1);
    assert_eq!(world.get("/v1/api/governance/nothing").await.status, 404);
    assert_eq!(world.get("/v1/api/governance/event").await.status, 405);
    assert_eq!(world.as_caller(BILLING).get("/v1/api/governance/events").await.status, 403, "roles hold there as well");
}

#[tokio::test]
async fn trailing_slash_is_redirected() {
    let world = World::new().await;
    for (path, location) in [
        ("/api/governance/events/", "/api/governance/events"),
        ("/api/governance/stats//", "/api/governance/stats"),
        ("/v1/api/governance/events/?engine=qa&limit=1", "/v1/api/governance/events?engine=qa&limit=1"),
        ("/dashboard/", "/dashboard"),
        ("/v1/dashboard/incidents/", "/v1/dashboard/incidents"),
    ] {
        for method in ["GET", "POST"] {
            let response = world.send(method, path, &[JSON], b"{}").await;
            assert_eq!((response.status, response.header("location")), (308, Some(location)), "{method} {path}");
        }
    }
    for path in ["/", "//evil.example/dashboard/", "/\\evil.example/dashboard/", "/nothing/"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn id_that_looks_like_a_path_of_age_is_an_id() {
    let world = World::new().await;
    let body = event("billing", "x", "LOW").to_string();
    for path in
        ["/api/governance/events/x/api/governance/event", "/api/governance/events/dashboard/api/governance/event"]
    {
        assert_eq!(world.send("POST", path, &[JSON], body.as_bytes()).await.status, 404, "{path}");
    }
    let mut reader = Browser::signed_in(&world, READER).await;
    assert_eq!(reader.get("/dashboard/incidents/dashboard").await.status, 404);
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 0);
}

#[tokio::test]
async fn links_of_the_dashboard_stay_below_the_mapping_key() {
    let world = World::new().await;
    let anonymous = Browser::new(&world).get("/v1/dashboard/incidents?status=open").await;
    assert_eq!(
        (anonymous.status, anonymous.header("location")),
        (303, Some("/v1/dashboard/sign-in?next=%2Fdashboard%2Fincidents%3Fstatus%3Dopen"))
    );
    world.post(&event("billing", "href=\"/dashboard\" lost", "CRITICAL")).await;
    let mut desk = Browser::signed_in(&world, NIGHT_DESK).await;
    let page = desk.get("/v1/dashboard").await;
    assert_eq!(page.status, 200);
    for link in [
        "<a href=\"/v1/dashboard/incidents/billing.",
        "src=\"/v1/dashboard/script.js\"",
        "action=\"/v1/dashboard/sign-out\"",
    ] {
        assert!(page.body.contains(link), "{link} in {}", page.body);
    }
    for attribute in ["href", "src", "action"] {
        assert!(!page.body.contains(&format!(" {attribute}=\"/dashboard")), "{attribute} in {}", page.body);
    }
    assert!(page.body.contains("href=&#34;/dashboard&#34; lost"), "texts stay as they are: {}", page.body);
    assert_eq!(desk.get("/v1/dashboard/style.css").await.status, 200);
}

/// `make watch` serves the functions without API Gateway: Cargo.toml says which function has which path.
#[tokio::test]
async fn router_of_cargo_lambda_watch_has_every_path() {
    let manifest = include_str!("../../Cargo.toml");
    let (_, served) = manifest.split_once("[workspace.metadata.lambda.watch.router]\n").unwrap();
    let entries = served.lines().map_while(|line| line.strip_prefix('"')?.split_once("\" = "));
    let paths: BTreeSet<&str> = entries.map(|(path, _)| path).collect();
    let world = World::new().await;
    let routes = world.api().routes();
    let missing: Vec<&str> = routes.iter().map(|route| route.path).filter(|path| !paths.contains(path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
