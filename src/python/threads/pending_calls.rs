//! Calls that somebody has left to the main thread by `Py_AddPendingCall` (C API, "Asynchronous
//! Notifications"), as greenlet's destructors do. CPython makes them between two steps of Python code on
//! that thread. Ours takes no such steps while it waits for clients: so it hears of each call that is
//! asked for. Where the engine runs the application on other threads, the calls wait here and not in
//! CPython's own list: the child of a fork would make those a second time, and may hang in one, because
//! a lock that it needs was another thread's at that moment (greenlet's).
//!
//! The name stands in the program's own dynamic symbols, where an extension module finds it before
//! CPython's. Not so where the executable is CPython itself, with no libpython behind us (the wheel in
//! Debian's `python3`): then the main thread asks CPython at each of its turns.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use pyo3::{PyErr, ffi};
use unicoro_contract::is_forked_child;
use unicoro_sys::library::library_of;

use super::signal_handlers;
use crate::python::gil::attach::attached;

type Call = Option<unsafe extern "C" fn(*mut c_void) -> c_int>;
type Add = unsafe extern "C" fn(Call, *mut c_void) -> c_int;

/// What CPython's list holds.
static HAS_PENDING: AtomicBool = AtomicBool::new(false);

/// The main thread runs no code of the application's.
static IS_KEPT_HERE: AtomicBool = AtomicBool::new(false);

/// Calls that wait here, in the order in which they were asked for.
static WAITING: Mutex<VecDeque<Waiting>> = Mutex::new(VecDeque::new());

struct Waiting {
    call: unsafe extern "C" fn(*mut c_void) -> c_int,
    argument: *mut c_void,
}

// SAFETY: to be called on another thread is what it was given for.
unsafe impl Send for Waiting {}

fn waiting() -> MutexGuard<'static, VecDeque<Waiting>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on calls wait here: the engine runs the application on other threads than the main one.
pub fn keep_pending_calls() {
    IS_KEPT_HERE.store(true, Ordering::Release);
}

/// As CPython's, and the main thread hears of it. From any thread, with the GIL or without.
///
/// # Safety
/// As `Py_AddPendingCall` (Python/ceval_gil.c).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn Py_AddPendingCall(call: Call, argument: *mut c_void) -> c_int {
    // The child of a fork has CPython's main thread, and none of ours.
    if let Some(call) = call
        && IS_KEPT_HERE.load(Ordering::Acquire)
        && !is_forked_child()
    {
        waiting().push_back(Waiting { call, argument });
        signal_handlers::stir();
        return 0;
    }
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
        library_of(found as usize) == library_of(ask as *const () as usize)
    })
}

/// Makes those that were asked for. On the main thread, detached; waits for the GIL.
pub fn make_pending_calls() {
    let make = |call: &dyn Fn() -> c_int| {
        attached(|py| {
            let failed = without_collector(call) != 0;
            if failed && let Some(error) = PyErr::take(py) {
                error.write_unraisable(py, None);
            }
            failed
        })
    };
    // Those that are asked for meanwhile are the next turn's. The list is free again before the first is
    // called: others ask with locks in hand that a call may want.
    let asked = mem::take(&mut *waiting());
    for Waiting { call, argument } in asked {
        // SAFETY: attached, on the main thread, as it was asked for.
        make(&|| unsafe { call(argument) });
    }
    if HAS_PENDING.swap(false, Ordering::Acquire) || !hears() {
        // SAFETY: attached, on the main thread.
        let failed = make(&|| unsafe { ffi::Py_MakePendingCalls() });
        // CPython stops at one that fails, and leaves those behind it for the next time.
        if failed {
            ask();
        }
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
