//! What a green thread consists of, and which one runs here.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use unicoro_contract::{Stream, ThreadWord};

use crate::core::Core;
use crate::deadline::Deadline;
use crate::held::{Held, Lock, Owner};
use crate::progress;
use crate::role::{self, Entry};
use crate::scheduler::Task;
use crate::signals::Mask;
use crate::thread_block::ThreadBlock;
use crate::wait::Sleeper;

/// A green thread. It lives on its own stack, from its first instruction to its last.
pub struct Green {
    pub(super) core: &'static Core,
    pub(super) sleeper: Sleeper,
    // The run in which it has the processor (see `role`), and the carrier that it runs on.
    pub(super) run: Cell<u64>,
    carrier: Cell<usize>,
    // Of its block: its `pthread_t`, and what mutexes know it by.
    identity: usize,
    number: i32,
    pub(super) deadline: Deadline,
    has_lock: Cell<bool>,
    mask: Mask,
    held: Held,
}

impl Green {
    /// The one with this block, in the coroutine `task`, which calls under the block, on this stack.
    pub(super) fn new(
        core: &'static Core,
        task: &Task,
        block: &ThreadBlock,
        stack: Range<usize>,
    ) -> Self {
        Self {
            core,
            sleeper: Sleeper::new(&core.queue, task, stack, core.now.get()),
            run: Cell::default(),
            carrier: Cell::default(),
            identity: block.address(),
            number: block.number(),
            deadline: Deadline::new(&*core.handler, &core.timers, &core.rested, block.address()),
            has_lock: Cell::default(),
            mask: Mask::first(),
            held: Held::default(),
        }
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
    pub(super) fn regain(&self) -> Entry {
        let entry = role::enter(self.run.get());
        if entry == Entry::Lost {
            self.sleeper.come_back(self.carrier.get());
            self.take_processor();
        }
        entry
    }

    /// Whether it computes beside the others: another OS thread has the role.
    pub fn has_lost_role(&self) -> bool {
        role::is_lost(self.run.get())
    }

    /// The block of the OS thread that it runs on.
    pub fn os_block(&self) -> usize {
        self.core.queue.block(self.carrier.get())
    }

    /// From now on it has the processor, and the role.
    pub(super) fn take_processor(&self) {
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

    /// Leaves the processor until it stands at the head of the line.
    pub(super) fn leave(&self) {
        self.core.before_switch();
        self.sleeper.leave();
        self.take_processor();
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

    /// A request is over: what it left behind in the language ends first.
    pub fn after_request(&self) {
        self.outside(|| self.core.handler.after_request());
    }

    /// It has taken the interpreter lock, or gives it up.
    pub fn set_has_lock(&self, has_lock: bool) {
        self.has_lock.set(has_lock);
        if !has_lock {
            self.deadline.give_lock_up();
        }
    }

    /// Whether it has the interpreter lock.
    pub fn has_lock(&self) -> bool {
        self.has_lock.get()
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
        let request = self.deadline.request();
        Owner::new(self.identity, self.number, &self.held, request, &self.sleeper)
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

/// From now on it is this one that runs here; null: none. In the block of a green thread: that one, from
/// its first instruction to its last; null in the block of every OS thread.
pub(super) fn set_current(green: *const Green) {
    ThreadWord::Green.set(green as usize);
}

/// The green thread that runs here, whatever it does.
#[inline]
pub fn current() -> Option<&'static Green> {
    let green = ThreadWord::Green.get() as *const Green;
    // SAFETY: not null: it is the green thread whose stack we stand on, which outlives the call
    // that asks. ('static is a lie that no caller keeps: interposed calls use it until they return.)
    (!green.is_null()).then(|| unsafe { &*green })
}
