//! The page of the active policy version, with the newest versions and activations.

use std::collections::BTreeMap;

use age_governance::{active_policy_version, list_policy_versions};
use age_http::{NoQuery, Problem};
use age_model::{Period, PolicyActivation, PolicyVersion, StoreError};
use age_policy::Policy;
use age_store::{Found, Freshness, PolicyActivationPage};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::join;

use crate::app::{App, AppState};
use crate::page::{self, Section};
use crate::policy::document_view::DocumentView;
use crate::policy::history::{ActivationView, VersionView};
use crate::session::Session;

/// How many versions and activations the page shows. Other pages have all.
const SHOWN: usize = 5;

#[derive(Template)]
#[template(path = "policy.html")]
struct PolicyPage<'a> {
    session: &'a Session,
    section: Section,
    /// None if the active version cannot be read: the page shows the one by which this environment goes on.
    version: Option<PolicyVersion>,
    hash: String,
    /// The latest activation; None if there was none or it cannot be read.
    activation: Option<ActivationView>,
    document: DocumentView,
    /// None if they cannot be read.
    versions: Option<Vec<VersionView>>,
    has_more_versions: bool,
    /// None if they cannot be read.
    activations: Option<Vec<ActivationView>>,
    has_more_activations: bool,
}

/// The active version, as the page shows it.
struct Active {
    version: Option<PolicyVersion>,
    hash: String,
    policy: Policy,
}

/// Shows what can be read: this page is where people look when the policy cannot be read.
pub(crate) async fn show(State(App(app)): State<App>, session: Session, _: NoQuery) -> Result<Response, Problem> {
    let store = &app.tables.policies;
    let (active, versions, activations) =
        join!(read_active(&app), list_policy_versions(store, SHOWN, None), store.activations(SHOWN, None));
    let versions = log_unreadable("list of policy versions", versions);
    let activations = log_unreadable("history of activations", activations);
    let Active { version, hash, policy } = active;
    let decided = decisions_by_guardrail(&app, &policy).await;
    let page = PolicyPage {
        session: &session,
        section: Section::Policy,
        activation: activations.as_ref().and_then(latest).map(ActivationView::from).filter(|it| it.has_hash(&hash)),
        version,
        hash,
        document: DocumentView::of(&policy, decided.as_ref()),
        has_more_versions: versions.as_ref().is_some_and(|list| list.next.is_some()),
        versions: versions.map(|list| list.versions.into_iter().map(VersionView::from).collect()),
        has_more_activations: activations.as_ref().is_some_and(|page| page.next.is_some()),
        activations: activations.map(|page| page.activations.items.into_iter().map(ActivationView::from).collect()),
    };
    Ok(page::render(StatusCode::OK, &page))
}

async fn read_active(app: &AppState) -> Active {
    let read = async {
        let document = active_policy_version(&app.tables.policies).await?;
        let policy = document.policy(&app.tables.policies)?;
        let version = document.version;
        Ok::<_, StoreError>(Active { hash: version.hash.to_string(), version: Some(version), policy })
    };
    log_unreadable("active policy version", read.await).unwrap_or_else(|| {
        let cached = app.policies.current();
        Active { version: None, hash: cached.hash.clone(), policy: cached.policy.clone() }
    })
}

/// Returns how many decisions each guardrail has decided in the trailing week. None if `policy` has none, or that cannot be read.
async fn decisions_by_guardrail(app: &AppState, policy: &Policy) -> Option<BTreeMap<String, u64>> {
    if policy.guardrails.is_empty() {
        return None;
    }
    let now = app.clock.now();
    let week = Period::trailing_week(now);
    let read = async {
        let rollups = app.tables.rollups.of(&app.policies.current().engines, week, Freshness::Cached(now)).await?;
        Ok(rollups.decisions(week)?.by_rule)
    };
    log_unreadable("numbers of decisions", read.await)
}

fn latest(page: &PolicyActivationPage) -> Option<PolicyActivation> {
    let Found { items, .. } = &page.activations;
    items.first().cloned()
}

fn log_unreadable<T>(what: &str, read: Result<T, StoreError>) -> Option<T> {
    read.inspect_err(|error| tracing::error!(%error, "the policy page lacks the {what}: {error}")).ok()
}
