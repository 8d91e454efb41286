//! How a green thread waits.
//!
//! The rule that a reader would break: borrow no `RefCell` of the engine across a park.

use std::time::Instant;

use super::thread::Green;
use crate::caller;
use crate::wait::{Ticket, Woken};

impl Green {
    /// A ticket for the wait that [`Green::park`] is about to begin. It wakes nobody before that.
    pub fn ticket(&self) -> Ticket {
        self.sleeper.ticket(self.core.next_wait())
    }

    /// Waits until its ticket is used, or until `deadline`. An overdue request ends the wait only if
    /// who waits is known to listen (see [`caller`]); for all others it goes on,
    /// but sockets that they wait for are shut down.
    pub fn park(&self, ticket: Ticket, deadline: Option<Instant>) -> Woken {
        self.sleeper.set_asked(self.deadline.ends_next_wait());
        let woken = self.park_to_the_end(ticket, deadline);
        self.sleeper.set_asked(false);
        self.deadline.waited(self.sleeper.since(), woken);
        woken
    }

    /// Waits until its ticket is used, or until `deadline`, whatever is due.
    pub fn park_firmly(&self, ticket: Ticket, deadline: Option<Instant>) -> Woken {
        self.sleeper.set_firm(true);
        let woken = self.park_to_the_end(ticket, deadline);
        self.sleeper.set_firm(false);
        woken
    }

    fn park_to_the_end(&self, ticket: Ticket, deadline: Option<Instant>) -> Woken {
        self.sleeper.begin_wait(ticket, self.core.now.get());
        let timer = deadline.map(|at| self.core.wake_at(at, ticket));
        self.park_until_woken();
        let woken = self.sleeper.woken();
        // Its time has not come, so it is still there.
        if let Some(timer) = timer
            && woken != Woken::Deadline
        {
            self.core.timers.borrow_mut().remove(timer);
        }
        woken
    }

    fn park_until_woken(&self) {
        // Resumed and not woken: asked.
        while self.sleeper.waits() {
            if self.sleeper.take_question() {
                self.look_who_waits();
            } else {
                self.leave();
            }
        }
    }

    /// The request is overdue: ends the wait if who waits listens, else what it waits for.
    fn look_who_waits(&self) {
        if let Some(listener) = caller::listener(&*self.core.handler) {
            self.sleeper.end_wait(Woken::Interrupted(listener));
            return;
        }
        let mut descriptors = self.core.descriptors.borrow_mut();
        // What another OS thread has closed may be another file's number by now.
        descriptors.collect_foreign_closes(&self.core.epoll);
        if descriptors.shut_down(|ticket| ticket.is_for(&raw const self.sleeper)) {
            self.deadline.broke_off();
        }
    }

    /// Lets all that is runnable run once.
    pub fn yield_now(&self) {
        self.sleeper.stand_in_line();
        self.leave();
    }
}
