//! The reactor's epoll set, by direct system calls: the libc functions of these names are hooks.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// What an event is about; packed into the 64 bits that epoll carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A listener, by its index.
    Listener(u32),
    /// A client's connection: its place in the lot, and which of its successive owners.
    Client {
        /// Its place.
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
}

impl Token {
    fn pack(self) -> u64 {
        let (kind, generation, value) = match self {
            Self::Listener(index) => (0u64, 0, index),
            Self::Client { index, generation } => (1, generation, index),
            Self::Descriptor(fd) => (2, 0, fd.cast_unsigned()),
            Self::Stop => (3, 0, 0),
            Self::Foreign => (4, 0, 0),
        };
        kind << 48 | u64::from(generation) << 32 | u64::from(value)
    }

    fn unpack(data: u64) -> Self {
        let value = data as u32;
        match data >> 48 {
            0 => Self::Listener(value),
            1 => Self::Client { index: value, generation: (data >> 32) as u16 },
            2 => Self::Descriptor(value.cast_signed()),
            3 => Self::Stop,
            _ => Self::Foreign,
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

/// Events taken in one turn.
const BATCH: usize = 256;

/// Room for one turn's events.
pub struct Events {
    list: Vec<libc::epoll_event>,
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
            let bits = event.events.cast_signed();
            let broken = bits & (libc::EPOLLERR | libc::EPOLLHUP) != 0;
            let ready = Ready {
                read: broken || bits & (libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLPRI) != 0,
                write: broken || bits & libc::EPOLLOUT != 0,
                hung_up: broken || bits & libc::EPOLLRDHUP != 0,
            };
            (Token::unpack(event.u64), ready)
        })
    }
}

impl Epoll {
    /// A new one.
    ///
    /// # Errors
    /// `epoll_create1(2)`.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just made for us.
        Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// A connection: told once for each change of readiness, for as long as it lives.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn add_client(&self, fd: RawFd, token: Token) -> io::Result<()> {
        let bits = libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET;
        self.control(libc::EPOLL_CTL_ADD, fd, bits, token)
    }

    /// A connection of which only what it sends matters: who sends to it waits by other means.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn add_receiver(&self, fd: RawFd, token: Token) -> io::Result<()> {
        let bits = libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLET;
        self.control(libc::EPOLL_CTL_ADD, fd, bits, token)
    }

    /// A listener: of the workers that wait for it, few are woken for a connection.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn add_listener(&self, fd: RawFd, token: Token) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, libc::EPOLLIN | libc::EPOLLEXCLUSIVE, token)
    }

    /// A descriptor that stays ready until it is emptied.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn add_level(&self, fd: RawFd, token: Token) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, libc::EPOLLIN, token)
    }

    /// One event for a descriptor of the application's that the set does not know.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn arm(&self, fd: RawFd, events: i16) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, once(events), Token::Descriptor(fd))
    }

    /// One more event for a descriptor that the set may know. `ENOENT`: it does not; the set knows
    /// files, and forgets one when its last descriptor is closed.
    ///
    /// # Errors
    /// `epoll_ctl(2)`.
    pub fn rearm(&self, fd: RawFd, events: i16) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, once(events), Token::Descriptor(fd))
    }

    /// Forgets a descriptor.
    pub fn remove(&self, fd: RawFd) {
        // Fails when it was not there, which is what was wanted.
        drop(self.control(libc::EPOLL_CTL_DEL, fd, 0, Token::Stop));
    }

    fn control(&self, operation: i32, fd: RawFd, bits: i32, token: Token) -> io::Result<()> {
        let mut event = libc::epoll_event { events: bits.cast_unsigned(), u64: token.pack() };
        // SAFETY: `event` outlives the call.
        let result = unsafe {
            libc::syscall(libc::SYS_epoll_ctl, self.fd.as_raw_fd(), operation, fd, &raw mut event)
        };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Waits for events; none after `timeout` (`None`: no end), and none on a signal.
    ///
    /// # Errors
    /// `epoll_wait(2)`, but never `Interrupted`.
    pub fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let millis = timeout.map_or(-1, |timeout| {
            i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
        });
        events.list.clear();
        // SAFETY: the vector has room for BATCH events, of which the kernel writes the first ones.
        let count = unsafe {
            libc::syscall(
                libc::SYS_epoll_wait,
                self.fd.as_raw_fd(),
                events.list.as_mut_ptr(),
                BATCH,
                millis,
            )
        };
        match usize::try_from(count) {
            // SAFETY: the kernel wrote `count` events, at most BATCH.
            Ok(count) => unsafe { events.list.set_len(count) },
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// poll's and epoll's bits are the same numbers on Linux (poll(2), epoll_ctl(2)).
fn once(events: i16) -> i32 {
    i32::from(events) | libc::EPOLLONESHOT
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
        ] {
            assert_eq!(Token::unpack(token.pack()), token);
        }
    }
}
