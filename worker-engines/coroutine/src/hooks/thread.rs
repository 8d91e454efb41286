//! `pthread_self`, which differs for each green thread.
#![allow(unsafe_code)]

use libc::pthread_t;

use super::{Address, Real};
use crate::identity;
use unicoro_contract::interrupt;

/// The identity of the green thread that runs, or of the OS thread.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_self() -> pthread_t {
    static REAL: Real = Real::new(c"pthread_self");
    if interrupt().poses_as_main {
        return identity::main_thread() as pthread_t;
    }
    match identity::current() {
        // SAFETY: the address is that of the function of this name and this type.
        0 => unsafe {
            let real: unsafe extern "C" fn() -> pthread_t = std::mem::transmute(REAL.address());
            real()
        },
        identity => identity as pthread_t,
    }
}

pub(super) static HOOKS: &[(&std::ffi::CStr, Address)] =
    &[(c"pthread_self", Address(pthread_self as *const std::ffi::c_void))];
