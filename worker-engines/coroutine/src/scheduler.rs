//! The only file that names `may`: spawn, park, unpark, yield.
//!
//! may is run with one worker thread, as a run queue and a context switch; its selector, its timers
//! and its I/O are never used. The rules that a reader would break, each read in may 0.3.51:
//!
//! * no timed primitive: an expired timer resumes a coroutine on may's timer thread;
//! * no cancel: it unwinds through the C frames of the application;
//! * [`spawn`] only from the reactor: it runs the new coroutine at once, on top of the caller, until
//!   its first park;
//! * [`Task::unpark`] only on the scheduler's thread: from another thread may would put the
//!   coroutine into its global queue, which a reactor that waits in its own epoll never looks at.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use may::coroutine::{self, Builder, Coroutine};

/// Coroutines whose stacks are kept for the next ones.
const STACKS_KEPT: usize = 16;

/// Starts the scheduler's thread with `first` as its first coroutine. Once in a process, after the
/// last fork that should serve: may's threads do not survive a fork.
///
/// # Errors
/// The stack of the first coroutine could not be made.
pub fn start(stack_bytes: usize, first: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let config = may::config();
    config.set_workers(1);
    // may makes as many as it may keep, at once; 0 stands for a hundred.
    config.set_pool_capacity(1);
    config.set_stack_size(stack_bytes / size_of::<usize>());
    // The default pins worker 0 to CPU 0, in every process.
    config.set_worker_pin(false);
    // may's selector would wake every 10 ms; it waits only when the reactor has ended. A day fits
    // into epoll_wait's milliseconds.
    config.set_timeout_ns(24 * 3600 * 1_000_000_000);
    // SAFETY: the stack is what the setting says and guarded; the closure uses thread-locals of the
    // scheduler's thread only, which never changes, because nothing here is timed.
    let started = or_panic(|| unsafe { Builder::new().spawn(first) });
    config.set_pool_capacity(STACKS_KEPT);
    started
}

/// generator panics where it gets no memory for a stack, and may where it gets no thread; both keep
/// what they have whole.
fn or_panic<T>(make: impl FnOnce() -> io::Result<T>) -> io::Result<()> {
    let made = catch_unwind(AssertUnwindSafe(make));
    made.unwrap_or_else(|_| Err(io::ErrorKind::OutOfMemory.into())).map(drop)
}

thread_local! {
    // Coroutines that have ended and whose stacks may keeps. On the scheduler's thread.
    static KEPT: Cell<usize> = const { Cell::new(0) };
}

/// Whether the next coroutine will get a stack that is there already.
pub fn keeps_a_stack() -> bool {
    KEPT.get() > 0
}

/// A coroutine that can be unparked.
pub struct Task(Coroutine);

impl Task {
    /// The coroutine that runs.
    pub fn current() -> Self {
        Self(coroutine::current())
    }

    /// Makes it runnable, behind those that are. One unpark before a park lets that park pass.
    pub fn unpark(&self) {
        self.0.unpark();
    }
}

/// Starts a coroutine: it runs at once, until it first parks.
///
/// # Errors
/// No memory for its stack, or too many mappings (vm.max_map_count).
pub fn spawn(body: impl FnOnce() + 'static) -> io::Result<()> {
    let body = OneThread(move || {
        KEPT.set(KEPT.get().saturating_sub(1));
        body();
        // may puts it away before anybody else runs.
        KEPT.set(STACKS_KEPT.min(KEPT.get() + 1));
    });
    // SAFETY: as in `start`.
    or_panic(|| unsafe { Builder::new().spawn_local(move || body.run()) })
}

/// may wants coroutines that can change threads; with one worker and no timers, none does.
struct OneThread<F>(F);

// SAFETY: only the scheduler's thread ever runs or drops it, see the head of this file.
unsafe impl<F> Send for OneThread<F> {}

impl<F: FnOnce()> OneThread<F> {
    fn run(self) {
        (self.0)();
    }
}

/// Leaves the processor until unparked.
pub fn park() {
    coroutine::park();
}

/// Lets every other runnable coroutine run once.
pub fn yield_now() {
    coroutine::yield_now();
}
