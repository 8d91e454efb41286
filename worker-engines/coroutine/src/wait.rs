//! A wait of a green thread, and the right to wake it.
//!
//! Waiting has one shape: take a [`Ticket`], leave it with whoever may wake you, park, take it back
//! from all of them. A ticket wakes once and only the wait that it was made for.
//!
//! ```text
//!    running ── leave ─► parked ── wake(ticket) ─► in line ── its turn ─► running
//! ```
//!
//! What is here is all that who wakes a green thread touches of it. Cells need no locks: they are touched
//! by who has the scheduler's role, or are the green thread's own (see [`crate::role`]).
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ops::Range;
use std::ptr;
use std::time::Instant;

use unicoro_contract::Attention;

use crate::scheduler::{RunQueue, Task};
use crate::stack;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// What it waited for has come, or may have come: look again.
    Ready,
    /// What it waited for is its own.
    Given,
    /// Its deadline has passed.
    Deadline,
    /// The request is overdue, and who waits listens: the wait ends with `EINTR`.
    Interrupted(Attention),
}

impl Woken {
    /// What the interrupted call sets errno to.
    pub fn errno(self) -> Option<i32> {
        match self {
            Self::Interrupted(_) => Some(libc::EINTR),
            Self::Ready | Self::Given | Self::Deadline => None,
        }
    }
}

/// A green thread, as it waits and stands in line. It lives as long as that, at one place.
pub struct Sleeper {
    queue: &'static RunQueue,
    task: *const Task,
    stack: Range<usize>,
    // The wait in progress; 0 when it was woken or does not wait.
    wait: Cell<u64>,
    woken: Cell<Woken>,
    // When its wait, or the last one, began: as exact as the reactor's turns.
    since: Cell<Instant>,
    // Its wait cannot be interrupted.
    is_firm: Cell<bool>,
    // It is to find out whether its wait is one that an interruption may end.
    is_asked: Cell<bool>,
    // Where its stack ended when it last left the processor.
    left_at: Cell<usize>,
}

/// The right to wake one wait of one green thread.
#[derive(Clone, Copy)]
pub struct Ticket {
    sleeper: *const Sleeper,
    wait: u64,
}

impl Ticket {
    /// Wakes the wait; false: it was woken before, so that another may have to be woken instead.
    ///
    /// The caller holds the ticket in a place from which the green thread removes it when its wait
    /// ends, and runs on the scheduler's thread: so the green thread is alive.
    pub fn wake(self, why: Woken) -> bool {
        // SAFETY: see above; a green thread outlives its waits.
        let sleeper = unsafe { &*self.sleeper };
        let waits = sleeper.wait.get() == self.wait;
        if waits {
            sleeper.end_wait(why);
            sleeper.stand_in_line();
        }
        waits
    }

    /// Gives back the memory of the stack below where the green thread parks. It does park, and the
    /// caller holds its ticket.
    pub fn trim(self) {
        // SAFETY: as in `wake`.
        let sleeper = unsafe { &*self.sleeper };
        stack::give_back(sleeper.stack.start..sleeper.left_at.get());
    }

    /// Whether both are of one green thread.
    pub fn is_of(self, other: Self) -> bool {
        self.is_for(other.sleeper)
    }

    /// Whether it is one of this green thread's.
    pub fn is_for(self, sleeper: *const Sleeper) -> bool {
        ptr::eq(self.sleeper, sleeper)
    }
}

impl Sleeper {
    /// One that runs, in the coroutine `task`, on this stack.
    pub fn new(queue: &'static RunQueue, task: &Task, stack: Range<usize>, now: Instant) -> Self {
        Self {
            queue,
            task,
            stack,
            wait: Cell::new(0),
            woken: Cell::new(Woken::Ready),
            since: Cell::new(now),
            is_firm: Cell::default(),
            is_asked: Cell::default(),
            left_at: Cell::default(),
        }
    }

    /// A ticket for the wait of this number.
    pub fn ticket(&self, wait: u64) -> Ticket {
        Ticket { sleeper: self, wait }
    }

    /// The wait of this ticket begins. Before, the ticket wakes nobody.
    pub fn begin_wait(&self, ticket: Ticket, now: Instant) {
        self.wait.set(ticket.wait);
        self.since.set(now);
    }

    /// Ends the wait. Its own, or called by who has it stand in line.
    pub fn end_wait(&self, why: Woken) {
        self.wait.set(0);
        self.woken.set(why);
    }

    /// Whether its wait goes on.
    pub fn waits(&self) -> bool {
        self.wait.get() != 0
    }

    /// Why its last wait ended.
    pub fn woken(&self) -> Woken {
        self.woken.get()
    }

    /// When its wait, or the last one, began.
    pub fn since(&self) -> Instant {
        self.since.get()
    }

    /// Whether its wait is one that nothing ends but what it waits for, and a deadline of its own.
    pub fn is_firm(&self) -> bool {
        self.is_firm.get()
    }

    /// The same of the waits that begin from now on.
    pub fn set_firm(&self, is_firm: bool) {
        self.is_firm.set(is_firm);
    }

    /// Asks it, which does not run now, whether its wait is one that an interruption may end: that is
    /// seen from its stack, so it must look itself.
    pub fn ask(&self) {
        self.is_asked.set(true);
        self.stand_in_line();
    }

    /// Whether it is to look so at the begin of its next wait.
    pub fn set_asked(&self, is_asked: bool) {
        self.is_asked.set(is_asked);
    }

    /// Whether it was asked since the last call.
    pub fn take_question(&self) -> bool {
        self.is_asked.take()
    }

    /// Whether it runs on another carrier, asked by who has the role: it neither waits nor stands
    /// in line.
    pub fn runs_elsewhere(&self) -> bool {
        !self.waits() && !self.task().stands_in_line()
    }

    /// It can run.
    pub fn stand_in_line(&self) {
        self.queue.push(self.task());
    }

    /// It leaves the processor until it stands at the head of the line.
    pub fn leave(&self) {
        self.note_where_it_leaves();
        self.queue.leave(self.task());
    }

    /// The same without the scheduler's role, on this carrier.
    pub fn come_back(&self, carrier: usize) {
        self.note_where_it_leaves();
        self.queue.come_back(self.task(), carrier);
    }

    /// The addresses of its stack, without the guard.
    pub fn stack(&self) -> Range<usize> {
        self.stack.clone()
    }

    fn note_where_it_leaves(&self) {
        let here = 0u8;
        self.left_at.set((&raw const here) as usize);
    }

    fn task(&self) -> &Task {
        // SAFETY: of the coroutine that it runs in.
        unsafe { &*self.task }
    }
}
