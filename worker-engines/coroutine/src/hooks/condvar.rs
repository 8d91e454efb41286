//! Condition variables: only those of the interpreter lock, as points of preemption.
//!
//! A green thread that waits for the lock lets the others run first: "unlock, let others run, lock,
//! return", which POSIX allows as a spurious wake-up. When nobody else can run, or all who can wait
//! for the lock too, it waits for real: the holder is another OS thread and will give it up.
//! Any other condition variable is the real call: libraries abort or deadlock when a wait inside
//! them switches (absl: "illegal recursion into Mutex code").
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{c_int, clockid_t, pthread_cond_t, pthread_mutex_t, timespec};

use super::Real;
use crate::{contenders, green, preemption};

static START: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // Green threads that wait for the lock by letting others run.
    static YIELDING: Cell<usize> = const { Cell::new(0) };
}

/// Where the interpreter lock's condition variables lie.
pub fn set_preemption_points(addresses: &Range<usize>) {
    START.store(addresses.start, Ordering::Relaxed);
    END.store(addresses.end, Ordering::Relaxed);
}

/// glibc has two of each; the version of 2.3.2 is the one that everybody means.
const VERSION: &std::ffi::CStr = c"GLIBC_2.3.2";

type Wait = unsafe extern "C" fn(*mut pthread_cond_t, *mut pthread_mutex_t) -> c_int;
type TimedWait =
    unsafe extern "C" fn(*mut pthread_cond_t, *mut pthread_mutex_t, *const timespec) -> c_int;
type ClockWait = unsafe extern "C" fn(
    *mut pthread_cond_t,
    *mut pthread_mutex_t,
    clockid_t,
    *const timespec,
) -> c_int;

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_cond_wait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
) -> c_int {
    static REAL: Real = Real::versioned(c"pthread_cond_wait", VERSION);
    // SAFETY: the address is that of the function of this name and this type.
    let real: Wait = unsafe { std::mem::transmute(REAL.address()) };
    // SAFETY: the caller's arguments.
    wait(condition, mutex, || unsafe { real(condition, mutex) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_cond_timedwait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    until: *const timespec,
) -> c_int {
    static REAL: Real = Real::versioned(c"pthread_cond_timedwait", VERSION);
    // SAFETY: as above.
    let real: TimedWait = unsafe { std::mem::transmute(REAL.address()) };
    // SAFETY: the caller's arguments.
    wait(condition, mutex, || unsafe { real(condition, mutex, until) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_cond_clockwait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    clock: clockid_t,
    until: *const timespec,
) -> c_int {
    static REAL: Real = Real::new(c"pthread_cond_clockwait");
    // SAFETY: as above.
    let real: ClockWait = unsafe { std::mem::transmute(REAL.address()) };
    // SAFETY: the caller's arguments.
    wait(condition, mutex, || unsafe { real(condition, mutex, clock, until) })
}

pub(super) static HOOKS: &[super::Hook] = &[
    super::Hook::new(c"pthread_cond_wait", pthread_cond_wait as *const _),
    super::Hook::new(c"pthread_cond_timedwait", pthread_cond_timedwait as *const _),
    super::Hook::new(c"pthread_cond_clockwait", pthread_cond_clockwait as *const _),
];

fn wait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    real: impl FnOnce() -> c_int,
) -> c_int {
    let address = condition as usize;
    if !(START.load(Ordering::Relaxed)..END.load(Ordering::Relaxed)).contains(&address) {
        return real();
    }
    match green::parkable() {
        Some(green) if preemption::is_asked() => {
            without(mutex, || preemption::give_way(green));
            0
        }
        // All who can run may be waiting for the lock as well: then time must pass for real, so that
        // its holder can run, which may have no other processor than this one.
        Some(green) if green.core().runnable.get() > YIELDING.get() => {
            without(mutex, || green.yield_now());
            0
        }
        None if green::current().is_none() => contenders::waiting(real),
        _ => real(),
    }
}

/// Lets others run, by `body`, with the mutex of a condition wait unlocked, as the wait would.
fn without(mutex: *mut pthread_mutex_t, body: impl FnOnce()) {
    // SAFETY: the caller of a condition wait holds this mutex; nobody on this OS thread may find
    // it locked while we are away.
    unsafe { libc::pthread_mutex_unlock(mutex) };
    YIELDING.set(YIELDING.get() + 1);
    body();
    YIELDING.set(YIELDING.get() - 1);
    // SAFETY: the same mutex, which we have just released.
    unsafe { libc::pthread_mutex_lock(mutex) };
}
