//! Errands: calls that cannot be made non-blocking (a resolver, a file lock, fsync), which OS threads
//! beside the engine make, the helper threads.
//!
//! ```text
//!   green thread              helper (OS thread)            reactor
//!   queue an errand, park ──► make the call ──► done, bell ──► wake
//! ```
//!
//! The errand lies on the green thread's stack, as does what the call's arguments point to, so the
//! rule that a reader would break: whatever wakes the green thread, it does not return before the
//! helper is done.
//!
//! There are several teams, for a reason: calls that end by themselves may queue behind each other.
//! Calls that wait for somebody else may not, because that somebody may stand behind them; for
//! these there is a helper at once, or none ([`Team::run_now`]).
#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::bell;
use crate::errno::{errno, set_errno};
use crate::green::Green;
use crate::signals;
use crate::wait::{Ticket, Woken};

/// Calls that end by themselves: resolvers, fsync. Fifty requests may look up names at once and
/// none be slower than alone; each waits for the network, not for a processor.
pub static WORKING: Team = Team::new(64);
/// Calls that wait for another process: file locks, `waitpid(-1)`.
pub static WAITING: Team = Team::new(64);
/// Calls in which green threads wait for each other and for OS threads, all at once: barriers, the
/// other ends of FIFOs, System V's semaphores and queues. As many threads as a few hundred requests
/// need; each costs its addresses and a few pages.
pub static MEETING: Team = Team::new(512);

/// An idle helper ends after this long.
const IDLE_LIFE: Duration = Duration::from_secs(10);

/// What helpers have done and the reactor has not seen.
static DONE: Mutex<Vec<Sent>> = Mutex::new(Vec::new());

/// A call for a helper to make, and who waits for it.
struct Errand<'a> {
    // Taken by the helper, once.
    call: UnsafeCell<Option<&'a mut (dyn FnMut() + 'a)>>,
    // These two belong to the scheduler's thread.
    ticket: Cell<Ticket>,
    is_done: Cell<bool>,
}

/// An errand as it travels between threads.
#[derive(Clone, Copy)]
struct Sent(*const Errand<'static>);

// SAFETY: the errand outlives its journey (the green thread does not return before it is done), its
// call is touched by the helper only, its cells by the scheduler's thread only.
unsafe impl Send for Sent {}

/// A team of OS threads, made on demand.
pub struct Team {
    most: usize,
    roster: Mutex<Roster>,
    work: Condvar,
}

struct Roster {
    // Bounded by the number of green threads: each waits for its one errand.
    queue: VecDeque<Sent>,
    threads: usize,
    idle: usize,
}

impl Team {
    const fn new(most: usize) -> Self {
        let roster = Roster { queue: VecDeque::new(), threads: 0, idle: 0 };
        Self { most, roster: Mutex::new(roster), work: Condvar::new() }
    }

    /// Has a helper make `call`, when one is free; the green thread parks. errno is carried back.
    pub fn run<R>(&'static self, green: &Green, call: impl FnOnce() -> R) -> R {
        // Refused only when not one thread can be made: better to block than to fail.
        self.send(green, false, call).unwrap_or_else(|call| call())
    }

    /// Has a helper make `call` at once; `None`: all are busy.
    pub fn run_now<R>(&'static self, green: &Green, call: impl FnOnce() -> R) -> Option<R> {
        self.send(green, true, call).ok()
    }

    fn send<R, C: FnOnce() -> R>(
        &'static self,
        green: &Green,
        is_urgent: bool,
        call: C,
    ) -> Result<R, C> {
        let mut call = Some(call);
        let mut result = None;
        let mut carried = 0;
        let mut body = || {
            result = call.take().map(|call| call());
            carried = errno();
        };
        let errand = Errand {
            call: UnsafeCell::new(Some(&mut body)),
            ticket: Cell::new(green.ticket()),
            is_done: Cell::new(false),
        };
        if !self.queue(Sent((&raw const errand).cast()), is_urgent) {
            return Err(call.take().expect("nobody has made the call"));
        }
        while !errand.is_done.get() {
            // A helper works on our stack: nothing may end this wait but its end.
            green.park_firmly(errand.ticket.get(), None);
            if !errand.is_done.get() {
                errand.ticket.set(green.ticket());
            }
        }
        set_errno(carried);
        Ok(result.expect("the errand is done, so its call has returned"))
    }

    /// Queues an errand; false: no helper will come, or (if urgent) none at once.
    fn queue(&'static self, errand: Sent, is_urgent: bool) -> bool {
        let mut roster = self.roster();
        let comes_at_once = roster.idle > roster.queue.len() || self.recruit(&mut roster);
        if !comes_at_once && (is_urgent || roster.threads == 0) {
            return false;
        }
        roster.queue.push_back(errand);
        self.work.notify_one();
        true
    }

    fn recruit(&'static self, roster: &mut Roster) -> bool {
        if roster.threads >= self.most {
            return false;
        }
        let name = "unicoro-helper".to_owned();
        let spawned = std::thread::Builder::new().name(name).spawn(|| self.help()).is_ok();
        roster.threads += usize::from(spawned);
        roster.idle += usize::from(spawned);
        spawned
    }

    /// The life of a helper; it begins as idle.
    fn help(&self) {
        // A signal must not end a call of the application's with EINTR.
        signals::block_all();
        let mut roster = self.roster();
        loop {
            while let Some(errand) = roster.queue.pop_front() {
                roster.idle -= 1;
                drop(roster);
                run(errand);
                roster = self.roster();
                roster.idle += 1;
            }
            let waited = self.work.wait_timeout(roster, IDLE_LIFE);
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            roster = again;
            if timeout.timed_out() && roster.queue.is_empty() {
                roster.threads -= 1;
                roster.idle -= 1;
                return;
            }
        }
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(errand: Sent) {
    // SAFETY: the errand is alive until the reactor has seen it in DONE, and this helper is the
    // only one that took it out of the queue.
    let call = unsafe { (*(*errand.0).call.get()).take() };
    if let Some(call) = call {
        call();
    }
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    done.push(errand);
    drop(done);
    bell::ring();
}

/// Wakes those whose errands are done. On the scheduler's thread.
pub fn collect_done() {
    let done = std::mem::take(&mut *DONE.lock().unwrap_or_else(PoisonError::into_inner));
    for errand in done {
        // SAFETY: its green thread waits until `is_done`, and has not run since.
        let errand = unsafe { &*errand.0 };
        errand.is_done.set(true);
        errand.ticket.get().wake(Woken::Ready);
    }
}
