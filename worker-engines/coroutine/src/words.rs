//! Which green threads wait for which word of memory (a semaphore, a futex), and wakes of other OS
//! threads.
//!
//! A wake on the scheduler's thread finds the waiters by the word's address. A wake elsewhere may
//! come from any thread, even from a signal handler (`sem_post` is async-signal-safe), so it only
//! sets a bit for the address and rings the bell; the reactor then looks at the words of that bit.
//! No wake is lost: a waiter counts itself before it looks at the word a last time, a waker writes
//! the word before it looks at the count, all in one order (`SeqCst`).
#![allow(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};

use crate::bell;
use crate::green::{Ticket, Woken};

/// Green threads that wait for any word of this process.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// A bit for each group of addresses that another OS thread has woken.
static WOKEN: AtomicU64 = AtomicU64::new(0);
const GROUPS: usize = 64;

/// What a word is.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Lets as many through as its value says.
    Semaphore,
    /// Its waiters look themselves, and bear to be woken in vain (futex(2)).
    Futex,
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

/// Waiters by word.
pub struct Words {
    groups: [HashMap<usize, Waiters>; GROUPS],
}

struct Waiters {
    kind: Kind,
    tickets: VecDeque<Ticket>,
}

impl Default for Words {
    fn default() -> Self {
        Self { groups: std::array::from_fn(|_| HashMap::new()) }
    }
}

impl Words {
    /// Adds a waiter; it must look at the word once more before it parks.
    pub fn add(&mut self, word: usize, kind: Kind, ticket: Ticket) {
        let waiters = self.groups[group(word)]
            .entry(word)
            .or_insert_with(|| Waiters { kind, tickets: VecDeque::new() });
        waiters.tickets.push_back(ticket);
        WAITING.fetch_add(1, Ordering::SeqCst);
    }

    /// Removes a waiter, whether it was woken or not.
    pub fn remove(&mut self, word: usize, ticket: Ticket) {
        WAITING.fetch_sub(1, Ordering::SeqCst);
        let group = &mut self.groups[group(word)];
        if let Some(waiters) = group.get_mut(&word) {
            waiters.tickets.retain(|other| !other.is_of(ticket));
            if waiters.tickets.is_empty() {
                group.remove(&word);
            }
        }
    }

    /// Woken on this thread: lets up to `most` go on. How many do.
    pub fn wake(&mut self, word: usize, most: usize) -> usize {
        match self.groups[group(word)].get_mut(&word) {
            Some(waiters) => waiters.wake(most),
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
                    Kind::Futex => usize::MAX,
                };
                waiters.wake(most);
            }
        }
    }
}

impl Waiters {
    /// Wakes those that still wait: one whose deadline has woken it will look at the word, but it
    /// may come too late to pass the wake on.
    fn wake(&mut self, most: usize) -> usize {
        let mut woken = 0;
        while woken < most
            && let Some(ticket) = self.tickets.pop_front()
        {
            woken += usize::from(ticket.is_woken_by(Woken::Ready));
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
