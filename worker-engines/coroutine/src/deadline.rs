//! The deadline of the request that a green thread serves, and how the application is told that it has
//! passed.
//!
//! ```text
//!   the deadline passes ─► the client is parted with ─► every 100 ms, until the application has heard:
//!
//!     computes    whoever has the interpreter lock next raises the exception in it
//!     waits       it looks itself who waits (`Green::park`): a listener's wait ends with EINTR;
//!                 for all others the connections that they wait for are shut down
//! ```
//!
//! Whether it is told now or later is decided in `patience`. The client and the timers are touched by who
//! has the scheduler's role; an interruption is the green thread's own, made due from outside.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::{
    Attention, CurrentPlace, Handler, Interrupt, InterruptWord, Stream, interrupt,
    replace_interrupt,
};
use unicoro_reactor::{TimerKey, Timers};

use crate::caller;
use crate::patience::Patience;
use crate::wait::{Sleeper, Ticket, Woken};

/// What happens at a point in time.
pub enum Alarm {
    /// A wait of a green thread ends.
    Wait(Ticket),
    /// A request is overdue.
    Request(Overdue),
}

/// The deadline of what a green thread serves. It lives as long as that, at one place.
pub struct Deadline {
    handler: &'static dyn Handler,
    timers: &'static RefCell<Timers<Alarm>>,
    identity: usize,
    // Its interruption and its request, for others to see.
    interrupt: InterruptWord,
    request: CurrentPlace,
    // The client of the request, if requests have a deadline and this one's has not passed.
    client: RefCell<Option<Arc<Stream>>>,
    // Its connection was upgraded before: what has the deadline is what is called for a message.
    was_upgraded: Cell<bool>,
    // The deadline, or the next reminder.
    timer: Cell<Option<TimerKey>>,
    // How often it was put off.
    spared: Cell<u8>,
    patience: Patience,
    // How often it has given the interpreter lock up since its last call that may wait: it computes in the
    // language.
    turns: Cell<u32>,
    // When the worker was at rest last.
    rested: &'static Cell<Instant>,
}

/// A green thread whose request has a deadline. The timer that holds it is taken back before the
/// request ends, so the green thread is alive.
pub struct Overdue {
    deadline: *const Deadline,
    sleeper: *const Sleeper,
}

/// Waits that end at once for one interruption: CPython may begin the same wait again, if it is for
/// a lock of its own that it does not interrupt. Later ones end by the next reminder.
const INTERRUPT_TRIES: u8 = 3;
/// How often an overdue request is told so until it has heard.
const REMINDER: Duration = Duration::from_millis(100);

impl Overdue {
    /// The deadline has passed, or the application has not been told since. On the scheduler's
    /// thread, outside any green thread.
    pub fn fire(self) {
        // SAFETY: see above.
        let (deadline, sleeper) = unsafe { (&*self.deadline, &*self.sleeper) };
        if deadline.lives_on() {
            return;
        }
        if deadline.spare_sender(sleeper) {
            deadline.set_timer(sleeper, Instant::now() + REMINDER);
            return;
        }
        if let Some(client) = deadline.client.take() {
            let due = Interrupt { is_due: true, ..Interrupt::default() };
            // SAFETY: of a green thread that is alive.
            unsafe { deadline.interrupt.set(due) };
            deadline.patience.begin(Instant::now());
            deadline.handler.overdue(deadline.request.get().as_deref(), &client);
        }
        // SAFETY: as above.
        if unsafe { deadline.interrupt.get() }.is_due {
            deadline.remind(sleeper, Instant::now());
            deadline.set_timer(sleeper, Instant::now() + REMINDER);
        }
    }
}

impl Deadline {
    /// That of the green thread that calls, of this identity, which serves nothing yet.
    pub fn new(
        handler: &'static dyn Handler,
        timers: &'static RefCell<Timers<Alarm>>,
        rested: &'static Cell<Instant>,
        identity: usize,
    ) -> Self {
        Self {
            handler,
            timers,
            identity,
            interrupt: InterruptWord::own(),
            request: CurrentPlace::default(),
            client: RefCell::default(),
            was_upgraded: Cell::default(),
            timer: Cell::default(),
            spared: Cell::default(),
            patience: Patience::default(),
            turns: Cell::default(),
            rested,
        }
    }

    /// The request that it serves.
    pub fn request(&self) -> &CurrentPlace {
        &self.request
    }

    /// A request of `client` begins that must end by `at`.
    pub fn begin(&self, sleeper: &Sleeper, at: Instant, client: Arc<Stream>) {
        self.was_upgraded.set(client.upgraded().is_some());
        self.client.replace(Some(client));
        self.spared.set(0);
        self.set_timer(sleeper, at);
    }

    /// The request ends; whether it was overdue.
    #[must_use]
    pub fn end(&self) -> bool {
        if let Some(timer) = self.timer.take() {
            self.timers.borrow_mut().remove(timer);
        }
        let was_overdue = self.client.take().is_none();
        if was_overdue {
            replace_interrupt(Interrupt::default());
        }
        was_overdue
    }

    /// Whether a wait that begins now is to find out at once whether it ends.
    pub fn ends_next_wait(&self) -> bool {
        let told = interrupt();
        told.is_due
            && told.tries < INTERRUPT_TRIES
            && self.patience.is_over(Instant::now(), self.rested.get())
    }

    /// A wait that began at `since` has ended so.
    ///
    /// One that was interrupted is to be noticed by CPython, which looks for signals after `EINTR`, and
    /// runs their handlers in the main thread only. It finds one when it asks whether this is the main
    /// thread ([`Deadline::leave_signal`]).
    pub fn waited(&self, since: Instant, woken: Woken) {
        let told = interrupt();
        if told.is_due {
            self.patience.waited(since, Instant::now());
        }
        let Woken::Interrupted(listener) = woken else {
            replace_interrupt(Interrupt { tries: 0, ..told });
            return;
        };
        let tries = told.tries.saturating_add(1);
        let poses_as_main = listener == Attention::Signals;
        replace_interrupt(Interrupt { tries, poses_as_main, is_tripped: false, ..told });
        if listener == Attention::EventLoop {
            self.handler.interrupt(listener);
        }
    }

    /// The connections that a wait was for were broken off.
    pub fn broke_off(&self) {
        self.patience.broke_off(Instant::now());
    }

    /// A call that may wait begins: who was told to look for signals has looked.
    pub fn begin_call(&self) {
        self.turns.set(0);
        let told = interrupt();
        if told.is_due {
            self.patience.called(Instant::now());
        }
        if told.poses_as_main {
            replace_interrupt(Interrupt { poses_as_main: false, ..told });
        }
    }

    /// Something asks for the identity of this green thread, which passes for the main thread: if it
    /// has the language's lock, the language, about to look for signals. Now there is one, which
    /// nobody else can have seen.
    pub fn leave_signal(&self) {
        let told = interrupt();
        if !told.is_tripped && !self.handler.may_park() {
            // First: the language asks again meanwhile.
            replace_interrupt(Interrupt { is_tripped: true, ..told });
            self.handler.interrupt(Attention::Signals);
        }
    }

    /// The interpreter lock is given up.
    pub fn give_lock_up(&self) {
        self.turns.set(self.turns.get().saturating_add(1));
    }

    /// Waits for the interpreter lock, by `wait`. If it computes and its request is overdue, whoever
    /// has the lock meanwhile may have the exception raised.
    pub fn wait_for_lock<R>(&self, wait: impl FnOnce() -> R) -> R {
        let may_be_told = || {
            self.patience.ends_computation(Instant::now(), self.turns.get())
                && caller::can_be_told(self.handler)
        };
        if !interrupt().is_due || !may_be_told() {
            return wait();
        }
        self.handler.set_computing(self.identity, true);
        let result = wait();
        self.handler.set_computing(self.identity, false);
        result
    }

    /// The request is overdue: tells the green thread, which does not run now, what it waits in or
    /// computes.
    fn remind(&self, sleeper: &Sleeper, now: Instant) {
        if !sleeper.waits() {
            self.handler.interrupt_computing();
        } else if !sleeper.is_firm()
            && self.patience.ends_wait(sleeper.since(), now, self.rested.get())
        {
            sleeper.ask();
        }
    }

    /// Whether its connection was upgraded meanwhile: from then on its request has no deadline.
    fn lives_on(&self) -> bool {
        let client = self.client.borrow();
        !self.was_upgraded.get()
            && client.as_ref().is_some_and(|client| client.upgraded().is_some())
    }

    /// Spares one that runs on another carrier and may be sending its first bytes right now, a few times:
    /// its client is not parted with yet. Whether it does.
    fn spare_sender(&self, sleeper: &Sleeper) -> bool {
        const TIMES: u8 = 3;
        let client = self.client.borrow();
        let has_begun = client.as_ref().is_some_and(|client| client.has_begun_response());
        let times = self.spared.get();
        self.spared.set(times.saturating_add(1));
        sleeper.runs_elsewhere() && has_begun && times < TIMES
    }

    fn set_timer(&self, sleeper: &Sleeper, at: Instant) {
        let overdue = Overdue { deadline: self, sleeper };
        let timer = self.timers.borrow_mut().insert(at, Alarm::Request(overdue));
        self.timer.set(Some(timer));
    }
}
