//! The poller: every connection that is not being served, on the engine's main thread.
//!
//! ```text
//!   turn:  epoll_wait ─► events ─► what the pool gave back ─► accept ─► deadlines
//!                        parked: receive, parse; a request goes to the pool
//!                        in service: note that bytes have come
//! ```
//!
//! Never runs the application and never waits for a client. The rule that a reader would break:
//! events are noted before the returns are taken ([`Returns`] relies on it).

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Instant;

use unicoro_contract::{
    AfterRead, BlockingWaiter, Connection, Handler, Seat, StopState, drain, last_look, room,
    take_in,
};
use unicoro_reactor::{Acceptor, Epoll, Events, Expiry, Lot, Ready, Timers, Token};

use crate::pool::Pool;
use crate::returns::{Returned, Returns};

/// Nobody waits in the poller for a connection in service: its thread does, in poll(2).
#[derive(Clone, Copy)]
enum Nobody {}

/// The engine's main thread.
pub struct Poller {
    epoll: Epoll,
    timers: Timers<usize>,
    lot: Lot<Nobody>,
    acceptor: Acceptor,
    handler: Arc<dyn Handler>,
    seat: Seat,
    pool: Pool,
    returns: Arc<Returns>,
    // When to look whether requests still wait for a thread.
    pool_look: Option<Instant>,
}

impl Poller {
    /// Not yet turning.
    ///
    /// # Errors
    /// epoll could not be set up.
    pub fn new(
        mut seat: Seat,
        handler: Arc<dyn Handler>,
        pool: Pool,
        returns: Arc<Returns>,
    ) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        epoll.add_level(seat.stop.as_raw_fd(), Token::Stop)?;
        let listeners = std::mem::take(&mut seat.listeners);
        Ok(Self {
            acceptor: Acceptor::new(listeners, seat.worker_connections),
            epoll,
            timers: Timers::default(),
            lot: Lot::default(),
            handler,
            seat,
            pool,
            returns,
            pool_look: None,
        })
    }

    /// Turns until asked to stop, and until then everything in progress is done.
    pub fn run(mut self) {
        let mut events = Events::default();
        let mut last_beat = None;
        self.acceptor.open(&self.epoll);
        while !self.is_done() {
            let now = Instant::now();
            if last_beat.is_none_or(|beat| now.duration_since(beat) >= self.seat.beat) {
                last_beat = Some(now);
                self.seat.pulse.beat();
                self.seat.pulse.connections(self.lot.connected());
            }
            self.turn(&mut events, now);
        }
        if self.seat.stop.state() == StopState::Draining {
            self.pool.finish();
        }
    }

    fn is_done(&self) -> bool {
        match self.seat.stop.state() {
            StopState::Running => false,
            // Not before it has heard of it: clients may wait in the listen queues.
            StopState::Draining => self.acceptor.is_closed() && self.lot.connected() == 0,
            StopState::Quitting => true,
        }
    }

    fn turn(&mut self, events: &mut Events, now: Instant) {
        let looks = self.acceptor.next_look().into_iter().chain(self.pool_look);
        let deadline = self.timers.next_deadline().into_iter().chain(looks).min();
        let timeout = deadline
            .map_or(self.seat.beat, |at| at.saturating_duration_since(now).min(self.seat.beat));
        if let Err(error) = self.epoll.wait(events, Some(timeout)) {
            log::error!("the poller's epoll_wait failed: {error}");
        }
        for (token, ready) in events.iter() {
            match token {
                Token::Client { index, generation } => {
                    self.client(index as usize, generation, ready);
                }
                Token::Stop => self.stop(),
                Token::Listener(_) | Token::Descriptor(_) | Token::Foreign => {}
            }
        }
        self.take_returned();
        for (token, _) in events.iter() {
            if let Token::Listener(index) = token {
                self.accept(index as usize);
            }
        }
        if self.acceptor.is_full() {
            // It may have become so just now: who leaves from here on wakes the poller.
            self.take_returned();
        }
        let now = Instant::now();
        self.expire(now);
        if self.acceptor.take_look(now) {
            self.make_room(now);
        }
        self.free_threads(now);
    }

    /// Full: for each client that waits an idle connection goes, and if there are too few, so do
    /// those that stall.
    fn make_room(&mut self, now: Instant) {
        let idle = self.lot.idle(now, room::BATCH);
        for index in &idle {
            let Some(listener) = self.acceptor.someone_waits() else { return };
            if let Some(connection) = self.lot.take(*index) {
                self.close(connection);
                self.accept(listener);
            }
        }
        if idle.len() == room::BATCH {
            // The others of this turn first, then the rest of the queue.
            return self.acceptor.look_again();
        }
        let waiting = self.acceptor.waiting();
        self.lot.evict_stalled(now, room::STALLED_ENOUGH, waiting.min(room::BATCH));
    }

    /// Requests wait and no thread is free: clients that stall in the middle of one hold threads.
    fn free_threads(&mut self, now: Instant) {
        let queued = self.pool.queued();
        match self.pool_look {
            _ if queued == 0 => self.pool_look = None,
            Some(look) if look > now => {}
            look => {
                if look.is_some() {
                    let enough = room::stalled_enough(queued, self.pool.size());
                    self.lot.evict_stalled(now, enough, queued.min(room::BATCH));
                }
                self.pool_look = Some(now + room::THREADS_LOOK);
            }
        }
    }

    fn client(&mut self, index: usize, generation: u16, ready: Ready) {
        if let Ok(connection) = self.lot.event(index, generation, ready) {
            self.advance(connection, None);
        }
    }

    /// Takes one connection, and lets another worker take the next: so a burst is spread as well as
    /// a steady load. What waits still is told again at the next turn. False: there was none.
    fn accept(&mut self, index: usize) -> bool {
        if self.acceptor.batch(self.lot.connected()) == 0 || !self.accept_one(index) {
            return false;
        }
        if self.seat.has_siblings {
            self.acceptor.step_back(&self.epoll, index);
        }
        self.check_limit();
        true
    }

    fn accept_one(&mut self, index: usize) -> bool {
        let accepted = match self.acceptor.accept(index) {
            Ok(accepted) => accepted,
            Err(error) => {
                self.acceptor.failed(&self.epoll, &error);
                return false;
            }
        };
        let (place, generation) = self.lot.reserve(Instant::now());
        let token = Token::Client { index: place as u32, generation };
        if let Err(error) = self.epoll.add_receiver(accepted.0.as_raw_fd(), token) {
            log::error!("a connection could not be watched: {error}");
            self.forget(place);
            return false;
        }
        let connection = self.acceptor.connection(index, accepted, place, &BlockingWaiter);
        let until = self.handler.opened(&connection);
        self.lot.put_in_service(place, &connection.stream);
        self.advance(Box::new(connection), until);
        true
    }

    /// Takes what has come for a connection that nobody serves; parks it until `until` at most.
    fn advance(&mut self, mut connection: Box<Connection>, until: Option<Instant>) {
        let after = take_in(&*self.handler, &mut connection, until);
        self.follow(connection, after);
    }

    fn follow(&mut self, connection: Box<Connection>, after: AfterRead) {
        match after {
            AfterRead::Serve => self.serve(connection),
            AfterRead::Close => self.close(connection),
            AfterRead::Park { until } => self.park(connection, until),
        }
    }

    fn park(&mut self, mut connection: Box<Connection>, mut until: Option<Instant>) {
        let index = connection.stream.key();
        if self.seat.stop.state() != StopState::Running {
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

    /// A thread that waits for a client is one that others wait for: while all are taken, requests
    /// that have come whole go first.
    fn serve(&self, connection: Box<Connection>) {
        let later = self.pool.is_busy() && self.handler.would_wait(&connection);
        self.pool.serve(connection, later);
    }

    fn set_timer(&mut self, index: usize, at: Instant) {
        let timer = self.timers.insert(at, index);
        if let Some(replaced) = self.lot.set_timer(index, timer) {
            self.timers.remove(replaced);
        }
    }

    fn close(&mut self, connection: Box<Connection>) {
        let index = connection.stream.key();
        drop(connection);
        self.forget(index);
    }

    fn forget(&mut self, index: usize) {
        if let Some(timer) = self.lot.release(index) {
            self.timers.remove(timer);
        }
        self.check_limit();
    }

    fn check_limit(&mut self) {
        self.acceptor.check_limit(&self.epoll, self.lot.connected());
    }

    fn take_returned(&mut self) {
        let is_awaited = self.acceptor.is_full() || self.seat.stop.state() != StopState::Running;
        for returned in self.returns.take(is_awaited) {
            match returned {
                Returned::Waiting { connection, until, since } => {
                    self.lot.rest(connection.stream.key(), since);
                    if self.seat.stop.state() != StopState::Running {
                        // The event of a request that has come meanwhile may be on its way.
                        connection.stream.note_readable(false);
                    }
                    self.advance(connection, until);
                }
                Returned::Gone(index) => self.forget(index),
            }
        }
    }

    fn expire(&mut self, now: Instant) {
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
    }

    /// Takes what waits in the listen queues: it came before the request to stop, and would be reset.
    fn drain_listeners(&mut self) {
        for index in 0..self.acceptor.last_call() {
            // No more than this, however quickly clients come and are closed.
            for _ in 0..self.seat.worker_connections {
                if !self.accept_one(index) {
                    break;
                }
            }
        }
    }

    /// Woken: by the pool, or to stop. Then no more connections; those that wait are served if
    /// their request has come or comes soon, and closed if not.
    fn stop(&mut self) {
        self.seat.stop.acknowledge();
        if self.seat.stop.state() != StopState::Draining || self.acceptor.is_closed() {
            return;
        }
        self.drain_listeners();
        self.acceptor.close(&self.epoll);
        for connection in self.lot.unpark_all() {
            connection.stream.note_readable(false);
            self.advance(connection, None);
        }
    }
}
