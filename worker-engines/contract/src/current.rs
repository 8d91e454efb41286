//! Which request runs on a thread, or in a green thread: for the watchdog and for the log of those who
//! find the body.
//!
//! Each thread has a place for it, which others may read. No destructor is registered for it: that waits
//! for whoever loads a library.
#![allow(unsafe_code)]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::thread_word::ThreadWord;

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

impl CurrentPlace {
    /// That of the thread, or green thread, that calls. An OS thread's is made at its first use, and
    /// stays.
    fn own<'a>() -> &'a Self {
        if ThreadWord::Request.get() == 0 {
            let place: &Self = Box::leak(Box::default());
            ThreadWord::Request.set(std::ptr::from_ref(place) as usize);
        }
        // SAFETY: leaked, or lent by `stand_at` until it is taken back.
        unsafe { &*(ThreadWord::Request.get() as *const Self) }
    }

    /// From now on the request of the thread that calls stands at this place, or, with none, at no place
    /// any more.
    ///
    /// # Safety
    /// The place is taken back before it goes.
    pub unsafe fn stand_at(place: Option<&Self>) {
        ThreadWord::Request.set(place.map_or(0, |place| std::ptr::from_ref(place) as usize));
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
    *CurrentPlace::own().0.lock().unwrap_or_else(PoisonError::into_inner) = request;
}
