//! Idle connections, for the next request to the same host.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use age_model::Timestamp;

use crate::connection::Connection;
use crate::https_url::HttpsUrl;

/// How many idle connections are kept, to all hosts together: more than the 50 hosts that a user may have in use at once. Each takes
/// some 50 KB.
const MAX_IDLE: usize = 64;
/// How long an idle connection is kept. Node.js and uvicorn close connections after 5 seconds, and a request that crosses the close is
/// lost.
const MAX_IDLE_TIME: Duration = Duration::from_secs(4);

/// Idle connections, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct ConnectionPool {
    idle: Mutex<Vec<IdleConnection>>,
}

#[derive(Debug)]
struct IdleConnection {
    host: String,
    port: u16,
    since: Timestamp,
    connection: Connection,
}

impl ConnectionPool {
    /// Removes and returns a connection to host and port of `url`. Closes those that are idle for too long.
    pub(crate) fn take(&self, url: &HttpsUrl, now: Timestamp) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = u64::try_from(MAX_IDLE_TIME.as_millis()).unwrap_or(u64::MAX);
        // An absolute difference: the machine's clock may be set back.
        idle.retain(|idle| now.millis().abs_diff(idle.since.millis()) < limit && !idle.connection.is_closed());
        let position = idle.iter().rposition(|idle| idle.host == url.host() && idle.port == url.port())?;
        Some(idle.remove(position).connection)
    }

    /// Keeps `connection`, whose last response is read to its end, for the next request. Closes the oldest one if there are too many.
    pub(crate) fn put(&self, url: &HttpsUrl, connection: Connection, now: Timestamp) {
        if connection.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= MAX_IDLE {
            idle.remove(0);
        }
        idle.push(IdleConnection { host: url.host().to_owned(), port: url.port(), since: now, connection });
    }
}
