//! A function of ours under libc's name, and how one is written.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};

use super::calls::Calls;

/// A function of ours under libc's name.
pub(super) struct Hook {
    pub(super) name: &'static CStr,
    pub(super) address: *const c_void,
    pub(super) calls: Option<&'static Calls>,
}

// SAFETY: the address is one of code; nothing is done with it but compare.
unsafe impl Sync for Hook {}

impl Hook {
    pub(super) const fn new(name: &'static CStr, address: *const c_void) -> Self {
        Self { name, address, calls: None }
    }

    pub(super) const fn counted(
        name: &'static CStr,
        address: *const c_void,
        calls: &'static Calls,
    ) -> Self {
        Self { name, address, calls: Some(calls) }
    }
}

/// Defines hooks: `fn name(arguments) -> type |green, real| { body in a green thread that may park }`,
/// with `real` the function behind. Outside green threads the hook is the real call.
macro_rules! hooks {
    ($(
        $(#[$doc:meta])*
        fn $name:ident ( $($arg:ident : $type:ty),* $(,)? ) -> $ret:ty
        |$green:ident, $real:ident| $body:block
    )*) => {
        $(
            $(#[$doc])*
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($arg: $type),*) -> $ret {
                type Function = unsafe extern "C" fn($($type),*) -> $ret;
                static REAL: unicoro_contract::Real =
                    unicoro_contract::Real::new($crate::interposed::hook::c_name!($name));
                // SAFETY: the address is that of the function of this name and this type.
                let $real: Function = unsafe { std::mem::transmute(REAL.address()) };
                match $crate::green::parkable() {
                    None => {
                        calls::$name.held($crate::green::current().is_some());
                        // SAFETY: the caller's arguments, unchanged.
                        unsafe { $real($($arg),*) }
                    }
                    Some(inside) => {
                        let $green = inside.green();
                        calls::$name.parkable();
                        $green.deadline().begin_call();
                        $body
                    }
                }
            }
        )*

        /// The counters, each by the name of its hook.
        #[allow(non_upper_case_globals)]
        mod calls {
            use $crate::interposed::calls::Calls;
            $( pub(super) static $name: Calls = Calls::new(); )*
        }

        /// The hooks of this file.
        pub(super) static HOOKS: &[$crate::interposed::hook::Hook] = &[
            $($crate::interposed::hook::Hook::counted(
                $crate::interposed::hook::c_name!($name),
                $name as *const std::ffi::c_void,
                &calls::$name,
            )),*
        ];
    };
}

/// The function behind a hook, by its name and type: `real!(name: fn type)`, with the version of a
/// function of which glibc has several.
macro_rules! real {
    ($name:ident : $type:ty $(, $version:literal)?) => {{
        static REAL: unicoro_contract::Real = real!(@find $name $($version)?);
        // SAFETY: the address is that of the function of this name and this type.
        unsafe { std::mem::transmute::<*mut std::ffi::c_void, $type>(REAL.address()) }
    }};
    (@find $name:ident) => { unicoro_contract::Real::new($crate::interposed::hook::c_name!($name)) };
    (@find $name:ident $version:literal) => {
        unicoro_contract::Real::versioned($crate::interposed::hook::c_name!($name), $version)
    };
}

/// The C string of an identifier.
macro_rules! c_name {
    ($name:ident) => {
        match std::ffi::CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
            Ok(name) => name,
            Err(_) => panic!("an identifier holds no NUL"),
        }
    };
}

pub(super) use {c_name, hooks, real};
