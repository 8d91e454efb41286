//! The clients of a worker: all that is done with a connection while nobody serves it.
//!
//! ```text
//!   accept ─► take in ─► ready ─► next_ready ─► (the engine serves) ─┬─► rest ─► take in
//!              │   ▲                                                 └─► close, or forget
//!              ▼   │ an event, its deadline, the stop
//!             parked ─► closed: too late, for a new client, or at the end of the worker
//! ```
//!
//! Never runs the application and never waits. The rule that a reader would break: each connection
//! that [`Clients::next_ready`] hands out comes back by `rest` or `close`, or its place by `forget`.

mod crowd;
mod share;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use unicoro_contract::{
    AfterRead, Connection, Handler, Interest, Seat, StopState, Stream, Waiter, drain, last_look,
    take_in,
};

use crate::acceptor::Acceptor;
use crate::epoll::{Epoll, Ready, Token};
use crate::lot::{Expiry, Heard, Lot};
use crate::timers::Timers;

/// The clients; `W` is how to wake who waits for the socket of one that is served.
pub struct Clients<W> {
    /// Where they are watched; the engine waits there.
    pub epoll: Rc<Epoll>,
    /// The worker's, whose listeners are here now.
    pub seat: Rc<Seat>,
    handler: Arc<dyn Handler>,
    waiter: &'static dyn Waiter,
    watch: Watch,
    acceptor: Acceptor,
    lot: Lot<W>,
    // The deadlines of those that are parked, by their place.
    timers: Timers<usize>,
    // At most worker_connections, as everything that holds connections.
    ready: VecDeque<Box<Connection>>,
    // Clients wait for room.
    is_crowded: bool,
    // When to look whether requests still wait for somebody who serves them.
    relief: Option<Instant>,
    // So many in a row, since a request has ended.
    looks_in_vain: u32,
}

/// How a client's socket is watched: [`Epoll::add_client`] or [`Epoll::add_receiver`].
type Watch = fn(&Epoll, RawFd, Token) -> io::Result<()>;

impl<W: Copy> Clients<W> {
    /// Accepts from now on, as far as the engine waits in the epoll set. While a client is served,
    /// `waiter` waits for its socket.
    ///
    /// # Errors
    /// epoll could not be set up.
    pub fn new(
        mut seat: Seat,
        handler: Arc<dyn Handler>,
        waiter: &'static dyn Waiter,
        watch: Watch,
    ) -> io::Result<Self> {
        let epoll = Rc::new(Epoll::new()?);
        epoll.add_level(seat.stop.as_raw_fd(), Token::Stop)?;
        let listeners = std::mem::take(&mut seat.listeners);
        let mut acceptor = Acceptor::new(Rc::clone(&epoll), listeners, seat.worker_connections);
        acceptor.open();
        Ok(Self {
            epoll,
            seat: Rc::new(seat),
            handler,
            waiter,
            watch,
            acceptor,
            lot: Lot::default(),
            timers: Timers::default(),
            ready: VecDeque::new(),
            is_crowded: false,
            relief: None,
            looks_in_vain: 0,
        })
    }

    /// How many are connected.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.lot.connected()
    }

    /// Whether nobody else comes before one of them leaves.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.acceptor.is_full()
    }

    /// Whether the worker was asked to end, and nothing keeps it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match self.seat.stop.state() {
            StopState::Running => false,
            // Not before it has heard of it: clients may wait in the listen queues.
            StopState::Draining => self.acceptor.is_closed() && self.connected() == 0,
            StopState::Quitting => true,
        }
    }

    /// When [`Clients::look_after`] has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let looks = self.acceptor.next_look().into_iter().chain(self.relief);
        self.timers.next_deadline().into_iter().chain(looks).min()
    }

    /// Whether a request waits to be served.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The connection whose request is to be served next.
    pub fn next_ready(&mut self) -> Option<Box<Connection>> {
        self.ready.pop_front()
    }

    /// A listener is ready. With siblings one connection a turn is enough, and the next is somebody
    /// else's: so that none gets them all.
    pub fn accept(&mut self, listener: usize) {
        if self.leaves_to_siblings() {
            return;
        }
        self.accept_some(listener);
        if self.is_crowded || self.is_full() {
            self.look_for_crowd();
        }
    }

    fn accept_some(&mut self, listener: usize) {
        for _ in 0..self.acceptor.batch(self.connected()) {
            if self.seat.stop.state() != StopState::Running || !self.accept_one(listener) {
                // Without descriptors the gate is closed now, and stays so until a client leaves.
                return;
            }
            if self.has_siblings() {
                self.acceptor.step_back(listener);
                break;
            }
        }
        self.check_limit();
    }

    /// An event for a client: takes in what has come if nobody serves it, else has those woken who wait for
    /// it. If it was upgraded, and nobody waits for its bytes, hands it back: it is to be told.
    pub fn event(
        &mut self,
        index: usize,
        generation: u16,
        ready: Ready,
        wake: impl FnMut(W),
    ) -> Option<Arc<Stream>> {
        match self.lot.event(index, generation, ready, wake) {
            Heard::Parked(connection) => self.advance(connection, None),
            Heard::Upgraded(stream) => {
                self.stays(&stream);
                return Some(stream);
            }
            Heard::Nobody => {}
        }
        None
    }

    /// Who serves a client waits for its socket. False: somebody does already, or it is served no
    /// more.
    pub fn wait(&mut self, stream: &Stream, who: W, interest: Interest) -> bool {
        self.lot.wait(stream, who, interest)
    }

    /// The wait of who `is_it` is over.
    pub fn stop_waiting(&mut self, stream: &Stream, is_it: impl Fn(&W) -> bool) {
        self.lot.stop_waiting(stream, is_it);
    }

    /// Who still waits for a client that was served just now, or was stirred; to be woken. One after the
    /// other.
    pub fn take_waiter(&mut self, stream: &Stream) -> Option<W> {
        self.lot.take_waiter(stream)
    }

    /// A request has ended, at `since`; the next is waited for until `until` at most.
    pub fn rest(&mut self, connection: Box<Connection>, until: Option<Instant>, since: Instant) {
        self.lot.rest(connection.stream.key(), since);
        self.moves_on();
        if (connection.is_kept || connection.is_left) && self.lot.keep(connection.stream.key()) {
            self.check_share();
        }
        if connection.is_left && !self.waiter.tells_upgraded() {
            self.listen_for_room(&connection.stream);
        }
        if self.seat.stop.state() != StopState::Running {
            // The event of a request that has come meanwhile may be on its way.
            connection.stream.note_readable(false);
        }
        if connection.stream.has_unsent() {
            return self.ready.push_back(connection);
        }
        self.advance(connection, until);
    }

    /// Something has happened to a client that is served: if it was upgraded, it is one that stays, for its
    /// request may last as long as it does.
    pub fn stays(&mut self, stream: &Arc<Stream>) {
        let is_upgraded = stream.upgraded().is_some() && self.lot.has(stream);
        if is_upgraded && self.lot.keep(stream.key()) {
            self.check_share();
        }
    }

    /// Nobody waits in poll(2) for one that was left to take what it is sent.
    fn listen_for_room(&mut self, stream: &Stream) {
        let index = stream.key();
        let Some(generation) = self.lot.leave(index) else { return };
        let token = Token::Client { index: index as u32, generation };
        if let Err(error) = self.epoll.add_room(stream.as_raw_fd(), token) {
            // The clock tends it, once a second.
            log::error!("a connection could not be watched for room: {error}");
        }
    }

    /// A client has not taken all of its last answer: if its connection is parked, and nobody has sent the
    /// rest meanwhile, it is to be served.
    pub fn resume(&mut self, stream: &Arc<Stream>) {
        if stream.has_unsent()
            && let Some(connection) = self.lot.take_parked(stream)
        {
            self.ready.push_back(connection);
        }
    }

    /// Something has happened to a connection that was left, of which no event tells: it is read, if it is
    /// parked. Who serves it looks by itself.
    pub fn rouse(&mut self, stream: &Arc<Stream>) {
        if let Some(connection) = self.lot.take_left(stream) {
            self.advance(connection, None);
        }
    }

    /// Parts with a client. One that has not taken all of its last answer counts until it has: its connection
    /// is to be served for that, within all limits.
    pub fn close(&mut self, mut connection: Box<Connection>) {
        connection.stream.let_go();
        // Only once, lest it go round for ever.
        if connection.stream.has_unsent() && !connection.is_parting {
            connection.is_parting = true;
            return self.ready.push_back(connection);
        }
        let index = connection.stream.key();
        // First, so that its descriptor is free for who comes in its place.
        drop(connection);
        self.forget(index);
    }

    /// A connection is closed, or the application's: gives its place up.
    pub fn forget(&mut self, index: usize) {
        if let Some(timer) = self.lot.release(index) {
            self.timers.remove(timer);
        }
        self.moves_on();
        self.check_limit();
    }

    /// Parts with those whose time is over, and makes room if the worker is full.
    pub fn look_after(&mut self, now: Instant) {
        while let Some(index) = self.timers.pop_expired(now) {
            match self.lot.expired(index, now) {
                Expiry::Void => {}
                Expiry::Later(at) => self.set_timer(index, at),
                Expiry::Passed(mut connection) => {
                    let after = last_look(&*self.handler, &mut connection, now);
                    self.follow(connection, after);
                }
            }
        }
        self.look_for_those_left(now);
        if self.acceptor.take_look(now) {
            self.make_room(now);
            self.try_to_open();
        }
    }

    /// Woken, perhaps to stop. Then no more connections; those that wait are served if their request
    /// has come or comes soon, and closed if not.
    pub fn stop(&mut self) {
        self.seat.stop.acknowledge();
        let state = self.seat.stop.state();
        if state == StopState::Running || self.acceptor.is_closed() {
            return;
        }
        if state == StopState::Draining {
            self.empty_listeners();
        }
        self.acceptor.close();
        for index in 0..self.lot.places() {
            if let Some(connection) = self.lot.take(index) {
                connection.stream.note_readable(false);
                self.advance(connection, None);
            }
        }
    }

    /// Takes what waits in the listen queues: it came before the request to stop, and would be reset.
    fn empty_listeners(&mut self) {
        for listener in 0..self.acceptor.listeners() {
            // No more than this, however quickly clients come and are closed.
            for _ in 0..self.seat.worker_connections {
                if !self.accept_one(listener) {
                    break;
                }
            }
        }
    }

    /// Accepts one connection; false when none waits, or none can be had.
    fn accept_one(&mut self, listener: usize) -> bool {
        let accepted = match self.acceptor.accept(listener) {
            Ok(accepted) => accepted,
            Err(error) => {
                self.acceptor.failed(&error);
                self.check_share();
                return false;
            }
        };
        let (index, generation) = self.lot.reserve(Instant::now());
        let token = Token::Client { index: index as u32, generation };
        if let Err(error) = (self.watch)(&self.epoll, accepted.0.as_raw_fd(), token) {
            log::error!("a connection could not be watched: {error}");
            self.forget(index);
            return false;
        }
        let connection = self.acceptor.connection(listener, accepted, index, self.waiter);
        let until = self.handler.opened(&connection);
        self.lot.put_in_service(index, &connection.stream);
        self.advance(Box::new(connection), until);
        true
    }

    /// Takes what has come for a connection that nobody serves; parks it until `until` at most.
    fn advance(&mut self, mut connection: Box<Connection>, until: Option<Instant>) {
        let after = self.take_in(&mut connection, until);
        self.follow(connection, after);
    }

    fn take_in(&mut self, connection: &mut Connection, until: Option<Instant>) -> AfterRead {
        let was_idle = connection.is_idle();
        let after = take_in(&*self.handler, connection, until);
        let is_parked = matches!(after, AfterRead::Park { .. });
        if is_parked && was_idle && !connection.is_idle() {
            // From here on the client has a head to finish.
            self.lot.rest(connection.stream.key(), Instant::now());
        }
        after
    }

    fn follow(&mut self, connection: Box<Connection>, after: AfterRead) {
        match after {
            AfterRead::Serve => self.ready.push_back(connection),
            AfterRead::Close => self.close(connection),
            AfterRead::Park { until } => self.park(connection, until),
        }
    }

    fn park(&mut self, mut connection: Box<Connection>, mut until: Option<Instant>) {
        let index = connection.stream.key();
        if self.seat.stop.state() != StopState::Running && !connection.is_left {
            let idle_since = self.lot.idle_since(index);
            until = drain::patience(&mut connection, idle_since, until, self.seat.idle_grace);
            if until.is_none() {
                return self.close(connection);
            }
        }
        connection.inbox.release();
        if let Some(at) = self.lot.park(connection, until) {
            self.set_timer(index, at);
        }
    }

    fn set_timer(&mut self, index: usize, at: Instant) {
        let timer = self.timers.insert(at, index);
        if let Some(replaced) = self.lot.set_timer(index, timer) {
            self.timers.remove(replaced);
        }
    }
}

#[cfg(test)]
mod tests;
