//! Condition variables. Those of libraries are waited for by parking; those of the interpreter lock
//! are points of preemption.
//!
//! A wait stands in the line of its condition variable before it unlocks the mutex, so that whoever
//! locks that finds it waiting. It ends by a signal or broadcast on any thread, or without one, which
//! POSIX allows ("spurious wake-up"): then the caller looks again. OS threads wait in the real call
//! beside it, and a signal wakes one of each.
//!
//! A green thread that waits for the interpreter lock lets the others run first: "unlock, let others
//! run, lock, return". When nobody else can run, or all who can wait for the lock too, it waits for
//! real: the holder is another OS thread and will give it up.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libc::{c_int, clockid_t, pthread_cond_t, pthread_mutex_t, timespec};

use super::gil;
use super::mutex::{Until, lock_again, pthread_mutex_unlock};
use crate::green::{self, Green};
use crate::interposed::machinery::call::{Call, real};
use crate::wait::Woken;
use crate::words::{self, Kind};
use crate::{contenders, keeper, preemption, progress, wake};

type WaitFunction = unsafe extern "C" fn(*mut pthread_cond_t, *mut pthread_mutex_t) -> c_int;
type TimedWait =
    unsafe extern "C" fn(*mut pthread_cond_t, *mut pthread_mutex_t, *const timespec) -> c_int;
type ClockWait = unsafe extern "C" fn(
    *mut pthread_cond_t,
    *mut pthread_mutex_t,
    clockid_t,
    *const timespec,
) -> c_int;
type Signal = unsafe extern "C" fn(*mut pthread_cond_t) -> c_int;

// glibc has two of each; the version of 2.3.2 is the one that everybody means.

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_wait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
) -> c_int {
    let real = real!(pthread_cond_wait: WaitFunction, c"GLIBC_2.3.2");
    // SAFETY: the caller's arguments.
    wait(condition, mutex, || None, || unsafe { real(condition, mutex) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_timedwait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    time: *const timespec,
) -> c_int {
    let real = real!(pthread_cond_timedwait: TimedWait, c"GLIBC_2.3.2");
    // SAFETY: the caller's condition variable.
    let until = || Some(Until { clock: unsafe { clock_of(condition) }, time });
    // SAFETY: the caller's arguments.
    wait(condition, mutex, until, || unsafe { real(condition, mutex, time) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_cond_clockwait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    clock: clockid_t,
    time: *const timespec,
) -> c_int {
    let real = real!(pthread_cond_clockwait: ClockWait);
    let until = || Some(Until { clock, time });
    // SAFETY: the caller's arguments.
    wait(condition, mutex, until, || unsafe { real(condition, mutex, clock, time) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_signal(condition: *mut pthread_cond_t) -> c_int {
    let real = real!(pthread_cond_signal: Signal, c"GLIBC_2.3.2");
    // SAFETY: the caller's condition variable, which somebody may free after this.
    let done = unsafe { real(condition) };
    if !gil::contains(condition as usize) {
        wake::let_go_on(condition as usize, 1);
        return done;
    }
    // CPython's `take_gil` ends with one signal, and `drop_gil` with another.
    let is_taken = gil::is_of_losers(condition as usize);
    if let Some(green) = green::current() {
        green.set_has_lock(is_taken);
    }
    let holder = green::current().filter(|_| is_taken).map_or(0, Green::identity);
    progress::set_holder(holder);
    done
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_broadcast(condition: *mut pthread_cond_t) -> c_int {
    let real = real!(pthread_cond_broadcast: Signal, c"GLIBC_2.3.2");
    // SAFETY: the caller's condition variable, which somebody may free after this.
    let done = unsafe { real(condition) };
    wake::let_go_on(condition as usize, usize::MAX);
    done
}

pub static CALLS: &[Call] = &[
    Call::new(c"pthread_cond_broadcast", pthread_cond_broadcast as *const _),
    Call::new(c"pthread_cond_clockwait", pthread_cond_clockwait as *const _),
    Call::new(c"pthread_cond_signal", pthread_cond_signal as *const _),
    Call::new(c"pthread_cond_timedwait", pthread_cond_timedwait as *const _),
    Call::new(c"pthread_cond_wait", pthread_cond_wait as *const _),
];

fn wait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    until: impl FnOnce() -> Option<Until>,
    real: impl FnOnce() -> c_int,
) -> c_int {
    if gil::contains(condition as usize) {
        // CPython waits for the lock itself with a time-out, and for its next holder without.
        let Some(green) = green::current() else { return contenders::wait(real) };
        if !green::may_park(green) {
            return real();
        }
        let Some(inside) = green::inside() else {
            come_back(mutex);
            return 0;
        };
        let green = inside.green();
        return match until() {
            Some(_) => green.deadline().wait_for_lock(|| wait_for_interpreter(green, mutex, real)),
            None => wait_for_interpreter(green, mutex, real),
        };
    }
    let Some(inside) = green::parkable() else {
        // The real call unlocks the mutex without ours: who waits for it looks again.
        wake::let_go_on(mutex as usize, 1);
        return real();
    };
    match until().map(Until::instant) {
        // The real call refuses it.
        Some(None) => real(),
        deadline => park(inside.green(), condition, mutex, deadline.flatten()),
    }
}

/// How long a wait for a condition variable between processes lasts before its caller looks again:
/// another process cannot wake a green thread of ours.
const LOOK: Duration = Duration::from_millis(2);

fn park(
    green: &Green,
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    deadline: Option<Instant>,
) -> c_int {
    let (words, address) = (&green.core().words, condition as usize);
    // SAFETY: the caller's condition variable.
    let is_shared = unsafe { flags(condition) } & SHARED != 0;
    let look = is_shared.then(|| Instant::now() + LOOK);
    let until = [look, deadline].into_iter().flatten().min();
    let ticket = green.ticket();
    words.borrow_mut().add(address, Kind::Shared, ticket, true);
    // SAFETY: the caller's mutex, which it has locked.
    let refused = unsafe { pthread_mutex_unlock(mutex) };
    if refused != 0 {
        words.borrow_mut().remove(address, Kind::Shared, ticket);
        return refused;
    }
    let woken = green.park_firmly(ticket, until);
    // From here on the condition variable may be free memory: only its address is used.
    words.borrow_mut().remove(address, Kind::Shared, ticket);
    // SAFETY: the caller's mutex, which it has back when a wait ends.
    match unsafe { lock_again(mutex) } {
        0 if woken == Woken::Deadline && deadline.is_some_and(|at| at <= Instant::now()) => {
            libc::ETIMEDOUT
        }
        locked => locked,
    }
}

fn wait_for_interpreter(
    green: &Green,
    mutex: *mut pthread_mutex_t,
    real: impl FnOnce() -> c_int,
) -> c_int {
    if green.core().keeper.get().is_some() {
        without(green, mutex, || keeper::let_time_pass(green));
    } else if preemption::is_asked() {
        without(green, mutex, || preemption::give_way(green));
    } else if green.core().queue.runnable() > green.core().yielding.get() {
        without(green, mutex, || green.yield_now());
    } else {
        // All who can run may be waiting for the lock as well: then time must pass for real, so that
        // its holder can run, which may have no other processor than this one.
        let ended = real();
        if ended == libc::ETIMEDOUT {
            // The holder may wait for somebody whom the reactor has to wake.
            without(green, mutex, || green.yield_now());
        }
        return ended;
    }
    0
}

/// The green thread has lost the scheduler's role: it comes back before it takes the lock, with the
/// mutex unlocked meanwhile.
fn come_back(mutex: *mut pthread_mutex_t) {
    // SAFETY: the caller of a condition wait holds this mutex.
    unsafe { pthread_mutex_unlock(mutex) };
    drop(green::coming_in());
    // SAFETY: the same mutex, which we have just released.
    unsafe { lock_again(mutex) };
}

/// Lets others run, by `body`, with the mutex of a condition wait unlocked, as the wait would.
fn without(green: &Green, mutex: *mut pthread_mutex_t, body: impl FnOnce()) {
    let yielding = &green.core().yielding;
    // SAFETY: the caller of a condition wait holds this mutex; nobody on this OS thread may find
    // it locked while we are away.
    unsafe { pthread_mutex_unlock(mutex) };
    yielding.set(yielding.get() + 1);
    body();
    yielding.set(yielding.get() - 1);
    // SAFETY: the same mutex, which we have just released.
    unsafe { lock_again(mutex) };
}

/// In glibc's flags: other processes may know it.
const SHARED: c_int = 1;
/// Its time-outs are of the monotonic clock.
const MONOTONIC: c_int = 2;

/// The clock of a condition variable's time-outs.
///
/// # Safety
/// A condition variable.
unsafe fn clock_of(condition: *mut pthread_cond_t) -> clockid_t {
    // SAFETY: the caller's word.
    match unsafe { flags(condition) } & MONOTONIC {
        0 => libc::CLOCK_REALTIME,
        _ => libc::CLOCK_MONOTONIC,
    }
}

/// glibc's flags (`__wrefs`), whose place has changed in 2.41.
///
/// # Safety
/// A condition variable.
unsafe fn flags(condition: *mut pthread_cond_t) -> c_int {
    static PLACE: AtomicUsize = AtomicUsize::new(usize::MAX);
    let mut place = PLACE.load(Ordering::Relaxed);
    if place == usize::MAX {
        place = find_flags();
        PLACE.store(place, Ordering::Relaxed);
    }
    // SAFETY: the caller's word; the place is within it.
    unsafe { words::look(condition.cast::<c_int>().add(place)) }
}

/// Where a new condition variable of the monotonic clock has its one word that is not 0.
fn find_flags() -> usize {
    const WORDS: usize = size_of::<pthread_cond_t>() / size_of::<c_int>();
    // The place up to 2.40, for a C library that would do none of this.
    const USUAL: usize = 9;
    // SAFETY: zeros are attributes and a condition variable to be initialised; plain numbers then.
    let words: [c_int; WORDS] = unsafe {
        let mut attributes: libc::pthread_condattr_t = std::mem::zeroed();
        let mut condition: pthread_cond_t = std::mem::zeroed();
        libc::pthread_condattr_init(&raw mut attributes);
        libc::pthread_condattr_setclock(&raw mut attributes, libc::CLOCK_MONOTONIC);
        libc::pthread_cond_init(&raw mut condition, &raw const attributes);
        std::mem::transmute(condition)
    };
    words.iter().position(|word| *word == MONOTONIC).unwrap_or(USUAL)
}
