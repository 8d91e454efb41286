//! C11's threads (threads.h): in glibc other names for pthreads' functions, which call these inside
//! libc, where nothing interposed is reached.
//!
//! glibc's `mtx_t`, `cnd_t` and `once_flag` are pthreads' structures.
#![allow(unsafe_code)]

use std::ffi::c_void;

use libc::{c_int, pthread_cond_t, pthread_mutex_t, timespec};

use super::condvar::{
    pthread_cond_broadcast, pthread_cond_signal, pthread_cond_timedwait, pthread_cond_wait,
};
use super::mutex::{lock_again, pthread_mutex_timedlock, pthread_mutex_unlock};
use super::once::pthread_once;
use super::spin::sched_yield;
use crate::interposed::machinery::call::{Call, c_name};

/// Defines functions that give C11's codes for those of pthreads'.
macro_rules! standard {
    ($(fn $name:ident($($arg:ident : $type:ty),*) = $ours:ident;)*) => {
        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($arg: $type),*) -> c_int {
                // SAFETY: the caller's arguments, which mean the same there.
                code_of(unsafe { $ours($($arg),*) })
            }
        )*

        pub static CALLS: &[Call] = &[
            $(Call::new(c_name!($name), $name as *const c_void),)*
            Call::new(c"call_once", call_once as *const c_void),
            Call::new(c"thrd_sleep", thrd_sleep as *const c_void),
            Call::new(c"thrd_yield", thrd_yield as *const c_void),
        ];
    };
}

standard! {
    fn mtx_lock(mutex: *mut pthread_mutex_t) = lock_again;
    fn mtx_timedlock(mutex: *mut pthread_mutex_t, time: *const timespec) = pthread_mutex_timedlock;
    fn mtx_unlock(mutex: *mut pthread_mutex_t) = pthread_mutex_unlock;
    fn cnd_wait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) = pthread_cond_wait;
    fn cnd_timedwait(
        condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, time: *const timespec
    ) = pthread_cond_timedwait;
    fn cnd_signal(condition: *mut pthread_cond_t) = pthread_cond_signal;
    fn cnd_broadcast(condition: *mut pthread_cond_t) = pthread_cond_broadcast;
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn call_once(flag: *mut c_int, routine: *const c_void) {
    // SAFETY: the caller's arguments.
    unsafe { pthread_once(flag, routine) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn thrd_sleep(time: *const timespec, left: *mut timespec) -> c_int {
    // SAFETY: the caller's arguments.
    match unsafe { libc::clock_nanosleep(libc::CLOCK_REALTIME, 0, time, left) } {
        0 => 0,
        libc::EINTR => -1,
        _ => -2,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn thrd_yield() {
    // SAFETY: no arguments.
    unsafe { sched_yield() };
}

/// C11's code (`thrd_success` and its like, as glibc numbers them) for an error number.
fn code_of(error: c_int) -> c_int {
    match error {
        0 => 0,
        libc::EBUSY => 1,
        libc::ENOMEM => 3,
        libc::ETIMEDOUT => 4,
        _ => 2,
    }
}
