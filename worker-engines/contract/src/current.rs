//! Which request runs on a thread, or in a green thread: for the watchdog and for the log of those who
//! find the body.
//!
//! Each thread has a place for it, which others may read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// A request in progress.
#[derive(Debug)]
pub struct CurrentRequest {
    /// Method and target.
    pub line: String,
    /// When its head was whole.
    pub began: Instant,
}

/// Where the request stands that a thread serves.
#[derive(Debug, Default)]
pub struct CurrentPlace(Mutex<Option<Arc<CurrentRequest>>>);

thread_local! {
    static PLACE: Arc<CurrentPlace> = Arc::default();
}

impl CurrentPlace {
    /// That of the thread, or green thread, that calls.
    #[must_use]
    pub fn own() -> Arc<Self> {
        PLACE.with(Arc::clone)
    }

    /// What its thread serves.
    #[must_use]
    pub fn get(&self) -> Option<Arc<CurrentRequest>> {
        self.with(|request| request.map(Arc::clone))
    }

    /// Looks at what its thread serves. From any thread; `look` is short.
    pub fn with<R>(&self, look: impl FnOnce(Option<&Arc<CurrentRequest>>) -> R) -> R {
        look(self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
    }
}

/// Sets what runs here.
pub fn set_current(request: Option<Arc<CurrentRequest>>) {
    PLACE.with(|place| *place.0.lock().unwrap_or_else(PoisonError::into_inner) = request);
}

/// What runs here.
#[must_use]
pub fn current_request() -> Option<Arc<CurrentRequest>> {
    CurrentPlace::own().get()
}
