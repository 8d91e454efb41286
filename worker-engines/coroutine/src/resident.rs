//! The resident: a green thread of the handler's own that serves many requests at once, such as an
//! asyncio loop.
//!
//! The reactor hands it requests by [`Handler::hand_over`], and rings for it there; what it has to say
//! comes back in a queue of ours, which the reactor empties before it waits. So the resident touches
//! nothing of the engine's state, and may be in the middle of the language when it speaks.
//!
//! ```text
//!   reactor ── hand_over, ready ─► the handler's queue ─► resident, in the language
//!      ▲                                                     │
//!      └───────────── take_words ◄─── WORDS ◄──── say ───────┘
//! ```

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use unicoro_contract::{Handler, ResidentsWord};

use crate::wait::Ticket;

/// Who is told when a client's socket is ready.
#[derive(Clone, Copy)]
pub enum Watcher {
    /// The green thread that waits.
    Green(Ticket),
    /// The resident, by the number that it has given.
    Resident(u64),
}

/// Each with whether others had the scheduler's role when it was said.
static WORDS: Mutex<Vec<(ResidentsWord, bool)>> = Mutex::new(Vec::new());
/// Read without the lock, at each turn of the reactor.
static HAS_WORDS: AtomicBool = AtomicBool::new(false);
/// Its `pthread_self()`; 0 before it lives.
static IDENTITY: AtomicUsize = AtomicUsize::new(0);
static HAS_ENDED: AtomicBool = AtomicBool::new(false);
static IS_DISMISSED: AtomicBool = AtomicBool::new(false);

/// It lives, under this identity.
pub fn begin(identity: usize) {
    IDENTITY.store(identity, Ordering::Relaxed);
}

/// Whether it is the one of this identity.
pub fn is(identity: usize) -> bool {
    IDENTITY.load(Ordering::Relaxed) == identity
}

/// It has ended; whether nobody has asked it to.
pub fn ended() -> bool {
    IDENTITY.store(0, Ordering::Relaxed);
    HAS_ENDED.store(true, Ordering::Release);
    !IS_DISMISSED.load(Ordering::Relaxed)
}

/// It says something; `is_late`, while others have the scheduler's role. From any thread.
pub fn say(word: ResidentsWord, is_late: bool) {
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    words.push((word, is_late));
    HAS_WORDS.store(true, Ordering::Release);
}

/// What it has said since it was asked last.
pub fn take_words() -> Vec<(ResidentsWord, bool)> {
    if !HAS_WORDS.load(Ordering::Acquire) {
        return Vec::new();
    }
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    HAS_WORDS.store(false, Ordering::Release);
    mem::take(&mut *words)
}

/// Asks it to end, at once if the worker `quits`; whether it has.
pub fn end(handler: &dyn Handler, quits: bool) -> bool {
    IS_DISMISSED.store(true, Ordering::Relaxed);
    handler.dismiss(quits);
    HAS_ENDED.load(Ordering::Acquire)
}
