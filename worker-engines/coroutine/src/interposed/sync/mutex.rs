//! Mutexes: psycopg2's of a connection during a query, SQLite's of a database during a wait for
//! another's lock, those of any C library.
//!
//! A busy mutex, whether a green thread or an OS thread has it, is tried, parked for and tried again;
//! all else (who has it, the count of a recursive one, errors) is glibc's.
//!
//! The rule that a reader would break: a mutex is memory that others write. Look at it through
//! [`Mutex`], each time again; a reference lets the compiler keep an old owner, and the waiters
//! parked for ever.
#![allow(unsafe_code)]

use std::arch::naked_asm;
use std::ffi::c_void;
use std::time::Instant;

use libc::{c_int, clockid_t, pthread_mutex_t, timespec};

use super::allocator;
use super::contest::{self, Contest};
use super::gil;
use crate::green::{self, Green};
use crate::held::Lock;
use crate::interposed::machinery::call::{Call, real};
use crate::interposed::machinery::clock;
use crate::words::{self, Kind};
use crate::{deadlock, fork, keeper, thread_block, wake};

/// When a timed call gives up.
#[derive(Clone, Copy)]
pub struct Until {
    pub clock: clockid_t,
    pub time: *const timespec,
}

type Function = unsafe extern "C" fn(*mut pthread_mutex_t) -> c_int;
type Timed = unsafe extern "C" fn(*mut pthread_mutex_t, *const timespec) -> c_int;
type Clocked = unsafe extern "C" fn(*mut pthread_mutex_t, clockid_t, *const timespec) -> c_int;

/// `int pthread_mutex_lock(mutex)`, with the caller's address as second argument.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_mutex_lock() {
    #[cfg(target_arch = "x86_64")]
    naked_asm!("mov rsi, [rsp]", "jmp {lock}", lock = sym lock_from);
    #[cfg(target_arch = "aarch64")]
    naked_asm!("mov x1, x30", "b {lock}", lock = sym lock_from);
}

unsafe extern "C" fn lock_from(mutex: *mut pthread_mutex_t, caller: usize) -> c_int {
    let real = real!(pthread_mutex_lock: Function);
    // SAFETY: the caller's mutex.
    let real = || unsafe { real(mutex) };
    match green::current() {
        Some(green) if gil::contains(mutex as usize) => lock_of_gil(mutex, green, real),
        _ => lock(Mutex(mutex), caller, None, real),
    }
}

/// One that has computed without the interpreter lock and without the role comes back before it takes
/// the lock: nobody runs the language beside the scheduler. Looked at with the mutex locked: the
/// preemptor, which hands the role on, has the interpreter lock meanwhile.
fn lock_of_gil(mutex: *mut pthread_mutex_t, green: &Green, real: impl Fn() -> c_int) -> c_int {
    let is_door = gil::learn_door(mutex as usize);
    loop {
        let done = real();
        if !is_door || !green.has_lost_role() || green.has_lock() || !green::may_park(green) {
            return done;
        }
        // SAFETY: it has just been locked here.
        unsafe { pthread_mutex_unlock(mutex) };
        drop(green::coming_in());
    }
}

/// `pthread_mutex_lock`, for interposed calls that lock on behalf of their callers.
///
/// # Safety
/// A mutex.
pub unsafe fn lock_again(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: the caller's mutex; no code is at 0.
    unsafe { lock_from(mutex, 0) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutex_timedlock(
    mutex: *mut pthread_mutex_t,
    time: *const timespec,
) -> c_int {
    let real = real!(pthread_mutex_timedlock: Timed);
    let until = Until { clock: libc::CLOCK_REALTIME, time };
    // SAFETY: the caller's arguments.
    lock(Mutex(mutex), 0, Some(until), || unsafe { real(mutex, time) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_mutex_clocklock(
    mutex: *mut pthread_mutex_t,
    clock: clockid_t,
    time: *const timespec,
) -> c_int {
    let until = Until { clock, time };
    if !until.has_clock() {
        return libc::EINVAL;
    }
    let real = real!(pthread_mutex_clocklock: Clocked);
    // SAFETY: the caller's arguments.
    lock(Mutex(mutex), 0, Some(until), || unsafe { real(mutex, clock, time) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> c_int {
    let real = real!(pthread_mutex_unlock: Function);
    let address = mutex as usize;
    // SAFETY: the caller's mutex, which somebody may free after this: nothing looks at it then.
    let done = unsafe { real(mutex) };
    if !gil::contains(address) {
        wake::let_go_on(address, 1);
    }
    done
}

pub static CALLS: &[Call] = &[
    Call::new(c"pthread_mutex_clocklock", pthread_mutex_clocklock as *const c_void),
    Call::new(c"pthread_mutex_lock", pthread_mutex_lock as *const c_void),
    Call::new(c"pthread_mutex_timedlock", pthread_mutex_timedlock as *const c_void),
    Call::new(c"pthread_mutex_unlock", pthread_mutex_unlock as *const c_void),
];

/// The green thread that runs, unless the mutex is the interpreter lock's.
fn green_thread(mutex: *mut pthread_mutex_t) -> Option<&'static Green> {
    green::current().filter(|_| !gil::contains(mutex as usize))
}

fn lock(mutex: Mutex, caller: usize, until: Option<Until>, real: impl Fn() -> c_int) -> c_int {
    let Some(green) = green_thread(mutex.0).filter(|_| !allocator::contains(caller)) else {
        return real();
    };
    if words::is_awaited(mutex.0 as usize)
        && !green.has_lost_role()
        && let Some(inside) = green::parkable()
    {
        mutex.contest(inside.green()).let_the_called_go_first();
    }
    match mutex.attempt() {
        // One that checks for it says so.
        libc::EBUSY if mutex.knows_its_owner() && mutex.owner() == green.number() => real(),
        libc::EBUSY => match mutex.wait_beside(green, until) {
            libc::EBUSY => match green::parkable() {
                Some(inside) => mutex.contend(inside.green(), until),
                None => mutex.block(until, real),
            },
            done => done,
        },
        done => done,
    }
}

/// A mutex, not looked at.
#[derive(Clone, Copy)]
struct Mutex(*mut pthread_mutex_t);

/// glibc's `struct __pthread_mutex_s` on x86-64 and aarch64, whose layout is part of its ABI.
#[repr(C)]
struct Layout {
    lock: c_int,
    count: c_int,
    // As gettid(2) numbers them; 0: nobody.
    owner: c_int,
    users: c_int,
    kind: c_int,
}

/// Of the kinds (`PTHREAD_MUTEX_*`) the type, without what else is noted there.
const TYPE: c_int = 3;

impl Mutex {
    fn owner(self) -> c_int {
        // SAFETY: the caller's mutex lives while somebody locks or unlocks it.
        unsafe { words::look(self.owner_word()) }
    }

    fn owner_word(self) -> *const c_int {
        let layout = self.0.cast::<Layout>();
        // SAFETY: within the mutex; nothing is read.
        unsafe { &raw const (*layout).owner }
    }

    /// Whether one that has it may lock it again, or is told that it has it.
    fn knows_its_owner(self) -> bool {
        let layout = self.0.cast::<Layout>();
        // SAFETY: as in `owner`.
        let kind = unsafe { words::look(&raw const (*layout).kind) };
        matches!(kind & TYPE, libc::PTHREAD_MUTEX_RECURSIVE | libc::PTHREAD_MUTEX_ERRORCHECK)
    }

    /// Whether a green thread has it.
    fn is_ours(self) -> bool {
        thread_block::is_number(self.owner())
    }

    fn attempt(self) -> c_int {
        let real = real!(pthread_mutex_trylock: Function);
        // SAFETY: the caller's mutex.
        unsafe { real(self.0) }
    }

    fn contest(self, green: &Green) -> Contest<'_> {
        Contest { green, address: self.0 as usize, kind: Kind::Mutex, deadline: None }
    }

    #[cold]
    fn wait_beside(self, green: &Green, until: Option<Until>) -> c_int {
        contest::beside(green, until.and_then(Until::instant), |until| {
            let real = real!(pthread_mutex_clocklock: Clocked);
            // SAFETY: the caller's mutex.
            unsafe { real(self.0, libc::CLOCK_MONOTONIC, until) }
        })
    }

    /// Parks until it has the mutex.
    #[cold]
    fn contend(self, green: &Green, until: Option<Until>) -> c_int {
        let deadline = until.map(Until::instant);
        if deadline == Some(None) {
            return libc::EINVAL;
        }
        if !self.is_ours() {
            let done = contest::spin(|| self.attempt());
            if done != libc::EBUSY {
                return done;
            }
        }
        let contest = Contest { deadline: deadline.flatten(), ..self.contest(green) };
        contest.until_free(|| self.attempt(), || self.is_ours())
    }

    /// The green thread may not switch now, or only if it keeps the interpreter lock.
    #[cold]
    fn block(self, until: Option<Until>, real: impl Fn() -> c_int) -> c_int {
        if self.is_ours()
            && !fork::is_child()
            && let Some(inside) = green::inside()
        {
            let (green, owner) = (inside.green(), self.owner_word());
            let lock = Lock { address: self.0 as usize, what: "mutex", owner };
            if let Some(done) = keeper::wait(green, lock, || self.contend(green, until)) {
                return done;
            }
            if until.is_none() {
                deadlock::look(green, lock);
            }
        }
        real()
    }
}

impl Until {
    /// The same, as an instant; `None`: it is no time, or of a clock that cannot be waited by.
    pub fn instant(self) -> Option<Instant> {
        // SAFETY: the caller's time.
        clock::instant(self.clock, unsafe { &*self.time }).filter(|_| self.has_clock())
    }

    /// Whether its clock can be waited by.
    fn has_clock(self) -> bool {
        matches!(self.clock, libc::CLOCK_REALTIME | libc::CLOCK_MONOTONIC)
    }
}
