//! The calls that end the process, or put another program in its place: answers that are held leave before.
//!
//! Any thread makes them, and a signal's handler may. In a child before its exec they are the real calls.
//! Not among them are `execl` and its like, which take as many arguments as their callers have.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_void};
use std::mem::transmute;

use libc::c_int;
use unicoro_contract::Real;

use crate::interposed::machinery::call::{Call, c_name, real};
use crate::{fork, outbox};

type Strings = *const *const c_char;

/// Defines the calls: each is the real one, behind `first`.
macro_rules! endings {
    ($($first:path: fn $name:ident($($arg:ident : $type:ty),*) -> $ret:ty $(, $version:literal)?;)*) => {
        $(
            #[unsafe(no_mangle)]
            #[allow(non_snake_case, reason = "as C names it")]
            unsafe extern "C" fn $name($($arg: $type),*) -> $ret {
                if !fork::is_other_process() {
                    $first();
                }
                // SAFETY: the address is that of the function of this name and this type.
                let real = unsafe {
                    transmute::<*mut c_void, unsafe extern "C" fn($($type),*) -> $ret>(
                        found::$name.address(),
                    )
                };
                // SAFETY: the caller's arguments.
                unsafe { real($($arg),*) }
            }
        )*

        /// The real calls.
        #[allow(non_upper_case_globals, reason = "as C names them")]
        mod found {
            use super::{Real, real};
            $(pub static $name: Real = real!(@find $name $($version)?);)*
        }

        /// Looks the real calls up: a signal's handler, or a child after a fork, had better not.
        pub fn find() {
            $(found::$name.address();)*
        }

        pub static CALLS: &[Call] = &[$(Call::new(c_name!($name), $name as *const c_void)),*];
    };
}

endings! {
    outbox::send_last: fn _Exit(status: c_int) -> !;
    outbox::send_last: fn _exit(status: c_int) -> !;
    outbox::send_last: fn abort() -> !;
    outbox::send_last: fn exit(status: c_int) -> !;
    outbox::send_last: fn quick_exit(status: c_int) -> !, c"GLIBC_2.24";
    // One that fails comes back.
    outbox::empty: fn execv(path: *const c_char, arguments: Strings) -> c_int;
    outbox::empty: fn execve(path: *const c_char, arguments: Strings, names: Strings) -> c_int;
    outbox::empty: fn execvp(file: *const c_char, arguments: Strings) -> c_int;
    outbox::empty: fn execvpe(file: *const c_char, arguments: Strings, names: Strings) -> c_int;
    outbox::empty: fn fexecve(program: c_int, arguments: Strings, names: Strings) -> c_int;
}
