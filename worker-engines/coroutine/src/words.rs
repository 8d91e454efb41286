//! Which green threads wait for which word of memory (a semaphore, a futex, a lock), and wakes of
//! other OS threads.
//!
//! A wake on the scheduler's thread finds the waiters by the word's address. A wake elsewhere may
//! come from any thread, even from a signal handler (`sem_post` is async-signal-safe), so it only
//! sets a bit for the address and rings the bell; the reactor then looks at the words of that bit.
//! No wake is lost: a waiter counts itself before it looks at the word a last time, a waker writes
//! the word before it looks at the count, all in one order (`SeqCst`).
//!
//! Locks are unlocked far more often than they are waited for, so their unlock asks by one plain load
//! ([`is_awaited`]) and on x86-64 has no fence of its own: the instruction by which glibc unlocks is one
//! there. Should a wake be lost nevertheless, who waits for a lock looks again by a timer.
#![allow(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

use crate::bell;
use crate::wait::{Ticket, Woken};

/// Green threads that wait for any word of this process.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// A bit for each group of addresses that another OS thread has woken.
static WOKEN: AtomicU64 = AtomicU64::new(0);
const GROUPS: usize = 64;
/// How many wait for locks and condition variables of each group.
static LOCKS: [AtomicU32; GROUPS] = [const { AtomicU32::new(0) }; GROUPS];

/// What a word is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Lets as many through as its value says.
    Semaphore,
    /// Its waiters look themselves, and bear to be woken in vain (futex(2)).
    Futex,
    /// Lets one through, who wakes the next.
    Mutex,
    /// Lets many through, who look themselves: a lock of readers, a condition variable.
    Shared,
}

impl Kind {
    fn is_lock(self) -> bool {
        matches!(self, Self::Mutex | Self::Shared)
    }
}

/// What a word of a foreign structure holds now. Others write it, so nobody makes a reference to it
/// or looks at an older copy.
///
/// # Safety
/// The structure is alive and aligned.
#[inline]
pub unsafe fn look(word: *const i32) -> i32 {
    // SAFETY: the caller's word; for the length of one load.
    unsafe { AtomicI32::from_ptr(word.cast_mut()) }.load(Ordering::Relaxed)
}

/// Whether any green thread waits for a word. To be asked after the word was written.
pub fn are_awaited() -> bool {
    fence(Ordering::SeqCst);
    WAITING.load(Ordering::SeqCst) != 0
}

/// Another OS thread wakes who waits for `word`. Async-signal-safe.
pub fn woken_elsewhere(word: usize) {
    if !are_awaited() {
        return;
    }
    let bit = 1u64 << group(word);
    if WOKEN.fetch_or(bit, Ordering::SeqCst) & bit == 0 {
        bell::ring();
    }
}

/// Whether a green thread may be waiting for the lock or the condition variable at `word`. To be asked
/// after it was let go of.
#[inline]
pub fn is_awaited(word: usize) -> bool {
    if cfg!(not(target_arch = "x86_64")) {
        fence(Ordering::SeqCst);
    }
    LOCKS[group(word)].load(Ordering::Relaxed) != 0
}

/// Waiters by word.
pub struct Words {
    groups: [HashMap<usize, Waiters>; GROUPS],
}

struct Waiters {
    kind: Kind,
    tickets: VecDeque<Ticket>,
    // Those that were taken out of the line and have not run since.
    called: usize,
}

impl Default for Words {
    fn default() -> Self {
        Self { groups: std::array::from_fn(|_| HashMap::new()) }
    }
}

impl Words {
    /// Adds a waiter; it must look at the word once more before it parks. One that is not new was
    /// woken and came too late: it is before all others.
    pub fn add(&mut self, word: usize, kind: Kind, ticket: Ticket, is_new: bool) {
        let group = &mut self.groups[group(word)];
        let waiters = group.entry(word).or_insert_with(|| Waiters {
            kind,
            tickets: VecDeque::new(),
            called: 0,
        });
        if waiters.tickets.is_empty() {
            // The word may be part of something else by now than of what the last ones waited for.
            waiters.kind = kind;
        }
        if is_new {
            waiters.tickets.push_back(ticket);
        } else {
            waiters.tickets.push_front(ticket);
        }
        if kind.is_lock() {
            LOCKS[self::group(word)].fetch_add(1, Ordering::SeqCst);
        }
        WAITING.fetch_add(1, Ordering::SeqCst);
    }

    /// Removes a waiter, whether it was woken or not; `kind` as it was added.
    pub fn remove(&mut self, word: usize, kind: Kind, ticket: Ticket) {
        WAITING.fetch_sub(1, Ordering::SeqCst);
        if kind.is_lock() {
            LOCKS[self::group(word)].fetch_sub(1, Ordering::SeqCst);
        }
        let group = &mut self.groups[group(word)];
        if let Some(waiters) = group.get_mut(&word) {
            let before = waiters.tickets.len();
            waiters.tickets.retain(|other| !other.is_of(ticket));
            if waiters.tickets.len() == before {
                waiters.called = waiters.called.saturating_sub(1);
            }
            if waiters.tickets.is_empty() && waiters.called == 0 {
                group.remove(&word);
            }
        }
    }

    /// Whether somebody was woken for `word` who has not run since.
    pub fn has_called(&self, word: usize) -> bool {
        self.groups[group(word)].get(&word).is_some_and(|waiters| waiters.called > 0)
    }

    /// Woken on this thread: lets up to `most` go on. How many do.
    pub fn wake(&mut self, word: usize, most: usize, why: Woken) -> usize {
        match self.groups[group(word)].get_mut(&word) {
            Some(waiters) => waiters.wake(most, why),
            None => 0,
        }
    }

    /// Wakes as many as each word that may have been woken elsewhere now lets through.
    pub fn collect_foreign_wakes(&mut self) {
        let mut bits = WOKEN.swap(0, Ordering::SeqCst);
        while bits != 0 {
            let group = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            for (word, waiters) in &mut self.groups[group] {
                let most = match waiters.kind {
                    Kind::Semaphore => value(*word),
                    Kind::Mutex => 1,
                    Kind::Futex | Kind::Shared => usize::MAX,
                };
                waiters.wake(most, Woken::Ready);
            }
        }
    }
}

impl Waiters {
    /// Wakes those that still wait: one whose deadline has woken it will look at the word, but it
    /// may come too late to pass the wake on.
    fn wake(&mut self, most: usize, why: Woken) -> usize {
        let mut woken = 0;
        while woken < most
            && let Some(ticket) = self.tickets.pop_front()
        {
            self.called += 1;
            woken += usize::from(ticket.wake(why));
        }
        woken
    }
}

fn value(semaphore: usize) -> usize {
    let mut value = 0;
    // SAFETY: a green thread waits for this semaphore, so its memory is alive.
    unsafe { libc::sem_getvalue(semaphore as *mut libc::sem_t, &raw mut value) };
    usize::try_from(value).unwrap_or(0)
}

/// Semaphores, and what futexes are parts of, are aligned to 16 bytes where malloc made them.
fn group(word: usize) -> usize {
    (word >> 4) % GROUPS
}
