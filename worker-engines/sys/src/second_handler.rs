//! What the application does with a signal that the program hears too: it has said so by sigaction(2), as
//! CPython's `signal.signal` does, and the program has put its own handler in the place. Called behind that,
//! and put back in the child of a fork, which is the application's alone.
//!
//! Kept in atomics, because a signal handler reads it; written before that handler is in its place.
#![allow(unsafe_code)]

use std::io;
use std::mem::transmute;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use libc::{c_int, c_void, siginfo_t};

use crate::process::thread_id;
use crate::signal::{Signal, Wanted};

/// For each signal of signal(7); the first is no signal.
static SECONDS: [Second; 65] = [const { Second::none() }; 65];

struct Second {
    /// `SIG_DFL`, `SIG_IGN` or a function's address, with [`TAKES_INFO`]: a thread that is in the midst of the
    /// signal must not call one function as another.
    action: AtomicUsize,
    flags: AtomicI32,
    /// The last thread that has begun to call it, or 0.
    caller: AtomicI32,
}

/// The function takes three arguments (`SA_SIGINFO`). A bit that is set in no address of a process.
const TAKES_INFO: usize = 1 << (usize::BITS - 1);

impl Second {
    const fn none() -> Self {
        Self {
            action: AtomicUsize::new(libc::SIG_DFL),
            flags: AtomicI32::new(0),
            caller: AtomicI32::new(0),
        }
    }
}

/// From now on it is called too.
pub(super) fn keep(signal: Signal, wanted: &Wanted) {
    let second = &SECONDS[signal.as_raw() as usize];
    second.flags.store(wanted.flags, Ordering::SeqCst);
    let kind = if wanted.flags & libc::SA_SIGINFO == 0 { 0 } else { TAKES_INFO };
    second.action.store(wanted.action | kind, Ordering::SeqCst);
}

/// Async-signal-safe.
fn wanted(signal: Signal) -> Wanted {
    let second = &SECONDS[signal.as_raw() as usize];
    let action = second.action.load(Ordering::SeqCst);
    let kind = if action & TAKES_INFO == 0 { 0 } else { libc::SA_SIGINFO };
    let flags = second.flags.load(Ordering::SeqCst) & !libc::SA_SIGINFO | kind;
    Wanted { action: action & !TAKES_INFO, flags }
}

/// Of those with which a handler is installed, the ones that it has a say in: whether calls go on that the
/// signal interrupts (CPython's wants to hear of it), and on which stack it runs.
pub(super) fn flags(signal: Signal) -> c_int {
    let wanted = wanted(signal);
    if wanted.is_handler() {
        wanted.flags & (libc::SA_RESTART | libc::SA_ONSTACK)
    } else {
        libc::SA_RESTART
    }
}

/// As the kernel would, if there is one; but not from within its own call: it has found the program's handler
/// in its place, and hands on to that. Within a signal handler.
pub(super) fn call(signal: Signal, info: *mut siginfo_t, context: *mut c_void) {
    let Wanted { action, flags } = wanted(signal);
    let (caller, me) = (&SECONDS[signal.as_raw() as usize].caller, thread_id());
    if !(Wanted { action, flags }).is_handler() || caller.swap(me, Ordering::SeqCst) == me {
        return;
    }
    // SAFETY: the address and the flags that sigaction(2) was given: a function of this type, which the
    // kernel would call with the same.
    unsafe {
        if flags & libc::SA_SIGINFO == 0 {
            transmute::<usize, extern "C" fn(c_int)>(action)(signal.as_raw());
        } else {
            let function: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = transmute(action);
            function(signal.as_raw(), info, context);
        }
    }
    caller.store(0, Ordering::SeqCst);
}

/// Has the signal do this alone again; what it does by default, if nobody has wanted more.
/// Async-signal-safe.
///
/// # Errors
/// `EINVAL` for a signal whose disposition cannot be changed.
pub(super) fn put_back(signal: Signal) -> io::Result<()> {
    signal.dispose(&wanted(signal))
}
