//! Which green threads wait for which semaphore, and posts from other OS threads.
//!
//! A post on the scheduler's thread wakes a waiter by the semaphore's address. A post elsewhere may
//! come from any thread, even from a signal handler (`sem_post` is async-signal-safe), so it only
//! sets a bit for the address and rings the bell; the reactor then looks at the semaphores of
//! that bit. No post is lost: a waiter counts itself before it tries the semaphore a last time, a
//! poster posts before it looks at the count, all in one order (`SeqCst`).
#![allow(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::bell;
use crate::green::{Ticket, Woken};

/// Green threads that wait for any semaphore of this process.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// A bit for each group of addresses that another OS thread has posted to.
static POSTED: AtomicU64 = AtomicU64::new(0);
const GROUPS: usize = 64;

/// Another OS thread has posted to `semaphore`. Async-signal-safe.
pub fn posted_elsewhere(semaphore: usize) {
    if WAITING.load(Ordering::SeqCst) == 0 {
        return;
    }
    let bit = 1u64 << group(semaphore);
    if POSTED.fetch_or(bit, Ordering::SeqCst) & bit == 0 {
        bell::ring();
    }
}

/// Waiters by semaphore.
pub struct Semaphores {
    groups: [HashMap<usize, VecDeque<Ticket>>; GROUPS],
}

impl Default for Semaphores {
    fn default() -> Self {
        Self { groups: std::array::from_fn(|_| HashMap::new()) }
    }
}

impl Semaphores {
    /// Adds a waiter; it must try the semaphore once more before it parks.
    pub fn add(&mut self, semaphore: usize, ticket: Ticket) {
        self.groups[group(semaphore)].entry(semaphore).or_default().push_back(ticket);
        WAITING.fetch_add(1, Ordering::SeqCst);
    }

    /// Removes a waiter, whether it was woken or not.
    pub fn remove(&mut self, semaphore: usize, ticket: Ticket) {
        WAITING.fetch_sub(1, Ordering::SeqCst);
        let group = &mut self.groups[group(semaphore)];
        if let Some(waiters) = group.get_mut(&semaphore) {
            waiters.retain(|other| !other.is_of(ticket));
            if waiters.is_empty() {
                group.remove(&semaphore);
            }
        }
    }

    /// The semaphore was posted on this thread: wakes one.
    pub fn posted(&mut self, semaphore: usize) {
        if let Some(waiters) = self.groups[group(semaphore)].get_mut(&semaphore) {
            wake_one(waiters);
        }
    }

    /// Wakes as many as each semaphore that may have been posted elsewhere now lets through.
    pub fn collect_foreign_posts(&mut self) {
        let mut bits = POSTED.swap(0, Ordering::SeqCst);
        while bits != 0 {
            let group = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            for (semaphore, waiters) in &mut self.groups[group] {
                for _ in 0..value(*semaphore) {
                    wake_one(waiters);
                }
            }
        }
    }
}

/// Wakes the first that still waits: one whose deadline has woken it will try the semaphore, but
/// it may come too late to pass the post on.
fn wake_one(waiters: &mut VecDeque<Ticket>) {
    while let Some(ticket) = waiters.pop_front() {
        if ticket.is_woken_by(Woken::Ready) {
            return;
        }
    }
}

fn value(semaphore: usize) -> i32 {
    let mut value = 0;
    // SAFETY: a green thread waits for this semaphore, so its memory is alive.
    unsafe { libc::sem_getvalue(semaphore as *mut libc::sem_t, &raw mut value) };
    value
}

/// Semaphores are aligned to 16 bytes at least where malloc made them.
fn group(semaphore: usize) -> usize {
    (semaphore >> 4) % GROUPS
}
