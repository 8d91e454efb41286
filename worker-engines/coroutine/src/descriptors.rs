//! Which green threads wait for which descriptors of the application's.
//!
//! Each waiter asks for its own events; the epoll set is armed for their union, once, and told anew
//! when the union changes. A descriptor that is closed while somebody waits is never told by epoll,
//! so [`Descriptors::closed`] must be.

use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;

use crate::green::{Ticket, Woken};
use unicoro_reactor::{Epoll, Ready};

/// One descriptor that a green thread waits for, with poll(2)'s event bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The descriptor.
    pub fd: RawFd,
    /// `POLLIN`, `POLLOUT`, `POLLPRI`.
    pub events: i16,
}

/// The waiters of each descriptor.
#[derive(Default)]
pub struct Descriptors {
    waiters: HashMap<RawFd, Vec<(Ticket, i16)>>,
}

impl Descriptors {
    /// Adds a waiter.
    ///
    /// # Errors
    /// `epoll_ctl(2)`: `EPERM` for what cannot be waited for (a regular file), `EBADF`.
    pub fn add(&mut self, epoll: &Epoll, watch: Watch, ticket: Ticket) -> io::Result<()> {
        let waiters = self.waiters.entry(watch.fd).or_default();
        let all = waiters.iter().fold(watch.events, |all, (_, events)| all | events);
        let armed = epoll.arm(watch.fd, all);
        if armed.is_ok() {
            waiters.push((ticket, watch.events));
        } else if waiters.is_empty() {
            self.waiters.remove(&watch.fd);
        }
        armed
    }

    /// Removes what a ticket's owner waits for.
    pub fn remove(&mut self, fd: RawFd, ticket: Ticket) {
        if let Some(waiters) = self.waiters.get_mut(&fd) {
            waiters.retain(|(other, _)| !other.is_of(ticket));
            if waiters.is_empty() {
                self.waiters.remove(&fd);
            }
        }
    }

    /// A descriptor is ready: wakes those who asked for it and arms it for the others.
    pub fn ready(&mut self, epoll: &Epoll, fd: RawFd, ready: Ready) {
        let Some(waiters) = self.waiters.get_mut(&fd) else {
            return;
        };
        let mut rest = 0;
        waiters.retain(|(ticket, events)| {
            let wanted = ready.hung_up
                || ready.read && events & (libc::POLLIN | libc::POLLPRI | libc::POLLRDHUP) != 0
                || ready.write && events & libc::POLLOUT != 0;
            if wanted {
                ticket.wake(Woken::Ready);
            } else {
                rest |= events;
            }
            !wanted
        });
        if waiters.is_empty() {
            self.waiters.remove(&fd);
        } else if epoll.arm(fd, rest).is_err() {
            self.closed(fd);
        }
    }

    /// The descriptor is gone: whoever waits for it looks again, and gets `EBADF`.
    pub fn closed(&mut self, fd: RawFd) {
        for (ticket, _) in self.waiters.remove(&fd).unwrap_or_default() {
            ticket.wake(Woken::Ready);
        }
    }
}
