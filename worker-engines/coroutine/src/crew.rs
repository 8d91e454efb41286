//! Green workers: the green threads that serve requests. Pure bookkeeping.
//!
//! As few as can do the work: one drains the queue of ready connections for as long as it is never
//! parked inside a request; the one that parks calls the next. The last to go idle is the first to
//! be called, so that few stacks are warm and few threads' locals (database connections) exist.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::green::{Ticket, Woken};

/// An idle green worker ends after this long: its thread state, and what it holds, goes.
pub const IDLE_LIFE: Duration = Duration::from_secs(10);

/// The green workers of an engine.
#[derive(Default)]
pub struct Crew {
    // The longest idle first.
    idle: RefCell<Vec<(Ticket, Instant)>>,
    size: Cell<usize>,
    // Somebody was called to the queue and has not come yet.
    called: Cell<bool>,
}

impl Crew {
    /// How many there are.
    pub fn size(&self) -> usize {
        self.size.get()
    }

    /// One more has begun, or (-1) ended.
    pub fn resize(&self, by: isize) {
        self.size.set(self.size.get().wrapping_add_signed(by));
    }

    /// Calls an idle one to the queue. False: none is idle and none is on its way.
    pub fn call(&self) -> bool {
        if self.called.get() {
            return true;
        }
        let Some((ticket, _)) = self.idle.borrow_mut().pop() else {
            return false;
        };
        self.called.set(true);
        ticket.wake(Woken::Ready);
        true
    }

    /// The one that was called, or a new one, has come.
    pub fn arrived(&self) {
        self.called.set(false);
    }

    /// One has nothing to do from `now` on; it parks with `ticket`. Woken with `Deadline` it ends.
    pub fn rest(&self, ticket: Ticket, now: Instant) {
        self.idle.borrow_mut().push((ticket, now));
    }

    /// Ends those that have been idle since before `since`.
    pub fn retire(&self, since: Instant) {
        let mut idle = self.idle.borrow_mut();
        let stale = idle.partition_point(|(_, resting)| *resting < since);
        for (ticket, _) in idle.drain(..stale) {
            ticket.wake(Woken::Deadline);
        }
    }
}
