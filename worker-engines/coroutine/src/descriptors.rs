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
pub struct Awaited {
    /// The descriptor.
    pub fd: RawFd,
    /// `POLLIN`, `POLLOUT`, `POLLPRI`.
    pub events: i16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Woken,
    /// The descriptor is gone; its number may be another file's by now.
    Closed,
}

/// One that waits for one descriptor.
struct Claim {
    ticket: Ticket,
    events: i16,
    state: State,
}

impl Claim {
    fn wake(&mut self, state: State) {
        self.state = state;
        self.ticket.wake(Woken::Ready);
    }
}

/// Who waits for each descriptor.
#[derive(Default)]
pub struct Descriptors {
    claims: HashMap<RawFd, Vec<Claim>>,
}

const READ: i16 = libc::POLLIN | libc::POLLPRI | libc::POLLRDHUP;

impl Descriptors {
    /// Adds a waiter; each add has its [`Descriptors::remove`].
    ///
    /// # Errors
    /// `epoll_ctl(2)`: `EPERM` for what cannot be waited for (a regular file), `EBADF`.
    pub fn add(&mut self, epoll: &Epoll, awaited: Awaited, ticket: Ticket) -> io::Result<()> {
        let claims = self.claims.entry(awaited.fd).or_insert_with(|| {
            watched::add(awaited.fd);
            Vec::new()
        });
        let armed = match epoll.rearm(awaited.fd, wanted(claims) | awaited.events) {
            // The set forgets a descriptor when it is closed: those who wait wait for another file.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
                close_all(claims);
                epoll.arm(awaited.fd, awaited.events)
            }
            done => done,
        };
        if armed.is_ok() {
            claims.push(Claim { ticket, events: awaited.events, state: State::Waiting });
        } else if claims.is_empty() {
            self.claims.remove(&awaited.fd);
            watched::remove(awaited.fd);
        }
        armed
    }

    /// Removes what a ticket's owner waits for. True: the descriptor was closed meanwhile.
    pub fn remove(&mut self, fd: RawFd, ticket: Ticket) -> bool {
        let Some(claims) = self.claims.get_mut(&fd) else {
            return false;
        };
        let mut is_closed = false;
        claims.retain(|claim| {
            let is_mine = claim.ticket.is_of(ticket);
            is_closed |= is_mine && claim.state == State::Closed;
            !is_mine
        });
        if claims.is_empty() {
            self.claims.remove(&fd);
            watched::remove(fd);
        }
        is_closed
    }

    /// A descriptor is ready: wakes the first of those who asked for it, all if it is broken, and
    /// arms it for the others.
    pub fn ready(&mut self, epoll: &Epoll, fd: RawFd, ready: Ready) {
        let Some(claims) = self.claims.get_mut(&fd) else {
            return;
        };
        let (mut read, mut write) = (ready.read, ready.write);
        for claim in claims.iter_mut().filter(|claim| claim.state == State::Waiting) {
            let reads = read && claim.events & READ != 0;
            let writes = write && claim.events & libc::POLLOUT != 0;
            if ready.hung_up || reads || writes {
                claim.wake(State::Woken);
                read &= !reads;
                write &= !writes;
            }
        }
        let rest = wanted(claims);
        if rest != 0 && epoll.rearm(fd, rest).is_err() {
            close_all(claims);
        }
    }

    /// Shuts down the connections that the owner of tickets waits for, which then finds them broken;
    /// whether there are any.
    pub fn shut_down(&self, is_owner: impl Fn(&Ticket) -> bool) -> bool {
        let waits = |claim: &Claim| claim.state == State::Waiting && is_owner(&claim.ticket);
        let waited_for = self.claims.iter().filter(|(_, claims)| claims.iter().any(waits));
        waited_for.fold(false, |any, (fd, _)| shut_down(*fd) || any)
    }

    /// The descriptor is gone: whoever waits for it hears `EBADF`.
    pub fn closed(&mut self, epoll: &Epoll, fd: RawFd) {
        if let Some(claims) = self.claims.get_mut(&fd) {
            // Where the file lives on under another number, epoll would go on telling of it.
            epoll.remove(fd);
            close_all(claims);
        }
    }

    /// All descriptors from `first` to `last` are gone.
    pub fn closed_range(&mut self, epoll: &Epoll, first: RawFd, last: RawFd) {
        for (fd, claims) in &mut self.claims {
            if (first..=last).contains(fd) {
                epoll.remove(*fd);
                close_all(claims);
            }
        }
    }

    /// Another OS thread has closed descriptors of these groups: finds out which.
    pub fn collect_foreign_closes(&mut self, epoll: &Epoll) {
        let groups = watched::take_closed();
        for (fd, claims) in &mut self.claims {
            if groups & watched::group(*fd) != 0 && epoll.rearm(*fd, wanted(claims)).is_err() {
                close_all(claims);
            }
        }
    }
}

fn wanted(claims: &[Claim]) -> i16 {
    let waiting = claims.iter().filter(|claim| claim.state == State::Waiting);
    waiting.fold(0, |all, claim| all | claim.events)
}

fn close_all(claims: &mut [Claim]) {
    for claim in claims {
        claim.wake(State::Closed);
    }
}
