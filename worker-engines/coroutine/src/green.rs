//! A green thread: a coroutine, and a thread's block for it to run under.
//!
//! Cells need no locks: they are touched by who has the scheduler's role, or are the green thread's own
//! (see [`crate::role`], and [`Inside`]). The rule that a reader would break: borrow no `RefCell` of the
//! engine across a park.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;
use std::time::Instant;

use unicoro_contract::{CurrentPlace, Stream};

use crate::core::Core;
use crate::deadline::Deadline;
use crate::held::{Held, Lock, Owner};
use crate::role::{self, Entry};
use crate::scheduler::Task;
use crate::signals::{self, Mask};
use crate::thread_block::ThreadBlock;
use crate::wait::{Sleeper, Ticket, Woken};
use crate::{fork, listener, progress, stack, thread_block};

thread_local! {
    // In the block of a green thread: that one, from its first instruction to its last; null in the
    // block of every OS thread. `const`, so that reading it in a hook is one instruction and no call.
    static CURRENT: Cell<*const Green> = const { Cell::new(ptr::null()) };
}

/// A green thread. It lives on its own stack, from its first instruction to its last.
pub struct Green {
    core: &'static Core,
    sleeper: Sleeper,
    // The run in which it has the processor (see `role`), and the carrier that it runs on.
    run: Cell<u64>,
    carrier: Cell<usize>,
    // Of its block: its `pthread_t`, and what mutexes know it by.
    identity: usize,
    number: i32,
    deadline: Deadline,
    has_lock: Cell<bool>,
    mask: Mask,
    held: Held,
}

impl Green {
    /// Runs `body` as a green thread with this block, in the coroutine `task`, which calls.
    ///
    /// # Errors
    /// It has not begun: no memory for the language's state.
    pub fn run(
        core: &'static Core,
        task: &Task,
        block: ThreadBlock,
        body: impl FnOnce(&Self),
    ) -> io::Result<()> {
        // The reactor has found its own before any green thread began.
        let stack = stack::prepare(core.stack_bytes).unwrap_or_default();
        stack::unmark(&stack);
        block.set_stack(&stack);
        let mut body = Some(body);
        let mut lived = Ok(());
        // SAFETY: a new thread's; nothing of its thread-local variables is used here.
        unsafe {
            let mut live = || {
                if let Some(body) = body.take() {
                    lived = Self::live(core, task, &block, stack.clone(), body);
                }
            };
            // By then it may run on another carrier.
            let carrier = || core.queue.block(core.queue.carrier());
            thread_block::live_under(block.address(), &mut live, &carrier);
        }
        drop(block);
        stack::mark(stack);
        lived
    }

    /// From the first instruction under its block to the last.
    #[inline(never)]
    fn live(
        core: &'static Core,
        task: &Task,
        block: &ThreadBlock,
        stack: Range<usize>,
        body: impl FnOnce(&Self),
    ) -> io::Result<()> {
        let green = Self {
            core,
            sleeper: Sleeper::new(&core.queue, task, stack, core.now.get()),
            run: Cell::default(),
            carrier: Cell::default(),
            identity: block.address(),
            number: block.number(),
            deadline: Deadline::new(&*core.handler, &core.timers, block.address()),
            has_lock: Cell::default(),
            mask: Mask::first(),
            held: Held::default(),
        };
        let _here = Here::begin(&green);
        green.has_processor();
        let mut body = Some(body);
        let mut inside = || {
            if let Some(body) = body.take() {
                let _inside = green.comes_in();
                body(&green);
            }
        };
        green.outside(|| core.handler.on_green_thread(&mut inside))
    }

    /// Runs what is not the engine's: whoever computes there for long loses the role meanwhile.
    pub fn outside<R>(&self, body: impl FnOnce() -> R) -> R {
        struct Back<'g>(&'g Green);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.regain();
            }
        }
        role::leave(self.run.get());
        let _back = Back(self);
        body()
    }

    /// Inside the engine from now on, with the role; how it came in.
    fn regain(&self) -> Entry {
        let entry = role::enter(self.run.get());
        if entry == Entry::Lost {
            self.sleeper.come_back(self.carrier.get());
            self.has_processor();
        }
        entry
    }

    fn comes_in(&self) -> Inside<'_> {
        Inside { green: self, entry: self.regain() }
    }

    /// Whether it computes beside the others: another OS thread has the role.
    pub fn has_lost_role(&self) -> bool {
        role::is_lost(self.run.get())
    }

    /// The block of the OS thread that it runs on.
    pub fn os_block(&self) -> usize {
        self.core.queue.block(self.carrier.get())
    }

    /// It has the processor from now on, and the role.
    fn has_processor(&self) {
        self.run.set(role::begin());
        self.carrier.set(self.core.queue.carrier());
        progress::switched(self.identity);
        // Beside one that keeps the interpreter lock nobody gets anywhere.
        if !progress::is_kept() {
            self.deadline
                .request()
                .with(|request| self.core.seat.pulse.running(request.map(|it| &**it)));
        }
    }

    /// A ticket for the wait that [`Green::park`] is about to begin. It wakes nobody before that.
    pub fn ticket(&self) -> Ticket {
        self.sleeper.ticket(self.core.next_wait())
    }

    /// Waits until its ticket is used, or until `deadline`. An overdue request ends the wait only if
    /// who waits is known to listen (see [`listener`](crate::listener)); for all others it goes on,
    /// but sockets that they wait for are shut down.
    pub fn park(&self, ticket: Ticket, deadline: Option<Instant>) -> Woken {
        self.sleeper.set_asked(self.deadline.ends_next_wait());
        let woken = self.park_to_the_end(ticket, deadline);
        self.sleeper.set_asked(false);
        self.deadline.waited(self.sleeper.since(), woken);
        woken
    }

    /// Waits until its ticket is used, or until `deadline`, whatever is due.
    pub fn park_firmly(&self, ticket: Ticket, deadline: Option<Instant>) -> Woken {
        self.sleeper.set_firm(true);
        let woken = self.park_to_the_end(ticket, deadline);
        self.sleeper.set_firm(false);
        woken
    }

    fn park_to_the_end(&self, ticket: Ticket, deadline: Option<Instant>) -> Woken {
        self.sleeper.begin_wait(ticket, self.core.now.get());
        let timer = deadline.map(|at| self.core.wake_at(at, ticket));
        self.park_until_woken();
        let woken = self.sleeper.woken();
        // Its time has not come, so it is still there.
        if let Some(timer) = timer
            && woken != Woken::Deadline
        {
            self.core.timers.borrow_mut().remove(timer);
        }
        woken
    }

    fn park_until_woken(&self) {
        // Resumed and not woken: asked.
        while self.sleeper.waits() {
            if self.sleeper.take_question() {
                self.look_who_waits();
            } else {
                self.leave();
            }
        }
    }

    /// The request is overdue: ends the wait if who waits listens, else what it waits for.
    fn look_who_waits(&self) {
        if let Some(listener) = listener::waiting(&*self.core.handler) {
            self.sleeper.end_wait(Woken::Interrupted(listener));
            return;
        }
        let mut descriptors = self.core.descriptors.borrow_mut();
        // What another OS thread has closed may be another file's number by now.
        descriptors.collect_foreign_closes(&self.core.epoll);
        if descriptors.shut_down(|ticket| ticket.is_for(&raw const self.sleeper)) {
            self.deadline.broke_off();
        }
    }

    /// It has taken the interpreter lock, or gives it up.
    pub fn set_has_lock(&self, has_lock: bool) {
        self.has_lock.set(has_lock);
        if !has_lock {
            self.deadline.gives_lock_up();
        }
    }

    /// Whether it has the interpreter lock.
    pub fn has_lock(&self) -> bool {
        self.has_lock.get()
    }

    /// Serves a request of `client` that must end by `deadline`.
    pub fn within<R>(
        &self,
        deadline: Instant,
        client: Arc<Stream>,
        serve: impl FnOnce() -> R,
    ) -> R {
        self.deadline.begin(&self.sleeper, deadline, client);
        let served = serve();
        if self.deadline.end() {
            self.outside(|| self.core.handler.overdue_ended(self.identity));
        }
        served
    }

    /// Lets all that is runnable run once.
    pub fn yield_now(&self) {
        self.sleeper.stand_in_line();
        self.leave();
    }

    /// A request is over: what it left behind in the language ends first.
    pub fn after_request(&self) {
        self.outside(|| self.core.handler.after_request());
    }

    /// Leaves the processor until it stands at the head of the line.
    fn leave(&self) {
        self.core.before_switch();
        self.sleeper.leave();
        self.has_processor();
    }

    /// The signals that the application believes to have blocked in it.
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// The deadline of what it serves.
    #[inline]
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// The locks that it has.
    #[inline]
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// It, as others know it who ask what it has.
    pub fn owner(&self) -> Owner {
        Owner {
            identity: self.identity,
            number: self.number,
            held: &raw const self.held,
            request: self.deadline.request(),
            sleeper: &raw const self.sleeper,
        }
    }

    /// The other green thread that has a lock, as far as is known.
    pub fn other_holder(&self, lock: Lock) -> Option<Owner> {
        lock.holder(&self.core.owners.borrow(), self.owner())
    }

    /// What `pthread_self()` answers in it.
    pub fn identity(&self) -> usize {
        self.identity
    }

    /// What mutexes know it by.
    #[inline]
    pub fn number(&self) -> i32 {
        self.number
    }

    /// The engine that it belongs to.
    #[inline]
    pub fn core(&self) -> &'static Core {
        self.core
    }

    /// The addresses of its stack, without the guard.
    pub fn stack(&self) -> Range<usize> {
        self.sleeper.stack()
    }
}

/// The green thread that runs here is known as such, and listed, until this is dropped: it must not
/// outlive that, not even by a panic.
struct Here<'g>(&'g Green);

impl<'g> Here<'g> {
    fn begin(green: &'g Green) -> Self {
        CURRENT.set(green);
        // SAFETY: taken back when this is dropped.
        unsafe { CurrentPlace::stand_at(Some(green.deadline.request())) };
        green.core.owners.borrow_mut().push(green.owner());
        Self(green)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        CURRENT.set(ptr::null());
        // SAFETY: there is none.
        unsafe { CurrentPlace::stand_at(None) };
        let mut owners = self.0.core.owners.borrow_mut();
        if let Some(at) = owners.iter().rposition(|other| *other == self.0.owner()) {
            owners.swap_remove(at);
        }
    }
}

/// The green thread that runs here, whatever it does.
#[inline]
pub fn current() -> Option<&'static Green> {
    let green = CURRENT.get();
    // SAFETY: not null: it is the green thread whose stack we stand on, which outlives the call
    // that asks. ('static is a lie that no caller keeps: hooks use it until they return.)
    (!green.is_null()).then(|| unsafe { &*green })
}

/// A green thread inside the engine, for as long as this lives.
pub struct Inside<'g> {
    green: &'g Green,
    entry: Entry,
}

impl<'g> Inside<'g> {
    /// It was inside already.
    pub fn was_inside(&self) -> bool {
        self.entry == Entry::Nested
    }

    /// Others had the role before: what it saw outside may be over.
    pub fn had_lost_role(&self) -> bool {
        self.entry == Entry::Lost
    }

    /// It.
    pub fn green(&self) -> &'g Green {
        self.green
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if self.entry != Entry::Nested {
            role::leave(self.green.run.get());
        }
    }
}

/// The green thread that runs here comes into the engine, if it has the role; `None` as well where none
/// runs. Without the role it is a thread like any other.
pub fn inside() -> Option<Inside<'static>> {
    let green = current()?;
    let entry = role::enter(green.run.get());
    // Made only if it came in: what drops it leaves again.
    if entry == Entry::Lost { None } else { Some(Inside { green, entry }) }
}

/// The green thread that runs here comes into the engine, and waits for the role if it has lost it.
pub fn coming_in() -> Option<Inside<'static>> {
    current().map(Green::comes_in)
}

/// The green thread that runs here comes into the engine, if it may park now. What every hook asks
/// first: it must not allocate, log or panic.
pub fn parkable() -> Option<Inside<'static>> {
    current().filter(|green| may_park(green)).map(Green::comes_in)
}

/// Whether the green thread that runs may park.
pub fn may_park(green: &Green) -> bool {
    let is_child = fork::is_child() || green.mask.may_have_vforked() && fork::is_other_process();
    !is_child && green.core.handler.may_park() && !is_in_handler(green)
}

/// Whether the green thread that runs may park although it keeps the interpreter lock. Under the same
/// rule as [`parkable`].
pub fn may_keep_lock(green: &Green) -> bool {
    !fork::is_other_process() && green.core.handler.may_keep_lock() && !is_in_handler(green)
}

/// Whether a signal handler calls, in the middle of whatever the green thread does: faulthandler's
/// prints with write(2). Handlers run on the thread's alternate stack: only they are allowed on the
/// scheduler's thread (see [`crate::signals`]). What leaves the green thread's stack otherwise, a
/// library with coroutines of its own, is told apart at the price of a system call.
fn is_in_handler(green: &Green) -> bool {
    let here = (&raw const green) as usize;
    !green.stack().contains(&here) && signals::is_on_alternate_stack()
}
