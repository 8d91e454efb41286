//! Signals belong to the main thread: the scheduler's thread must not run handlers in the middle of
//! a switch, and a blocking call of the application must not end with `EINTR` for a signal that is
//! not its own.
#![allow(unsafe_code)]

use unicoro_contract::stack_signal;

/// Signals that a thread brings upon itself.
pub const OWN: [libc::c_int; 5] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP];

/// Runs `start` with all signals blocked; threads begun inside keep them blocked. Not those that a
/// thread brings upon itself, which would kill without a handler's last word.
pub fn blocked<R>(start: impl FnOnce() -> R) -> R {
    // SAFETY: the sets are initialised by sigfillset and by pthread_sigmask, and outlive the calls.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        for signal in OWN.into_iter().chain([stack_signal()]) {
            libc::sigdelset(&raw mut all, signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let result = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        result
    }
}

/// The calling thread's number (gettid(2)).
#[must_use]
pub fn thread_id() -> libc::pid_t {
    // SAFETY: no arguments.
    unsafe { libc::gettid() }
}
