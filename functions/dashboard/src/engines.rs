//! The page of the engines: the last event, the expected interval and the credentials of each.

use std::collections::BTreeSet;
use std::time::Duration;

use age_http::{NoQuery, Problem};
use age_model::{Credential, CredentialStatus, Engine, Event, KeyId, Keyring, Role, StoreError, Timestamp};
use age_policy::Policy;
use age_store::{EventFilter, IncidentSummary, OpenAction};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::try_join;

use crate::app::{App, AppState};
use crate::engine_state::{find_unexpected, format_in_progress, silent_incident_path};
use crate::engine_title::{engine_title, engine_titles};
use crate::format::format_duration;
use crate::holds::ShownHolds;
use crate::page::{self, Section};
use crate::paths::event_path;
use crate::policy::category_titles;
use crate::safe_text::SafeText;
use crate::session::Session;

/// How many engines are read at the same time.
const CONCURRENT_READS: usize = 16;

#[derive(Template)]
#[template(path = "engines.html")]
struct EnginesPage<'a> {
    session: &'a Session,
    section: Section,
    engines: Vec<EngineCard>,
    paused: ShownHolds,
}

struct EngineCard {
    title: SafeText,
    engine: Engine,
    /// None if the engine may be silent.
    expected_interval: Option<String>,
    /// Whether the engine has reported, or has a credential of its own.
    is_expected: bool,
    /// Whether only an earlier policy version had the engine.
    is_retired: bool,
    /// The categories that score the engine's events.
    categories: String,
    last_event: Option<LastEvent>,
    silent_incident_path: Option<String>,
    in_progress: String,
    credentials: Vec<EngineCredential>,
    /// How many credentials have expired.
    expired_credentials: usize,
}

struct LastEvent {
    path: String,
    event_type: SafeText,
    at: Timestamp,
    by: Option<KeyId>,
}

/// A live credential that may act for the engine.
struct EngineCredential {
    kid: KeyId,
    expires_at: Option<Timestamp>,
    /// The titles of the other engines for which it may act.
    other_engines: SafeText,
}

pub(crate) async fn show(State(App(app)): State<App>, session: Session, _: NoQuery) -> Result<Response, Problem> {
    let active = app.policies.current();
    let keyring = app.authentication.keyring().await?;
    let engines: Vec<Engine> = active.supervised().collect();
    let reads: Vec<_> = engines.iter().map(|engine| find_last_event(&app, *engine)).collect();
    let last_events = stream::iter(reads).buffered(CONCURRENT_READS).try_collect::<Vec<_>>();
    let now = app.clock.now();
    let paused = ShownHolds::read(&app.tables.fleet_state, &active.policy, now);
    let (unresolved, open_actions, last_events, paused) =
        try_join!(app.tables.incidents.unresolved(), app.tables.actions.open(), last_events, paused)?;
    let without_event = engines.iter().zip(&last_events).filter(|(_, event)| event.is_none());
    let without_event = without_event.map(|(engine, _)| *engine);
    let unexpected = find_unexpected(without_event, &active.policy, &keyring, &app.tables.rollups).await?;
    let card = |(engine, last_event): (&Engine, Option<Event>)| EngineCard {
        is_expected: !unexpected.contains(engine),
        is_retired: active.is_retired(*engine),
        ..engine_card(&active.policy, *engine, last_event, &keyring, &unresolved.items, &open_actions, now)
    };
    let engines = engines.iter().zip(last_events).map(card).collect();
    Ok(page::render(StatusCode::OK, &EnginesPage { session: &session, section: Section::Engines, engines, paused }))
}

async fn find_last_event(app: &AppState, engine: Engine) -> Result<Option<Event>, StoreError> {
    let filter = EventFilter { engines: BTreeSet::from([engine]), ..EventFilter::default() };
    Ok(app.tables.search.page(&filter, 1, None, app.clock.as_ref()).await?.events.pop())
}

fn engine_card(
    policy: &Policy,
    engine: Engine,
    last_event: Option<Event>,
    keyring: &Keyring,
    unresolved: &[IncidentSummary],
    open_actions: &[Result<OpenAction, StoreError>],
    now: Timestamp,
) -> EngineCard {
    let acts_for_engine = |(_, credential): &(&KeyId, &Credential)| {
        credential.grant.role == Role::Engine && credential.grant.may_act_for(engine)
    };
    let is_live = |(_, credential): &(&KeyId, &Credential)| credential.status_at(now) == CredentialStatus::Live;
    let (live, expired): (Vec<_>, Vec<_>) = keyring.all().filter(acts_for_engine).partition(is_live);
    let view = |(kid, credential): (&KeyId, &Credential)| {
        let others = credential.grant.engines.iter().filter(|other| **other != engine);
        EngineCredential {
            kid: kid.clone(),
            expires_at: credential.grant.expires_at,
            other_engines: engine_titles(policy, others),
        }
    };
    EngineCard {
        title: engine_title(policy, engine),
        engine,
        expected_interval: expected_interval(policy, engine).map(format_duration),
        is_expected: true,
        is_retired: false,
        categories: category_titles(policy, engine),
        last_event: last_event.map(LastEvent::from),
        silent_incident_path: silent_incident_path(engine, unresolved),
        in_progress: format_in_progress(engine, open_actions),
        credentials: live.into_iter().map(view).collect(),
        expired_credentials: expired.len(),
    }
}

/// Returns the expected interval between events of `engine`; None if it may be silent.
fn expected_interval(policy: &Policy, engine: Engine) -> Option<Duration> {
    let seconds = policy.engines.get(&engine)?.expected_interval_seconds;
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

impl From<Event> for LastEvent {
    fn from(event: Event) -> Self {
        Self {
            path: event_path(event.id),
            event_type: SafeText::new(event.reported.event_type.as_str()),
            at: event.occurred_at,
            by: event.reported_by,
        }
    }
}
