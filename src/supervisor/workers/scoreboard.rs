//! Shared memory between the supervisor and its workers: one slot for each.
//!
//! ```text
//!   supervisor ──mmap(MAP_SHARED)──┬─ slot 0 ─┬─ slot 1 ─┬─ slot 2 ─┬─ ...
//!                     reads ages   │ beat     │ beat     │          │
//!                                  │ state    │ state    │          │
//!                                  │ requests │ requests │          │
//!   worker 1 ───────── writes ─────┘          │          │
//!   worker 2 ───────── writes ────────────────┘          │
//! ```
//!
//! Everything is an atomic: neither side can block the other, and a worker that dies half-way
//! through a write leaves numbers, not a lock. Slots start on cache lines of their own, so two
//! workers do not slow each other down. The mapping is never undone: slots are `'static`.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use unicoro_sys::clock::Moment;
use unicoro_sys::event_fd::EventFd;
use unicoro_sys::shared::{Shareable, share};

use super::slot_text::SlotText;

/// Requests in progress that have a place for their line: enough for the log of a death.
const PLACES: usize = u8::BITS as usize;

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
    has_answered: AtomicBool,
    is_hurried: AtomicBool,
    is_last: AtomicBool,
    /// A bit for each place that is taken.
    taken: AtomicU8,
    busy: AtomicU64,
    /// Whose settings the worker runs with.
    generation: AtomicU64,
    clients: AtomicU32,
    is_aside: AtomicBool,
    is_missed: AtomicBool,
    current: SlotText,
    requests: [SlotText; PLACES],
}

// SAFETY: atomics, and arrays and structures of them: zero is valid, and there is no pointer.
#[allow(unsafe_code)]
unsafe impl Shareable for Slot {}

impl Slot {
    /// "I am alive."
    pub fn beat(&self) {
        self.beat_ms.store(Moment::now().as_millis(), Ordering::Relaxed);
        self.is_missed.store(false, Ordering::Relaxed);
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

    /// The same, unless it was told to leave meanwhile.
    pub fn begin_serving(&self) {
        let (booting, serving) = (SlotState::Booting as u32, SlotState::Serving as u32);
        let _ = self.state.compare_exchange(booting, serving, Ordering::AcqRel, Ordering::Relaxed);
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

    /// Whether a worker sits here that takes clients from this generation's listeners.
    #[must_use]
    pub fn serves(&self, generation: u64) -> bool {
        self.state() == SlotState::Serving && self.generation.load(Ordering::Relaxed) == generation
    }

    /// Says how many clients the worker has, and whether it leaves the next to others; whether that is
    /// new, which makes it a sign of life.
    pub fn set_clients(&self, clients: usize, is_aside: bool) -> bool {
        let clients = u32::try_from(clients).unwrap_or(u32::MAX);
        let was_aside = self.is_aside.load(Ordering::SeqCst);
        if self.clients.load(Ordering::Relaxed) == clients && was_aside == is_aside {
            return false;
        }
        self.clients.store(clients, Ordering::SeqCst);
        self.is_aside.store(is_aside, Ordering::SeqCst);
        self.is_missed.store(false, Ordering::Relaxed);
        true
    }

    /// How many clients the worker has; `u32::MAX`: it takes no more.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.load(Ordering::SeqCst) as usize
    }

    /// Calls it back; whether it stood aside.
    pub fn call_back(&self) -> bool {
        self.is_aside.load(Ordering::SeqCst) && self.is_aside.swap(false, Ordering::SeqCst)
    }

    /// A client was left to it, and waited in vain.
    pub fn miss(&self) {
        self.is_missed.store(true, Ordering::Relaxed);
    }

    /// Whether it has shown no sign of life since.
    #[must_use]
    pub fn is_missed(&self) -> bool {
        self.is_missed.load(Ordering::Relaxed)
    }

    /// A request has begun. Its place, if there is one left, is to be given back.
    pub fn begin(&self, line: &[u8], since: Moment) -> Option<usize> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        let take_lowest = |taken: u8| (taken != u8::MAX).then(|| taken | (taken + 1));
        let before = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take_lowest);
        let place = before.ok()?.trailing_ones() as usize;
        self.requests[place].set(line, since);
        Some(place)
    }

    /// A request has been answered.
    pub fn end(&self, place: Option<usize>) {
        if let Some(place) = place {
            self.requests[place].clear();
            self.taken.fetch_and(!(1 << place), Ordering::Relaxed);
        }
        self.busy.fetch_sub(1, Ordering::Relaxed);
        self.has_answered.store(true, Ordering::Relaxed);
    }

    /// Whether a request has ended since the worker began.
    #[must_use]
    pub fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
    }

    /// The supervisor's word to a worker that does not hear QUIT: TERM means the same from now on.
    pub fn hurry(&self) {
        self.is_hurried.store(true, Ordering::Release);
    }

    /// Whether TERM means QUIT.
    #[must_use]
    pub fn is_hurried(&self) -> bool {
        self.is_hurried.load(Ordering::Acquire)
    }

    /// The supervisor's word that the server stops: nobody takes the worker's place.
    pub fn set_last(&self) {
        self.is_last.store(true, Ordering::Release);
    }

    /// Whether nobody takes its place.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.is_last.load(Ordering::Acquire)
    }

    /// Says which of the requests in progress runs, and since when it is in progress.
    pub fn set_current(&self, line: &[u8], since: Moment) {
        self.current.set(line, since);
    }

    /// None of them runs.
    pub fn clear_current(&self) {
        self.current.clear();
    }

    /// The one that runs, with its age.
    #[must_use]
    pub fn current(&self) -> Option<String> {
        self.current.read().map(with_age)
    }

    /// The requests in progress in words, for the supervisor to print should this worker hang or die:
    /// the one that runs first, with several the one that began last.
    #[must_use]
    pub fn in_progress(&self) -> Option<String> {
        let mut named: Vec<_> = self.requests.iter().filter_map(SlotText::read).collect();
        if let Some(current) = self.current.read() {
            match named.iter().position(|(line, _)| *line == current.0) {
                Some(index) => named[..=index].rotate_right(1),
                None => named.insert(0, current),
            }
        }
        let named: Vec<_> = named.into_iter().map(with_age).collect();
        let busy = self.busy.load(Ordering::Relaxed) as usize;
        let others = busy.saturating_sub(named.len());
        match (&named[..], others) {
            ([], _) => None,
            // No request: what the worker does before the first or behind the last.
            ([one], 0) if busy == 0 => Some(one.clone()),
            ([one], 0) => Some(format!("the request {one}")),
            (_, 0) => Some(format!("the requests {}", named.join(", "))),
            (_, others) => Some(format!("the requests {} and {others} others", named.join(", "))),
        }
    }

    /// Makes the slot ready for a new worker: all zero, and a first beat on its behalf.
    pub fn reset(&self, generation: u64) {
        self.set_state(SlotState::Empty);
        self.has_answered.store(false, Ordering::Relaxed);
        self.is_hurried.store(false, Ordering::Relaxed);
        self.is_last.store(false, Ordering::Relaxed);
        self.taken.store(0, Ordering::Relaxed);
        self.busy.store(0, Ordering::Relaxed);
        self.generation.store(generation, Ordering::Relaxed);
        self.set_clients(0, false);
        self.clear_current();
        self.requests.iter().for_each(SlotText::clear);
        self.beat();
    }
}

fn with_age((line, age): (String, Duration)) -> String {
    format!("{line} ({:.1} s old)", age.as_secs_f32())
}

/// All slots.
#[derive(Clone, Copy, Debug)]
pub struct Scoreboard {
    slots: &'static [Slot],
    bell: &'static EventFd,
}

impl Scoreboard {
    /// Maps `count` slots. Memory is taken only for those that are used.
    ///
    /// # Errors
    /// `ENOMEM`, or no descriptor is left.
    pub fn new(count: usize) -> io::Result<Scoreboard> {
        Ok(Scoreboard { slots: share(count)?, bell: Box::leak(Box::new(EventFd::new()?)) })
    }

    /// The slot at `index`, if there is one.
    #[must_use]
    pub fn slot(&self, index: usize) -> Option<&'static Slot> {
        self.slots.get(index)
    }

    /// Those that have ever been used: the first free one is taken, so they come first.
    pub fn used(&self) -> impl Iterator<Item = &'static Slot> {
        self.slots.iter().take_while(|slot| slot.last_beat() != Moment::default())
    }

    /// By which workers call those that stand aside. Never lowered.
    #[must_use]
    pub fn bell(&self) -> &'static EventFd {
        self.bell
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
    use unicoro_sys::process::{Exit, Fork, exit_now, fork, wait_for};

    #[test]
    fn slots_do_not_share_a_cache_line() {
        assert_eq!(align_of::<Slot>(), 128);
        assert_eq!(size_of::<Slot>() % 128, 0);
    }

    #[test]
    fn the_parent_sees_what_the_child_writes() {
        let board = Scoreboard::new(2).unwrap();
        let slot = board.slot(1).unwrap();
        slot.reset(0);
        match fork().unwrap() {
            Fork::Child => {
                slot.set_state(SlotState::Serving);
                let first = slot.begin(b"GET /first", Moment::now());
                slot.begin(b"GET /second", Moment::now());
                slot.end(first);
                slot.set_current(b"GET /slow", Moment::now().before(Duration::from_secs(60)));
                exit_now(0)
            }
            Fork::Parent(pid) => assert_eq!(wait_for(pid).unwrap(), Exit::Code(0)),
        }
        assert_eq!(slot.state(), SlotState::Serving);
        assert!(slot.has_answered());
        let current = slot.current().unwrap();
        assert!(current.starts_with("GET /slow (6") && current.ends_with(" s old)"), "{current}");
        let all = slot.in_progress().unwrap();
        assert!(all.starts_with("the requests GET /slow (6"), "{all}");
        assert!(all.contains(", GET /second (0") && !all.contains("/first"), "{all}");
        slot.reset(0);
        assert_eq!((slot.current(), slot.in_progress()), (None, None));
        slot.set_current(b"lifespan.startup", Moment::now());
        assert_eq!(slot.in_progress().as_deref(), Some("lifespan.startup (0.0 s old)"));
        slot.clear_current();
        assert!(!slot.has_answered());
        assert!(board.slot(2).is_none());
    }

    #[test]
    fn some_requests_are_named_and_the_others_counted() {
        let slot = Scoreboard::new(1).unwrap().slot(0).unwrap();
        let only = slot.begin(b"GET /only", Moment::now());
        slot.set_current(b"GET /only", Moment::now());
        let named = slot.in_progress().unwrap();
        assert!(named.starts_with("the request GET /only ("), "{named}");
        let begin = |_| slot.begin(b"GET /more", Moment::now());
        let places: Vec<_> = (0..PLACES + 2).map(begin).collect();
        let named = slot.in_progress().unwrap();
        assert!(named.starts_with("the requests GET /only ("), "{named}");
        assert_eq!(named.matches("GET /more (").count(), PLACES - 1);
        assert!(named.ends_with(" and 3 others"), "{named}");
        places.into_iter().chain([only]).for_each(|place| slot.end(place));
        slot.clear_current();
        assert_eq!(slot.in_progress(), None);
    }
}
