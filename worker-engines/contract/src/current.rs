//! Which request runs on a thread, or in a green thread: for the watchdog and for the log of those who
//! find the body.
//!
//! Each thread has a place for it, which others may read. No destructor is registered for it: that waits
//! for whoever loads a library.
#![allow(unsafe_code)]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::thread_word::ThreadWord;

/// What the line of a request may hold of memory after it: with more it is given back.
const KEEP: usize = 1024;

/// A request in progress.
#[derive(Clone, Debug)]
pub struct CurrentRequest {
    /// Method and target.
    pub line: String,
    /// When its head was whole.
    pub began: Instant,
}

/// Where the request stands that a thread serves.
#[derive(Debug, Default)]
pub struct CurrentPlace(Mutex<Standing>);

#[derive(Debug, Default)]
struct Standing {
    is_served: bool,
    // That, or an earlier one, whose memory the next will have.
    request: Option<Arc<CurrentRequest>>,
}

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
        let standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        look(standing.request.as_ref().filter(|_| standing.is_served))
    }
}

/// A request begins here whose head was whole at `began`: `write` appends its line, and `look` is shown
/// it. Both are short.
pub fn begin_current<R>(
    began: Instant,
    write: impl FnOnce(&mut String),
    look: impl FnOnce(&CurrentRequest) -> R,
) -> R {
    let mut standing = CurrentPlace::own().0.lock().unwrap_or_else(PoisonError::into_inner);
    standing.is_served = true;
    let new = || Arc::new(CurrentRequest { line: String::new(), began });
    // A copy, if somebody still looks at the last one.
    let request = Arc::make_mut(standing.request.get_or_insert_with(new));
    request.began = began;
    request.line.clear();
    request.line.shrink_to(KEEP);
    write(&mut request.line);
    look(request)
}

/// It ends.
pub fn end_current() {
    let mut standing = CurrentPlace::own().0.lock().unwrap_or_else(PoisonError::into_inner);
    standing.is_served = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(line: &str) {
        begin_current(Instant::now(), |text| text.push_str(line), |_| ());
    }

    #[test]
    fn who_looks_at_a_request_keeps_it() {
        begin("GET /1");
        let first = CurrentPlace::own().get().unwrap();
        end_current();
        assert!(CurrentPlace::own().get().is_none());
        begin("GET /2");
        let second = CurrentPlace::own().get().unwrap();
        assert_eq!((first.line.as_str(), second.line.as_str()), ("GET /1", "GET /2"));
        end_current();
    }

    #[test]
    fn a_long_line_is_not_kept_for_the_next_request() {
        begin(&"x".repeat(100 * KEEP));
        end_current();
        begin("GET /");
        assert!(CurrentPlace::own().get().unwrap().line.capacity() <= KEEP);
        end_current();
    }
}
