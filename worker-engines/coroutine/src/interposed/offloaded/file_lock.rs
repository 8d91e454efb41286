//! File locks: flock, fcntl, lockf.
//!
//! Tried without waiting first. A helper thread then waits in the real call: there the kernel keeps
//! the order of those who wait, and finds deadlocks. When all helpers wait for locks, one more tries
//! again and again: it must not queue behind those that may wait for its own request.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::time::Duration;

use libc::{c_int, off_t};

use crate::errands::WAITING;
use crate::errno::errno;
use crate::green::Green;
use crate::interposed::machinery::call::interposed;
use crate::interposed::machinery::readiness::Wait;

interposed! {
    fn flock(fd: c_int, operation: c_int) -> c_int |green, real| {
        // SAFETY: the caller's arguments; perhaps one flag more.
        let flock = |more: c_int| unsafe { real(fd, operation | more) };
        until_locked(green, || flock(libc::LOCK_NB), || flock(0), operation & libc::LOCK_NB != 0)
    }

    /// Variadic in C: on 64-bit Linux a third argument travels the same way whether it is named or
    /// not, and one that was not given is not looked at.
    fn fcntl(fd: c_int, command: c_int, argument: *mut c_void) -> c_int |green, real| {
        // SAFETY: the caller's arguments, or the same question without waiting.
        lock_record(green, command, |command| unsafe { real(fd, command, argument) })
    }

    fn fcntl64(fd: c_int, command: c_int, argument: *mut c_void) -> c_int |green, real| {
        // SAFETY: as in fcntl.
        lock_record(green, command, |command| unsafe { real(fd, command, argument) })
    }

    fn lockf(fd: c_int, command: c_int, len: off_t) -> c_int |green, real| {
        // SAFETY: the caller's arguments, or the same question without waiting.
        lock_section(green, command, |command| unsafe { real(fd, command, len) })
    }

    fn lockf64(fd: c_int, command: c_int, len: off_t) -> c_int |green, real| {
        // SAFETY: as in lockf.
        lock_section(green, command, |command| unsafe { real(fd, command, len) })
    }
}

fn lock_record(green: &Green, command: c_int, call: impl Fn(c_int) -> c_int) -> c_int {
    let without_waiting = match command {
        libc::F_SETLKW => libc::F_SETLK,
        libc::F_OFD_SETLKW => libc::F_OFD_SETLK,
        _ => return call(command),
    };
    until_locked(green, || call(without_waiting), || call(command), false)
}

fn lock_section(green: &Green, command: c_int, call: impl Fn(c_int) -> c_int) -> c_int {
    if command != libc::F_LOCK {
        return call(command);
    }
    until_locked(green, || call(libc::F_TLOCK), || call(command), false)
}

/// How often to try when all helpers are busy.
const AGAIN: Duration = Duration::from_millis(10);

fn until_locked(
    green: &Green,
    attempt: impl Fn() -> c_int,
    real: impl Fn() -> c_int,
    gives_up: bool,
) -> c_int {
    let mut wait = Wait::new(green, None);
    loop {
        let done = attempt();
        let is_held = done < 0 && [libc::EAGAIN, libc::EACCES].contains(&errno());
        if !is_held || gives_up {
            return done;
        }
        if let Some(done) = WAITING.run_now(green, &real) {
            return done;
        }
        wait.rest(AGAIN);
    }
}
