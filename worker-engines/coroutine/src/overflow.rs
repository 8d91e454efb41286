//! A green thread that overflows its stack: a last word, then the end of the process.
//!
//! generator installs a SIGSEGV handler of its own when the first stack is made; on an overflow it
//! would switch out of the coroutine and go on, with the interpreter lock held for ever. Ours is
//! installed after it. It says what happened, puts back the handler that was there before
//! generator's (the application's faulthandler, or none), and lets the fault happen again.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

use libc::{c_int, c_void, sigaction, siginfo_t};

use crate::green;

const FATAL: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];
/// Below the stack: the guard, and what a large frame may jump over.
const REACH: usize = 64 * 1024;

struct Before(UnsafeCell<[MaybeUninit<sigaction>; 2]>);
// SAFETY: written once by `remember`, before the scheduler's thread exists; read after.
unsafe impl Sync for Before {}
static BEFORE: Before = Before(UnsafeCell::new([MaybeUninit::uninit(); 2]));

/// Remembers the handlers that stand now, before generator's.
pub fn remember() {
    for (index, signal) in FATAL.into_iter().enumerate() {
        // SAFETY: the only thread that touches it now; the kernel fills the structure.
        unsafe {
            libc::sigaction(signal, std::ptr::null(), (*BEFORE.0.get())[index].as_mut_ptr());
        }
    }
}

/// Installs ours over generator's.
pub fn install() {
    for signal in FATAL {
        // SAFETY: the structure is complete; the handler is async-signal-safe.
        unsafe {
            let mut action: sigaction = std::mem::zeroed();
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            action.sa_sigaction = on_fault as *const () as usize;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

unsafe extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, _context: *mut c_void) {
    // SAFETY: the kernel passes a valid siginfo.
    let address = unsafe { (*info).si_addr() } as usize;
    if let Some(green) = green::current() {
        let bottom = green.stack().start;
        if (bottom.saturating_sub(REACH)..bottom + REACH).contains(&address) {
            say(b"unicoro: a request has overflowed the stack of its green thread; \
                  raise coroutine_stack_size, or end the recursion. This worker dies.\n");
        }
    }
    let index = usize::from(signal == libc::SIGBUS);
    // SAFETY: `remember` has filled both before this handler was installed. Returning repeats the
    // faulting instruction under the old handler.
    unsafe {
        libc::sigaction(signal, (*BEFORE.0.get())[index].as_ptr(), std::ptr::null_mut());
    }
}

fn say(text: &[u8]) {
    // SAFETY: a direct system call on readable bytes; async-signal-safe.
    unsafe { libc::syscall(libc::SYS_write, libc::STDERR_FILENO, text.as_ptr(), text.len()) };
}
