//! Shared memory between the supervisor and its workers: one slot for each.
//!
//! ```text
//!   supervisor ──mmap(MAP_SHARED)──┬─ slot 0 ─┬─ slot 1 ─┬─ slot 2 ─┬─ ...
//!                     reads ages   │ beat     │ beat     │          │
//!                                  │ state    │ state    │          │
//!                                  │ counters │ counters │          │
//!   worker 1 ───────── writes ─────┘          │          │
//!   worker 2 ───────── writes ────────────────┘          │
//! ```
//!
//! Everything is an atomic: neither side can block the other, and a worker that dies half-way
//! through a write leaves numbers, not a lock. Slots start on cache lines of their own, so two
//! workers do not slow each other down. The mapping is never undone: slots are `'static`.
#![allow(unsafe_code)]

use std::io;
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::clock::Moment;

/// 8-byte words for the text of the current request: 192 bytes name a request well enough.
const TEXT_WORDS: usize = 24;

/// What a worker is doing, as it says itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlotState {
    /// Nobody sits here, or the worker has not begun.
    Empty,
    /// It loads the app.
    Booting,
    /// It takes requests.
    Serving,
    /// It has had its share of requests, and wants a successor.
    Retiring,
    /// It takes no new connections and finishes what it has.
    Draining,
}

/// One worker's part of the page.
#[repr(C, align(128))]
#[derive(Debug)]
pub struct Slot {
    beat_ms: AtomicU64,
    state: AtomicU32,
    text_len: AtomicU32,
    text_since_ms: AtomicU64,
    requests: AtomicU64,
    busy: AtomicU64,
    connections: AtomicU64,
    text: [AtomicU64; TEXT_WORDS],
}

impl Slot {
    /// "I am alive."
    pub fn beat(&self) {
        self.beat_ms.store(Moment::now().as_millis(), Ordering::Relaxed);
    }

    /// When it beat last.
    #[must_use]
    pub fn last_beat(&self) -> Moment {
        Moment::from_millis(self.beat_ms.load(Ordering::Relaxed))
    }

    /// Says what the worker is doing.
    pub fn set_state(&self, state: SlotState) {
        self.state.store(state as u32, Ordering::Release);
    }

    /// What the worker says it is doing.
    #[must_use]
    pub fn state(&self) -> SlotState {
        const STATES: [SlotState; 5] = [
            SlotState::Empty,
            SlotState::Booting,
            SlotState::Serving,
            SlotState::Retiring,
            SlotState::Draining,
        ];
        let number = self.state.load(Ordering::Acquire) as usize;
        STATES.get(number).copied().unwrap_or(SlotState::Empty)
    }

    /// Counts a request that has begun.
    pub fn request_began(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that has ended.
    pub fn request_ended(&self) {
        self.busy.fetch_sub(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests that have ended since the worker began.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests in progress.
    #[must_use]
    pub fn busy(&self) -> u64 {
        self.busy.load(Ordering::Relaxed)
    }

    /// Says how many client connections are open.
    pub fn set_connections(&self, open: u64) {
        self.connections.store(open, Ordering::Relaxed);
    }

    /// Client connections that are open.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Leaves a text (the request line), and since when it is true, for the supervisor to print
    /// should this worker hang or die. Longer texts are cut.
    pub fn set_current(&self, text: &[u8], since: Moment) {
        self.text_len.store(0, Ordering::Release);
        self.text_since_ms.store(since.as_millis(), Ordering::Relaxed);
        let text = &text[..text.len().min(TEXT_WORDS * 8)];
        for (word, part) in self.text.iter().zip(text.chunks(8)) {
            let mut bytes = [0; 8];
            bytes[..part.len()].copy_from_slice(part);
            word.store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
        }
        self.text_len.store(text.len() as u32, Ordering::Release);
    }

    /// Takes the text away: no request is in progress.
    pub fn clear_current(&self) {
        self.text_len.store(0, Ordering::Release);
    }

    /// The text with its age, if there is one. Read while it is being changed, it may be a mixture of two; the
    /// supervisor reads it only from a worker that has stopped moving.
    #[must_use]
    pub fn current(&self) -> Option<String> {
        let length = self.text_len.load(Ordering::Acquire) as usize;
        if length == 0 || length > TEXT_WORDS * 8 {
            return None;
        }
        let words = self.text.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes());
        let bytes: Vec<u8> = words.take(length).collect();
        let since = Moment::from_millis(self.text_since_ms.load(Ordering::Relaxed));
        let age = (Moment::now() - since).as_secs_f32();
        Some(format!("{} ({age:.1} s old)", String::from_utf8_lossy(&bytes)))
    }

    /// Makes the slot ready for a new worker: all zero, and a first beat on its behalf.
    pub fn reset(&self) {
        self.set_state(SlotState::Empty);
        self.clear_current();
        self.requests.store(0, Ordering::Relaxed);
        self.busy.store(0, Ordering::Relaxed);
        self.connections.store(0, Ordering::Relaxed);
        self.beat();
    }
}

/// All slots.
#[derive(Clone, Copy, Debug)]
pub struct Scoreboard {
    slots: &'static [Slot],
}

impl Scoreboard {
    /// Maps `count` slots. Memory is taken only for those that are used.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(count: usize) -> io::Result<Scoreboard> {
        let bytes = count.max(1) * size_of::<Slot>();
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice.
        let start = unsafe { libc::mmap(ptr::null_mut(), bytes, access, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping is page-aligned (so aligned for Slot), `bytes` long, zeroed (every
        // field of Slot is an integer atomic, for which zero is valid), never unmapped, and only
        // reached through atomics, from this and from other processes.
        let slots = unsafe { slice::from_raw_parts(start.cast::<Slot>(), count) };
        Ok(Scoreboard { slots })
    }

    /// The slot at `index`, if there is one.
    #[must_use]
    pub fn slot(&self, index: usize) -> Option<&'static Slot> {
        self.slots.get(index)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// True for a board without slots.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::{Exit, Fork, exit_now, fork, wait_for};
    use std::time::Duration;

    #[test]
    fn slots_do_not_share_a_cache_line() {
        assert_eq!(align_of::<Slot>(), 128);
        assert_eq!(size_of::<Slot>() % 128, 0);
    }

    #[test]
    fn the_parent_sees_what_the_child_writes() {
        let board = Scoreboard::new(2).unwrap();
        let slot = board.slot(1).unwrap();
        slot.reset();
        match fork().unwrap() {
            Fork::Child => {
                slot.set_state(SlotState::Serving);
                slot.request_began();
                slot.request_began();
                slot.request_ended();
                slot.set_connections(7);
                slot.set_current(b"GET /slow", Moment::now().before(Duration::from_secs(60)));
                exit_now(0)
            }
            Fork::Parent(pid) => assert_eq!(wait_for(pid).unwrap(), Exit::Code(0)),
        }
        assert_eq!(slot.state(), SlotState::Serving);
        assert_eq!((slot.requests(), slot.busy(), slot.connections()), (1, 1, 7));
        let current = slot.current().unwrap();
        assert!(current.starts_with("GET /slow (6") && current.ends_with(" s old)"), "{current}");
        slot.reset();
        assert_eq!(slot.current(), None);
        assert_eq!(slot.requests(), 0);
        assert!(board.slot(2).is_none());
    }

    #[test]
    fn a_long_text_is_cut() {
        let slot = Scoreboard::new(1).unwrap().slot(0).unwrap();
        slot.set_current(&[b'x'; 1000], Moment::now());
        let text = slot.current().unwrap();
        assert_eq!(text.matches('x').count(), TEXT_WORDS * 8);
    }
}
