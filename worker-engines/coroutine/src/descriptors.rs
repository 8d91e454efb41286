//! Which green threads wait for which descriptors of the application's.
//!
//! Each waiter asks for its own events; the epoll set is armed for their union, once, and told anew
//! when the union changes. One event wakes one reader and one writer, as the kernel does: it may
//! leave nothing for the others, and if it does, the set that is armed for them tells at once.
//!
//! A waiter stays here until it has run, even when it was woken: the number may be closed and used
//! for another file before its turn comes, and then it must hear `EBADF` and not touch that file.
//! epoll never tells of a close, so [`Descriptors::closed`] must be.

use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;

use crate::shutdown::shut_down;
use crate::wait::{Ticket, Woken};
use crate::watched;
use unicoro_reactor::{Epoll, Ready};

/// One descriptor that a green thread waits for, with poll(2)'s event bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The descriptor.
    pub fd: RawFd,
    /// `POLLIN`, `POLLOUT`, `POLLPRI`.
    pub events: i16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    Woken,
    /// The descriptor is gone; its number may be another file's by now.
    Closed,
}

struct Waiter {
    ticket: Ticket,
    events: i16,
    fate: Fate,
}

impl Waiter {
    fn wake(&mut self, fate: Fate) {
        self.fate = fate;
        self.ticket.wake(Woken::Ready);
    }
}

/// The waiters of each descriptor.
#[derive(Default)]
pub struct Descriptors {
    waiters: HashMap<RawFd, Vec<Waiter>>,
}

const READ: i16 = libc::POLLIN | libc::POLLPRI | libc::POLLRDHUP;

impl Descriptors {
    /// Adds a waiter; each add has its [`Descriptors::remove`].
    ///
    /// # Errors
    /// `epoll_ctl(2)`: `EPERM` for what cannot be waited for (a regular file), `EBADF`.
    pub fn add(&mut self, epoll: &Epoll, watch: Watch, ticket: Ticket) -> io::Result<()> {
        let waiters = self.waiters.entry(watch.fd).or_insert_with(|| {
            watched::add(watch.fd);
            Vec::new()
        });
        let armed = match epoll.rearm(watch.fd, wanted(waiters) | watch.events) {
            // The set forgets a descriptor when it is closed: those who wait wait for another file.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
                close_all(waiters);
                epoll.arm(watch.fd, watch.events)
            }
            done => done,
        };
        if armed.is_ok() {
            waiters.push(Waiter { ticket, events: watch.events, fate: Fate::Waiting });
        } else if waiters.is_empty() {
            self.waiters.remove(&watch.fd);
            watched::remove(watch.fd);
        }
        armed
    }

    /// Removes what a ticket's owner waits for. True: the descriptor was closed meanwhile.
    pub fn remove(&mut self, fd: RawFd, ticket: Ticket) -> bool {
        let Some(waiters) = self.waiters.get_mut(&fd) else {
            return false;
        };
        let mut is_closed = false;
        waiters.retain(|waiter| {
            let is_mine = waiter.ticket.is_of(ticket);
            is_closed |= is_mine && waiter.fate == Fate::Closed;
            !is_mine
        });
        if waiters.is_empty() {
            self.waiters.remove(&fd);
            watched::remove(fd);
        }
        is_closed
    }

    /// A descriptor is ready: wakes the first of those who asked for it, all if it is broken, and
    /// arms it for the others.
    pub fn ready(&mut self, epoll: &Epoll, fd: RawFd, ready: Ready) {
        let Some(waiters) = self.waiters.get_mut(&fd) else {
            return;
        };
        let (mut read, mut write) = (ready.read, ready.write);
        for waiter in waiters.iter_mut().filter(|waiter| waiter.fate == Fate::Waiting) {
            let reads = read && waiter.events & READ != 0;
            let writes = write && waiter.events & libc::POLLOUT != 0;
            if ready.hung_up || reads || writes {
                waiter.wake(Fate::Woken);
                read &= !reads;
                write &= !writes;
            }
        }
        let rest = wanted(waiters);
        if rest != 0 && epoll.rearm(fd, rest).is_err() {
            close_all(waiters);
        }
    }

    /// Shuts down the connections that the owner of tickets waits for, which then finds them broken;
    /// whether there are any.
    pub fn shut_down(&self, is_owner: impl Fn(&Ticket) -> bool) -> bool {
        let waits = |waiter: &Waiter| waiter.fate == Fate::Waiting && is_owner(&waiter.ticket);
        let waited_for = self.waiters.iter().filter(|(_, waiters)| waiters.iter().any(waits));
        waited_for.fold(false, |any, (fd, _)| shut_down(*fd) || any)
    }

    /// The descriptor is gone: whoever waits for it hears `EBADF`.
    pub fn closed(&mut self, epoll: &Epoll, fd: RawFd) {
        if let Some(waiters) = self.waiters.get_mut(&fd) {
            // Where the file lives on under another number, epoll would go on telling of it.
            epoll.remove(fd);
            close_all(waiters);
        }
    }

    /// All descriptors from `first` to `last` are gone.
    pub fn closed_range(&mut self, epoll: &Epoll, first: RawFd, last: RawFd) {
        for (fd, waiters) in &mut self.waiters {
            if (first..=last).contains(fd) {
                epoll.remove(*fd);
                close_all(waiters);
            }
        }
    }

    /// Another OS thread has closed descriptors of these groups: finds out which.
    pub fn collect_foreign_closes(&mut self, epoll: &Epoll) {
        let groups = watched::take_closed();
        for (fd, waiters) in &mut self.waiters {
            if groups & watched::group(*fd) != 0 && epoll.rearm(*fd, wanted(waiters)).is_err() {
                close_all(waiters);
            }
        }
    }
}

fn wanted(waiters: &[Waiter]) -> i16 {
    let waiting = waiters.iter().filter(|waiter| waiter.fate == Fate::Waiting);
    waiting.fold(0, |all, waiter| all | waiter.events)
}

fn close_all(waiters: &mut [Waiter]) {
    for waiter in waiters {
        waiter.wake(Fate::Closed);
    }
}
