//! Who runs next, and the switch to it. The only file that names `may`: spawn, park, unpark.
//!
//! may is the context switch, and its workers are the OS threads ("carriers") that green threads run
//! on; its selector, its timers and its I/O are never used. The order is ours: one coroutine at a time
//! is let go, by the one that leaves.
//!
//! ```text
//!   line   [ green, green, reactor, green ]     who can run, in this order
//!            │ leave: the first is unparked, the one that leaves parks
//!            ▼
//!   may    run queue of one, of the carrier that has the role (see `role`)
//!
//!   A green thread computes outside the engine for a slice ─► the role goes to a spare carrier:
//!   carrier 1   green thread in C ─────────────── comes in ─► its context saved ─► spare
//!   carrier 2   spare ─► reactor, green threads ... ◄─ returned ─┘
//! ```
//!
//! The rules that a reader would break, the first three each read in may 0.3.51:
//!
//! * may runs under its OS thread's own block, whoever calls (see [`crate::thread_block`]);
//! * no timed primitive: an expired timer resumes a coroutine on may's timer thread;
//! * no cancel: it unwinds through the C frames of the application;
//! * may's work stealing is off (Cargo.toml), or two carriers would run green threads at once;
//! * a green thread that comes back without the role is handed over by its carrier's own coroutine,
//!   which runs after its context was saved.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};

use may::coroutine::{self, Builder, Coroutine};
use unicoro_sys::process::thread_id;

use crate::float::Environment;
use crate::{bell, progress, role, thread_block};

/// Coroutines whose stacks are kept for the next ones.
const STACKS_KEPT: usize = 16;

/// Of a carrier's first coroutine but the first one's, in bytes: addresses.
const BASE_STACK: usize = 1024 * 1024;

/// Starts so many carriers, of which the first runs `first`. Once in a process, after the last fork
/// that should serve: may's threads do not survive a fork.
///
/// # Errors
/// No thread, no descriptor, or no stack for the first coroutine.
pub fn start(
    stack_bytes: usize,
    carriers: usize,
    first: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let config = may::config();
    config.set_workers(carriers);
    // may makes as many as it may keep, at once; 0 stands for a hundred.
    config.set_pool_capacity(1);
    config.set_stack_size(stack_bytes / size_of::<usize>());
    // The default pins each worker to a CPU, the same in every process.
    config.set_worker_pin(false);
    let started = quietly(|| on_carrier(0, first));
    config.set_pool_capacity(STACKS_KEPT);
    started
}

/// Runs `body` as the first coroutine of a carrier.
///
/// # Errors
/// No memory for its stack.
pub fn on_carrier(index: usize, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut builder = Builder::new().id(index);
    if index > 0 {
        // The reactor needs little; the first one's size is what green threads' stacks are found by.
        builder = builder.stack_size(BASE_STACK / size_of::<usize>());
    }
    // SAFETY: the stack is guarded; the coroutine never changes its OS thread, because nothing here is
    // timed or stolen.
    or_panic(|| unsafe { builder.spawn(body) })
}

/// generator panics where it gets no memory for a stack, and may where it gets no thread and no descriptor;
/// both keep what they have whole.
fn or_panic<T>(make: impl FnOnce() -> io::Result<T>) -> io::Result<()> {
    let made = catch_unwind(AssertUnwindSafe(make));
    let reason = |panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<String>();
        let code = text.and_then(|text| system_code(text));
        code.map_or_else(|| io::ErrorKind::OutOfMemory.into(), io::Error::from_raw_os_error)
    };
    made.unwrap_or_else(|panic| Err(reason(panic))).map(drop)
}

/// The system's error in the text of a panic, which has it as `Debug` shows it: `Os { code: 24, ...`.
fn system_code(text: &str) -> Option<i32> {
    let (_, rest) = text.split_once("Os { code: ")?;
    rest.split(',').next()?.parse().ok()
}

/// Without the report of a panic on this thread: what it means is said to the operator.
fn quietly<T>(run: impl FnOnce() -> T) -> T {
    let (mine, former) = (thread::current().id(), Arc::new(take_hook()));
    let others = Arc::clone(&former);
    set_hook(Box::new(move |panic| {
        if thread::current().id() != mine {
            others(panic);
        }
    }));
    let done = run();
    set_hook(Box::new(move |panic| former(panic)));
    done
}

/// A coroutine that can stand in line.
pub struct Task {
    coroutine: Coroutine,
    stands_in_line: Cell<bool>,
}

impl Task {
    /// The coroutine that runs.
    #[inline(never)]
    fn current() -> Self {
        Self { coroutine: coroutine::current(), stands_in_line: Cell::default() }
    }

    /// Whether it can run, and waits to.
    pub fn stands_in_line(&self) -> bool {
        self.stands_in_line.get()
    }
}

/// An OS thread that green threads run on.
#[derive(Default)]
struct Carrier {
    // Its first coroutine, which turns the reactor while the carrier has the role.
    base: OnceLock<Coroutine>,
    // Its handle, its block, and its number, as gettid(2) has it.
    thread: OnceLock<Thread>,
    block: AtomicUsize,
    number: AtomicI32,
    // It is given the role.
    is_wanted: AtomicBool,
    // A green thread that has come back without the role; it is parked when the base runs.
    comes_back: AtomicPtr<Task>,
}

/// Who can run, and on which carrier. What is a cell belongs to who has the role.
pub struct RunQueue {
    // Each is alive: it stands here once, and does not end before it has run. Null: the reactor.
    line: RefCell<VecDeque<*const Task>>,
    // Of those that stand in line, the green threads.
    runnable: Cell<usize>,
    // Coroutines that have ended and whose stacks may keeps.
    kept: Cell<usize>,
    // The carrier that has the role.
    carrier: Cell<usize>,
    carriers: Box<[Carrier]>,
    // Carriers that wait to be given it, the last one last.
    spare: Mutex<Vec<usize>>,
    // Green threads that have come back without it, for the reactor to see.
    returned: Mutex<Vec<Returned>>,
}

struct Returned(*const Task);

// SAFETY: its green thread is parked, and belongs to who has the role.
unsafe impl Send for Returned {}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RunQueue {
    /// Nobody can run yet.
    pub fn new(carriers: usize) -> Self {
        Self {
            line: RefCell::default(),
            runnable: Cell::default(),
            kept: Cell::default(),
            carrier: Cell::default(),
            carriers: (0..carriers).map(|_| Carrier::default()).collect(),
            spare: Mutex::default(),
            returned: Mutex::default(),
        }
    }

    /// The base of a carrier begins, which calls. Returns when it has the role: the first one at once.
    pub fn begin(&self, index: usize) {
        let carrier = &self.carriers[index];
        thread_block::unregister_rseq();
        carrier.block.store(thread_block::current(), Ordering::Relaxed);
        carrier.number.store(thread_id(), Ordering::Relaxed);
        drop(carrier.thread.set(thread::current()));
        drop(carrier.base.set(coroutine::current()));
        if index == 0 {
            self.go_on(index);
        } else {
            self.stand_by(index);
        }
    }

    /// How many carriers there are.
    pub fn carriers(&self) -> usize {
        self.carriers.len()
    }

    /// The carrier that has the role.
    pub fn carrier(&self) -> usize {
        self.carrier.get()
    }

    /// The block of a carrier's OS thread.
    pub fn block(&self, carrier: usize) -> usize {
        self.carriers[carrier].block.load(Ordering::Relaxed)
    }

    /// Green threads that stand in line.
    pub fn runnable(&self) -> usize {
        self.runnable.get()
    }

    /// Whether the next coroutine will get a stack that is there already.
    pub fn keeps_a_stack(&self) -> bool {
        self.kept.get() > 0
    }

    /// Starts a coroutine: it stands in line from now on. Called by the reactor.
    ///
    /// # Errors
    /// No memory for its stack, or too many mappings (vm.max_map_count).
    pub fn spawn(&'static self, body: impl FnOnce(&Task) + 'static) -> io::Result<()> {
        let body = OneAtATime(move || {
            self.kept.set(self.kept.get().saturating_sub(1));
            let task = Task::current();
            self.push(&task);
            park();
            body(&task);
            // may puts it away before anybody else runs.
            self.kept.set(STACKS_KEPT.min(self.kept.get() + 1));
            unpark(self.coroutine_of(self.pop()));
        });
        // SAFETY: as in `on_carrier`, with one difference: it changes its OS thread, only where it parks.
        or_panic(|| unsafe { Builder::new().spawn_local(move || body.run()) })
    }

    /// Has it stand in line, behind the others, if it does not yet.
    pub fn push(&self, task: &Task) {
        if !task.stands_in_line.replace(true) {
            self.runnable.set(self.runnable.get() + 1);
            self.line.borrow_mut().push_back(task);
        }
    }

    /// `task`, which runs, leaves the processor to the first in line, until it is that itself.
    pub fn leave(&self, task: &Task) {
        let next = self.pop();
        if ptr::eq(next, task) {
            return;
        }
        // SAFETY: may's own block, under which nobody runs while we do.
        unsafe {
            thread_block::under(self.block(self.carrier.get()), &mut || {
                unpark(self.coroutine_of(next));
                park();
            });
        }
    }

    /// `task`, which runs on this carrier, comes back without the role. Returns when it has run to the
    /// head of the line.
    pub fn come_back(&self, task: &Task, index: usize) {
        let carrier = &self.carriers[index];
        // SAFETY: may's own block on this OS thread, whose base is parked.
        unsafe {
            thread_block::under(self.block(index), &mut || {
                carrier.comes_back.store(ptr::from_ref(task).cast_mut(), Ordering::Relaxed);
                unpark(carrier.base.get().expect("a base that has begun"));
                park();
            });
        }
    }

    /// The reactor lets all that stand in line run once. Called by the base of a carrier.
    pub fn let_others_run(&self) {
        let index = self.carrier.get();
        let carrier = &self.carriers[index];
        self.line.borrow_mut().push_back(ptr::null());
        let next = self.pop();
        if next.is_null() {
            return;
        }
        unpark(self.coroutine_of(next));
        park();
        // Let go by who has the role, on this carrier; or by a green thread that has lost it.
        let task = carrier.comes_back.swap(ptr::null_mut(), Ordering::Relaxed);
        if !task.is_null() {
            lock(&self.returned).push(Returned(task));
            bell::ring();
            self.stand_by(index);
        }
    }

    /// Those that have come back stand in line.
    pub fn collect_returned(&self) {
        for Returned(task) in lock(&self.returned).drain(..) {
            // SAFETY: it is parked until it is let go.
            self.push(unsafe { &*task });
        }
    }

    /// Whether no green thread runs on another carrier, or has come back and was not seen.
    pub fn is_alone(&self) -> bool {
        let others_are_spare = lock(&self.spare).len() + 1 == self.carriers.len();
        // Read behind that: a carrier is spare after its green thread was put there.
        others_are_spare && lock(&self.returned).is_empty()
    }

    /// Has a spare carrier go on in the place of the coroutine of this run, if that is outside the
    /// engine; false: it is not, or there is none. From any thread.
    pub fn hand_on(&self, run: u64) -> bool {
        let mut spare = lock(&self.spare);
        let Some(index) = spare.pop() else { return false };
        if !role::take(run) {
            spare.push(index);
            return false;
        }
        let carrier = &self.carriers[index];
        carrier.is_wanted.store(true, Ordering::Release);
        carrier.thread.get().expect("a spare carrier has begun").unpark();
        true
    }

    /// Whether a carrier waits for the role. From any thread.
    pub fn has_spare_carrier(&self) -> bool {
        !lock(&self.spare).is_empty()
    }

    /// Waits on the OS thread until it is given the role.
    fn stand_by(&self, index: usize) {
        lock(&self.spare).push(index);
        while !self.carriers[index].is_wanted.swap(false, Ordering::Acquire) {
            thread::park();
        }
        // The reactor has run on another carrier, which lies behind.
        self.line.borrow_mut().retain(|task| !task.is_null());
        self.go_on(index);
    }

    fn go_on(&self, index: usize) {
        let carrier = &self.carriers[index];
        self.carrier.set(index);
        role::begin();
        progress::runs_on(
            carrier.block.load(Ordering::Relaxed),
            carrier.number.load(Ordering::Relaxed),
        );
    }

    fn coroutine_of(&self, task: *const Task) -> &Coroutine {
        if task.is_null() {
            return self.carriers[self.carrier.get()].base.get().expect("a base that has begun");
        }
        // SAFETY: see `line`.
        unsafe { &(*task).coroutine }
    }

    fn pop(&self) -> *const Task {
        let next = self.line.borrow_mut().pop_front();
        let next = next.expect("the reactor stands in line while another runs");
        // SAFETY: null, or see `line`.
        if let Some(task) = unsafe { next.as_ref() } {
            task.stands_in_line.set(false);
            self.runnable.set(self.runnable.get() - 1);
        }
        next
    }
}

/// may wants coroutines that can change threads. Ours do, with all that is theirs.
struct OneAtATime<F>(F);

// SAFETY: it runs on one OS thread at a time, and goes to another only with the role.
unsafe impl<F> Send for OneAtATime<F> {}

impl<F: FnOnce()> OneAtATime<F> {
    fn run(self) {
        (self.0)();
    }
}

// may keeps in thread-local variables which worker runs. Not inlined, because a coroutine may go on on
// another OS thread, and a compiler may keep the address of the variable from before.

#[inline(never)]
fn park() {
    let environment = Environment::save();
    coroutine::park();
    environment.restore();
}

#[inline(never)]
fn unpark(coroutine: &Coroutine) {
    coroutine.unpark();
}

/// Never goes on, nor does its OS thread. Not in may, which logs each signal that comes there.
pub fn end() -> ! {
    loop {
        let nothing = std::ptr::null::<libc::c_void>();
        // SAFETY: no pointers; a direct call, because the engine has ended. pause(2) is not everywhere.
        unsafe { libc::syscall(libc::SYS_ppoll, nothing, 0, nothing, nothing, 0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_lacks_is_read_from_a_panic_and_not_reported() {
        let files = io::Error::from_raw_os_error(libc::EMFILE);
        let failing = || -> io::Result<()> { panic!("can't create event_loop: {files:?}") };
        let error = quietly(|| or_panic(failing)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        let error = or_panic(|| -> io::Result<()> { panic!("no stack") }).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }
}
