//! The page of one policy version: its document, what it would change, and its activations.

use age_governance::{PolicyDocument, PolicyReadError, active_policy_version, policy_version};
use age_http::{PathId, Problem, Query};
use age_model::{KeyId, PolicyHash, PolicyShadow, PolicyVersion, Timestamp};
use age_policy::difference;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::try_join;

use crate::app::{App, AppState};
use crate::page::{self, Section};
use crate::policy::difference_view::DifferenceView;
use crate::policy::document_view::DocumentView;
use crate::policy::history::ActivationView;
use crate::policy::simulation::{DEFAULT_WEEKS, MAX_WEEKS};
use crate::safe_text::SafeText;
use crate::session::Session;

/// How many of the newest activations are searched for those of the version.
const SEARCHED_ACTIVATIONS: usize = 100;

#[derive(Template)]
#[template(path = "policy_version.html")]
struct VersionPage<'a> {
    session: &'a Session,
    section: Section,
    version: PolicyVersion,
    is_active: bool,
    /// Since when and until when the version is the shadow, if it is.
    shadow: Option<ShadowView>,
    /// The version that it is compared with.
    against: PolicyVersion,
    is_against_active: bool,
    difference: DifferenceView,
    document: DocumentView,
    activations: Vec<ActivationView>,
    /// Whether earlier activations were not searched.
    has_more_activations: bool,
    max_weeks: usize,
    default_weeks: usize,
}

/// The shadow, as people read it.
struct ShadowView {
    from: Timestamp,
    until: Timestamp,
    by: KeyId,
    reason: Option<SafeText>,
}

impl From<PolicyShadow> for ShadowView {
    fn from(PolicyShadow { started_at, started_by, reason, until, .. }: PolicyShadow) -> Self {
        Self { from: started_at, until, by: started_by, reason: reason.as_deref().map(SafeText::new) }
    }
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(hash): PathId<PolicyHash>,
    mut query: Query,
) -> Result<Response, Problem> {
    let against: Option<PolicyHash> = query.optional("against");
    query.finish()?;
    let activations = async { Ok(app.tables.policies.activations(SEARCHED_ACTIVATIONS, None).await?) };
    let (new, old, activations) = try_join!(app.get_policy(hash), app.get_policy_or_active(against), activations)?;
    let (new_policy, old_policy) = (new.policy(&app.tables.policies)?, old.policy(&app.tables.policies)?);
    let of_version = activations.activations.items.into_iter().filter(|activation| activation.hash == hash);
    let page = VersionPage {
        session: &session,
        section: Section::Policy,
        is_active: new.is_active == Some(true),
        shadow: new.shadow.filter(|shadow| shadow.is_running(app.clock.now())).map(ShadowView::from),
        is_against_active: old.is_active == Some(true),
        difference: difference(&old_policy, &new_policy).into(),
        document: DocumentView::of(&new_policy, None),
        activations: of_version.map(ActivationView::from).collect(),
        has_more_activations: activations.next.is_some(),
        max_weeks: MAX_WEEKS,
        default_weeks: DEFAULT_WEEKS,
        version: new.version,
        against: old.version,
    };
    Ok(page::render(StatusCode::OK, &page))
}

impl AppState {
    /// Returns the policy version `hash`.
    ///
    /// # Errors
    /// 404 if it does not exist, 503 if it cannot be read.
    pub(crate) async fn get_policy(&self, hash: PolicyHash) -> Result<PolicyDocument, Problem> {
        policy_version(&self.tables.policies, hash).await.map_err(|error| match error {
            PolicyReadError::NotFound(_) => Problem::not_found(error.to_string()),
            PolicyReadError::Store(error) => error.into(),
        })
    }

    async fn get_policy_or_active(&self, hash: Option<PolicyHash>) -> Result<PolicyDocument, Problem> {
        match hash {
            Some(hash) => self.get_policy(hash).await,
            None => Ok(active_policy_version(&self.tables.policies).await?),
        }
    }
}
