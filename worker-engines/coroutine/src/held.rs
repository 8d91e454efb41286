//! Who has a lock, for the name of whoever stands in the way.
//!
//! glibc notes in mutexes, and in locks that are had for writing, which thread has them. Of all others
//! (spin locks, those had for reading, `pthread_once`) each green thread remembers the last few itself.
//! Not recorded are the language's own locks (see `interposed::sync::gil`).
//!
//! The rule that a reader would break: nothing is allocated here, because allocators lock too.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};

use libc::c_int;

use unicoro_contract::{CurrentPlace, Party};

use crate::wait::Sleeper;
use crate::words;

/// How many locks are remembered: nobody nests deeper and waits.
const REMEMBERED: usize = 16;

/// The locks of one green thread that do not note it themselves.
#[derive(Default)]
pub struct Held {
    // A ring; 0: nothing. Another may look while it runs.
    locks: [AtomicUsize; REMEMBERED],
    next: AtomicUsize,
}

impl Held {
    /// It has taken a lock.
    #[inline]
    pub fn remember(&self, lock: usize) {
        let place = self.next.load(Ordering::Relaxed);
        self.locks[place].store(lock, Ordering::Relaxed);
        self.next.store((place + 1) % REMEMBERED, Ordering::Relaxed);
    }

    /// It gives a lock back.
    #[inline]
    pub fn forget(&self, lock: usize) {
        // What was taken last is mostly given back first.
        let is_it = |other: &&AtomicUsize| other.load(Ordering::Relaxed) == lock;
        let last = (self.next.load(Ordering::Relaxed) + REMEMBERED - 1) % REMEMBERED;
        if is_it(&&self.locks[last]) {
            self.locks[last].store(0, Ordering::Relaxed);
            self.next.store(last, Ordering::Relaxed);
        } else if let Some(place) = self.locks.iter().find(is_it) {
            place.store(0, Ordering::Relaxed);
        }
    }

    fn has(&self, lock: usize) -> bool {
        self.locks.iter().any(|other| other.load(Ordering::Relaxed) == lock)
    }
}

/// A green thread, as others know it who ask what it has. It lives while it is listed in
/// `Core::owners`, or waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    identity: usize,
    number: c_int,
    held: *const Held,
    request: *const CurrentPlace,
    sleeper: *const Sleeper,
}

impl Owner {
    /// The green thread of this `pthread_self()` and of this number, as mutexes know it, with what it
    /// remembers to have, the request that it serves, and its waits.
    pub fn new(
        identity: usize,
        number: c_int,
        held: &Held,
        request: &CurrentPlace,
        sleeper: &Sleeper,
    ) -> Self {
        Self { identity, number, held, request, sleeper }
    }

    /// Whether it runs on another carrier, asked by who has the role.
    pub fn runs_elsewhere(&self) -> bool {
        // SAFETY: it lives.
        unsafe { &*self.sleeper }.runs_elsewhere()
    }

    /// It, for the operator.
    pub fn party(&self) -> Party {
        // SAFETY: it lives.
        Party { request: unsafe { &*self.request }.get(), identity: self.identity }
    }

    fn remembers(&self, lock: usize) -> bool {
        // SAFETY: it lives.
        unsafe { &*self.held }.has(lock)
    }
}

/// A lock that somebody waits for.
#[derive(Clone, Copy)]
pub struct Lock {
    /// The address of the lock.
    pub address: usize,
    /// Its kind: "mutex".
    pub what: &'static str,
    /// Where glibc notes the number of the thread that has it; null: nowhere.
    pub owner: *const c_int,
}

impl Lock {
    /// Whether this green thread has it, as far as is known.
    pub fn is_had_by(&self, owner: &Owner) -> bool {
        // SAFETY: null, or within a lock that somebody waits for.
        let is_noted = !self.owner.is_null() && unsafe { words::look(self.owner) } == owner.number;
        is_noted || owner.remembers(self.address)
    }

    /// Who of `all` other than `asker` has it, as far as is known.
    pub fn holder(&self, all: &[Owner], asker: Owner) -> Option<Owner> {
        all.iter().find(|other| **other != asker && self.is_had_by(other)).copied()
    }
}
