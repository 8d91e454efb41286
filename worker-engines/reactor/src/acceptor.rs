//! Whether the worker takes new connections: not when it ends, and only in exchange for others when
//! it is full or the process has run out of descriptors (see [`unicoro_contract::room`]).

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use unicoro_contract::{
    Connection, EngineListener, SocketAddress, Waiter, lacks_descriptors, room,
};
use unicoro_sys::poll::{is_ready, poll, readable};

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

/// The listeners, and the gate in front of them.
pub struct Acceptor {
    epoll: Rc<Epoll>,
    listeners: Vec<EngineListener>,
    state: State,
    limit: usize,
    has_said_full: bool,
}

impl Acceptor {
    /// Closed, for at most `limit` clients at once.
    pub fn new(epoll: Rc<Epoll>, listeners: Vec<EngineListener>, limit: usize) -> Self {
        Self { epoll, listeners, state: State::Closed, limit, has_said_full: false }
    }

    /// Begins to accept.
    pub fn open(&mut self) {
        for index in 0..self.listeners.len() {
            self.watch(index);
        }
        self.state = State::Open;
    }

    /// Accepts no more, for good, and closes the listeners. What waits there still is another
    /// worker's, or is reset.
    pub fn close(&mut self) {
        self.unwatch();
        self.listeners.clear();
        self.state = State::Closed;
    }

    /// Accepts one connection, whatever the limit.
    ///
    /// # Errors
    /// accept4(2); hand it to [`Acceptor::failed`].
    pub fn accept(&self, index: usize) -> io::Result<(OwnedFd, SocketAddress)> {
        self.listeners[index].accept()
    }

    /// The connection that was accepted from a listener.
    #[must_use]
    pub fn connection(
        &self,
        index: usize,
        (fd, peer): (OwnedFd, SocketAddress),
        key: usize,
        waiter: &'static dyn Waiter,
    ) -> Connection {
        Connection::new(&self.listeners[index], fd, peer, key, waiter)
    }

    /// How many listeners there are. Those that are nobody else's admit no more clients from now on,
    /// so that each can be emptied.
    pub fn last_call(&self) -> usize {
        self.listeners.iter().for_each(EngineListener::last_call);
        self.listeners.len()
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
    pub fn step_back(&self, index: usize) {
        self.epoll.remove(self.listeners[index].as_raw_fd());
        self.watch(index);
    }

    /// Closes or opens the gate by how many are connected.
    pub fn check_limit(&mut self, connected: usize) {
        match self.state {
            State::Open if connected >= self.limit => {
                self.unwatch();
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
            State::Full { .. } if connected < self.limit => self.open(),
            _ => {}
        }
    }

    /// Whether it waits for a client to leave, or for a descriptor.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.state, State::Full { .. })
    }

    /// Whether it waits for a descriptor only, with so many clients connected.
    #[must_use]
    pub fn lacks_descriptors(&self, connected: usize) -> bool {
        self.is_full() && connected < self.limit
    }

    /// Whether it accepts no more, for good.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// accept4(2) has failed.
    pub fn failed(&mut self, error: &io::Error) {
        if lacks_descriptors(error) {
            // The same as being full.
            self.unwatch();
            self.state = full();
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

    /// A listener at which somebody waits, by its index.
    #[must_use]
    pub fn someone_waits(&self) -> Option<usize> {
        let mut entries: Vec<_> =
            self.listeners.iter().map(|listener| readable(listener.as_fd())).collect();
        poll(&mut entries, Some(Duration::ZERO)).ok()?;
        entries.iter().position(is_ready)
    }

    /// How many wait at the listeners, or a guess.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let guess = || self.someone_waits().map_or(0, |_| room::STALLED_UNASKED);
        self.listeners.iter().map(|listener| listener.waiting().unwrap_or_else(guess)).sum()
    }

    fn watch(&self, index: usize) {
        let token = Token::Listener(index as u32);
        if let Err(error) = self.epoll.add_listener(self.listeners[index].as_raw_fd(), token) {
            log::error!("a listener could not be watched: {error}");
        }
    }

    fn unwatch(&self) {
        for listener in &self.listeners {
            self.epoll.remove(listener.as_raw_fd());
        }
    }
}

fn full() -> State {
    State::Full { look_at: Instant::now() + room::LOOK }
}
