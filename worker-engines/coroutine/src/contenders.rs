//! OS threads of the application that want the interpreter lock while green threads have it.
//!
//! CPython lets the holder know after 5 ms, unless the lock has changed hands meanwhile: then others
//! are having their turns. Green threads hand it on to each other all the time, so that an OS thread
//! might never have one. It is the scheduler that makes sure: when an OS thread has waited for as
//! long as CPython would let it, nobody takes the lock until it has.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libc::c_int;

static WAITING: AtomicUsize = AtomicUsize::new(0);
static ARE_STARVED: AtomicBool = AtomicBool::new(false);

/// An OS thread waits for the lock, once: `wait` gives what `pthread_cond_timedwait` gave.
pub fn wait(wait: impl FnOnce() -> c_int) -> c_int {
    WAITING.fetch_add(1, Ordering::SeqCst);
    let ended = wait();
    WAITING.fetch_sub(1, Ordering::SeqCst);
    if ended == libc::ETIMEDOUT {
        ARE_STARVED.store(true, Ordering::Relaxed);
    }
    ended
}

/// On the scheduler's thread, while no green thread has the lock: lets an OS thread take it, if one
/// has waited for long. Whoever gave the lock up last has woken one; it needs a moment.
pub fn let_one_in() {
    const MOMENT: Duration = Duration::from_micros(50);
    const LONGEST: Duration = Duration::from_millis(1);
    // At every switch, so a plain load first.
    if !ARE_STARVED.load(Ordering::Relaxed) {
        return;
    }
    ARE_STARVED.store(false, Ordering::Relaxed);
    let (began, before) = (Instant::now(), WAITING.load(Ordering::SeqCst));
    while WAITING.load(Ordering::SeqCst) >= before.max(1) && began.elapsed() < LONGEST {
        rest(MOMENT);
    }
}

/// Sleeps as an OS thread: a direct system call, because a green thread that is about to leave calls,
/// and libc's would have it leave here.
fn rest(time: Duration) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: i64::from(time.subsec_nanos()) };
    // SAFETY: the time outlives the call, and null asks for no rest of it.
    unsafe { libc::syscall(libc::SYS_nanosleep, &raw const time, ptr::null::<libc::timespec>()) };
}
