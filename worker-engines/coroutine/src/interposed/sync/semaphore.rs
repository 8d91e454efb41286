//! `sem_wait` and its variants: CPython's locks, queues and joins.
//!
//! `sem_post` is interposed for every thread: a post anywhere must wake a green thread that waits.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use libc::{c_int, clockid_t, sem_t, timespec};

use crate::errno::{errno, set_errno};
use crate::fork;
use crate::green::{self, Green};
use crate::interposed::machinery::call::{Call, interposed, real};
use crate::interposed::machinery::clock;
use crate::interposed::machinery::tally::Tally;
use crate::wait::Woken;
use crate::words::{self, Kind};

interposed! {
    fn sem_wait(semaphore: *mut sem_t) -> c_int |green, _real| {
        acquire(green, semaphore, None)
    }

    fn sem_timedwait(semaphore: *mut sem_t, until: *const timespec) -> c_int |green, real| {
        // SAFETY: the caller's.
        match clock::instant(libc::CLOCK_REALTIME, unsafe { &*until }) {
            Some(at) => acquire(green, semaphore, Some(at)),
            // SAFETY: the caller's arguments, which the real call refuses.
            None => unsafe { real(semaphore, until) },
        }
    }

    fn sem_clockwait(semaphore: *mut sem_t, clock: clockid_t, until: *const timespec) -> c_int
    |green, real| {
        // SAFETY: the caller's.
        match clock::instant(clock, unsafe { &*until }) {
            Some(at) => acquire(green, semaphore, Some(at)),
            // SAFETY: the caller's arguments, which the real call refuses.
            None => unsafe { real(semaphore, clock, until) },
        }
    }
}

/// Posts, or gives what it would post to the green thread that has waited longest. Were it only
/// woken, a green thread that takes the semaphore again at once would always come first.
#[unsafe(no_mangle)]
unsafe extern "C" fn sem_post(semaphore: *mut sem_t) -> c_int {
    type Function = unsafe extern "C" fn(*mut sem_t) -> c_int;
    let real = real!(sem_post: Function);
    // Taken before the post: the waiter that it lets through may free the semaphore.
    let address = semaphore as usize;
    let inside = if fork::is_child() { None } else { green::inside() };
    POST_TALLY.count(inside.is_some());
    let wake = |why| match &inside {
        Some(inside) => inside.green().core().words.borrow_mut().wake(address, 1, why),
        None => 0,
    };
    // OS threads that wait have the same right to it.
    let threads_wait = parts(semaphore)[WAITING_THREADS] != 0;
    if !threads_wait && wake(Woken::Given) == 1 {
        return 0;
    }
    // SAFETY: the caller's semaphore.
    let done = unsafe { real(semaphore) };
    if done == 0 {
        match inside {
            // If they do not, there was no green thread to give it to either.
            Some(_) if threads_wait => drop(wake(Woken::Ready)),
            None if !fork::is_child() => words::woken_elsewhere(address),
            _ => {}
        }
    }
    done
}

static POST_TALLY: Tally = Tally::new();

/// The one that needs no green thread.
pub static POST: &[Call] =
    &[Call::counted(c"sem_post", sem_post as *const std::ffi::c_void, &POST_TALLY)];

fn acquire(green: &Green, semaphore: *mut sem_t, deadline: Option<Instant>) -> c_int {
    let mut pause = FIRST_PAUSE;
    let mut is_new = true;
    loop {
        // SAFETY: the caller's semaphore.
        if unsafe { libc::sem_trywait(semaphore) } == 0 {
            return 0;
        }
        if errno() != libc::EAGAIN {
            return -1;
        }
        let address = semaphore as usize;
        let ticket = green.ticket();
        green.core().words.borrow_mut().add(address, Kind::Semaphore, ticket, is_new);
        is_new = false;
        // Once more, now that a post on any thread sees us waiting.
        // SAFETY: the caller's semaphore.
        let taken = unsafe { libc::sem_trywait(semaphore) } == 0;
        let until = if taken || !is_shared(semaphore) {
            deadline
        } else {
            let look = Instant::now() + pause;
            pause = (pause * 2).min(LONGEST_PAUSE);
            Some(deadline.map_or(look, |at| at.min(look)))
        };
        let woken = if taken { Woken::Ready } else { green.park(ticket, until) };
        green.core().words.borrow_mut().remove(address, Kind::Semaphore, ticket);
        if taken || woken == Woken::Given {
            return 0;
        }
        if let Some(error) = woken.errno() {
            set_errno(error);
            return -1;
        }
        if woken == Woken::Deadline && deadline.is_some_and(|at| at <= Instant::now()) {
            // A post that came with the deadline may have been meant for us: nobody else would
            // be woken for it.
            // SAFETY: the caller's semaphore.
            if unsafe { libc::sem_trywait(semaphore) } == 0 {
                return 0;
            }
            set_errno(libc::ETIMEDOUT);
            return -1;
        }
    }
}

/// How often to look at a semaphore that another process may post (multiprocessing's locks and
/// queues): that process cannot wake a green thread of ours.
const FIRST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// Whether other processes may know the semaphore.
fn is_shared(semaphore: *mut sem_t) -> bool {
    parts(semaphore)[SHARED] != 0
}

/// What glibc keeps in a semaphore, since 2.21 (`struct new_sem`): the value, then these.
fn parts(semaphore: *mut sem_t) -> [u32; 3] {
    const { assert!(size_of::<usize>() == 8, "struct new_sem is known on 64 bits") };
    // SAFETY: within the caller's semaphore, which has 32 bytes; others write to it.
    unsafe { semaphore.cast::<[u32; 3]>().read_volatile() }
}

/// How many OS threads wait for it.
const WAITING_THREADS: usize = 1;
/// Whether other processes may: not 0.
const SHARED: usize = 2;
