//! The authentication layer before every route that is not public: it authenticates the caller, checks the role, and limits
//! the request rate.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use age_model::{
    AuthError, Clock, CredentialSource, Grant, KeyId, Keyring, Role, SealingKey, SystemAlertRecorder, Timestamp, Token,
};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::authorization::{Access, retries_only_5xx};
use crate::caller::{self, Caller, NOT_PROVEN};
use crate::expired_credential_alerts::ExpiredCredentialAlerts;
use crate::problem::Problem;
use crate::rate_limit::{RateLimiter, RequestCost, RequestRate};
use crate::request_log;
use crate::token_search::TokenSearch;

/// Credentials that were read longer ago are read again while a request is handled.
const REFRESH_AFTER_SECONDS: i64 = 20;

/// Credentials that were read longer ago are not used. A function may plan by the policy that was read with them for as long as it runs,
/// which is 25 seconds. Together that is the minute after which nothing follows a credential or policy of before.
const MAX_AGE_SECONDS: i64 = 35;

/// A response waits no longer than this for credentials that the next request may need.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(1);

/// How often one environment reads the credentials again because it does not know the credential of a session, for each credential.
const SESSION_LOOKUP_RATE: RequestRate = RequestRate::new(1, 10);

/// Authenticates callers by credentials that are at most 35 seconds old. Build one per execution environment.
#[derive(Clone)]
pub struct Authentication(Arc<Inner>);

struct Inner {
    source: Box<dyn CredentialSource>,
    clock: Box<dyn Clock>,
    cached: Mutex<Option<CachedKeyring>>,
    requests: Mutex<RateLimiter<KeyId>>,
    search: TokenSearch,
    /// For the credential of a session, or None for the key. Apart from `search`: whoever has a sealed session is no stranger.
    session_lookups: Mutex<RateLimiter<Option<KeyId>>>,
    /// None in a function that may not record alerts.
    alerts: Option<ExpiredCredentialAlerts>,
}

#[derive(Clone)]
struct CachedKeyring {
    keyring: Arc<Keyring>,
    read_at: Timestamp,
}

impl CachedKeyring {
    /// Whether it was read at most `seconds` before `now`. After a clock was set back, it is too old.
    fn is_within(&self, seconds: i64, now: Timestamp) -> bool {
        self.read_at <= now && now < self.read_at.plus_seconds(seconds)
    }
}

impl Authentication {
    /// Builds the layer and reads the credentials for the first time, which also opens the connection to the store: during
    /// init, when CPU is free. If that fails, the first request tries again.
    pub async fn new(source: impl CredentialSource + 'static, rate: RequestRate, clock: impl Clock + 'static) -> Self {
        Self::build(Box::new(source), rate, Box::new(clock), None).await
    }

    /// As [`Authentication::new`]. Requests that are refused because their credential has expired are recorded as system alerts.
    pub async fn with_alerts(
        source: impl CredentialSource + 'static,
        rate: RequestRate,
        clock: impl Clock + 'static,
        alerts: impl SystemAlertRecorder + 'static,
    ) -> Self {
        let alerts = ExpiredCredentialAlerts::new(Box::new(alerts));
        Self::build(Box::new(source), rate, Box::new(clock), Some(alerts)).await
    }

    async fn build(
        source: Box<dyn CredentialSource>,
        rate: RequestRate,
        clock: Box<dyn Clock>,
        alerts: Option<ExpiredCredentialAlerts>,
    ) -> Self {
        let layer = Self(Arc::new(Inner {
            source,
            clock,
            cached: Mutex::default(),
            requests: Mutex::new(RateLimiter::new(rate)),
            search: TokenSearch::new(),
            session_lookups: Mutex::new(RateLimiter::new(SESSION_LOOKUP_RATE)),
            alerts,
        }));
        let _ = layer.read().await;
        layer
    }

    /// The middleware before a route of this `access`.
    pub(crate) async fn middleware(self, access: Access, mut request: Request, next: Next) -> Response {
        let token = match caller::bearer_token(request.headers()) {
            Ok(token) => token,
            Err(problem) => return problem.into_response(),
        };
        let retries_only_5xx = retries_only_5xx(request.uri().path());
        let response = self.authenticated(access, &token, |caller| {
            request.extensions_mut().insert(caller);
            if let Some(key) = self.cached_sealing_key() {
                request.extensions_mut().insert(key);
            }
            next.run(request)
        });
        response.await.unwrap_or_else(|problem| {
            let problem = if retries_only_5xx { problem.for_senders_that_retry_5xx() } else { problem };
            problem.into_response()
        })
    }

    /// Runs `handler` for the caller with `token`, and refreshes the credentials beside it.
    ///
    /// # Errors
    /// As [`Authentication::authenticate`].
    async fn authenticated<F: Future<Output = Response>>(
        &self,
        access: Access,
        token: &Token,
        handler: impl FnOnce(Caller) -> F,
    ) -> Result<Response, Problem> {
        let caller = self.authenticate(access, token).await?;
        let mut response = self.with_refresh(handler(caller)).await;
        if let Some(cost) = response.extensions_mut().remove::<RequestCost>() {
            let mut requests = self.0.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.charge(token.kid(), cost, self.0.clock.now());
        }
        Ok(response)
    }

    /// Waits for `response`, and refreshes the credentials beside it.
    pub async fn with_refresh(&self, response: impl Future<Output = Response>) -> Response {
        let (response, ()) = tokio::join!(response, self.refresh());
        response
    }

    /// Returns the caller with `token`, if it may use a route of this `access`.
    ///
    /// # Errors
    /// 401 if the token is not valid, 403 if the credential's role may not use the route, 429 if it calls too often, 503 if the
    /// credentials cannot be read.
    pub async fn authenticate(&self, access: Access, token: &Token) -> Result<Caller, Problem> {
        let caller = self.authorize(access, self.proven(token).await?)?;
        if access != Access::Admin {
            return Ok(caller);
        }
        // A revoked admin that could create credentials for another minute would outlive the revocation. Only an admin within its
        // rate causes this read.
        let keyring = self.read().await?;
        let found = self.found(&keyring, token);
        let caller = self.caller(&keyring, token, found).await?;
        require_access(access, &caller)?;
        Ok(caller)
    }

    /// Returns `caller` if it may use a route of this `access`, and does not call too often.
    pub(crate) fn authorize(&self, access: Access, caller: Caller) -> Result<Caller, Problem> {
        request_log::record_caller(&caller.kid);
        require_access(access, &caller)?;
        acquire(&self.0.requests, &caller.kid, self.0.clock.now()).map_err(|seconds| {
            let detail = format!("the credential {} exceeds its request rate; nothing was stored", caller.kid);
            Problem::too_many_requests(detail, seconds)
        })?;
        Ok(caller)
    }

    /// Returns the caller that `token` proves.
    async fn proven(&self, token: &Token) -> Result<Caller, Problem> {
        let mut keyring = self.keyring().await?;
        let mut found = self.found(&keyring, token);
        if found == Err(AuthError::Unknown) && self.0.search.acquire(token, self.0.clock.now()) {
            keyring = self.read().await?;
            found = self.found(&keyring, token);
            if found == Err(AuthError::Unknown) {
                self.0.search.refuse(token);
            }
        }
        self.caller(&keyring, token, found).await
    }

    fn found(&self, keyring: &Keyring, token: &Token) -> Result<Grant, AuthError> {
        keyring.authenticate(token, self.0.clock.now()).cloned()
    }

    async fn caller(
        &self,
        keyring: &Keyring,
        token: &Token,
        found: Result<Grant, AuthError>,
    ) -> Result<Caller, Problem> {
        let kid = token.kid();
        match found {
            Ok(grant) => Ok(Caller { kid: kid.clone(), grant }),
            // INVARIANT: nothing tells whether a credential has or had the name of a token that is not proven.
            Err(AuthError::Unknown) => Err(Problem::invalid_token(NOT_PROVEN)),
            Err(error @ AuthError::Expired) => {
                if let (Some(alerts), Some(credential)) = (&self.0.alerts, keyring.get(kid)) {
                    alerts.record_refusal(kid, credential, self.0.clock.now()).await;
                }
                Err(Problem::invalid_token(error.to_string()))
            }
        }
    }

    /// Whether the credentials may be read again because this environment does not know the credential of a session, or the key.
    pub(crate) fn acquire_session_lookup(&self, kid: Option<&KeyId>) -> bool {
        acquire(&self.0.session_lookups, &kid.cloned(), self.now()).is_ok()
    }

    /// Returns the credentials, at most 35 seconds old.
    ///
    /// # Errors
    /// 503 if they cannot be read.
    pub async fn keyring(&self) -> Result<Arc<Keyring>, Problem> {
        let now = self.0.clock.now();
        if let Some(cached) = self.cached().filter(|cached| cached.is_within(MAX_AGE_SECONDS, now)) {
            return Ok(cached.keyring);
        }
        self.read().await
    }

    /// Reads the credentials again if they are due for it.
    async fn refresh(&self) {
        let now = self.0.clock.now();
        if !self.cached().is_some_and(|cached| cached.is_within(REFRESH_AFTER_SECONDS, now)) {
            // If this fails, the next request tries again.
            let _ = tokio::time::timeout(REFRESH_TIMEOUT, self.read()).await;
        }
    }

    /// Reads the credentials now.
    ///
    /// # Errors
    /// 503 if they cannot be read.
    pub async fn read(&self) -> Result<Arc<Keyring>, Problem> {
        // INVARIANT: the time is that before the read began, so that a revocation during the read counts as not seen.
        let read_at = self.0.clock.now();
        let keyring = self.0.source.keyring().await.map_err(|error| {
            tracing::error!(%error, "cannot read credentials: {error}");
            Problem::unavailable("credentials cannot be read; nothing was stored, retry later")
        })?;
        let keyring = Arc::new(keyring);
        *self.0.cached.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(CachedKeyring { keyring: Arc::clone(&keyring), read_at });
        Ok(keyring)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn cached_sealing_key(&self) -> Option<SealingKey> {
        self.cached()?.keyring.sealing_key()
    }

    fn cached(&self) -> Option<CachedKeyring> {
        self.0.cached.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Fails with 403 if the role of the caller may not use a route of this `access`.
pub(crate) fn require_access(access: Access, Caller { kid, grant }: &Caller) -> Result<(), Problem> {
    if access.permits_grant(grant) {
        return Ok(());
    }
    if !grant.is_understood() {
        let detail = format!(
            "the credential {kid} has a role or an engine that this version of AGE does not know, so it permits nothing"
        );
        return Err(Problem::forbidden(detail));
    }
    let allowed: Vec<&str> = access.roles().map(Role::as_str).collect();
    let detail = format!(
        "the role {} of credential {kid} may not use this route; allowed roles: {}",
        grant.role,
        allowed.join(", ")
    );
    Err(Problem::forbidden(detail))
}

fn acquire<K: Ord + Clone>(limiter: &Mutex<RateLimiter<K>>, key: &K, now: Timestamp) -> Result<(), u16> {
    limiter.lock().unwrap_or_else(PoisonError::into_inner).acquire(key, now)
}
