//! `-k gthread`: requests on a pool of OS threads, everything else in one poller.
//!
//! ```text
//!   main thread: the poller                        pool: N threads
//!   accept, receive, parse heads,   ── ready ──►   run the application, write the response,
//!   keep idle connections, deadlines ◄─ returns ─  wait for the client in poll(2)
//! ```
//!
//! A connection that waits (for its first head, the rest of one, or its next request) is in the
//! poller and holds no thread. gunicorn: half a head pins a thread there for good.

mod poller;
mod pool;
mod returns;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use thiserror::Error;
use unicoro_contract::{Engine, Handler, Refusal, Seat};
use unicoro_sys::shortage::Explained;

use crate::poller::Poller;
use crate::pool::Pool;
use crate::returns::Returns;

/// The engine of `-k gthread`.
#[derive(Debug)]
pub struct ThreadsEngine {
    threads: usize,
}

impl ThreadsEngine {
    /// An engine that serves up to `threads` requests at once; at least one.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self { threads: threads.max(1) }
    }
}

impl Engine for ThreadsEngine {
    fn run(self: Box<Self>, seat: Seat, handler: Arc<dyn Handler>) -> Result<(), Refusal> {
        let refuse = |error| Refusal(CannotRun(error).into());
        let returns = Arc::new(Returns::new(Arc::clone(&seat.stop)));
        let pool = Pool::start(self.threads, &handler, &returns).map_err(refuse)?;
        Poller::new(seat, handler, pool, returns).map_err(refuse)?.run();
        Ok(())
    }
}

/// A thread, or a descriptor, is not to be had.
#[derive(Debug, Error)]
#[error("the thread engine cannot run: {}", Explained(.0))]
struct CannotRun(#[source] io::Error);
