//! WebSockets that were left, and for which there is something to do that no event of the socket tells of: the
//! engine takes them from here ([`Handler::roused`](unicoro_contract::Handler::roused)).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use unicoro_contract::{Stop, Stream};

/// Their streams.
pub struct Roused {
    streams: Mutex<Vec<Arc<Stream>>>,
    // Looked at in each turn of the engine.
    has_some: AtomicBool,
    engine: Arc<Stop>,
}

impl Roused {
    /// None; `engine` wakes the engine.
    pub fn new(engine: Arc<Stop>) -> Self {
        Self { streams: Mutex::default(), has_some: AtomicBool::new(false), engine }
    }

    /// There is something to do for one more. From any thread.
    pub fn add(&self, stream: &Arc<Stream>) {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(stream));
        if !self.has_some.swap(true, Ordering::SeqCst) {
            self.engine.wake();
        }
    }

    /// Takes all.
    pub fn take(&self) -> Vec<Arc<Stream>> {
        // First: who adds one behind this wakes the engine again.
        if !self.has_some.load(Ordering::Relaxed) || !self.has_some.swap(false, Ordering::SeqCst) {
            return Vec::new();
        }
        std::mem::take(&mut *self.streams.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
