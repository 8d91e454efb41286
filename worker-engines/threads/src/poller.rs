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
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use unicoro_contract::{BlockingWaiter, Handler, Seat, StopState};
use unicoro_reactor::{Clients, Epoll, Events, Token};

use crate::pool::Pool;
use crate::returns::{Returned, Returns};

/// Nobody waits in the poller for a connection in service: its thread does, in poll(2).
#[derive(Clone, Copy)]
enum Nobody {}

/// The engine's main thread.
pub struct Poller {
    clients: Clients<Nobody>,
    handler: Arc<dyn Handler>,
    seat: Rc<Seat>,
    pool: Pool,
    returns: Arc<Returns>,
}

impl Poller {
    /// Not yet turning.
    ///
    /// # Errors
    /// epoll could not be set up.
    pub fn new(
        seat: Seat,
        handler: Arc<dyn Handler>,
        pool: Pool,
        returns: Arc<Returns>,
    ) -> io::Result<Self> {
        let shared = Arc::clone(&handler);
        let clients = Clients::new(seat, shared, &BlockingWaiter, Epoll::add_receiver)?;
        if let Some(due) = handler.turn_is_due() {
            clients.epoll.add_level(due.as_raw_fd(), Token::Foreign)?;
        }
        let seat = Rc::clone(&clients.seat);
        Ok(Self { clients, handler, seat, pool, returns })
    }

    /// Turns until asked to stop, and until then everything in progress is done.
    pub fn run(mut self) {
        let mut events = Events::default();
        let mut last_beat = None;
        self.seat.pulse.begins();
        while !self.clients.is_done() {
            let now = Instant::now();
            if last_beat.is_none_or(|beat| now.duration_since(beat) >= self.seat.beat) {
                last_beat = Some(now);
                self.seat.pulse.beat();
                self.handler.main_thread_turn();
            }
            self.turn(&mut events, now);
        }
        if self.seat.stop.state() == StopState::Draining {
            self.pool.finish();
        }
    }

    fn turn(&mut self, events: &mut Events, now: Instant) {
        let deadline = self.clients.next_deadline();
        let timeout = deadline
            .map_or(self.seat.beat, |at| at.saturating_duration_since(now).min(self.seat.beat));
        if let Err(error) = self.clients.epoll.wait(events, Some(timeout)) {
            // It would fail at once again: the application has closed a descriptor that is not its own.
            log::error!("the poller's epoll_wait failed, so this worker ends: {error}");
            self.seat.stop.ask(StopState::Quitting);
        }
        for (token, ready) in events.iter() {
            match token {
                Token::Client { index, generation } => {
                    let nobody = |nobody| match nobody {};
                    let told = self.clients.event(index as usize, generation, ready, nobody);
                    if let Some(upgraded) = told.as_ref().and_then(|stream| stream.upgraded()) {
                        upgraded.turn();
                    }
                }
                Token::Siblings => self.clients.check_share(),
                Token::Stop => self.clients.stop(),
                Token::Foreign => self.handler.main_thread_turn(),
                Token::Listener(_) | Token::Descriptor(_) => {}
            }
            self.serve_ready();
        }
        // Before those that come back are counted, or a worker that has too many then would leave to its
        // siblings whom it alone was woken for.
        for (token, _) in events.iter() {
            if let Token::Listener(index) = token {
                self.clients.accept(index as usize);
                self.serve_ready();
            }
        }
        // If it is full now, who leaves from here on wakes the poller.
        self.take_returned();
        let now = Instant::now();
        self.clients.look_after(now);
        self.handler.tend(now);
        for stream in self.handler.roused() {
            self.clients.rouse(&stream);
        }
        self.serve_ready();
        self.clients.relieve(now, self.pool.queued(), self.pool.size());
    }

    /// A thread that waits for a client is one that others wait for: while all are taken, requests
    /// that have come whole go first.
    fn serve_ready(&mut self) {
        while let Some(connection) = self.clients.next_ready() {
            let later = self.pool.is_busy() && self.handler.would_wait(&connection);
            self.pool.serve(connection, later);
        }
    }

    fn take_returned(&mut self) {
        let is_awaited = self.clients.is_full() || self.seat.stop.state() != StopState::Running;
        for returned in self.returns.take(is_awaited) {
            match returned {
                Returned::Waiting { connection, until, since } => {
                    self.clients.rest(connection, until, since);
                }
                Returned::Gone(index) => self.clients.forget(index),
            }
        }
        self.serve_ready();
    }
}
