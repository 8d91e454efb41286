//! `pthread_once`: C++'s `call_once` too.
//!
//! What one green thread is at, and has lost the processor in, another would wait for on the OS
//! thread that both share. The rule that a reader would break: the routine may throw (C++), through
//! our frames too.
#![allow(unsafe_code)]

use std::ptr;
use std::time::{Duration, Instant};

use libc::{c_int, c_void};

use crate::green::{self, Green};
use crate::held::Lock;
use crate::interposed::machinery::call::{Call, real};
use crate::words;
use crate::{deadlock, keeper};

type Function = unsafe extern "C-unwind" fn(*mut c_int, *const c_void) -> c_int;

/// Happens once, so it costs nothing to look.
const LOOK: Duration = Duration::from_millis(1);

/// glibc: the routine runs; it has run. The upper bits count forks: what ran in the parent is begun
/// anew in the child.
const IN_PROGRESS: c_int = 1;
const DONE: c_int = 2;

#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pthread_once(control: *mut c_int, routine: *const c_void) -> c_int {
    let real = real!(pthread_once: Function);
    // SAFETY: the caller's control.
    let state = || unsafe { words::look(control) };
    let Some(green) = green::current().filter(|_| state() & DONE == 0) else {
        // SAFETY: the caller's arguments.
        return unsafe { real(control, routine) };
    };
    let wait = || {
        while state() & IN_PROGRESS != 0 {
            green.park_firmly(green.ticket(), Some(Instant::now() + LOOK));
        }
    };
    if let Some(_inside) = green::parkable() {
        wait();
    } else if state() & IN_PROGRESS != 0
        && let Some(_inside) = green::inside()
    {
        let lock = Lock { address: control as usize, what: "pthread_once", owner: ptr::null() };
        if green.other_holder(lock).is_some() && keeper::wait(green, lock, wait).is_none() {
            deadlock::look(green, lock);
        }
    }
    let _running = Running::of(green, control as usize);
    // SAFETY: the caller's arguments.
    unsafe { real(control, routine) }
}

pub static CALLS: &[Call] = &[Call::new(c"pthread_once", pthread_once as *const c_void)];

/// A green thread is at the routine, until it returns or throws.
struct Running<'g> {
    green: &'g Green,
    control: usize,
}

impl<'g> Running<'g> {
    fn of(green: &'g Green, control: usize) -> Self {
        green.held().remember(control);
        Self { green, control }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.green.held().forget(self.control);
    }
}
