//! The first use of the interposed calls that OS threads of the engine's come through, before green
//! threads run.
//!
//! Each looks its function up at its first use, by dlsym(3), which waits for whoever loads a library;
//! and a green thread that does may wait for the engine.
#![allow(unsafe_code)]

use std::mem::zeroed;
use std::ptr;

use super::process::endings;

/// Uses them, in vain; those that nobody comes back from are looked up.
pub fn use_first() {
    endings::find();
    let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: no descriptor is -1; what is waited for is initialised here, and its time has passed.
    unsafe {
        libc::sched_yield();
        libc::nanosleep(&raw const none, ptr::null_mut());
        libc::clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &raw const none, ptr::null_mut());
        libc::read(-1, ptr::null_mut(), 0);
        libc::write(-1, ptr::null(), 0);
        libc::close(-1);
        libc::poll(ptr::null_mut(), 0, 0);
        libc::syscall(libc::SYS_getpid);
        let mut mutex: libc::pthread_mutex_t = zeroed();
        let mut condition: libc::pthread_cond_t = zeroed();
        libc::pthread_mutex_init(&raw mut mutex, ptr::null());
        libc::pthread_cond_init(&raw mut condition, ptr::null());
        libc::pthread_mutex_lock(&raw mut mutex);
        libc::pthread_cond_timedwait(&raw mut condition, &raw mut mutex, &raw const none);
        libc::pthread_cond_signal(&raw mut condition);
        libc::pthread_cond_broadcast(&raw mut condition);
        libc::pthread_mutex_unlock(&raw mut mutex);
        libc::pthread_cond_destroy(&raw mut condition);
        libc::pthread_mutex_destroy(&raw mut mutex);
        let mut semaphore: libc::sem_t = zeroed();
        libc::sem_init(&raw mut semaphore, 0, 1);
        libc::sem_wait(&raw mut semaphore);
        libc::sem_post(&raw mut semaphore);
        libc::sem_destroy(&raw mut semaphore);
    }
}
