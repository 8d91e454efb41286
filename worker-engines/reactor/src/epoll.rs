//! The reactor's epoll set, by direct system calls: the libc functions of these names are interposed.

use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use unicoro_sys::fd::lent;

/// What an event is about; packed into the 64 bits that epoll carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A listener, by its index.
    Listener(u32),
    /// A client's connection: its place in the lot, and which of its successive owners.
    Client {
        /// The place of the connection in the lot.
        index: u32,
        /// Of the owners of the place, which.
        generation: u16,
    },
    /// A descriptor of the application's that green threads wait for.
    Descriptor(RawFd),
    /// The request to end.
    Stop,
    /// Another OS thread calls.
    Foreign,
    /// Another worker calls this one, which stands aside.
    Siblings,
}

impl Token {
    fn pack(self) -> u64 {
        let (kind, generation, value) = match self {
            Self::Listener(index) => (0u64, 0, index),
            Self::Client { index, generation } => (1, generation, index),
            Self::Descriptor(fd) => (2, 0, fd.cast_unsigned()),
            Self::Stop => (3, 0, 0),
            Self::Foreign => (4, 0, 0),
            Self::Siblings => (5, 0, 0),
        };
        kind << 48 | u64::from(generation) << 32 | u64::from(value)
    }

    fn data(self) -> EventData {
        EventData::new_u64(self.pack())
    }

    fn unpack(data: u64) -> Self {
        let value = data as u32;
        match data >> 48 {
            0 => Self::Listener(value),
            1 => Self::Client { index: value, generation: (data >> 32) as u16 },
            2 => Self::Descriptor(value.cast_signed()),
            3 => Self::Stop,
            4 => Self::Foreign,
            _ => Self::Siblings,
        }
    }
}

/// Readiness of one descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// Bytes, a connection, or the end of the stream.
    pub read: bool,
    /// Room to send.
    pub write: bool,
    /// The other end has closed, or the descriptor is broken: any call will tell at once.
    pub hung_up: bool,
}

/// An epoll(7) instance.
pub struct Epoll {
    fd: OwnedFd,
}

/// What happens to a connection, told once.
const CLIENT: EventFlags =
    EventFlags::IN.union(EventFlags::OUT).union(EventFlags::RDHUP).union(EventFlags::ET);

/// Events taken in one turn.
const BATCH: usize = 256;

/// Room for one turn's events.
pub struct Events {
    list: Vec<Event>,
}

impl Default for Events {
    /// Empty room.
    fn default() -> Self {
        Self { list: Vec::with_capacity(BATCH) }
    }
}

impl Events {
    /// What came last.
    pub fn iter(&self) -> impl Iterator<Item = (Token, Ready)> + '_ {
        self.list.iter().map(|event| {
            let Event { flags: told, data } = *event;
            let has = |flags| told.intersects(flags);
            let broken = has(EventFlags::ERR | EventFlags::HUP);
            let ready = Ready {
                read: broken || has(EventFlags::IN | EventFlags::RDHUP | EventFlags::PRI),
                write: broken || has(EventFlags::OUT),
                hung_up: broken || has(EventFlags::RDHUP),
            };
            (Token::unpack(data.u64()), ready)
        })
    }
}

impl Epoll {
    /// A new one.
    ///
    /// # Errors
    /// `epoll_create1(2)`.
    pub fn new() -> io::Result<Self> {
        Ok(Self { fd: epoll::create(CreateFlags::CLOEXEC)? })
    }

    /// A connection: told once for each change of readiness, for as long as it lives.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn add_client(&self, fd: RawFd, token: Token) -> io::Result<()> {
        self.add(fd, token, CLIENT)
    }

    /// A connection of which only what it sends matters: who sends to it waits by other means.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn add_receiver(&self, fd: RawFd, token: Token) -> io::Result<()> {
        self.add(fd, token, EventFlags::IN | EventFlags::RDHUP | EventFlags::ET)
    }

    /// The same from now on to be told of room to send too, as [`Epoll::add_client`]: nobody waits for that by
    /// other means any more.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn add_room(&self, fd: RawFd, token: Token) -> io::Result<()> {
        Ok(epoll::modify(&self.fd, lent(fd)?, token.data(), CLIENT)?)
    }

    /// A listener: of the workers that wait for it, few are woken for a connection.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn add_listener(&self, fd: RawFd, token: Token) -> io::Result<()> {
        self.add(fd, token, EventFlags::IN | EventFlags::EXCLUSIVE)
    }

    /// What is looked at, and left as it is: told once for each time that it becomes readable, and keeps
    /// nobody else from being told.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn add_witness(&self, fd: RawFd, token: Token) -> io::Result<()> {
        self.add(fd, token, EventFlags::IN | EventFlags::ET)
    }

    /// A descriptor that stays ready until it is emptied.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn add_level(&self, fd: RawFd, token: Token) -> io::Result<()> {
        self.add(fd, token, EventFlags::IN)
    }

    /// One event for a descriptor of the application's that the set does not know.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn arm(&self, fd: RawFd, events: i16) -> io::Result<()> {
        self.add(fd, Token::Descriptor(fd), once(events))
    }

    /// One more event for a descriptor that the set may know. `ENOENT`: it does not; the set knows
    /// files, and forgets one when its last descriptor is closed.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn rearm(&self, fd: RawFd, events: i16) -> io::Result<()> {
        let data = Token::Descriptor(fd).data();
        Ok(epoll::modify(&self.fd, lent(fd)?, data, once(events))?)
    }

    /// Forgets a descriptor.
    pub fn remove(&self, fd: RawFd) {
        // Fails when it was not there, which is what was wanted.
        drop(lent(fd).map(|fd| epoll::delete(&self.fd, fd)));
    }

    fn add(&self, fd: RawFd, token: Token, flags: EventFlags) -> io::Result<()> {
        Ok(epoll::add(&self.fd, lent(fd)?, token.data(), flags)?)
    }

    /// Waits for events; none after `timeout` (`None`: no end), and none on a signal.
    ///
    /// # Errors
    /// `epoll_wait(2)`, but never `Interrupted`.
    pub fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        // A longer one would take epoll_pwait2(2), which Linux has since 5.11.
        const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);
        let timeout = timeout.and_then(|span| Timespec::try_from(span.min(LONGEST)).ok());
        events.list.clear();
        match epoll::wait(&self.fd, spare_capacity(&mut events.list), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// poll's and epoll's bits are the same numbers on Linux (poll(2), epoll_ctl(2)).
fn once(events: i16) -> EventFlags {
    EventFlags::from_bits_retain(events.cast_unsigned().into()) | EventFlags::ONESHOT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_packing() {
        for token in [
            Token::Listener(3),
            Token::Client { index: u32::MAX, generation: u16::MAX },
            Token::Descriptor(1_000_000),
            Token::Stop,
            Token::Foreign,
            Token::Siblings,
        ] {
            assert_eq!(Token::unpack(token.pack()), token);
        }
    }
}
