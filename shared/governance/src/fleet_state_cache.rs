//! The state of the fleet as decisions see it: read again when it is a second old.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use age_model::{Clock, StoreError, Timestamp};
use age_store::{FleetStateStore, StoredFleetState};

/// How long an environment relies on the state that it has read.
const VALID_MILLIS: i64 = 1000;

/// How long whoever sets or ends a hold waits after it was stored: until no environment relies on an earlier state. Half a second is for
/// a clock that is set back meanwhile.
const UNTIL_SEEN: Duration = Duration::from_millis(1500);

/// The state of the fleet that an execution environment has read.
#[derive(Debug, Clone)]
pub(crate) struct FleetStateCache {
    store: FleetStateStore,
    latest: Arc<Mutex<Option<ReadState>>>,
}

/// A state, and when it was read.
#[derive(Debug)]
struct ReadState {
    /// INVARIANT: the time is from before the read, so the state is no older than it says.
    at: Timestamp,
    state: Arc<StoredFleetState>,
}

impl FleetStateCache {
    pub(crate) fn new(store: FleetStateStore) -> Self {
        Self { store, latest: Arc::default() }
    }

    /// Returns the state of the fleet, at most a second old: with every hold whose setter had the response before this call.
    ///
    /// # Errors
    /// [`StoreError`] if it has to be read, and cannot be.
    pub(crate) async fn get(&self, clock: &dyn Clock) -> Result<Arc<StoredFleetState>, StoreError> {
        let at = clock.now();
        if let Some(state) = self.valid(at) {
            return Ok(state);
        }
        let state = Arc::new(self.store.get().await?);
        let read = ReadState { at, state: Arc::clone(&state) };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(read);
        Ok(state)
    }

    fn valid(&self, now: Timestamp) -> Option<Arc<StoredFleetState>> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let read = latest.as_ref()?;
        let is_valid = read.at <= now && now < read.at.plus_millis(VALID_MILLIS);
        is_valid.then(|| Arc::clone(&read.state))
    }
}

/// Waits until every decision on a request that is received from now on sees the state of the fleet that is stored now.
pub(crate) async fn wait_until_seen(clock: &dyn Clock) {
    clock.sleep(UNTIL_SEEN).await;
}
