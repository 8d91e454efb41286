//! The engine's state, and the reactor that turns it.
//!
//! One coroutine, the reactor, owns the epoll set and the timers, and blocks the scheduler's thread
//! in `epoll_wait` when nobody can run. All others are green workers.
//!
//! ```text
//!   turn:  epoll_wait ─► events ─► timers ─► queue of ready connections ─► yield
//!             ▲          parked: read, parse          │ a green worker      │
//!             │          waiting: wake                │ is called           │
//!             └───────────── all runnable green threads run once ◄──────────┘
//! ```
//!
//! Everything is on the scheduler's thread: cells and short borrows, no locks. No borrow may be
//! held across `handler.serve`, a park, a yield or a spawn.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::{
    AfterRead, AfterServe, Connection, Handler, Received, Seat, StopState, room, serve_caught,
};
use unicoro_reactor::{
    Acceptor, Epoll, Events, Expiry, Lot, Ready, TimerKey, Timers, Token, someone_waits, thread_id,
    waiting_at,
};

use crate::bell;
use crate::crew::Crew;
use crate::descriptors::Descriptors;
use crate::green::{Green, Overdue, Ticket, Woken};
use crate::helpers;
use crate::scheduler;
use crate::waiter::ParkingWaiter;
use crate::words::Words;
use crate::{preemption, progress};

/// While green threads can run, the epoll set is looked at no more often than this: a look is a
/// system call, a switch is not.
const LOOK: Duration = Duration::from_micros(250);

/// Requests that a green worker serves in a row before it lets others run.
const RUN: usize = 64;

/// How long a stop waits for the first request of a client that has just connected.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// What a deadline is for.
pub enum Target {
    /// A wait of a green thread.
    Green(Ticket),
    /// A parked connection, by its place.
    Client(usize),
    /// A request in progress.
    Overdue(Overdue),
}

/// The engine's state.
pub struct Core {
    pub epoll: Epoll,
    pub timers: RefCell<Timers<Target>>,
    pub descriptors: RefCell<Descriptors>,
    pub words: RefCell<Words>,
    pub lot: RefCell<Lot<Ticket>>,
    pub handler: Arc<dyn Handler>,
    pub seat: Seat,
    pub stack_bytes: usize,
    /// The scheduler's, as gettid(2) numbers them.
    pub os_thread: i32,
    /// Green threads that are in the run queue.
    pub runnable: Cell<usize>,
    ready: RefCell<VecDeque<Box<Connection>>>,
    crew: Crew,
    acceptor: RefCell<Acceptor>,
    waits: Cell<u64>,
}

impl Core {
    /// A new engine, not yet turning.
    ///
    /// # Errors
    /// epoll could not be set up.
    pub fn new(seat: Seat, handler: Arc<dyn Handler>, stack_bytes: usize) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        epoll.add_level(seat.stop.as_raw_fd(), Token::Stop)?;
        epoll.add_level(bell::open()?, Token::Foreign)?;
        Ok(Self {
            acceptor: RefCell::new(Acceptor::new(seat.worker_connections)),
            epoll,
            timers: RefCell::default(),
            descriptors: RefCell::default(),
            words: RefCell::default(),
            lot: RefCell::default(),
            handler,
            seat,
            stack_bytes,
            os_thread: thread_id(),
            runnable: Cell::new(0),
            ready: RefCell::default(),
            crew: Crew::default(),
            waits: Cell::new(0),
        })
    }

    /// Turns until asked to stop, and until then everything in progress is done.
    pub fn run(&'static self) {
        let mut events = Events::default();
        let mut last_look = Instant::now();
        let mut last_beat = None;
        self.acceptor.borrow_mut().open(&self.epoll, &self.seat.listeners);
        while !self.is_done() {
            let mut now = Instant::now();
            if self.runnable.get() == 0 || now.duration_since(last_look) >= LOOK {
                let timeout = self.patience(now);
                progress::set_waiting(timeout != Some(Duration::ZERO));
                if let Err(error) = self.epoll.wait(&mut events, timeout) {
                    log::error!("the reactor's epoll_wait failed: {error}");
                }
                progress::set_waiting(false);
                preemption::wake();
                now = Instant::now();
                last_look = now;
                for (token, ready) in events.iter() {
                    self.dispatch(token, ready);
                }
            }
            self.expire(now);
            if self.acceptor.borrow_mut().take_look(now) {
                self.make_room(now);
            }
            if last_beat.is_none_or(|beat| now.duration_since(beat) >= self.seat.beat) {
                last_beat = Some(now);
                self.seat.pulse.beat();
                self.seat.pulse.connections(self.lot.borrow().connected());
                self.crew.look_after(now);
            }
            self.staff();
            scheduler::yield_now();
            progress::switched(0);
        }
    }

    fn is_done(&self) -> bool {
        match self.seat.stop.state() {
            StopState::Running => false,
            StopState::Draining => {
                self.acceptor.borrow().is_closed() && self.lot.borrow().connected() == 0
            }
            StopState::Quitting => true,
        }
    }

    /// How long the reactor may block: not at all while anybody can run, or must be made to: the
    /// last idle green worker may have parked with requests still in the queue.
    fn patience(&self, now: Instant) -> Option<Duration> {
        if self.has_work() {
            return Some(Duration::ZERO);
        }
        let beat = self.seat.beat;
        let look = self.acceptor.borrow().next_look();
        let deadline = self.timers.borrow().next_deadline().into_iter().chain(look).min();
        Some(deadline.map_or(beat, |at| at.saturating_duration_since(now).min(beat)))
    }

    fn dispatch(&'static self, token: Token, ready: Ready) {
        match token {
            Token::Listener(index) => self.accept(index as usize),
            Token::Client { index, generation } => {
                let event = self.lot.borrow_mut().event(index as usize, generation, ready);
                match event {
                    Ok(connection) => self.advance(connection, None),
                    Err(Some(ticket)) => ticket.wake(Woken::Ready),
                    Err(None) => {}
                }
            }
            Token::Descriptor(fd) => self.descriptors.borrow_mut().ready(&self.epoll, fd, ready),
            Token::Stop => self.stop(),
            Token::Foreign => {
                bell::acknowledge();
                self.words.borrow_mut().collect_foreign_wakes();
                self.descriptors.borrow_mut().collect_foreign_closes(&self.epoll);
                helpers::collect_done();
            }
        }
    }

    /// A listener is ready. With siblings one connection a turn is enough, and the next is somebody
    /// else's: so that none gets them all.
    fn accept(&'static self, listener: usize) {
        let batch = self.acceptor.borrow().batch(self.lot.borrow().connected());
        let batch = if self.seat.has_siblings { batch.min(1) } else { batch };
        for _ in 0..batch {
            if self.seat.stop.state() != StopState::Running || !self.accept_one(listener) {
                break;
            }
        }
        if self.seat.has_siblings && batch > 0 {
            self.acceptor.borrow().step_back(&self.epoll, &self.seat.listeners, listener);
        }
        self.check_limit();
    }

    /// Accepts one connection; false when none waits, or none can be had.
    fn accept_one(&'static self, listener: usize) -> bool {
        let listener = &self.seat.listeners[listener];
        let (fd, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) => {
                self.acceptor.borrow_mut().failed(&self.epoll, &self.seat.listeners, &error);
                return false;
            }
        };
        let (index, generation) = self.lot.borrow_mut().reserve(Instant::now());
        let token = Token::Client { index: index as u32, generation };
        if let Err(error) = self.epoll.add_client(fd.as_raw_fd(), token) {
            log::error!("a connection could not be watched: {error}");
            self.lot.borrow_mut().release(index);
            return false;
        }
        let connection = Connection::new(listener, fd, peer, index, &ParkingWaiter);
        let until = self.handler.opened(&connection);
        self.lot.borrow_mut().put_in_service(index, &connection.stream);
        self.advance(Box::new(connection), until);
        true
    }

    fn check_limit(&self) {
        let connected = self.lot.borrow().connected();
        self.acceptor.borrow_mut().check_limit(&self.epoll, &self.seat.listeners, connected);
    }

    /// Full: for each client that waits an idle connection goes, and if there are too few, so do
    /// those that stall. The next turn accepts in their place.
    fn make_room(&'static self, now: Instant) {
        let idle = self.lot.borrow().idle(now, room::BATCH);
        for index in &idle {
            let Some(listener) = someone_waits(&self.seat.listeners) else { return };
            let connection = self.lot.borrow_mut().take(*index);
            if let Some(connection) = connection {
                self.close(connection);
                self.accept(listener);
            }
        }
        if idle.len() == room::BATCH {
            // The others of this turn first, then the rest of the queue.
            return self.acceptor.borrow_mut().look_again();
        }
        let waiting: usize = self.seat.listeners.iter().map(waiting_at).sum();
        self.lot.borrow().evict_stalled(now, room::STALLED_ENOUGH, waiting.min(room::BATCH));
    }

    /// Takes what has come for a connection that nobody serves, until there is a request, or
    /// nothing more; then queues it, parks it until `until`, or closes it.
    fn advance(&'static self, mut connection: Box<Connection>, mut until: Option<Instant>) {
        let mut unread = !connection.inbox.is_empty();
        loop {
            if unread {
                match self.handler.read(&mut connection) {
                    AfterRead::Serve => return self.ready.borrow_mut().push_back(connection),
                    AfterRead::Close => return self.close(connection),
                    AfterRead::Park { until: deadline } => until = deadline,
                }
            }
            if !connection.stream.may_be_readable() {
                break;
            }
            match connection.receive() {
                Ok(Received::Bytes(_)) => unread = true,
                Ok(Received::Nothing) if connection.stream.is_hung_up() => {
                    return self.close(connection);
                }
                Ok(Received::Nothing) => break,
                Ok(Received::End) | Err(_) => return self.close(connection),
            }
        }
        if self.seat.stop.state() != StopState::Running {
            if connection.served > 0 {
                return self.close(connection);
            }
            // It was let in, so its first request is on its way.
            let soon = Instant::now() + FIRST_REQUEST;
            until = Some(until.map_or(soon, |until| until.min(soon)));
        }
        connection.inbox.release();
        let index = connection.stream.key();
        let timer = self.lot.borrow_mut().park(connection, until);
        if let Some(at) = timer {
            self.set_client_timer(index, at);
        }
    }

    fn set_client_timer(&self, index: usize, at: Instant) {
        let mut timers = self.timers.borrow_mut();
        let timer = timers.insert(at, Target::Client(index));
        if let Some(replaced) = self.lot.borrow_mut().set_timer(index, timer) {
            timers.remove(replaced);
        }
    }

    fn close(&self, connection: Box<Connection>) {
        self.forget(&connection);
        drop(connection);
        self.check_limit();
    }

    fn forget(&self, connection: &Connection) {
        if let Some(timer) = self.lot.borrow_mut().release(connection.stream.key()) {
            self.timers.borrow_mut().remove(timer);
        }
    }

    fn expire(&'static self, now: Instant) {
        loop {
            let expired = self.timers.borrow_mut().pop_expired(now);
            match expired {
                None => return,
                Some(Target::Green(ticket)) => ticket.wake(Woken::Deadline),
                Some(Target::Overdue(overdue)) => overdue.fire(),
                Some(Target::Client(index)) => self.client_expired(index, now),
            }
        }
    }

    fn client_expired(&'static self, index: usize, now: Instant) {
        let expiry = self.lot.borrow_mut().expired(index, now);
        match expiry {
            Expiry::Void => {}
            Expiry::Later(at) => self.set_client_timer(index, at),
            Expiry::Passed(mut connection) => match self.handler.expired(&mut connection) {
                AfterRead::Serve => self.ready.borrow_mut().push_back(connection),
                AfterRead::Close => self.close(connection),
                AfterRead::Park { until } => self.advance(connection, until),
            },
        }
    }

    /// Asked to stop: no more connections; those that wait are served if their request has come,
    /// and closed if not.
    fn stop(&'static self) {
        self.seat.stop.acknowledge();
        if self.seat.stop.state() == StopState::Running {
            return;
        }
        if self.acceptor.borrow().is_closed() {
            return;
        }
        // What waits in the listen queues came before the request to stop. No more than this,
        // however quickly clients come.
        for listener in 0..self.seat.listeners.len() {
            for _ in 0..self.seat.worker_connections {
                if !self.accept_one(listener) {
                    break;
                }
            }
        }
        self.acceptor.borrow_mut().close(&self.epoll, &self.seat.listeners);
        let parked = self.lot.borrow_mut().unpark_all();
        for connection in parked {
            connection.stream.note_readable(false);
            self.advance(connection, None);
        }
    }

    /// Sees to it that somebody serves what is ready.
    fn staff(&'static self) {
        while !self.ready.borrow().is_empty() && !self.crew.call() {
            // Runs at once, until it parks or the queue is empty.
            let spawned = scheduler::spawn(move || {
                Green::run(self, |green| self.work(green));
            });
            if let Err(error) = spawned {
                log::error!(
                    "no stack for another green thread beside {}: {error}; lower \
                     worker_connections, or raise vm.max_map_count",
                    self.crew.size()
                );
                return;
            }
        }
    }

    /// The life of a green worker.
    fn work(&'static self, green: &Green) {
        self.crew.resize(1);
        loop {
            self.crew.arrived();
            for served in 1.. {
                let next = self.ready.borrow_mut().pop_front();
                let Some(connection) = next else { break };
                self.serve(green, connection);
                green.after_request();
                // A client that pipelines without end must not starve the reactor.
                if served % RUN == 0 {
                    green.yield_now();
                }
            }
            let ticket = green.ticket();
            self.crew.rest(ticket, Instant::now());
            if green.park(ticket, None) == Woken::Deadline {
                break;
            }
        }
        self.crew.resize(-1);
    }

    fn serve(&'static self, green: &Green, mut connection: Box<Connection>) {
        let after = match self.seat.request_timeout {
            None => serve_caught(&*self.handler, &mut connection),
            Some(timeout) => {
                let client = Arc::clone(&connection.stream);
                green.within(Instant::now() + timeout, client, || {
                    serve_caught(&*self.handler, &mut connection)
                })
            }
        };
        match after {
            AfterServe::Park { until } => {
                self.lot.borrow_mut().rest(connection.stream.key(), Instant::now());
                self.advance(connection, until);
            }
            AfterServe::Close => self.close(connection),
            AfterServe::Detached => self.forget(&connection),
        }
    }

    /// A green thread is about to leave the processor: somebody else must look at the queue. When
    /// no green worker is idle the reactor, which comes next, makes one.
    pub fn before_switch(&self) {
        if !self.ready.borrow().is_empty() {
            self.crew.call();
        }
    }

    /// Whether anybody but the caller can run.
    pub fn has_work(&self) -> bool {
        self.runnable.get() > 0 || !self.ready.borrow().is_empty()
    }

    /// A number for the next wait.
    pub fn next_wait(&self) -> u64 {
        self.waits.set(self.waits.get() + 1);
        self.waits.get()
    }

    /// Wakes a wait at `at`.
    pub fn wake_at(&self, at: Instant, ticket: Ticket) -> TimerKey {
        self.timers.borrow_mut().insert(at, Target::Green(ticket))
    }
}
