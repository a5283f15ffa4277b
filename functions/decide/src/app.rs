//! The state of the handlers.

use std::sync::Arc;

use age_governance::{DecisionMaker, PolicyCache};
use age_http::Problem;
use age_model::{Clock, Decision, DecisionId};
use age_runtime::PublicUrl;
use age_store::{Consistency, Decisions};

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) maker: DecisionMaker,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) clock: Box<dyn Clock>,
}

impl App {
    /// Combines the parts.
    pub fn new(maker: DecisionMaker, public_url: Option<PublicUrl>, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Inner { maker, public_url, clock: Box::new(clock) }))
    }
}

impl Inner {
    pub(crate) const fn decisions(&self) -> &Decisions {
        self.maker.decisions()
    }

    pub(crate) const fn policies(&self) -> &PolicyCache {
        self.maker.policies()
    }

    /// Returns the decision `id`.
    ///
    /// # Errors
    /// 404 if it does not exist, 503 if it cannot be read.
    pub(crate) async fn decision(&self, id: DecisionId) -> Result<Decision, Problem> {
        let decision = self.decisions().get(id, Consistency::Strong).await?;
        decision.ok_or_else(|| Problem::not_found(format!("decision {id} does not exist")))
    }
}
