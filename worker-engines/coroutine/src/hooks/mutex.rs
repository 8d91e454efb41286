//! Mutexes that a green thread keeps while it waits: psycopg2's of a connection during a query,
//! SQLite's of a database during a wait for another's lock.
//!
//! glibc knows a mutex's owner by OS thread. So one that another green thread has looks like one's
//! own: to wait for it would stop both for good, and a recursive one would let both in. Such a wait
//! parks; one for another OS thread's mutex is the real call, because libraries may be anywhere in
//! their code when they lock (see `condvar`).
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::from_ref;

use libc::{c_int, c_uint, pthread_mutex_t};

use super::{Hook, Real};
use crate::green::{self, Green};
use crate::words::Kind;

type Function = unsafe extern "C" fn(*mut pthread_mutex_t) -> c_int;

thread_local! {
    // Green threads that wait for a mutex.
    static WAITING: Cell<usize> = const { Cell::new(0) };
}

/// glibc's `struct __pthread_mutex_s` on x86-64, whose layout is part of its ABI.
#[repr(C)]
struct Mutex {
    lock: c_int,
    count: c_uint,
    // As gettid(2) numbers them; 0: nobody.
    owner: c_int,
    users: c_uint,
    kind: c_int,
}

/// Of the kinds (`PTHREAD_MUTEX_*`) the type, without what else is noted there.
const TYPE: c_int = 3;

impl Mutex {
    /// Whether one that has it may lock it again, or is told that it has it: then it matters which
    /// green thread that is.
    fn knows_its_owner(&self) -> bool {
        matches!(self.kind & TYPE, libc::PTHREAD_MUTEX_RECURSIVE | libc::PTHREAD_MUTEX_ERRORCHECK)
    }

    /// Whether another green thread has it than the one that runs.
    fn is_anothers(&self, green: &Green) -> bool {
        self.owner == green.core().os_thread && !green.keeps(from_ref(self) as usize)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_mutex_lock(mutex: *mut pthread_mutex_t) -> c_int {
    static REAL: Real = Real::new(c"pthread_mutex_lock");
    // SAFETY: the address is that of the function of this name and this type.
    let real: Function = unsafe { std::mem::transmute(REAL.address()) };
    if let Some(green) = green::current() {
        // SAFETY: the caller's mutex, in glibc's layout; it lives while somebody locks it.
        unsafe { lock(green, &*mutex.cast(), || real(mutex)) }
    } else {
        // SAFETY: the caller's mutex.
        unsafe { real(mutex) }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_mutex_trylock(mutex: *mut pthread_mutex_t) -> c_int {
    static REAL: Real = Real::new(c"pthread_mutex_trylock");
    // SAFETY: as above.
    let real: Function = unsafe { std::mem::transmute(REAL.address()) };
    if let Some(green) = green::current() {
        // SAFETY: as above.
        unsafe {
            let ours: &Mutex = &*mutex.cast();
            if ours.is_anothers(green) { libc::EBUSY } else { keep(green, ours, real(mutex)) }
        }
    } else {
        // SAFETY: the caller's mutex.
        unsafe { real(mutex) }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> c_int {
    static REAL: Real = Real::new(c"pthread_mutex_unlock");
    // SAFETY: as above.
    let real: Function = unsafe { std::mem::transmute(REAL.address()) };
    let green = green::current();
    // SAFETY: the caller's mutex, which it may free after this: nothing looks at it then.
    unsafe {
        if let Some(green) = green
            && (*mutex.cast::<Mutex>()).knows_its_owner()
        {
            green.let_go(mutex as usize);
        }
        let done = real(mutex);
        if let Some(green) = green
            && WAITING.get() > 0
            // In use only if the engine's own memory is being allocated; nobody waits for that.
            && let Ok(mut words) = green.core().words.try_borrow_mut()
        {
            words.wake(mutex as usize, 1);
        }
        done
    }
}

pub(super) static HOOKS: &[Hook] = &[
    Hook::new(c"pthread_mutex_lock", pthread_mutex_lock as *const c_void),
    Hook::new(c"pthread_mutex_trylock", pthread_mutex_trylock as *const c_void),
    Hook::new(c"pthread_mutex_unlock", pthread_mutex_unlock as *const c_void),
];

fn lock(green: &Green, mutex: &Mutex, real: impl FnOnce() -> c_int) -> c_int {
    while mutex.is_anothers(green) && green::parkable().is_some() {
        let (words, address) = (&green.core().words, from_ref(mutex) as usize);
        let ticket = green.ticket();
        words.borrow_mut().add(address, Kind::Futex, ticket);
        WAITING.set(WAITING.get() + 1);
        green.park_firmly(ticket, None);
        WAITING.set(WAITING.get() - 1);
        words.borrow_mut().remove(address, ticket);
    }
    keep(green, mutex, real())
}

fn keep(green: &Green, mutex: &Mutex, done: c_int) -> c_int {
    if done == 0 && mutex.knows_its_owner() {
        green.keep(from_ref(mutex) as usize);
    }
    done
}
