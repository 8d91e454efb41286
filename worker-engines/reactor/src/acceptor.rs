//! Whether the worker takes new connections: not when it ends, only in exchange for others when it is
//! full or the process has run out of descriptors (see [`unicoro_contract::room`]), and not the next
//! one when it has more than its siblings.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
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
    /// More clients than its share: who comes is left to the siblings, and looked for if he may wait
    /// still. They ring this bell.
    Aside { look_at: Option<Instant>, bell: RawFd },
}

/// How long a client waits for a sibling that does not come: one that sleeps is there within a tenth
/// of a millisecond.
const LEFT: Duration = Duration::from_millis(5);

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

    /// How many listeners there are.
    pub fn listeners(&self) -> usize {
        self.listeners.len()
    }

    /// How many to accept now beside `connected`.
    pub fn batch(&self, connected: usize) -> usize {
        match self.state {
            State::Open => BATCH.min(self.limit.saturating_sub(connected)),
            State::Closed | State::Full { .. } | State::Aside { .. } => 0,
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
            State::Open | State::Aside { .. } if connected >= self.limit => {
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

    /// Leaves the next clients to the siblings until they ring the bell.
    pub fn stand_aside(&mut self, bell: BorrowedFd<'_>) {
        if !matches!(self.state, State::Open) {
            return;
        }
        self.unwatch();
        self.state = State::Aside { look_at: None, bell: bell.as_raw_fd() };
        let entries = self
            .listeners
            .iter()
            .enumerate()
            .map(|(index, listener)| (listener.as_raw_fd(), Token::Listener(index as u32)));
        for (fd, token) in entries.chain([(bell.as_raw_fd(), Token::Siblings)]) {
            if let Err(error) = self.epoll.add_witness(fd, token) {
                log::error!("the siblings could not be watched: {error}");
                return self.come_back();
            }
        }
    }

    /// Takes its turn again.
    pub fn come_back(&mut self) {
        if self.is_aside() {
            self.unwatch();
            self.open();
        }
    }

    /// Whether it leaves the next clients to the siblings.
    #[must_use]
    pub fn is_aside(&self) -> bool {
        matches!(self.state, State::Aside { .. })
    }

    /// A client has come, and is left to the siblings.
    pub fn leave_to_siblings(&mut self) {
        if let State::Aside { look_at, .. } = &mut self.state {
            look_at.get_or_insert_with(|| Instant::now() + LEFT);
        }
    }

    /// Whether a client that was left to the siblings waits still.
    pub fn is_left_waiting(&mut self, now: Instant) -> bool {
        match &mut self.state {
            State::Aside { look_at, .. } if look_at.is_some_and(|at| at <= now) => {
                *look_at = None;
                self.someone_waits().is_some()
            }
            _ => false,
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

    /// When the next look is due, while the worker is full or stands aside.
    pub fn next_look(&self) -> Option<Instant> {
        match self.state {
            State::Full { look_at } => Some(look_at),
            State::Aside { look_at, .. } => look_at,
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
        if let State::Aside { bell, .. } = self.state {
            self.epoll.remove(bell);
        }
    }
}

fn full() -> State {
    State::Full { look_at: Instant::now() + room::LOOK }
}
