//! Locks of many readers or one writer: `std::shared_mutex` too.
//!
//! A busy lock is tried, parked for and tried again; whoever unlocks it wakes all who wait. One that
//! locks again what it has as a writer is told so, as by glibc.
//!
//! Green threads that wait to write do not hold readers off, not even with
//! `PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP`: glibc does not see them.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::time::Instant;

use libc::{c_int, clockid_t, pthread_rwlock_t, timespec};

use super::contest::{self, Contest};
use super::mutex::Until;
use crate::green::{self, Green};
use crate::interposed::machinery::call::{Call, real};
use crate::words::{self, Kind};
use crate::{deadlock, held, keeper, thread_block, wake};

type Function = unsafe extern "C" fn(*mut pthread_rwlock_t) -> c_int;
type Timed = unsafe extern "C" fn(*mut pthread_rwlock_t, *const timespec) -> c_int;
type Clocked = unsafe extern "C" fn(*mut pthread_rwlock_t, clockid_t, *const timespec) -> c_int;

/// What a lock is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    Read,
    Write,
}

/// Defines the ways to lock for one aim.
macro_rules! ways {
    ($aim:expr, $lock:ident, $try_lock:ident, $timed:ident, $clocked:ident) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $lock(lock: *mut pthread_rwlock_t) -> c_int {
            let real = real!($lock: Function);
            // SAFETY: the caller's lock.
            RwLock(lock).take($aim, None, || unsafe { real(lock) })
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $try_lock(lock: *mut pthread_rwlock_t) -> c_int {
            match green::current() {
                Some(green) => RwLock(lock).attempt(green, $aim),
                None => {
                    let real = real!($try_lock: Function);
                    // SAFETY: the caller's lock.
                    unsafe { real(lock) }
                }
            }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $timed(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int {
            let real = real!($timed: Timed);
            let until = Until { clock: libc::CLOCK_REALTIME, time };
            // SAFETY: the caller's arguments.
            RwLock(lock).take($aim, Some(until), || unsafe { real(lock, time) })
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $clocked(
            lock: *mut pthread_rwlock_t,
            clock: clockid_t,
            time: *const timespec,
        ) -> c_int {
            let real = real!($clocked: Clocked);
            // SAFETY: the caller's arguments.
            let real = || unsafe { real(lock, clock, time) };
            RwLock(lock).take($aim, Some(Until { clock, time }), real)
        }
    };
}

ways!(
    Aim::Read,
    pthread_rwlock_rdlock,
    pthread_rwlock_tryrdlock,
    pthread_rwlock_timedrdlock,
    pthread_rwlock_clockrdlock
);
ways!(
    Aim::Write,
    pthread_rwlock_wrlock,
    pthread_rwlock_trywrlock,
    pthread_rwlock_timedwrlock,
    pthread_rwlock_clockwrlock
);

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_rwlock_unlock(lock: *mut pthread_rwlock_t) -> c_int {
    if let Some(green) = green::current().filter(|_| RwLock(lock).writer() == 0) {
        green.held().forget(lock as usize);
    }
    let real = real!(pthread_rwlock_unlock: Function);
    // SAFETY: the caller's lock, which somebody may free after this: nothing looks at it then.
    let done = unsafe { real(lock) };
    wake::let_go_on(lock as usize, usize::MAX);
    done
}

pub static CALLS: &[Call] = &[
    Call::new(c"pthread_rwlock_clockrdlock", pthread_rwlock_clockrdlock as *const c_void),
    Call::new(c"pthread_rwlock_clockwrlock", pthread_rwlock_clockwrlock as *const c_void),
    Call::new(c"pthread_rwlock_rdlock", pthread_rwlock_rdlock as *const c_void),
    Call::new(c"pthread_rwlock_timedrdlock", pthread_rwlock_timedrdlock as *const c_void),
    Call::new(c"pthread_rwlock_timedwrlock", pthread_rwlock_timedwrlock as *const c_void),
    Call::new(c"pthread_rwlock_tryrdlock", pthread_rwlock_tryrdlock as *const c_void),
    Call::new(c"pthread_rwlock_trywrlock", pthread_rwlock_trywrlock as *const c_void),
    Call::new(c"pthread_rwlock_unlock", pthread_rwlock_unlock as *const c_void),
    Call::new(c"pthread_rwlock_wrlock", pthread_rwlock_wrlock as *const c_void),
];

/// A lock, not looked at: others write to it.
#[derive(Clone, Copy)]
struct RwLock(*mut pthread_rwlock_t);

/// glibc's `struct __pthread_rwlock_arch_t` on x86-64 and aarch64, since 2.30.
#[repr(C)]
struct Layout {
    before: [c_int; 6],
    // Who writes, as gettid(2) numbers it; 0: nobody.
    writer: c_int,
}

impl RwLock {
    fn take(self, aim: Aim, until: Option<Until>, real: impl Fn() -> c_int) -> c_int {
        let Some(green) = green::current() else { return real() };
        let deadline = until.map(Until::instant);
        if deadline == Some(None) {
            return libc::EINVAL;
        }
        if self.writer() == green.number() {
            return libc::EDEADLK;
        }
        if words::is_awaited(self.0 as usize)
            && !green.has_lost_role()
            && let Some(inside) = green::parkable()
        {
            self.contest(inside.green()).let_the_called_go_first();
        }
        match self.attempt(green, aim) {
            libc::EBUSY => match self.wait_beside(green, aim, deadline.flatten()) {
                libc::EBUSY => match green::parkable() {
                    Some(_inside) => self.contend(green, aim, deadline.flatten()),
                    None => self.block(green, aim, until, real),
                },
                done => done,
            },
            done => done,
        }
    }

    #[cold]
    fn wait_beside(self, green: &Green, aim: Aim, deadline: Option<Instant>) -> c_int {
        contest::beside(green, deadline, |until| {
            let real = match aim {
                Aim::Read => real!(pthread_rwlock_clockrdlock: Clocked),
                Aim::Write => real!(pthread_rwlock_clockwrlock: Clocked),
            };
            // SAFETY: the caller's lock.
            note(green, self.0 as usize, aim, unsafe { real(self.0, libc::CLOCK_MONOTONIC, until) })
        })
    }

    fn attempt(self, green: &Green, aim: Aim) -> c_int {
        let real = match aim {
            Aim::Read => real!(pthread_rwlock_tryrdlock: Function),
            Aim::Write => real!(pthread_rwlock_trywrlock: Function),
        };
        // SAFETY: the caller's lock.
        note(green, self.0 as usize, aim, unsafe { real(self.0) })
    }

    /// Parks until it has the lock.
    #[cold]
    fn contend(self, green: &Green, aim: Aim, deadline: Option<Instant>) -> c_int {
        let is_ours = || thread_block::is_number(self.writer());
        if !is_ours() {
            let done = contest::spin(|| self.attempt(green, aim));
            if done != libc::EBUSY {
                return done;
            }
        }
        let contest = Contest { deadline, ..self.contest(green) };
        contest.until_free(|| self.attempt(green, aim), is_ours)
    }

    /// The green thread may not switch now, or only if it keeps the interpreter lock.
    #[cold]
    fn block(
        self,
        green: &Green,
        aim: Aim,
        until: Option<Until>,
        real: impl Fn() -> c_int,
    ) -> c_int {
        let (address, owner) = (self.0 as usize, self.writer_word());
        let lock = held::Lock { address, what: "lock of readers and a writer", owner };
        if let Some(_inside) = green::inside()
            && (thread_block::is_number(self.writer()) || green.other_holder(lock).is_some())
        {
            let deadline = until.and_then(Until::instant);
            let contend = || self.contend(green, aim, deadline);
            if let Some(done) = keeper::wait(green, lock, contend) {
                return done;
            }
            if until.is_none() {
                deadlock::look(green, lock);
            }
        }
        note(green, self.0 as usize, aim, real())
    }

    fn contest(self, green: &Green) -> Contest<'_> {
        Contest { green, address: self.0 as usize, kind: Kind::Shared, deadline: None }
    }

    fn writer(self) -> c_int {
        // SAFETY: the caller's lock lives while somebody locks or unlocks it.
        unsafe { words::look(self.writer_word()) }
    }

    fn writer_word(self) -> *const c_int {
        let layout = self.0.cast::<Layout>();
        // SAFETY: within the lock; nothing is read.
        unsafe { &raw const (*layout).writer }
    }
}

fn note(green: &Green, lock: usize, aim: Aim, done: c_int) -> c_int {
    if done == 0 && aim == Aim::Read {
        green.held().remember(lock);
    }
    done
}
