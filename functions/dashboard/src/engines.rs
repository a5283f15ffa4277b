//! The engines: who speaks for each, when it was last heard, and how often it is to be.

use age_model::{CredentialStatus, Engine, Event, KeyId, Keyring, Role, Timestamp};
use age_platform::{NoQuery, Problem};
use age_store::{EventFilter, IncidentSummary, OpenAction, StoreError};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::try_join_all;
use tokio::try_join;

use crate::page::{self, Part};
use crate::session::Session;
use crate::text::{Shown, span};
use crate::{App, Parts, actions, events, incidents};

#[derive(Template)]
#[template(path = "engines.html")]
struct Page<'a> {
    session: &'a Session,
    part: Part,
    rows: Vec<Row>,
}

/// An engine.
struct Row {
    title: String,
    name: Engine,
    /// How often it is to be heard. None if it may be silent.
    cadence: Option<String>,
    last: Option<Last>,
    /// The page of the incident that its silence is, if it is silent.
    silence: Option<String>,
    /// How many of its actions are under way.
    under_way: String,
    keys: Vec<Key>,
    /// How many of its credentials are over.
    over: usize,
}

/// What it said last.
struct Last {
    path: String,
    event_type: Shown,
    at: Timestamp,
    by: Option<KeyId>,
}

/// A credential that speaks for it.
struct Key {
    kid: KeyId,
    expires_at: Option<Timestamp>,
    /// The other engines that it speaks for.
    others: String,
}

pub(crate) async fn show(State(App(app)): State<App>, session: Session, _: NoQuery) -> Result<Response, Problem> {
    let tables = &app.tables;
    let (keyring, latest) = (app.gate.keyring().await?, try_join_all(Engine::ALL.iter().map(|it| app.latest(*it))));
    let (unresolved, open_actions, latest) =
        try_join!(tables.incidents.unresolved(), tables.life.actions().open_actions(), latest)?;
    let row =
        |(engine, last): (&Engine, Option<Event>)| app.engine(*engine, last, &keyring, &unresolved, &open_actions);
    let rows = Engine::ALL.iter().zip(latest).map(row).collect();
    Ok(page::html(StatusCode::OK, &Page { session: &session, part: Part::Engines, rows }))
}

impl Parts {
    /// The latest event of `engine`.
    async fn latest(&self, engine: Engine) -> Result<Option<Event>, StoreError> {
        let filter = EventFilter { engine: Some(engine), ..EventFilter::default() };
        Ok(self.tables.listing.page(&filter, 1, None, self.clock.as_ref()).await?.events.pop())
    }

    fn engine(
        &self,
        engine: Engine,
        last: Option<Event>,
        keyring: &Keyring,
        unresolved: &[IncidentSummary],
        open_actions: &[Result<OpenAction, StoreError>],
    ) -> Row {
        let now = self.clock.now();
        let speaks = |kid_and: &(&KeyId, &age_model::Credential)| {
            kid_and.1.grant.role == Role::Engine && kid_and.1.grant.may_act_for(engine)
        };
        let (live, over): (Vec<_>, Vec<_>) = keyring
            .all()
            .filter(speaks)
            .partition(|(_, credential)| credential.status_at(now) == CredentialStatus::Live);
        let key = |(kid, credential): (&KeyId, &age_model::Credential)| {
            let others = credential.grant.engines.iter().filter(|other| **other != engine);
            let others: Vec<_> = others.map(|other| self.policy.title(*other)).collect();
            Key { kid: kid.clone(), expires_at: credential.grant.expires_at, others: others.join(", ") }
        };
        let is_silence = |listed: &&IncidentSummary| listed.is_silence() && listed.id.key.engine == engine;
        let cadence = self.policy.engines.get(&engine).map_or(0, |rules| rules.expected_interval_seconds);
        Row {
            title: self.policy.title(engine).to_owned(),
            name: engine,
            cadence: (cadence > 0).then(|| span(cadence)),
            last: last.map(Last::from),
            silence: unresolved.iter().find(is_silence).map(|listed| incidents::path(&listed.id)),
            under_way: actions::under_way(engine, open_actions),
            keys: live.into_iter().map(key).collect(),
            over: over.len(),
        }
    }
}

impl From<Event> for Last {
    fn from(event: Event) -> Self {
        Self {
            path: events::path(event.id),
            event_type: Shown::new(event.reported.event_type.as_str()),
            at: event.occurred_at,
            by: event.reported_by,
        }
    }
}
