//! Calls that somebody has left to the main thread by `Py_AddPendingCall` (C API, "Asynchronous
//! Notifications"), as greenlet's destructors do. CPython makes them between two steps of Python code on
//! that thread. Ours takes no such steps while an engine runs the application on other threads, or
//! while it waits for clients: so it hears of each call that is asked for.
//!
//! The name stands in the program's own dynamic symbols, where an extension module finds it before
//! CPython's. Not so where the executable is CPython itself, with no libpython behind us (the wheel in
//! Debian's `python3`): then the main thread asks CPython at each of its turns.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::{PyErr, ffi};

use super::signal_handlers;
use crate::python::gil::attach::attached;

type Call = Option<unsafe extern "C" fn(*mut c_void) -> c_int>;
type Add = unsafe extern "C" fn(Call, *mut c_void) -> c_int;

static HAS_PENDING: AtomicBool = AtomicBool::new(false);

/// As CPython's, and the main thread hears of it. From any thread, with the GIL or without.
///
/// # Safety
/// As `Py_AddPendingCall` (Python/ceval_gil.c).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn Py_AddPendingCall(call: Call, argument: *mut c_void) -> c_int {
    static REAL: OnceLock<Option<Add>> = OnceLock::new();
    let real = REAL.get_or_init(|| {
        // SAFETY: the name of a function of this type, or null.
        unsafe {
            let found = libc::dlsym(libc::RTLD_NEXT, c"Py_AddPendingCall".as_ptr());
            std::mem::transmute::<*mut c_void, Option<Add>>(found)
        }
    });
    let Some(real) = real else { return -1 };
    // SAFETY: the caller's arguments.
    let added = unsafe { real(call, argument) };
    if added == 0 {
        ask();
    }
    added
}

fn ask() {
    HAS_PENDING.store(true, Ordering::Release);
    signal_handlers::stir();
}

/// Whether others find ours. By where it lies: in a library the dynamic linker gives us, too, what others
/// find.
fn hears() -> bool {
    static HEARS: OnceLock<bool> = OnceLock::new();
    *HEARS.get_or_init(|| {
        // SAFETY: the name ends in NUL.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"Py_AddPendingCall".as_ptr()) };
        ptr::eq(library_of(found), library_of(ask as *const c_void))
    })
}

fn library_of(code: *const c_void) -> *const c_void {
    // SAFETY: all zero is valid for what dladdr fills, which outlives the call.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        libc::dladdr(code, &raw mut info);
        info.dli_fbase
    }
}

/// Makes those that were asked for. On the main thread, detached; waits for the GIL.
pub fn make_pending_calls() {
    if HAS_PENDING.swap(false, Ordering::Acquire) || !hears() {
        attached(|py| {
            // SAFETY: attached, on the main thread.
            if without_collector(|| unsafe { ffi::Py_MakePendingCalls() }) != 0 {
                if let Some(error) = PyErr::take(py) {
                    error.write_unraisable(py, None);
                }
                // CPython stops at one that fails, and leaves those behind it for the next time.
                ask();
            }
        });
    }
}

/// Runs `body`, attached, with the garbage collector off: a collection in the middle of greenlet's
/// destructor of a thread's state (3.5, `~ThreadState`) frees the greenlet that it is just looking at.
fn without_collector<R>(body: impl FnOnce() -> R) -> R {
    // SAFETY: attached, says the caller.
    let was_on = unsafe { ffi::PyGC_Disable() } != 0;
    let result = body();
    if was_on {
        // SAFETY: as above.
        unsafe { ffi::PyGC_Enable() };
    }
    result
}
