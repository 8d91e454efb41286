//! `pthread_once`: C++'s `call_once` too.
//!
//! What one green thread is at, and has lost the processor in, another would wait for on the OS
//! thread that both share.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use libc::{c_int, c_void};

use super::hooks;

/// Happens once, so it costs nothing to look.
const LOOK: Duration = Duration::from_millis(1);

/// glibc: the routine runs.
const IN_PROGRESS: c_int = 1;

hooks! {
    fn pthread_once(control: *mut c_int, routine: *const c_void) -> c_int |green, real| {
        // SAFETY: the caller's control, which others write.
        while unsafe { control.read_volatile() } & IN_PROGRESS != 0 {
            green.park_firmly(green.ticket(), Some(Instant::now() + LOOK));
        }
        // SAFETY: the caller's arguments.
        unsafe { real(control, routine) }
    }
}
