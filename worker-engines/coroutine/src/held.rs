//! Which locks a green thread has: glibc knows a lock's owner by OS thread, and all green threads are
//! one.
//!
//! Of locks that know who has them (a recursive mutex lets that one in again) the record is exact.
//! Of all others it is for the name of whoever stands in the way, and bounded: the last few. Not
//! recorded are the language's own locks (see `hooks::gil`).
//!
//! The rule that a reader would break: the bounded part allocates nothing, because allocators lock
//! mutexes too.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ptr;

use crate::green::Green;

thread_local! {
    // All green threads, for the question who has a lock.
    static ALL: RefCell<Vec<*const Green>> = const { RefCell::new(Vec::new()) };
}

/// How many locks without an owner are remembered: nobody nests deeper and waits.
const REMEMBERED: usize = 16;

/// The locks of one green thread.
#[derive(Default)]
pub struct Held {
    // Those that know who has them, the last one last; once for each time.
    owned: RefCell<Vec<usize>>,
    // A ring; 0: nothing.
    others: [Cell<usize>; REMEMBERED],
    next: Cell<usize>,
}

impl Held {
    /// Whether it has this lock, if that is one that knows who.
    pub fn owns(&self, lock: usize) -> bool {
        self.owned.borrow().contains(&lock)
    }

    /// It has taken a lock that knows who, once more.
    pub fn own(&self, lock: usize) {
        self.owned.borrow_mut().push(lock);
    }

    /// It gives a lock that knows who back, once.
    pub fn disown(&self, lock: usize) {
        let mut owned = self.owned.borrow_mut();
        if let Some(at) = owned.iter().rposition(|own| *own == lock) {
            owned.remove(at);
        }
    }

    /// It has taken any other lock.
    #[inline]
    pub fn remember(&self, lock: usize) {
        let place = self.next.get();
        self.others[place].set(lock);
        self.next.set((place + 1) % REMEMBERED);
    }

    /// It gives any other lock back.
    #[inline]
    pub fn forget(&self, lock: usize) {
        // What was taken last is mostly given back first.
        let last = (self.next.get() + REMEMBERED - 1) % REMEMBERED;
        if self.others[last].get() == lock {
            self.others[last].set(0);
            self.next.set(last);
        } else if let Some(place) = self.others.iter().find(|other| other.get() == lock) {
            place.set(0);
        }
    }

    /// Whether it has this lock, as far as is known.
    pub fn has(&self, lock: usize) -> bool {
        self.others.iter().any(|other| other.get() == lock) || self.owns(lock)
    }
}

/// A green thread begins, and ends when the answer is dropped. On the scheduler's thread, as all here.
pub fn begins(green: &Green) -> Listed<'_> {
    ALL.with_borrow_mut(|all| all.push(ptr::from_ref(green)));
    Listed(green)
}

/// A green thread in the list, which it must not outlive, not even by a panic.
pub struct Listed<'g>(&'g Green);

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        ALL.with_borrow_mut(|all| {
            if let Some(at) = all.iter().rposition(|other| ptr::eq(*other, self.0)) {
                all.swap_remove(at);
            }
        });
    }
}

/// The green thread other than `green` that has this lock, as far as is known.
pub fn holder(lock: usize, green: &Green) -> Option<&'static Green> {
    if green.held().has(lock) {
        return None;
    }
    ALL.with_borrow(|all| {
        // SAFETY: each is taken out before it ends, on this thread. ('static is a lie that no
        // caller keeps: none of them runs before the caller returns.)
        let mut others = all.iter().map(|other| unsafe { &**other });
        others.find(|other| other.held().has(lock))
    })
}
