//! Green workers: the green threads that serve requests. Pure bookkeeping.
//!
//! As few as can do the work: one drains the queue of ready connections for as long as it is never
//! parked inside a request; the one that parks calls the next. The last to go idle is the first to
//! be called, so that few stacks are warm and few threads' locals (database connections) exist.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use crate::wait::{Ticket, Woken};

/// An idle green worker ends after this long: its thread state, and what it holds, goes.
const IDLE_LIFE: Duration = Duration::from_secs(10);

/// An idle green worker.
struct Resting {
    ticket: Ticket,
    since: Instant,
    // The memory of its stack was given back.
    is_trimmed: bool,
}

/// An idle green worker that is not called for this long gives the memory of its stack back: one
/// deep recursion must not cost megabytes for good.
const WARM: Duration = Duration::from_secs(1);

/// The green workers of an engine.
pub struct Crew {
    // The most that there may be: as many requests are in progress at once.
    limit: Option<NonZeroUsize>,
    // The longest idle first.
    idle: RefCell<Vec<Resting>>,
    size: Cell<usize>,
    // Of these, those whose request has been answered and has left something behind that goes on.
    lingering: Cell<usize>,
    // Somebody was called to the queue and has not come yet.
    called: Cell<bool>,
}

impl Crew {
    /// Nobody yet, and never more than `limit`.
    pub fn new(limit: Option<NonZeroUsize>) -> Self {
        Self {
            limit,
            idle: RefCell::default(),
            size: Cell::default(),
            lingering: Cell::default(),
            called: Cell::default(),
        }
    }

    /// Whether there may be one more.
    pub fn may_grow(&self) -> bool {
        self.limit.is_none_or(|limit| self.serving() < limit.get())
    }

    /// Whether there are more than there may be: one that has lingered came back.
    pub fn has_too_many(&self) -> bool {
        self.limit.is_some_and(|limit| self.serving() > limit.get())
    }

    fn serving(&self) -> usize {
        self.size.get() - self.lingering.get()
    }

    /// How many there are, if there may be no more and all are at work.
    pub fn all_at_work(&self) -> Option<usize> {
        let has_free = self.may_grow() || self.called.get() || !self.idle.borrow().is_empty();
        (!has_free).then(|| self.serving())
    }

    /// Runs `body` as one that lingers: it takes no place meanwhile.
    pub fn linger(&self, body: impl FnOnce()) {
        self.lingering.set(self.lingering.get() + 1);
        body();
        self.lingering.set(self.lingering.get() - 1);
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.size.get()
    }

    /// One more is made, or (-1) one has ended, with all that its thread held.
    pub fn resize(&self, by: isize) {
        self.size.set(self.size.get().wrapping_add_signed(by));
    }

    /// Calls an idle one to the queue. False: none is idle and none is on its way.
    pub fn call(&self) -> bool {
        if self.called.get() {
            return true;
        }
        let Some(resting) = self.idle.borrow_mut().pop() else {
            return false;
        };
        self.called.set(true);
        resting.ticket.wake(Woken::Ready);
        true
    }

    /// One is on its way: a new one, or one that lets others run in between.
    pub fn expect(&self) {
        self.called.set(true);
    }

    /// The one that was called, or a new one, has come.
    pub fn arrived(&self) {
        self.called.set(false);
    }

    /// Nobody has anything to do any more: the idle ones end. True when all have ended, except those that
    /// linger.
    pub fn dismiss(&self) -> bool {
        for resting in self.idle.borrow_mut().drain(..) {
            resting.ticket.wake(Woken::Deadline);
        }
        self.serving() == 0
    }

    /// One has nothing to do from `now` on; it parks with `ticket`. Woken with `Deadline` it ends.
    pub fn rest(&self, ticket: Ticket, now: Instant) {
        self.idle.borrow_mut().push(Resting { ticket, since: now, is_trimmed: false });
    }

    /// Looks after those that have been idle for a while: they give memory back, and end.
    pub fn look_after(&self, now: Instant) {
        let mut idle = self.idle.borrow_mut();
        let has_rested = |resting: &Resting, time| now.duration_since(resting.since) >= time;
        let stale = idle.partition_point(|resting| has_rested(resting, IDLE_LIFE));
        for resting in idle.drain(..stale) {
            resting.ticket.wake(Woken::Deadline);
        }
        for resting in idle.iter_mut().filter(|resting| !resting.is_trimmed) {
            if has_rested(resting, WARM) {
                resting.is_trimmed = true;
                resting.ticket.trim();
            }
        }
    }
}
