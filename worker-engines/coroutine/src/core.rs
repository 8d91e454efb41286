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
//! One OS thread at a time has the scheduler's role (see `role`): cells and short borrows, no locks. No
//! borrow may be held across `handler.serve`, a park, a yield or a spawn.

use std::cell::{Cell, RefCell};
use std::io;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::{AfterServe, Connection, Handler, Seat, StopState, drain, serve_caught};
use unicoro_reactor::{Clients, Epoll, Events, Line, Ready, TimerKey, Timers, Token};

use crate::bell;
use crate::crew::Crew;
use crate::descriptors::Descriptors;
use crate::green::{Green, Overdue, Ticket, Woken};
use crate::helpers;
use crate::keeper::Keeper;
use crate::room::{Room, Shortage};
use crate::scheduler::{RunQueue, Task};
use crate::thread_block::ThreadBlock;
use crate::waiter::ParkingWaiter;
use crate::words::Words;
use crate::{contenders, preemption, progress};

/// While green threads can run, the epoll set is looked at no more often than this: a look is a
/// system call, a switch is not.
const LOOK: Duration = Duration::from_micros(250);

/// Requests that a green worker serves in a row before it lets others run.
const RUN: usize = 64;

/// What a deadline is for.
pub enum Target {
    /// A wait of a green thread.
    Green(Ticket),
    /// A request in progress.
    Overdue(Overdue),
}

/// The engine's state. Not `Sync`, but for who has the role: see [`Shared`].
pub struct Core {
    pub epoll: Rc<Epoll>,
    pub clients: RefCell<Clients<Ticket>>,
    pub timers: RefCell<Timers<Target>>,
    pub descriptors: RefCell<Descriptors>,
    pub words: RefCell<Words>,
    pub handler: Arc<dyn Handler>,
    pub seat: Rc<Seat>,
    pub stack_bytes: usize,
    /// When the reactor turned last.
    pub now: Cell<Instant>,
    /// Who can run.
    pub queue: RunQueue,
    /// All green threads; each is alive while it stands here.
    pub all: RefCell<Vec<*const Green>>,
    /// Green threads that wait for the interpreter lock by letting others run.
    pub yielding: Cell<usize>,
    /// The green thread that keeps the interpreter lock while it is parked.
    pub keeper: Cell<Option<Keeper>>,
    crew: Crew,
    // The requests that wait for a green worker.
    line: RefCell<Line>,
    has_said_full: Cell<bool>,
    // Since when all clients have gone, at the end of the worker.
    done_at: Cell<Option<Instant>>,
    room: Room,
    waits: Cell<u64>,
}

/// The engine's state on its way to another carrier.
#[derive(Clone, Copy)]
pub struct Shared(pub &'static Core);

// SAFETY: all that is not `Sync` in it is used by one OS thread at a time, the one that has the role,
// which is handed on by an atomic exchange (see `role`).
#[allow(unsafe_code)]
unsafe impl Send for Shared {}
// SAFETY: as above; without the role only `RunQueue::hand_on` is called.
#[allow(unsafe_code)]
unsafe impl Sync for Shared {}

impl Core {
    /// A new engine, not yet turning.
    ///
    /// # Errors
    /// epoll could not be set up.
    pub fn new(
        seat: Seat,
        handler: Arc<dyn Handler>,
        stack_bytes: usize,
        carriers: usize,
        most_at_once: Option<NonZeroUsize>,
    ) -> io::Result<Self> {
        let clients = Clients::new(seat, Arc::clone(&handler), &ParkingWaiter, Epoll::add_client)?;
        clients.epoll.add_level(bell::open()?, Token::Foreign)?;
        Ok(Self {
            epoll: Rc::clone(&clients.epoll),
            seat: Rc::clone(&clients.seat),
            clients: RefCell::new(clients),
            timers: RefCell::default(),
            descriptors: RefCell::default(),
            words: RefCell::default(),
            handler,
            stack_bytes,
            now: Cell::new(Instant::now()),
            queue: RunQueue::new(carriers),
            all: RefCell::default(),
            yielding: Cell::new(0),
            keeper: Cell::default(),
            crew: Crew::new(most_at_once),
            line: RefCell::default(),
            has_said_full: Cell::default(),
            done_at: Cell::default(),
            room: Room::default(),
            waits: Cell::new(0),
        })
    }

    /// Turns while this carrier has the role, until asked to stop, and until then everything in progress is
    /// done.
    pub fn run(&'static self, carrier: usize) {
        self.queue.begin(carrier);
        let mut events = Events::default();
        let mut last_look = Instant::now();
        let mut last_beat = None;
        while !self.is_over() {
            let mut now = Instant::now();
            if self.queue.runnable() == 0 || now.duration_since(last_look) >= LOOK {
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
            self.now.set(now);
            self.expire(now);
            self.clients.borrow_mut().look_after(now);
            self.relieve(now);
            self.room.look_after(now);
            if last_beat.is_none_or(|beat| now.duration_since(beat) >= self.seat.beat) {
                last_beat = Some(now);
                // A worker in which no code of the language runs is not alive.
                if !progress::is_kept() {
                    self.seat.pulse.beat();
                }
                self.crew.look_after(now);
            }
            self.staff();
            self.queue.let_others_run();
            progress::switched(0);
        }
    }

    /// Whether all is done that there is time for. Green workers end as threads do, with what their
    /// threads held; a finaliser that waits for ever is not waited for.
    fn is_over(&self) -> bool {
        if !self.clients.borrow().is_done() {
            return false;
        }
        let now = Instant::now();
        let done_at = self.done_at.get().unwrap_or(now);
        self.done_at.set(Some(done_at));
        self.seat.stop.state() == StopState::Quitting
            || self.crew.is_dismissed()
            || now.duration_since(done_at) >= drain::GRACE
    }

    /// How long the reactor may block: not at all while anybody can run, or must be made to: the
    /// last idle green worker may have parked with requests still in the queue.
    fn patience(&self, now: Instant) -> Option<Duration> {
        if self.has_work() {
            return Some(Duration::ZERO);
        }
        let beat = self.seat.beat;
        let client = self.clients.borrow().next_deadline();
        let timer = self.timers.borrow().next_deadline();
        let deadline = [client, timer, self.room.next_look()].into_iter().flatten().min();
        Some(deadline.map_or(beat, |at| at.saturating_duration_since(now).min(beat)))
    }

    fn dispatch(&self, token: Token, ready: Ready) {
        match token {
            Token::Listener(index) => self.clients.borrow_mut().accept(index as usize),
            Token::Client { index, generation } => {
                let mut clients = self.clients.borrow_mut();
                if let Some(ticket) = clients.event(index as usize, generation, ready) {
                    ticket.wake(Woken::Ready);
                }
            }
            Token::Descriptor(fd) => self.descriptors.borrow_mut().ready(&self.epoll, fd, ready),
            Token::Stop => self.clients.borrow_mut().stop(),
            Token::Foreign => {
                bell::acknowledge();
                self.words.borrow_mut().collect_foreign_wakes();
                self.descriptors.borrow_mut().collect_foreign_closes(&self.epoll);
                helpers::collect_done();
                self.queue.collect_returned();
            }
        }
    }

    fn expire(&self, now: Instant) {
        loop {
            let expired = self.timers.borrow_mut().pop_expired(now);
            match expired {
                None => return,
                Some(Target::Green(ticket)) => ticket.wake(Woken::Deadline),
                Some(Target::Overdue(overdue)) => overdue.fire(),
            }
        }
    }

    /// Sees to it that somebody serves what is ready.
    fn staff(&'static self) {
        self.line_up();
        while self.has_requests() && !self.crew.call() {
            if !self.may_hire() {
                return;
            }
            if let Err(shortage) = self.hire() {
                self.room.is_out(shortage, self.crew.size());
            }
        }
    }

    /// Requests that are ready stand in line. While as many as may be are in progress, those that would
    /// begin with a wait for their client stand behind the others.
    fn line_up(&self) {
        let (mut clients, mut line) = (self.clients.borrow_mut(), self.line.borrow_mut());
        let is_full = self.crew.all_at_work().is_some();
        while let Some(connection) = clients.next_ready() {
            let later = is_full && self.handler.would_wait(&connection);
            line.push(connection, later);
        }
    }

    fn has_requests(&self) -> bool {
        !self.line.borrow().is_empty() || self.clients.borrow().has_ready()
    }

    fn may_hire(&self) -> bool {
        self.crew.may_grow() && self.room.next_look().is_none()
    }

    /// As many requests as may be are in progress, and others wait: clients that stall in the middle of
    /// one hold them up.
    fn relieve(&self, now: Instant) {
        let servers = self.crew.all_at_work();
        let queued = servers.map_or(0, |_| self.line.borrow().len());
        let servers = servers.unwrap_or(1);
        self.clients.borrow_mut().relieve(now, queued, servers);
        if queued > 0 && !self.has_said_full.replace(true) {
            log::info!(
                "requests_in_progress ({servers}) reached: further requests wait for their turn \
                 (said once)"
            );
        }
    }

    /// One more green worker, called to the queue.
    fn hire(&'static self) -> Result<(), Shortage> {
        if !self.queue.keeps_a_stack() {
            self.room.find(self.stack_bytes, self.crew.size())?;
        }
        let block = ThreadBlock::new().map_err(|error| Shortage::of(&error))?;
        let body = move |task: &Task| {
            let lived = Green::run(self, task, block, |green| self.work(green));
            self.crew.resize(-1);
            match lived {
                Ok(()) => self.room.has_grown(),
                Err(_) => {
                    self.crew.arrived();
                    self.room.is_out(Shortage::of_a_mapping(), self.crew.size());
                }
            }
        };
        self.queue.spawn(body).map_err(|_| Shortage::of_a_mapping())?;
        self.crew.resize(1);
        self.crew.expect();
        Ok(())
    }

    /// The life of a green worker.
    fn work(&'static self, green: &Green) {
        loop {
            self.crew.arrived();
            for served in 1.. {
                self.line_up();
                let next = self.line.borrow_mut().take();
                let Some(connection) = next else { break };
                self.serve(green, connection);
                self.crew.linger(|| green.after_request());
                if self.crew.has_too_many() {
                    return;
                }
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
    }

    fn serve(&'static self, green: &Green, mut connection: Box<Connection>) {
        let after = match self.seat.request_timeout {
            None => green.outside(|| serve_caught(&*self.handler, &mut connection)),
            Some(timeout) => {
                let client = Arc::clone(&connection.stream);
                green.within(Instant::now() + timeout, client, || {
                    green.outside(|| serve_caught(&*self.handler, &mut connection))
                })
            }
        };
        let mut clients = self.clients.borrow_mut();
        // The application has given its input to another request.
        if let Some(ticket) = clients.take_waiter(&connection.stream) {
            ticket.wake(Woken::Ready);
        }
        match after {
            AfterServe::Park { until } => clients.rest(connection, until, Instant::now()),
            AfterServe::Close => clients.close(connection),
            AfterServe::Detached => clients.forget(connection.stream.key()),
        }
    }

    /// A green thread is about to leave the processor: somebody else must look at the queue. When
    /// no green worker is idle the reactor, which comes next, makes one.
    pub fn before_switch(&self) {
        if self.keeper.get().is_none() {
            contenders::let_one_in();
        }
        if self.has_requests() {
            self.crew.call();
        }
    }

    /// Whether anybody but the caller can run, or could be made to.
    pub fn has_work(&self) -> bool {
        self.queue.runnable() > 0 || self.may_hire() && self.has_requests()
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
