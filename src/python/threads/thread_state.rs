//! A thread of the engine's, OS thread or green thread, as CPython sees it: one `PyThreadState` for all of
//! its life, attached while it runs Python.
//!
//! ```text
//!   one OS thread
//!   ├ green thread 1   PyThreadState A    detached (parked in recv)
//!   ├ green thread 2   PyThreadState B    attached (runs bytecode)
//!   └ green thread 3   PyThreadState C    detached (parked in sem_wait)
//! ```
//!
//! CPython finds "this thread's state" in the thread's own keys and variables, which each green thread
//! has. The rule that stays (DESIGN.md, section 2): switch only while detached.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::ptr;

use pyo3::ffi::PyThreadState;
use pyo3::{Python, ffi};

use super::request_threads;
use crate::python::gevent;
use crate::python::gil::attach::{attached, detached};

thread_local! {
    // The state of this thread of the engine's, for as long as the thread lives.
    static LASTING: Cell<*mut PyThreadState> = const { Cell::new(ptr::null_mut()) };
    // Between the first step towards the GIL and the last one away from it. Outside, the Rust side
    // of the server runs, whose calls must not park behind its back.
    static IN_PYTHON: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body` on an OS thread of the engine's with one state for all of its life, so that what
/// Python keeps by thread lasts; and so that pyo3 counts the thread as attached for good (see
/// [`crate::python::gil::attach`]).
pub fn on_engine_thread(body: &mut dyn FnMut()) {
    attached(|py| {
        // SAFETY: needs no GIL; the state of this thread.
        LASTING.set(unsafe { ffi::PyGILState_GetThisThreadState() });
        request_threads::begin(py);
        detached(py, body);
        request_threads::end(py);
        LASTING.set(ptr::null_mut());
    });
}

/// The same in a green thread, whose state is finalised in it: what that runs may wait.
///
/// # Errors
/// No memory for the state.
pub fn on_green_thread(body: &mut dyn FnMut()) -> io::Result<()> {
    // SAFETY: the interpreter runs; the thread has no state, so it is bound to the new one.
    let state = unsafe { ffi::PyThreadState_New(ffi::PyInterpreterState_Main()) };
    if state.is_null() {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    LASTING.set(state);
    let mut outside = || not_in_python(body);
    // SAFETY: this thread's new state, which is taken once and deleted once. What it finalises may give
    // the GIL up and wait; deleting gives it up for good.
    in_python(|| unsafe {
        ffi::PyEval_RestoreThread(state);
        Python::attach(|py| {
            request_threads::begin(py);
            detached(py, &mut outside);
            if gevent::has_hubs() {
                gevent::at_end(py);
            }
            request_threads::end(py);
        });
        ffi::PyThreadState_Clear(state);
        // From here on there is none.
        LASTING.set(ptr::null_mut());
        ffi::PyThreadState_DeleteCurrent();
    });
    Ok(())
}

/// The lasting state of this thread.
pub fn lasting() -> Option<*mut PyThreadState> {
    let state = LASTING.get();
    (!state.is_null()).then_some(state)
}

/// Runs `body`, which takes and gives the GIL, as "in Python".
pub fn in_python<R>(body: impl FnOnce() -> R) -> R {
    let _before = Before(IN_PYTHON.replace(true));
    body()
}

fn not_in_python(body: &mut dyn FnMut()) {
    let _before = Before(IN_PYTHON.replace(false));
    body();
}

/// What it was before, however that ends.
struct Before(bool);

impl Drop for Before {
    fn drop(&mut self) {
        IN_PYTHON.set(self.0);
    }
}

/// Whether this green thread may leave the processor: it is in Python, and detached.
pub fn may_park() -> bool {
    IN_PYTHON.get() && !is_attached()
}

/// Whether it may leave the processor with the GIL, which it has.
pub fn may_keep_lock() -> bool {
    let state = LASTING.get();
    IN_PYTHON.get() && !state.is_null() && ptr::eq(current(), state)
}

/// Whether a state is attached here: our own, or that of a sub-interpreter that our code runs.
fn is_attached() -> bool {
    let current = current();
    // From 3.12 on the current state is the thread's.
    if cfg!(Py_3_12) || current.is_null() {
        return !current.is_null();
    }
    // Before, it is the whole process's, and another thread may hold the GIL. With one interpreter it
    // must be that; with more nobody can tell, so nobody switches.
    // SAFETY: reads variables; the newest interpreter is the head of the list.
    unsafe {
        ptr::eq(current, ffi::PyGILState_GetThisThreadState())
            || !ptr::eq(ffi::PyInterpreterState_Head(), ffi::PyInterpreterState_Main())
    }
}

/// The state that is attached, or null: the process's before CPython 3.12, the thread's since.
#[cfg(Py_3_13)]
fn current() -> *mut PyThreadState {
    // SAFETY: reads a variable.
    unsafe { ffi::PyThreadState_GetUnchecked() }
}

/// The state that is attached, or null: the process's before CPython 3.12, the thread's since.
#[cfg(not(Py_3_13))]
fn current() -> *mut PyThreadState {
    unsafe extern "C" {
        // Exported by CPython 3.5.2 to 3.12; pyo3-ffi keeps it to itself.
        fn _PyThreadState_UncheckedGet() -> *mut PyThreadState;
    }
    // SAFETY: reads a variable.
    unsafe { _PyThreadState_UncheckedGet() }
}

/// Where the GIL's condition variables lie: inside `_PyRuntime` in every version from 3.10 on, the
/// main interpreter's own included (3.12).
#[must_use]
pub fn gil_addresses() -> Range<usize> {
    // SAFETY: dlsym and dladdr1 read the loaded libraries; `info` and `symbol` outlive the call.
    unsafe {
        let start = libc::dlsym(libc::RTLD_DEFAULT, c"_PyRuntime".as_ptr());
        let mut info: libc::Dl_info = std::mem::zeroed();
        let mut symbol: *const libc::Elf64_Sym = ptr::null();
        let found = dladdr1(start, &raw mut info, (&raw mut symbol).cast(), RTLD_DL_SYMENT);
        if start.is_null() || found == 0 || symbol.is_null() {
            return 0..0;
        }
        start as usize..start as usize + (*symbol).st_size as usize
    }
}

/// dlfcn.h.
const RTLD_DL_SYMENT: libc::c_int = 1;

unsafe extern "C" {
    fn dladdr1(
        address: *const libc::c_void,
        info: *mut libc::Dl_info,
        extra: *mut *mut libc::c_void,
        flags: libc::c_int,
    ) -> libc::c_int;
}
