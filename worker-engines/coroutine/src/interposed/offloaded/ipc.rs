//! Semaphores and message queues of System V, and tcdrain: a helper thread waits.
//!
//! The first two are tried without waiting before that.
#![allow(unsafe_code)]

use std::ffi::c_void;

use libc::{c_int, c_long, sembuf, size_t, ssize_t, timespec};

use super::meeting::on_a_helper;
use crate::errno::errno;
use crate::interposed::machinery::call::interposed;

interposed! {
    fn semop(id: c_int, operations: *mut sembuf, count: size_t) -> c_int |green, real| {
        // SAFETY: the caller's arguments.
        let wait = || unsafe { real(id, operations, count) };
        let at_once = timespec { tv_sec: 0, tv_nsec: 0 };
        let attempt = || {
            // SAFETY: the caller's operations; the time outlives the call.
            let done = unsafe {
                libc::syscall(libc::SYS_semtimedop, id, operations, count, &raw const at_once)
            };
            (done >= 0 || errno() != libc::EAGAIN).then_some(done as c_int)
        };
        if let Some(done) = attempt() {
            return done;
        }
        // SAFETY: the kernel has read as many.
        let operations = unsafe { std::slice::from_raw_parts(operations, count) };
        if operations.iter().all(|one| c_int::from(one.sem_flg) & libc::IPC_NOWAIT != 0) {
            return -1;
        }
        on_a_helper(green, wait, attempt, -1)
    }

    fn msgsnd(
        id: c_int, message: *const c_void, len: size_t, flags: c_int,
    ) -> c_int |green, real| {
        // SAFETY: the caller's arguments; perhaps one flag more.
        let send = |more: c_int| unsafe { real(id, message, len, flags | more) };
        let attempt = || {
            let done = send(libc::IPC_NOWAIT);
            let is_over = done >= 0 || errno() != libc::EAGAIN || flags & libc::IPC_NOWAIT != 0;
            is_over.then_some(done)
        };
        attempt().unwrap_or_else(|| on_a_helper(green, || send(0), attempt, -1))
    }

    fn msgrcv(
        id: c_int, message: *mut c_void, len: size_t, kind: c_long, flags: c_int,
    ) -> ssize_t |green, real| {
        // SAFETY: the caller's arguments; perhaps one flag more.
        let receive = |more: c_int| unsafe { real(id, message, len, kind, flags | more) };
        let attempt = || {
            let done = receive(libc::IPC_NOWAIT);
            let is_over = done >= 0 || errno() != libc::ENOMSG || flags & libc::IPC_NOWAIT != 0;
            is_over.then_some(done)
        };
        attempt().unwrap_or_else(|| on_a_helper(green, || receive(0), attempt, -1))
    }

    fn tcdrain(fd: c_int) -> c_int |green, real| {
        // SAFETY: the caller's arguments.
        on_a_helper(green, || unsafe { real(fd) }, || None, -1)
    }
}
