//! What other OS threads can see of the scheduler: whether it switches, and whether it sleeps.
//!
//! Written by who has the scheduler's role, read by the preemptor and by the main thread.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};

static SWITCHES: AtomicU64 = AtomicU64::new(0);
static RUNNING: AtomicUsize = AtomicUsize::new(0);
static OS_THREAD: AtomicUsize = AtomicUsize::new(0);
static NUMBER: AtomicI32 = AtomicI32::new(0);
static IS_WAITING: AtomicBool = AtomicBool::new(true);
static IS_KEPT_PARKED: AtomicBool = AtomicBool::new(false);
static IS_KEPT_IN_C: AtomicBool = AtomicBool::new(false);
static HOLDER: AtomicUsize = AtomicUsize::new(0);

/// The scheduler runs on the OS thread of this `pthread_self()`, and of this number (gettid(2)).
pub fn runs_on(os_thread: usize, number: i32) {
    OS_THREAD.store(os_thread, Ordering::Relaxed);
    NUMBER.store(number, Ordering::Relaxed);
}

/// The kernel's number of the OS thread that has the scheduler's role.
pub fn os_thread_number() -> i32 {
    NUMBER.load(Ordering::Relaxed)
}

/// Its `pthread_self()`.
pub fn os_thread() -> usize {
    OS_THREAD.load(Ordering::Relaxed)
}

/// Somebody else runs from now on: a green thread by its identity, or the reactor (0).
pub fn switched(identity: usize) {
    RUNNING.store(identity, Ordering::Relaxed);
    goes_on();
}

/// Who runs begins with another request: as good as a switch.
pub fn goes_on() {
    SWITCHES.store(SWITCHES.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// Who runs.
pub fn running() -> usize {
    RUNNING.load(Ordering::Relaxed)
}

/// How often either has happened.
pub fn switches() -> u64 {
    SWITCHES.load(Ordering::Relaxed)
}

/// A green thread keeps the interpreter lock while it is parked, and no code of the language runs (or
/// not any more).
pub fn set_kept_parked(is_kept: bool) {
    IS_KEPT_PARKED.store(is_kept, Ordering::Relaxed);
}

/// A green thread keeps it in C code, and has lost the scheduler's role over it (or not any more).
pub fn set_kept_in_c(is_kept: bool) {
    IS_KEPT_IN_C.store(is_kept, Ordering::Relaxed);
}

/// The interpreter lock is had by a green thread, known by its identity, or by none (0). By who takes it
/// and who gives it.
pub fn set_holder(identity: usize) {
    HOLDER.store(identity, Ordering::Relaxed);
}

/// Which green thread has it.
pub fn holder() -> usize {
    HOLDER.load(Ordering::Relaxed)
}

/// Whether one does the first.
pub fn is_kept_parked() -> bool {
    IS_KEPT_PARKED.load(Ordering::Relaxed)
}

/// Whether one does either: then switches are no progress, because no code of the language runs.
pub fn is_kept() -> bool {
    is_kept_parked() || IS_KEPT_IN_C.load(Ordering::Relaxed)
}

/// The reactor waits for events because nobody can run (or it has stopped waiting).
pub fn set_waiting(is_waiting: bool) {
    // In one order with the preemptor's "I am parked".
    IS_WAITING.store(is_waiting, Ordering::SeqCst);
}

/// Whether it waits.
pub fn is_waiting() -> bool {
    IS_WAITING.load(Ordering::SeqCst)
}
