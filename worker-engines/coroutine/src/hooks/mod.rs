//! libc, as application code finds it: the calls that block, made to park.
//!
//! The binary defines `recv`, `poll`, `sem_wait` and the others of [`TABLE`]; symbols of the
//! executable come first in the dynamic linker's search, so libpython, OpenSSL, libpq and every
//! wheel's own library reach these. The real ones are found behind them (`RTLD_NEXT`).
//!
//! Each asks first whether it runs in a green thread that may park now. If not (another OS thread,
//! the interpreter lock held, a forked child, before the engine runs), it is the real call. The rule
//! that a reader would break: before that answer nothing may allocate, log or panic, because any
//! thread of any library comes through here.
#![allow(unsafe_code)]

mod allocator;
mod barrier;
mod bypass;
mod c11;
mod calls;
mod check;
mod children;
mod clock;
mod closing;
mod code;
mod condvar;
mod contest;
mod durable;
mod file;
mod first_use;
mod futex;
mod gil;
mod helped;
mod identity;
mod ipc;
mod lock;
mod lookup;
mod mask;
mod mutex;
mod once;
mod open;
mod poll;
mod receive;
mod rwlock;
mod semaphore;
mod send;
mod sleep;
mod socket;
mod spin;
mod thread;
mod vectors;
mod wait;

use std::ffi::{CStr, c_void};

use unicoro_contract::Real;

use self::calls::Calls;

pub use allocator::find as find_allocator;
pub use bypass::{Bypass, bypassed};
pub use calls::{Count, counts};
pub use check::check;
pub use first_use::use_first;
pub use futex::find_own_code;
pub use gil::set_preemption_points;
pub use thread::remember_main_thread;

/// Every hook.
static TABLE: &[&[Hook]] = &[
    barrier::HOOKS,
    c11::HOOKS,
    children::HOOKS,
    closing::HOOKS,
    condvar::HOOKS,
    durable::HOOKS,
    futex::HOOKS,
    identity::HOOKS,
    ipc::HOOKS,
    lock::HOOKS,
    lookup::HOOKS,
    mask::HOOKS,
    mutex::HOOKS,
    once::HOOKS,
    open::HOOKS,
    poll::HOOKS,
    receive::HOOKS,
    rwlock::HOOKS,
    semaphore::HOOKS,
    semaphore::POST,
    send::HOOKS,
    sleep::HOOKS,
    socket::HOOKS,
    spin::HOOKS,
    thread::OF_THE_CALLER,
    thread::TAKING_A_THREAD,
];

/// A function of ours under libc's name.
struct Hook {
    name: &'static CStr,
    address: *const c_void,
    calls: Option<&'static Calls>,
}

// SAFETY: the address is one of code; nothing is done with it but compare.
unsafe impl Sync for Hook {}

impl Hook {
    const fn new(name: &'static CStr, address: *const c_void) -> Self {
        Self { name, address, calls: None }
    }

    const fn counted(name: &'static CStr, address: *const c_void, calls: &'static Calls) -> Self {
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
                static REAL: $crate::hooks::Real =
                    $crate::hooks::Real::new($crate::hooks::c_name!($name));
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
            use $crate::hooks::calls::Calls;
            $( pub(super) static $name: Calls = Calls::new(); )*
        }

        /// The hooks of this file.
        pub(super) static HOOKS: &[$crate::hooks::Hook] = &[
            $($crate::hooks::Hook::counted(
                $crate::hooks::c_name!($name),
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
        static REAL: $crate::hooks::Real = real!(@find $name $($version)?);
        // SAFETY: the address is that of the function of this name and this type.
        unsafe { std::mem::transmute::<*mut std::ffi::c_void, $type>(REAL.address()) }
    }};
    (@find $name:ident) => { $crate::hooks::Real::new($crate::hooks::c_name!($name)) };
    (@find $name:ident $version:literal) => {
        $crate::hooks::Real::versioned($crate::hooks::c_name!($name), $version)
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

use {c_name, hooks, real};

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn the_linker_exports_every_hook_and_nothing_else() {
        let list = include_str!("../../hooks.list");
        let exported: Vec<_> =
            list.lines().filter_map(|line| line.trim().strip_suffix(';')).collect();
        let exported = &exported[..exported.len() - 1];
        let mut hooks: Vec<_> = TABLE
            .iter()
            .flat_map(|hooks| hooks.iter().map(|hook| hook.name.to_str().unwrap()))
            .collect();
        hooks.sort_unstable();
        assert_eq!(hooks, exported);
    }
}
