//! The engine's state.
//!
//! One OS thread at a time has the scheduler's role (see `role`): cells and short borrows, no locks. No
//! borrow may be held across a park, a yield or a spawn.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use unicoro_contract::{GreenTask, Handler, Seat, Waiter};
use unicoro_reactor::{Clients, Epoll, Line, TimerKey, Timers, Token};

use crate::crew::Crew;
use crate::deadline::Alarm;
use crate::descriptors::Descriptors;
use crate::held::{Lock, Owner};
use crate::resident::Watcher;
use crate::room::Room;
use crate::scheduler::RunQueue;
use crate::wait::Ticket;
use crate::words::Words;
use crate::{bell, contenders, outbox};

/// Who keeps the interpreter lock, parked.
#[derive(Clone, Copy)]
pub struct Keeper {
    /// It. It lives, because it waits.
    pub owner: Owner,
    /// What it waits for.
    pub lock: Lock,
    /// Since when.
    pub since: Instant,
}

/// The engine's state. It is not `Sync`: only who has the role may touch it (see [`Shared`]).
pub struct Core {
    pub epoll: Rc<Epoll>,
    pub clients: RefCell<Clients<Watcher>>,
    pub timers: RefCell<Timers<Alarm>>,
    pub descriptors: RefCell<Descriptors>,
    pub words: RefCell<Words>,
    pub handler: Arc<dyn Handler>,
    pub seat: Rc<Seat>,
    pub stack_bytes: usize,
    /// When the reactor turned last.
    pub now: Cell<Instant>,
    /// When nobody could run or ran, last.
    pub rested: Cell<Instant>,
    /// Who can run.
    pub queue: RunQueue,
    /// All green threads; each is alive while it stands here.
    pub owners: RefCell<Vec<Owner>>,
    /// Green threads that wait for the interpreter lock by letting others run.
    pub yielding: Cell<usize>,
    /// The green thread that keeps the interpreter lock while it is parked.
    pub keeper: Cell<Option<Keeper>>,
    /// The green workers.
    pub crew: Crew,
    /// The requests that wait for one.
    pub line: RefCell<Line>,
    /// The resident's tasks that wait for one. The resident bounds them.
    pub tasks: RefCell<VecDeque<GreenTask>>,
    /// It was said that no more requests may be in progress.
    pub has_said_full: Cell<bool>,
    /// Since when all clients have gone, at the end of the worker.
    pub done_at: Cell<Option<Instant>>,
    /// Requests are served by a green thread of the handler's own.
    pub has_resident: bool,
    /// The room for more green workers.
    pub room: Room,
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
        waiter: &'static dyn Waiter,
        stack_bytes: usize,
        carriers: usize,
        most_at_once: Option<NonZeroUsize>,
    ) -> io::Result<Self> {
        let clients = Clients::new(seat, Arc::clone(&handler), waiter, Epoll::add_client)?;
        clients.epoll.add_level(bell::open()?, Token::Foreign)?;
        Ok(Self {
            epoll: Rc::clone(&clients.epoll),
            seat: Rc::clone(&clients.seat),
            clients: RefCell::new(clients),
            timers: RefCell::default(),
            descriptors: RefCell::default(),
            words: RefCell::default(),
            has_resident: handler.has_resident(),
            handler,
            stack_bytes,
            now: Cell::new(Instant::now()),
            rested: Cell::new(Instant::now()),
            queue: RunQueue::new(carriers),
            owners: RefCell::default(),
            yielding: Cell::new(0),
            keeper: Cell::default(),
            crew: Crew::new(most_at_once),
            line: RefCell::default(),
            tasks: RefCell::default(),
            has_said_full: Cell::default(),
            done_at: Cell::default(),
            room: Room::default(),
            waits: Cell::new(0),
        })
    }

    /// Whether a request, or a task, waits for a green worker.
    pub fn has_requests(&self) -> bool {
        !self.line.borrow().is_empty()
            || self.clients.borrow().has_ready()
            || !self.tasks.borrow().is_empty()
    }

    /// Whether there may be one more green worker.
    pub fn may_hire(&self) -> bool {
        self.crew.may_grow() && self.room.next_look().is_none()
    }

    /// A green thread is about to leave the processor: somebody else must look at the queue. When
    /// no green worker is idle the reactor, which comes next, makes one.
    pub fn before_switch(&self) {
        if outbox::has_some() {
            outbox::send();
        }
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
        self.timers.borrow_mut().insert(at, Alarm::Wait(ticket))
    }
}
