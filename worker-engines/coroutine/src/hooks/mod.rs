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

mod check;
mod condvar;
mod poll;
mod receive;
mod semaphore;
mod send;
mod sleep;
mod socket;
mod thread;
mod wait;

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

pub use check::check;
pub use condvar::set_preemption_points;

/// Every hook, for the check that all are in force.
static TABLE: &[&[(&CStr, Address)]] = &[
    condvar::HOOKS,
    poll::HOOKS,
    receive::HOOKS,
    semaphore::HOOKS,
    send::HOOKS,
    sleep::HOOKS,
    socket::HOOKS,
    thread::HOOKS,
    &[semaphore::POST, socket::CLOSE],
];

/// The address of a function, shareable because nothing is done with it but compare and call.
#[derive(Clone, Copy)]
struct Address(*const c_void);

// SAFETY: an address of code, never written through.
unsafe impl Sync for Address {}

/// The function that a hook stands in front of, looked up at its first use: constructors of
/// libraries call hooks before `main`.
struct Real {
    name: &'static CStr,
    version: Option<&'static CStr>,
    address: AtomicPtr<c_void>,
}

impl Real {
    const fn new(name: &'static CStr) -> Self {
        Self { name, version: None, address: AtomicPtr::new(ptr::null_mut()) }
    }

    /// For functions of which glibc has several: the unversioned look-up finds the oldest.
    const fn versioned(name: &'static CStr, version: &'static CStr) -> Self {
        Self { name, version: Some(version), address: AtomicPtr::new(ptr::null_mut()) }
    }

    fn address(&self) -> *mut c_void {
        let known = self.address.load(Ordering::Relaxed);
        if known.is_null() { self.find() } else { known }
    }

    #[cold]
    fn find(&self) -> *mut c_void {
        // SAFETY: both strings end in NUL.
        let found = unsafe {
            match self.version {
                None => libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()),
                Some(version) => {
                    libc::dlvsym(libc::RTLD_NEXT, self.name.as_ptr(), version.as_ptr())
                }
            }
        };
        if found.is_null() {
            // Every name of the table is in every glibc since 2.30; there is nobody to tell.
            // SAFETY: ends the process.
            unsafe { libc::abort() };
        }
        self.address.store(found, Ordering::Relaxed);
        found
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
                    // SAFETY: the caller's arguments, unchanged.
                    None => unsafe { $real($($arg),*) },
                    Some($green) => {
                        $body
                    }
                }
            }
        )*

        /// The hooks of this file.
        pub(super) static HOOKS: &[(&std::ffi::CStr, $crate::hooks::Address)] = &[
            $((
                $crate::hooks::c_name!($name),
                $crate::hooks::Address($name as *const std::ffi::c_void),
            )),*
        ];
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

use {c_name, hooks};
