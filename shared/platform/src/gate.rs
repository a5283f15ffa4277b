//! The gate before every route: who comes, whether they may, and not too often.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use age_model::{AuthError, Clock, Grant, KeyId, Keyring, Role, Timestamp, Token};
use age_store::Credentials;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::caller::{self, Access, Caller};
use crate::throttle::Throttle;
use crate::{Problem, Rate};

/// Credentials that were read longer ago are read again while a request is being answered.
const FRESH_SECONDS: i64 = 20;

/// Credentials that were read longer ago are not gone by: what was revoked is refused this long after at the latest.
const GOOD_SECONDS: i64 = 60;

/// An answer waits no longer for credentials to be read that the next request may need.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a token that is not known is looked for in the table: for each credential that is known, and for all others
/// together. Many environments may do so, of one row.
const SEARCHES: Rate = Rate::new(1, 10);

/// Knows all credentials as of a minute ago at most. One per execution environment.
#[derive(Clone)]
pub struct Gate(Arc<Parts>);

struct Parts {
    credentials: Credentials,
    clock: Box<dyn Clock>,
    known: Mutex<Option<Known>>,
    requests: Mutex<Throttle<KeyId>>,
    searches: Mutex<Throttle<Option<KeyId>>>,
}

#[derive(Clone)]
struct Known {
    keyring: Arc<Keyring>,
    read_at: Timestamp,
}

impl Known {
    /// Whether they were read at most so long before `now`. A clock that was set back makes them too old.
    fn is_within(&self, seconds: i64, now: Timestamp) -> bool {
        self.read_at <= now && now < self.read_at.plus_seconds(seconds)
    }
}

impl Gate {
    /// Reads the credentials for the first time, which also opens the connection to the store: during init, when CPU is
    /// free. If it fails, the first request tries again.
    pub async fn open(credentials: Credentials, rate: Rate, clock: impl Clock + 'static) -> Self {
        let gate = Self(Arc::new(Parts {
            credentials,
            clock: Box::new(clock),
            known: Mutex::default(),
            requests: Mutex::new(Throttle::new(rate)),
            searches: Mutex::new(Throttle::new(SEARCHES)),
        }));
        let _ = gate.read().await;
        gate
    }

    /// Lets a request through to a route of this `access`, or answers it.
    pub(crate) async fn guard(self, access: Access, mut request: Request, next: Next) -> Response {
        let token = match caller::bearer(request.headers()) {
            Ok(token) => token,
            Err(problem) => return problem.into_response(),
        };
        let let_in = self.let_in(access, &token, |caller| {
            request.extensions_mut().insert(caller);
            next.run(request)
        });
        let_in.await.unwrap_or_else(IntoResponse::into_response)
    }

    /// Has whoever comes with `token` to a route of this `access` answered by `answer`.
    ///
    /// # Errors
    /// As [`Gate::admit`].
    pub async fn let_in<F: Future<Output = Response>>(
        &self,
        access: Access,
        token: &Token,
        answer: impl FnOnce(Caller) -> F,
    ) -> Result<Response, Problem> {
        let caller = self.admit(access, token).await?;
        let (response, ()) = tokio::join!(answer(caller), self.refresh());
        Ok(response)
    }

    /// Who comes with `token`, if they may come to a route of this `access`.
    ///
    /// # Errors
    /// A 401 if the token is not taken, a 403 if its credential may not, a 429 if it comes too often, a 503 if nobody can be
    /// proven at this moment.
    pub async fn admit(&self, access: Access, token: &Token) -> Result<Caller, Problem> {
        let grant = self.prove(token, access).await?;
        let kid = token.kid().clone();
        take(&self.0.requests, &kid, self.0.clock.now()).map_err(|seconds| {
            Problem::too_many_requests(format!("{kid} asks more often than it may; nothing was stored"), seconds)
        })?;
        if access.admits(grant.role) {
            return Ok(Caller { kid, grant });
        }
        let may: Vec<&str> = access.roles().map(Role::as_str).collect();
        Err(Problem::forbidden(format!("{kid} is {}; this is for {}", grant.role, may.join(", "))))
    }

    /// What the bearer of `token` may do.
    async fn prove(&self, token: &Token, access: Access) -> Result<Grant, Problem> {
        let now = self.0.clock.now();
        let keyring = self.keyring().await?;
        let mut proven = keyring.authenticate(token, now).cloned();
        if proven == Err(AuthError::Unknown) {
            self.may_search(token, &keyring, now)?;
            proven = self.read().await?.authenticate(token, now).cloned();
        } else if proven.is_ok() && access == Access::Admin {
            // Whoever could make credentials for another minute could outlive a revocation.
            proven = self.read().await?.authenticate(token, now).cloned();
        }
        proven.map_err(|error| Problem::unauthorized(error.to_string()))
    }

    /// A token that is not known may be new: it is looked for in the table before it is refused. Strangers cannot make AGE do
    /// so often, nor keep it from looking for a new secret of a credential that it knows.
    fn may_search(&self, token: &Token, keyring: &Keyring, now: Timestamp) -> Result<(), Problem> {
        let known = keyring.get(token.kid()).map(|_| token.kid().clone());
        let searched = take(&self.0.searches, &known, now);
        searched.map_err(|seconds| Problem::too_many_requests("the credential is not known yet; try again", seconds))
    }

    /// The credentials as of a minute ago at most.
    ///
    /// # Errors
    /// A 503 if they cannot be had: nobody is let in unproven.
    pub async fn keyring(&self) -> Result<Arc<Keyring>, Problem> {
        let now = self.0.clock.now();
        if let Some(known) = self.known().filter(|known| known.is_within(GOOD_SECONDS, now)) {
            return Ok(known.keyring);
        }
        self.read().await
    }

    /// Reads the credentials again if they are no longer fresh.
    async fn refresh(&self) {
        let now = self.0.clock.now();
        if !self.known().is_some_and(|known| known.is_within(FRESH_SECONDS, now)) {
            // In vain: the next request tries again.
            let _ = tokio::time::timeout(REFRESH_TIMEOUT, self.read()).await;
        }
    }

    async fn read(&self) -> Result<Arc<Keyring>, Problem> {
        // INVARIANT: the time is that before the reading began, so that what is revoked meanwhile counts as not seen.
        let read_at = self.0.clock.now();
        let read = self.0.credentials.all().await.map_err(|error| {
            tracing::error!(%error, "the credentials cannot be read");
            Problem::unavailable("AGE cannot read its credentials; nothing was stored, try again")
        });
        let keyring = Arc::new(read?);
        *self.0.known.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Known { keyring: Arc::clone(&keyring), read_at });
        Ok(keyring)
    }

    fn known(&self) -> Option<Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn take<K: Ord + Clone>(throttle: &Mutex<Throttle<K>>, key: &K, now: Timestamp) -> Result<(), u16> {
    throttle.lock().unwrap_or_else(PoisonError::into_inner).take(key, now)
}
