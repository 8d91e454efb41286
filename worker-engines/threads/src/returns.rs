//! The way back: connections that the pool is done with, until the poller takes them.
//!
//! ```text
//!   pool thread   give ──► list ──► take   poller, at each turn
//!                   └─── Stop::wake ──►    only if the poller must not sleep on
//! ```
//!
//! The poller turns once a second at least, which is soon enough to begin an idle connection's
//! deadline; so most returns wake nobody, and cost no system call. It is woken when there is
//! something to do: bytes have come meanwhile, or it waits for a client to leave.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use unicoro_contract::{AfterServe, Connection, Stop};

/// What a pool thread gives back.
pub enum Returned {
    /// Waits for its next request.
    Waiting {
        /// The connection that waits.
        connection: Box<Connection>,
        /// The deadline, if there is one.
        until: Option<Instant>,
        /// Since when.
        since: Instant,
    },
    /// The connection of this key is closed, or the application's.
    Gone(usize),
}

/// What has been given back and not yet taken.
pub struct Returns {
    list: Mutex<List>,
    poller: Arc<Stop>,
}

#[derive(Default)]
struct List {
    // At most worker_connections, as everything that holds connections.
    returned: Vec<Returned>,
    is_awaited: bool,
}

impl Returns {
    /// Nothing yet; `poller` wakes the poller.
    pub fn new(poller: Arc<Stop>) -> Self {
        Self { list: Mutex::default(), poller }
    }

    /// Gives a connection back after a request.
    pub fn give(&self, connection: Box<Connection>, after: AfterServe) {
        let returned = match after {
            AfterServe::Park { until } => {
                Returned::Waiting { connection, until, since: Instant::now() }
            }
            AfterServe::Close => {
                let key = connection.stream.key();
                // Closed before the poller hears of it: the client waits for the end.
                drop(connection);
                Returned::Gone(key)
            }
        };
        if self.push(returned) {
            self.poller.wake();
        }
    }

    /// Whether the poller must be woken. Decided under the lock: the poller notes readiness before
    /// it takes the list, so either it finds the connection here, or the note is seen.
    fn push(&self, returned: Returned) -> bool {
        let mut list = self.lock();
        let has_more = matches!(
            &returned,
            Returned::Waiting { connection, .. }
                if connection.is_left
                    || connection.stream.may_be_readable()
                    || !connection.inbox.is_empty()
        );
        list.returned.push(returned);
        has_more || list.is_awaited
    }

    /// Takes all. `is_awaited`: from now on each return wakes the poller.
    pub fn take(&self, is_awaited: bool) -> Vec<Returned> {
        let mut list = self.lock();
        list.is_awaited = is_awaited;
        std::mem::take(&mut list.returned)
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        // Nothing under the lock can panic halfway.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
