//! Whether the worker takes new connections: not when it ends, and only in exchange for others when
//! it is full or the process has run out of descriptors (see [`unicoro_contract::room`]).

use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use unicoro_contract::{EngineListener, PollSlot, poll_set, room};

use crate::epoll::{Epoll, Token};

/// Connections accepted in a row: the others of the turn wait no longer than this takes.
const BATCH: usize = 64;

enum State {
    /// Not begun, or ended.
    Closed,
    /// Waiting for connections.
    Open,
    /// At the limit: the listeners are not watched, but looked at from time to time.
    Full { look_at: Instant },
}

/// The gate in front of the listeners.
pub struct Acceptor {
    state: State,
    limit: usize,
    has_said_full: bool,
}

impl Acceptor {
    /// Closed, for at most `limit` clients at once.
    pub fn new(limit: usize) -> Self {
        Self { state: State::Closed, limit, has_said_full: false }
    }

    /// Begins to accept.
    pub fn open(&mut self, epoll: &Epoll, listeners: &[EngineListener]) {
        for (index, listener) in listeners.iter().enumerate() {
            Self::watch(epoll, listener, index);
        }
        self.state = State::Open;
    }

    /// Accepts no more, for good.
    pub fn close(&mut self, epoll: &Epoll, listeners: &[EngineListener]) {
        Self::unwatch(epoll, listeners);
        self.state = State::Closed;
    }

    /// How many to accept now beside `connected`.
    pub fn batch(&self, connected: usize) -> usize {
        match self.state {
            State::Open => BATCH.min(self.limit.saturating_sub(connected)),
            State::Closed | State::Full { .. } => 0,
        }
    }

    /// Goes behind the other workers that wait at a listener. The kernel asks the first in its queue
    /// that is not busy (EPOLLEXCLUSIVE, `epoll_ctl(2)`): without this it would be the same worker
    /// for every connection, as long as it is quick to accept.
    pub fn step_back(&self, epoll: &Epoll, listeners: &[EngineListener], index: usize) {
        epoll.remove(listeners[index].as_raw_fd());
        Self::watch(epoll, &listeners[index], index);
    }

    /// Closes or opens the gate by how many are connected.
    pub fn check_limit(&mut self, epoll: &Epoll, listeners: &[EngineListener], connected: usize) {
        match self.state {
            State::Open if connected >= self.limit => {
                Self::unwatch(epoll, listeners);
                self.state = full();
                if !self.has_said_full {
                    self.has_said_full = true;
                    log::warn!(
                        "worker_connections ({}) reached: the oldest idle or stalled connections \
                         are closed for new clients; raise it if the machine can take more \
                         (said once)",
                        self.limit
                    );
                }
            }
            State::Full { .. } if connected < self.limit => self.open(epoll, listeners),
            _ => {}
        }
    }

    /// Whether it waits for a client to leave.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.state, State::Full { .. })
    }

    /// Whether it accepts no more, for good.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// accept4(2) has failed.
    pub fn failed(&mut self, epoll: &Epoll, listeners: &[EngineListener], error: &io::Error) {
        match error.raw_os_error() {
            // Nothing waits, another worker was faster, or the client has left already.
            Some(libc::EAGAIN | libc::EINTR | libc::ECONNABORTED) => {}
            Some(libc::EMFILE | libc::ENFILE) => {
                // Until a client leaves there is no descriptor: the same as being full.
                log::error!("no descriptor for another client: {error}; raise RLIMIT_NOFILE");
                Self::unwatch(epoll, listeners);
                self.state = full();
            }
            _ => log::error!("accept failed: {error}"),
        }
    }

    /// When the next look is due, while the worker is full.
    pub fn next_look(&self) -> Option<Instant> {
        match self.state {
            State::Full { look_at } => Some(look_at),
            State::Open | State::Closed => None,
        }
    }

    /// Puts the next look off; whether one was due.
    pub fn take_look(&mut self, now: Instant) -> bool {
        match &mut self.state {
            State::Full { look_at } if *look_at <= now => {
                *look_at = now + room::LOOK;
                true
            }
            _ => false,
        }
    }

    /// More wait than one look could help.
    pub fn look_again(&mut self) {
        if let State::Full { look_at } = &mut self.state {
            *look_at = Instant::now();
        }
    }

    fn watch(epoll: &Epoll, listener: &EngineListener, index: usize) {
        let token = Token::Listener(index as u32);
        if let Err(error) = epoll.add_listener(listener.as_raw_fd(), token) {
            log::error!("a listener could not be watched: {error}");
        }
    }

    fn unwatch(epoll: &Epoll, listeners: &[EngineListener]) {
        for listener in listeners {
            epoll.remove(listener.as_raw_fd());
        }
    }
}

fn full() -> State {
    State::Full { look_at: Instant::now() + room::LOOK }
}

/// A listener at which somebody waits, by its index.
pub fn someone_waits(listeners: &[EngineListener]) -> Option<usize> {
    let mut slots: Vec<_> = listeners.iter().map(|l| PollSlot::readable(l.as_raw_fd())).collect();
    poll_set(&mut slots, Some(Duration::ZERO)).ok()?;
    slots.iter().position(PollSlot::is_ready)
}

/// How many wait at a listener, or a guess.
pub fn waiting_at(listener: &EngineListener) -> usize {
    listener.waiting().unwrap_or_else(|| {
        let listeners = std::slice::from_ref(listener);
        someone_waits(listeners).map_or(0, |_| room::STALLED_UNASKED)
    })
}
