//! Spinning: spin locks, and `sched_yield`, by which libraries make their own.
//!
//! A spin lock does not know who has it. One that is busy is tried again after the others have run,
//! and then ever less often.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr;
use std::time::Instant;

use libc::{c_int, pthread_spinlock_t};

use super::contest::{self, Contest};
use crate::green::{self, Green};
use crate::held::Lock;
use crate::interposed::machinery::call::{Call, real};
use crate::words::Kind;
use crate::{deadlock, keeper, wake};

type Function = unsafe extern "C" fn(*mut pthread_spinlock_t) -> c_int;

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_spin_lock(lock: *mut pthread_spinlock_t) -> c_int {
    let real = real!(pthread_spin_lock: Function);
    let Some(green) = green::current() else {
        // SAFETY: the caller's lock.
        return unsafe { real(lock) };
    };
    let attempt = || attempt(green, lock);
    let done = match attempt() {
        libc::EBUSY => spin_beside(green, attempt),
        done => done,
    };
    if done != libc::EBUSY {
        return done;
    }
    let address = lock as usize;
    let contend = || {
        let contest = Contest { green, address, kind: Kind::Mutex, deadline: None };
        contest.let_the_called_go_first();
        contest.until_free(attempt, || false)
    };
    if let Some(_inside) = green::parkable() {
        return match contest::spin(attempt) {
            libc::EBUSY => contend(),
            done => done,
        };
    }
    if let Some(_inside) = green::inside() {
        let lock_of = Lock { address, what: "spin lock", owner: ptr::null() };
        if green.other_holder(lock_of).is_some()
            && let Some(done) = keeper::wait(green, lock_of, contend)
        {
            return done;
        }
        deadlock::look(green, lock_of);
    }
    green.held().remember(lock as usize);
    // SAFETY: the caller's lock.
    unsafe { real(lock) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_spin_trylock(lock: *mut pthread_spinlock_t) -> c_int {
    match green::current() {
        Some(green) => attempt(green, lock),
        None => {
            let real = real!(pthread_spin_trylock: Function);
            // SAFETY: the caller's lock.
            unsafe { real(lock) }
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_spin_unlock(lock: *mut pthread_spinlock_t) -> c_int {
    if let Some(green) = green::current() {
        green.held().forget(lock as usize);
    }
    let real = real!(pthread_spin_unlock: Function);
    // SAFETY: the caller's lock.
    let done = unsafe { real(lock) };
    wake::let_go_on(lock as usize, 1);
    done
}

/// As [`contest::beside`]: gives the processor, but not the kernel thread, to others.
fn spin_beside(green: &Green, attempt: impl Fn() -> c_int) -> c_int {
    let until = Instant::now() + contest::BESIDE;
    while green.has_lost_role() && Instant::now() < until {
        give_processor();
        let done = attempt();
        if done != libc::EBUSY {
            return done;
        }
    }
    libc::EBUSY
}

/// Lets the other green threads run, and then those of other processors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sched_yield() -> c_int {
    // The engine's own allocations may come here, by way of an allocator that spins.
    // Who has lost the role stops nobody: it only spins as a thread does.
    if !green::current().is_some_and(Green::has_lost_role)
        && let Some(inside) = green::parkable()
        && !inside.was_inside()
    {
        inside.green().yield_now();
    }
    give_processor()
}

fn give_processor() -> c_int {
    let real = real!(sched_yield: unsafe extern "C" fn() -> c_int);
    // SAFETY: no arguments.
    unsafe { real() }
}

pub static CALLS: &[Call] = &[
    Call::new(c"pthread_spin_lock", pthread_spin_lock as *const c_void),
    Call::new(c"pthread_spin_trylock", pthread_spin_trylock as *const c_void),
    Call::new(c"pthread_spin_unlock", pthread_spin_unlock as *const c_void),
    Call::new(c"sched_yield", sched_yield as *const c_void),
];

fn attempt(green: &Green, lock: *mut pthread_spinlock_t) -> c_int {
    let real = real!(pthread_spin_trylock: Function);
    // SAFETY: the caller's lock.
    let done = unsafe { real(lock) };
    if done == 0 {
        green.held().remember(lock as usize);
    }
    done
}
