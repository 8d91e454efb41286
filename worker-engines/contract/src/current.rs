//! Which request runs on this thread, or in this green thread: for the watchdog and for the log of
//! those who find the body.
//!
//! A thread-local; an engine of green threads takes it out when it switches away from one and puts
//! it back when it switches to it.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

/// A request in progress.
#[derive(Debug)]
pub struct CurrentRequest {
    /// Method and target.
    pub line: String,
    /// When its head was whole.
    pub began: Instant,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<CurrentRequest>>> = const { RefCell::new(None) };
}

/// Sets what runs here, and hands back what ran before.
pub fn replace_current(request: Option<Arc<CurrentRequest>>) -> Option<Arc<CurrentRequest>> {
    CURRENT.replace(request)
}

/// What runs here.
#[must_use]
pub fn current_request() -> Option<Arc<CurrentRequest>> {
    CURRENT.with_borrow(Clone::clone)
}
