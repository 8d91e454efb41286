//! A lock that is busy: how a green thread waits for it, whoever has it.
//!
//! It stands in the line of its address, looks once more, and parks. Whoever lets go of the lock
//! wakes the next one: on this thread by the line, on another by the bell (see `words`). What may
//! change hands without an interposed call seeing it is looked at again by and by: a lock between
//! processes, a mutex that an OS thread gives up inside `pthread_cond_wait`.
//!
//! The rule that a reader would break: `attempt` never parks.

use std::time::{Duration, Instant};

use libc::{c_int, timespec};

use crate::green::Green;
use crate::interposed::machinery::clock;
use crate::wait::Woken;
use crate::words::Kind;

/// How often to look at what an OS thread has. It is kept for microseconds, or for long.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);
/// How often to look at what a green thread has, whose unlock finds who waits: never in vain.
const REST: Duration = Duration::from_secs(1);

/// A lock at an address.
#[derive(Clone, Copy)]
pub struct Contest<'g> {
    pub green: &'g Green,
    pub address: usize,
    pub kind: Kind,
    /// When to give up.
    pub deadline: Option<Instant>,
}

impl Contest<'_> {
    /// Repeats `attempt` until it gives something other than `EBUSY`, and parks between;
    /// `ETIMEDOUT` at the deadline. `is_ours` says whether a green thread has the lock.
    pub fn until_free(
        &self,
        mut attempt: impl FnMut() -> c_int,
        is_ours: impl Fn() -> bool,
    ) -> c_int {
        let words = &self.green.core().words;
        let mut pause = FIRST_PAUSE;
        let mut is_new = true;
        loop {
            let ticket = self.green.ticket();
            words.borrow_mut().add(self.address, self.kind, ticket, is_new);
            is_new = false;
            // Once more, now that an unlock on any thread sees us waiting.
            let mut done = attempt();
            if done == libc::EBUSY {
                let look = Instant::now() + if is_ours() { REST } else { pause };
                let until = self.deadline.map_or(look, |at| at.min(look));
                if self.green.park_firmly(ticket, Some(until)) == Woken::Deadline {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                words.borrow_mut().remove(self.address, self.kind, ticket);
                done = attempt();
            } else {
                words.borrow_mut().remove(self.address, self.kind, ticket);
            }
            if done != libc::EBUSY {
                return done;
            }
            if self.deadline.is_some_and(|at| at <= Instant::now()) {
                return libc::ETIMEDOUT;
            }
        }
    }

    /// Lets those run first who were woken for this lock: were they only woken, one that unlocks and
    /// locks again without a pause would always come first.
    pub fn let_the_called_go_first(&self) {
        if self.green.core().words.borrow().has_called(self.address) {
            self.green.yield_now();
        }
    }
}

/// How long one that computes beside the others waits for a lock before it queues for the role.
pub const BESIDE: Duration = Duration::from_millis(10);

/// One that computes beside the others, without the role, waits for a busy lock as a thread does, until
/// the time of the monotonic clock that `wait` is given: SQLite's lock of its memory, which is free
/// again in a moment. Coming in for it would stop the others each time, for as long as it takes to be
/// handed on again. `EBUSY`: it has the role, or the lock is kept for longer.
pub fn beside(
    green: &Green,
    deadline: Option<Instant>,
    wait: impl FnOnce(*const timespec) -> c_int,
) -> c_int {
    if !green.has_lost_role() {
        return libc::EBUSY;
    }
    let left = deadline.map_or(BESIDE, |at| at.saturating_duration_since(Instant::now()));
    let Some(now) = clock::now(libc::CLOCK_MONOTONIC) else { return libc::EBUSY };
    match wait(&clock::timespec(now + left.min(BESIDE))) {
        // Some kinds of mutexes know no such clock.
        libc::ETIMEDOUT | libc::EINVAL => libc::EBUSY,
        done => done,
    }
}

/// Looks a few times at what another OS thread has: mostly it is kept for less than a switch takes.
pub fn spin(mut attempt: impl FnMut() -> c_int) -> c_int {
    const LOOKS: u32 = 20;
    const BREATHS: u32 = 10;
    let mut done = libc::EBUSY;
    for _ in 0..LOOKS {
        (0..BREATHS).for_each(|_| std::hint::spin_loop());
        done = attempt();
        if done != libc::EBUSY {
            break;
        }
    }
    done
}
