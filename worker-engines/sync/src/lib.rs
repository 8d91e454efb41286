//! `-k sync`: one request at a time, on the process's main thread, as small as gunicorn's.
//!
//! Connections whose request head is not whole yet wait together in poll(2), so that a slow client
//! delays nobody; while a request is served, nothing else happens. It never keeps a connection for
//! a second request, as gunicorn's does not: a client bound to a worker that is busy would wait
//! while another worker idles. (The handler is told so by its settings, not by this engine.)

mod waiting;

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::{
    AfterRead, AfterServe, BlockingWaiter, Connection, Engine, Handler, Refusal, Seat, StopState,
    drain, lacks_descriptors, last_look, room, serve_caught, take_in,
};
use unicoro_sys::poll::{is_ready, poll, readable};

use crate::waiting::{Entry, Waiting};

/// The engine of `-k sync`.
#[derive(Debug, Default)]
pub struct SyncEngine;

impl Engine for SyncEngine {
    fn run(self: Box<Self>, seat: Seat, handler: Arc<dyn Handler>) -> Result<(), Refusal> {
        let (waiting, called) = (Waiting::default(), VecDeque::new());
        Worker { seat, handler, waiting, called, shut_until: None }.run();
        Ok(())
    }
}

/// Connections accepted before those that are ready get their turn.
const ACCEPT_BATCH: usize = 16;

struct Worker {
    seat: Seat,
    handler: Arc<dyn Handler>,
    waiting: Waiting,
    // Those that were left and have more to be called for: one a turn, so that nobody else waits for all of it.
    called: VecDeque<Connection>,
    // There was no descriptor for another client.
    shut_until: Option<Instant>,
}

impl Worker {
    fn run(&mut self) {
        self.seat.pulse.begins();
        loop {
            self.seat.pulse.beat();
            match self.seat.stop.state() {
                StopState::Running => {}
                StopState::Draining => {
                    self.drain();
                    if self.clients() == 0 {
                        return;
                    }
                }
                StopState::Quitting => return,
            }
            self.turn();
        }
    }

    /// Waits for one event, no longer than a beat, and acts on all that are ready.
    fn turn(&mut self) {
        let now = Instant::now();
        let mut entries = vec![readable(self.seat.stop.as_fd())];
        entries.extend(self.handler.turn_is_due().map(readable));
        let first_listener = entries.len();
        if self.has_room_at(now) {
            entries.extend(self.seat.listeners.iter().map(|listener| readable(listener.as_fd())));
        }
        let first_waiting = entries.len();
        entries.extend(self.waiting.awaited());

        let timeout = self
            .waiting
            .next_deadline()
            .into_iter()
            .chain(self.next_room().filter(|at| *at > now))
            .map(|at| at.saturating_duration_since(now))
            .fold(self.seat.beat, Duration::min);
        let timeout = if self.called.is_empty() { timeout } else { Duration::ZERO };
        if let Err(error) = poll(&mut entries, Some(timeout)) {
            log::error!("poll failed: {error}");
            return;
        }
        let ready: Vec<bool> = entries.iter().map(is_ready).collect();
        if ready[1..first_listener].contains(&true) || !ready.contains(&true) {
            // A request would do as well: CPython looks for signals in each.
            self.handler.main_thread_turn();
        }
        if ready[0] {
            self.seat.stop.acknowledge();
        }
        // Waiting connections first, from the back: taking one out must not move those before it.
        for index in (first_waiting..ready.len()).rev() {
            if ready[index] {
                let entry = self.waiting.take(index - first_waiting);
                entry.connection.stream.note_readable(false);
                self.advance(entry);
            }
        }
        for (listener, is_ready) in ready[first_listener..first_waiting].iter().enumerate() {
            if *is_ready {
                self.accept(listener);
            }
        }
        let now = Instant::now();
        self.handler.tend(now);
        for stream in self.handler.roused() {
            if let Some(entry) = self.waiting.take_of(&stream) {
                self.advance(entry);
            }
        }
        if let Some(connection) = self.called.pop_front() {
            self.serve(connection);
        }
        for mut entry in self.waiting.take_expired(now) {
            let after = last_look(&*self.handler, &mut entry.connection, now);
            self.follow(entry, after);
        }
    }

    fn clients(&self) -> usize {
        self.waiting.len() + self.called.len()
    }

    fn is_full(&self) -> bool {
        self.clients() >= self.seat.worker_connections
    }

    /// When there is room for a new client, if not now: the connection that has waited the longest
    /// may be closed for it then, or a descriptor may be free.
    fn next_room(&self) -> Option<Instant> {
        let oldest = self.waiting.oldest_since().filter(|_| self.is_full());
        oldest.map(|since| since + room::IDLE_ENOUGH).into_iter().chain(self.shut_until).max()
    }

    fn has_room_at(&self, now: Instant) -> bool {
        // Nobody is closed for another where all were left.
        let is_shut = self.is_full() && self.waiting.oldest_since().is_none();
        !is_shut && self.next_room().is_none_or(|at| at <= now)
    }

    fn accept(&mut self, listener: usize) {
        for _ in 0..ACCEPT_BATCH {
            if self.seat.stop.state() != StopState::Running || !self.accept_one(listener) {
                return;
            }
        }
    }

    /// Accepts one connection and serves it if its request has come; false when none waits, or
    /// there is no room.
    fn accept_one(&mut self, listener: usize) -> bool {
        let now = Instant::now();
        if !self.has_room_at(now) {
            return false;
        }
        let listener = &self.seat.listeners[listener];
        match listener.accept() {
            Ok((fd, peer)) => {
                let connection = Connection::new(listener, fd, peer, 0, &BlockingWaiter);
                if self.is_full()
                    && let Some(oldest) = self.waiting.take_oldest()
                {
                    self.give_up(oldest);
                }
                // The head mostly comes with the connection: look before waiting for it.
                let until = self.handler.opened(&connection);
                self.advance(Entry { connection, until, since: now });
                true
            }
            Err(error) => {
                if lacks_descriptors(&error) {
                    for entry in self.waiting.take_older(now, room::IDLE_ENOUGH) {
                        self.give_up(entry);
                    }
                    self.shut_until = Some(now + room::LOOK);
                }
                false
            }
        }
    }

    /// Closes a connection for another, unless its request has begun to come meanwhile: that is served.
    fn give_up(&mut self, mut entry: Entry) {
        entry.connection.stream.note_readable(false);
        let was_idle = entry.connection.is_idle();
        match take_in(&*self.handler, &mut entry.connection, None) {
            AfterRead::Serve => self.serve(entry.connection),
            AfterRead::Park { until } if was_idle && !entry.connection.is_idle() => {
                self.waiting.push(Entry { until, since: Instant::now(), ..entry });
            }
            AfterRead::Close | AfterRead::Park { .. } => {}
        }
    }

    /// Takes what has come and does what the handler says of it.
    fn advance(&mut self, mut entry: Entry) {
        let after = take_in(&*self.handler, &mut entry.connection, entry.until);
        self.follow(entry, after);
    }

    fn follow(&mut self, mut entry: Entry, after: AfterRead) {
        entry.until = match after {
            AfterRead::Serve => return self.serve(entry.connection),
            AfterRead::Close => return,
            AfterRead::Park { until } => until,
        };
        if self.seat.stop.state() != StopState::Running && !entry.connection.is_left {
            let grace = self.seat.idle_grace;
            entry.until = drain::patience(&mut entry.connection, entry.since, entry.until, grace);
            if entry.until.is_none() {
                return;
            }
        }
        self.waiting.push(entry);
    }

    fn serve(&mut self, mut connection: Connection) {
        self.seat.pulse.beat();
        loop {
            match serve_caught(&*self.handler, &mut connection) {
                AfterServe::Close => return,
                AfterServe::Park { until } => {
                    match take_in(&*self.handler, &mut connection, until) {
                        AfterRead::Serve if connection.is_left => {
                            return self.called.push_back(connection);
                        }
                        AfterRead::Serve => {}
                        after => {
                            let since = Instant::now();
                            return self.follow(Entry { connection, until, since }, after);
                        }
                    }
                }
            }
        }
    }

    /// Asked to end: takes those that came before, once, and waits no longer than a moment for the
    /// requests of all.
    fn drain(&mut self) {
        if self.seat.listeners.is_empty() {
            return;
        }
        for listener in 0..self.seat.listeners.len() {
            // No more than this, however quickly clients come.
            for _ in 0..self.seat.worker_connections {
                if self.seat.stop.state() == StopState::Quitting || !self.accept_one(listener) {
                    break;
                }
            }
        }
        self.seat.listeners.clear();
        for entry in self.waiting.take_all() {
            entry.connection.stream.note_readable(false);
            self.advance(entry);
        }
    }
}
