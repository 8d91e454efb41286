//! A green thread: a coroutine, an identity, and the language's state for it.
//!
//! Waiting has one shape: take a [`Ticket`], leave it with whoever may wake you, park, take it back
//! from all of them. A ticket wakes once and only the wait that it was made for.
//!
//! ```text
//!    running ── suspend ─► parked ── wake(ticket) ─► runnable ── resume ─► running
//! ```
//!
//! Everything here happens on the scheduler's thread; cells need no locks. The rule that a reader
//! would break: borrow no `RefCell` of the engine across a park.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ops::Range;
use std::ptr;
use std::time::Instant;

use unicoro_contract::{GreenState, replace_current};

use crate::core::Core;
use crate::identity::{self, Identity};
use crate::progress;
use crate::scheduler::{self, Task};
use crate::stack;

thread_local! {
    // The green thread that runs on this OS thread; null between green threads, and on every
    // other OS thread. `const`, so that reading it in a hook is one instruction and no call.
    static CURRENT: Cell<*const Green> = const { Cell::new(ptr::null()) };
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// What it waited for has come, or may have come: look again.
    Ready,
    /// Its deadline has passed.
    Deadline,
}

/// A green thread. It lives on its own stack, from its first instruction to its last.
pub struct Green {
    core: &'static Core,
    task: Task,
    state: Box<dyn GreenState>,
    identity: Identity,
    stack: Range<usize>,
    // The wait in progress; 0 when it was woken or does not wait.
    wait: Cell<u64>,
    woken: Cell<Woken>,
}

/// The right to wake one wait of one green thread.
#[derive(Clone, Copy)]
pub struct Ticket {
    green: *const Green,
    wait: u64,
}

impl Ticket {
    /// Wakes the wait, unless it was woken already.
    ///
    /// The caller holds the ticket in a place from which the green thread removes it when its wait
    /// ends, and runs on the scheduler's thread: so the green thread is alive.
    pub fn wake(self, why: Woken) {
        // SAFETY: see above; a green thread outlives its waits.
        let green = unsafe { &*self.green };
        if green.wait.get() == self.wait {
            green.wait.set(0);
            green.woken.set(why);
            green.core.runnable.set(green.core.runnable.get() + 1);
            green.task.unpark();
        }
    }

    /// Whether both are of one green thread.
    pub fn is_of(self, other: Self) -> bool {
        ptr::eq(self.green, other.green)
    }
}

impl Green {
    /// Runs `body` as a green thread, in the coroutine that calls.
    pub fn run(core: &'static Core, body: impl FnOnce(&Self)) {
        let identity = identity::take();
        // Before the language's state is made: it remembers who made it.
        identity::set_current(identity.value());
        let green = Self {
            core,
            task: Task::current(),
            state: core.handler.green_state(),
            identity,
            // The reactor has found its own before any green thread began.
            stack: stack::prepare(core.stack_bytes).unwrap_or_default(),
            wait: Cell::new(0),
            woken: Cell::new(Woken::Ready),
        };
        CURRENT.set(&raw const green);
        progress::switched(green.identity.value());
        body(&green);
        CURRENT.set(ptr::null());
        let Self { state, identity, .. } = green;
        drop(state);
        identity::set_current(0);
        identity::give_back(identity);
    }

    /// A ticket for the wait that [`Green::park`] is about to begin.
    pub fn ticket(&self) -> Ticket {
        self.wait.set(self.core.next_wait());
        Ticket { green: self, wait: self.wait.get() }
    }

    /// Waits until its ticket is used, or until `deadline`.
    pub fn park(&self, ticket: Ticket, deadline: Option<Instant>) -> Woken {
        let timer = deadline.map(|at| self.core.wake_at(at, ticket));
        self.switch(|| {
            // A wake that came before the park lets it pass, so once is always enough; more than
            // once only if may woke us for a reason of its own.
            scheduler::park();
            while self.wait.get() != 0 {
                scheduler::park();
            }
        });
        if let Some(timer) = timer
            && self.woken.get() == Woken::Ready
        {
            self.core.timers.borrow_mut().remove(timer);
        }
        self.woken.get()
    }

    /// Lets all that is runnable run once.
    pub fn yield_now(&self) {
        self.core.runnable.set(self.core.runnable.get() + 1);
        self.switch(scheduler::yield_now);
    }

    /// A request is over: what it left behind in the language ends first.
    pub fn after_request(&self) {
        self.state.after_request();
    }

    fn switch(&self, leave: impl FnOnce()) {
        let errno = errno();
        self.state.suspend();
        let request = replace_current(None);
        CURRENT.set(ptr::null());
        identity::set_current(0);
        self.core.before_switch();
        leave();
        self.core.runnable.set(self.core.runnable.get() - 1);
        progress::switched(self.identity.value());
        CURRENT.set(self);
        identity::set_current(self.identity.value());
        self.core.seat.pulse.running(request.as_deref());
        replace_current(request);
        self.state.resume();
        set_errno(errno);
    }

    /// The engine that it belongs to.
    pub fn core(&self) -> &'static Core {
        self.core
    }

    /// The addresses of its stack, without the guard.
    pub fn stack(&self) -> Range<usize> {
        self.stack.clone()
    }
}

/// The green thread that runs here, whatever it does.
pub fn current() -> Option<&'static Green> {
    let green = CURRENT.get();
    // SAFETY: not null: it is the green thread whose stack we stand on, which outlives the call
    // that asks. ('static is a lie that no caller keeps: hooks use it until they return.)
    (!green.is_null()).then(|| unsafe { &*green })
}

/// The green thread that runs here, if it may park now. What every hook asks first: it must not
/// allocate, log or panic.
pub fn parkable() -> Option<&'static Green> {
    let green = current()?;
    (green.state.may_park() && !crate::fork::is_child()).then_some(green)
}

fn errno() -> i32 {
    // SAFETY: the address is valid for the calling thread.
    unsafe { *libc::__errno_location() }
}

/// Sets the calling thread's errno.
pub fn set_errno(value: i32) {
    // SAFETY: the address is valid for the calling thread.
    unsafe { *libc::__errno_location() = value };
}
