//! Changes of credentials by several admins at once, names that are never given again, and the admin that an operator makes.

use std::collections::BTreeSet;
use std::time::Duration;

use age_governance::{CredentialError, IssuedCredential};
use age_model::{Clock, Grant, KeyId, Role, Rotation, Token};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::proxy::Fault;
use crate::world::test_credentials::{ADMIN, TESTS};
use crate::world::{Api, ApiResponse, ENGINES, World};

const CREDENTIALS: &str = "/api/governance/credentials";

impl World {
    /// Creates another admin. Returns its token.
    async fn create_admin(&self, kid: &str) -> String {
        let made = self.post_json(CREDENTIALS, &json!({ "kid": kid, "role": "admin" })).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.text("/token").to_owned()
    }

    /// Makes an admin as an operator does, who says that all tokens of the admins `lost` are lost.
    async fn first_admin(&self, kid: &str, lost: &[&str]) -> Result<IssuedCredential, CredentialError> {
        let lost: BTreeSet<KeyId> = lost.iter().map(|kid| kid.parse().unwrap()).collect();
        let (credentials, clock) = (self.credentials(), self.clock.as_ref());
        age_governance::create_first_admin(&credentials, kid.parse().unwrap(), &lost, clock).await
    }

    async fn listed(&self, api: &Api, kid: &str) -> Value {
        let listed = api.get(CREDENTIALS).await;
        listed.list("/credentials").iter().find(|it| it["kid"] == kid).unwrap().clone()
    }
}

async fn revoke(api: &Api, kid: &str) -> ApiResponse {
    api.send("DELETE", &format!("{CREDENTIALS}/{kid}"), &[], b"").await
}

/// All requests are authenticated before the first of them changes anything.
#[tokio::test]
async fn of_admins_who_revoke_each_other_at_once_one_wins() {
    for _ in 0..5 {
        let world = World::new().await;
        world.create_admin("lasting").await;
        let (one, another) = (world.as_caller(ADMIN), world.as_caller(TESTS));
        let (of_one, of_another) = tokio::join!(revoke(&one, TESTS), revoke(&another, ADMIN));
        let mut statuses = [of_one.status, of_another.status];
        statuses.sort_unstable();
        assert!(statuses == [200, 403] || statuses == [200, 401], "{of_one:?} {of_another:?}");
    }
}

/// The caller is revoked after the authentication layer has read the credentials, and before the change does.
#[tokio::test]
async fn change_by_an_admin_who_is_revoked_meanwhile_is_refused() {
    for (method, path, body) in [
        ("POST", CREDENTIALS.to_owned(), json!({ "kid": "back-door", "role": "admin" })),
        ("POST", format!("{CREDENTIALS}/{TESTS}/rotate"), json!({ "overlapSeconds": 0 })),
        ("DELETE", format!("{CREDENTIALS}/reader"), Value::Null),
    ] {
        let world = World::new().await;
        let admin = world.as_caller(ADMIN);
        // The change waits at its read of the keyring, until the caller is revoked.
        world.dynamodb.set_fault(|call| match call.operation.as_str() {
            "GetItem" if call.earlier == 0 => Fault::Hold,
            _ => Fault::None,
        });
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let headers: &[(&str, &str)] = if body.is_null() { &[] } else { &[("Content-Type", "application/json")] };
        let change = admin.send(method, &path, headers, text.as_bytes());
        let (changed, ()) = tokio::join!(change, async {
            while world.dynamodb.calls("GetItem") == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let (credentials, kid, by) = (world.credentials(), ADMIN.parse().unwrap(), TESTS.parse().unwrap());
            age_governance::revoke_credential(&credentials, &kid, &by, world.clock.as_ref()).await.unwrap();
            world.dynamodb.release();
        });
        let expected = "the credential admin is no longer a live admin; nothing was changed";
        assert_eq!((changed.status, changed.text("/detail")), (403, expected), "{method} {path}");
        let listed = world.get(CREDENTIALS).await;
        assert!(!listed.body.contains("back-door"));
        assert_eq!(world.listed(world.api(), "reader").await["status"], "live");
    }
}

#[tokio::test]
async fn name_of_any_ended_credential_is_not_given_again() {
    let world = World::new().await;
    let kid = |number: usize| format!("worker-{number}");
    let first = json!({ "kid": kid(0), "role": "reader" });
    assert_eq!(world.post_json(CREDENTIALS, &first).await.status, 201);
    assert_eq!(revoke(world.api(), &kid(0)).await.status, 200);
    for number in 1..=20 {
        let created = world.post_json(CREDENTIALS, &json!({ "kid": kid(number), "role": "reader" })).await;
        assert_eq!(created.status, 201, "{created:?}");
        assert_eq!(revoke(world.api(), &kid(number)).await.status, 200);
    }
    for number in [0, 1, 20] {
        let again = world.post_json(CREDENTIALS, &json!({ "kid": kid(number), "role": "admin" })).await;
        assert_eq!(again.status, 409, "{again:?}");
    }
    let ended = world.listed(world.api(), &kid(0)).await;
    assert_eq!(
        (&ended["status"], &ended["createdBy"], &ended["revokedBy"]),
        (&json!("revoked"), &json!(TESTS), &json!(TESTS))
    );
    let row = world.row("Credentials", &[("kind", "keyring"), ("kid", "*")]);
    assert!(!row.to_string().contains("worker-"), "the row that every function reads has none of them");
}

/// 200 credentials with the longest names, two secrets and all engines.
#[tokio::test]
async fn row_of_all_credentials_is_read_with_few_units() {
    let world = World::new().await;
    let (credentials, clock) = (world.credentials(), world.clock.as_ref());
    let (now, by) = (clock.now(), TESTS.parse().unwrap());
    let expires_at = Some(now.plus_days(90));
    let kids: Vec<KeyId> = (0..192).map(|number| format!("{number:0>40}").parse().unwrap()).collect();
    // A transaction has up to 100 items.
    for kids in kids.chunks(48) {
        let tokens: Vec<[Token; 2]> =
            kids.iter().map(|kid| [(); 2].map(|()| Token::fresh(kid.clone(), clock).unwrap())).collect();
        let created = credentials.change(kids, clock, |registry| {
            for [first, second] in &tokens {
                let engines = ENGINES.iter().copied().collect();
                registry.create(first, Grant { role: Role::Engine, engines, expires_at }, Some(&by), now)?;
                registry.rotate(second, Rotation { overlap_seconds: 86_400, expires_at }, Some(&by), now)?;
            }
            Ok::<_, CredentialError>(())
        });
        created.await.unwrap();
    }
    let made = world.post_json(CREDENTIALS, &json!({ "kid": "one-more", "role": "reader" })).await;
    assert_eq!(made.status, 201, "the expired one gave its place: {made:?}");
    let full = world.post_json(CREDENTIALS, &json!({ "kid": "yet-another", "role": "reader" })).await;
    assert_eq!((full.status, full.text("/detail")), (409, "at most 200 credentials may be live; revoke one first"));
    let through_proxy = age_store::Credentials::new(&world.db(), "Credentials");
    let (units, _) = world.dynamodb.measure_units(through_proxy.all()).await;
    // Of 4 KB each.
    assert!(units.read <= 16.0, "{units:?}");
}

#[tokio::test]
async fn concurrent_creations_of_one_name_make_one_credential() {
    let world = World::new().await;
    let create = || async { world.post_json(CREDENTIALS, &json!({ "kid": "worker", "role": "reader" })).await.status };
    let mut statuses = join_all((0..6).map(|_| create())).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn operator_makes_an_admin_only_when_none_is_live_or_all_are_named() {
    let world = World::new().await;
    let refused = world.first_admin("first", &[]).await.unwrap_err().to_string();
    assert!(refused.starts_with("live admins exist: admin, tests; any of them can create another admin."), "{refused}");
    for lost in [&[TESTS][..], &[ADMIN, TESTS, "reader"]] {
        assert!(world.first_admin("first", lost).await.is_err(), "{lost:?}");
    }
    assert_eq!(world.get(CREDENTIALS).await.status, 200, "nothing was changed");

    let made = world.first_admin("first", &[ADMIN, TESTS]).await.unwrap();
    let first = world.api().with_token(&made.token.reveal());
    let listed = world.listed(&first, "first").await;
    assert_eq!((&listed["role"], listed.get("createdBy")), (&json!("admin"), None));
    for lost in [ADMIN, TESTS] {
        let listed = world.listed(&first, lost).await;
        assert_eq!((&listed["status"], listed.get("revokedBy")), (&json!("revoked"), None));
        assert_eq!(world.as_caller(lost).get(CREDENTIALS).await.status, 401);
    }
    let taken = world.first_admin(TESTS, &["first"]).await.unwrap_err().to_string();
    assert!(taken.contains("a credential named tests exists or existed"), "{taken}");
}

#[tokio::test]
async fn lost_response_of_the_operators_change_is_resolved_by_reading_the_table() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| match call.operation.as_str() {
        "TransactWriteItems" if call.earlier < 3 => Fault::DropResponse,
        _ => Fault::None,
    });
    let credentials = age_store::Credentials::new(&world.db(), "Credentials");
    let (kid, lost) = ("first".parse().unwrap(), [ADMIN, TESTS].map(|kid| kid.parse().unwrap()).into());
    let made = age_governance::create_first_admin(&credentials, kid, &lost, world.clock.as_ref());
    let token = made.await.unwrap().token.reveal();
    world.dynamodb.reset();
    assert_eq!(world.api().with_token(&token).get(CREDENTIALS).await.status, 200);
}

#[tokio::test]
async fn people_are_notified_once_of_an_admin_that_an_operator_made() {
    let world = World::new().await;
    world.sweep().await;
    assert!(world.emails().is_empty(), "admins that admins made are not notified");
    world.first_admin("first", &[ADMIN, TESTS]).await.unwrap();
    for _ in 0..3 {
        world.clock.advance(60);
        world.sweep().await;
    }
    let [email] = world.emails().try_into().unwrap();
    assert_eq!(email.subject, "[AGE] An AWS operator has made the admin first");
    let advice =
        "If none of you did this, revoke it, and find out who may invoke first-admin: agectl credential revoke first";
    assert!(email.message.lines().any(|line| line == advice), "{}", email.message);
    assert!(email.message.contains("by an AWS operator"), "{}", email.message);
}
