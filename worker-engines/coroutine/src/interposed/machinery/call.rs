//! A function of ours under libc's name, and how one is written.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};

use super::tally::Tally;

/// A function of ours under libc's name.
pub struct Call {
    pub name: &'static CStr,
    pub address: *const c_void,
    pub tally: Option<&'static Tally>,
}

// SAFETY: the address is one of code; nothing is done with it but compare.
unsafe impl Sync for Call {}

impl Call {
    pub const fn new(name: &'static CStr, address: *const c_void) -> Self {
        Self { name, address, tally: None }
    }

    pub const fn counted(
        name: &'static CStr,
        address: *const c_void,
        tally: &'static Tally,
    ) -> Self {
        Self { name, address, tally: Some(tally) }
    }
}

/// Defines interposed calls: `fn name(arguments) -> type |green, real| { body }`, with the body for
/// a green thread that may park, and `real` the function behind. Everywhere else it is the real
/// call.
macro_rules! interposed {
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
                let $real = $crate::interposed::machinery::call::real!($name: Function);
                match $crate::green::parkable() {
                    None => {
                        tallies::$name.held($crate::green::current().is_some());
                        // SAFETY: the caller's arguments, unchanged.
                        unsafe { $real($($arg),*) }
                    }
                    Some(inside) => {
                        let $green = inside.green();
                        tallies::$name.parkable();
                        $green.deadline().begin_call();
                        $body
                    }
                }
            }
        )*

        /// The tallies, each by the name of its call.
        #[allow(non_upper_case_globals)]
        mod tallies {
            use $crate::interposed::machinery::tally::Tally;
            $( pub static $name: Tally = Tally::new(); )*
        }

        /// The calls of this file.
        pub static CALLS: &[$crate::interposed::machinery::call::Call] = &[
            $($crate::interposed::machinery::call::Call::counted(
                $crate::interposed::machinery::call::c_name!($name),
                $name as *const std::ffi::c_void,
                &tallies::$name,
            )),*
        ];
    };
}

/// The function behind an interposed one, by its name and type: `real!(name: fn type)`, with the version
/// of a function of which glibc has several.
macro_rules! real {
    ($name:ident : $type:ty $(, $version:literal)?) => {{
        static REAL: unicoro_contract::Real =
            $crate::interposed::machinery::call::real!(@find $name $($version)?);
        // SAFETY: the address is that of the function of this name and this type.
        unsafe { std::mem::transmute::<*mut std::ffi::c_void, $type>(REAL.address()) }
    }};
    (@find $name:ident) => {
        unicoro_contract::Real::new($crate::interposed::machinery::call::c_name!($name))
    };
    (@find $name:ident $version:literal) => {
        unicoro_contract::Real::versioned(
            $crate::interposed::machinery::call::c_name!($name),
            $version,
        )
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

pub(in crate::interposed) use {c_name, interposed, real};
