//! A thread of the engine's, OS thread or green thread, as CPython sees it: one `PyThreadState` for all of
//! its life, attached while it runs Python.
//!
//! ```text
//!   green thread 1   PyThreadState A    detached (parked in recv)
//!   green thread 2   PyThreadState B    attached (runs bytecode)
//!   green thread 3   PyThreadState C    detached (parked in sem_wait)
//! ```
//!
//! CPython finds "this thread's state" in the thread's own keys and variables, which each green thread
//! has, whichever OS thread it runs on. The rule that stays: it switches only while detached.
#![allow(unsafe_code)]

use std::{io, ptr};

use pyo3::{Python, ffi};

use super::request_threads;
use crate::python::gevent;
use crate::python::gil::attach::{attached, detached};
use crate::python::gil::current;

/// Runs `body` on an OS thread of the engine's with one state for all of its life, so that what
/// Python keeps by thread lasts; and so that pyo3 counts the thread as attached for good (see
/// `gil::attach`).
pub fn on_engine_thread(body: &mut dyn FnMut()) {
    attached(|py| {
        // SAFETY: needs no GIL; the state of this thread.
        current::set_lasting(unsafe { ffi::PyGILState_GetThisThreadState() });
        request_threads::begin(py);
        detached(py, body);
        request_threads::end(py);
        current::set_lasting(ptr::null_mut());
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
    current::set_lasting(state);
    let mut outside = || current::not_in_python(body);
    // SAFETY: this thread's new state, which is taken once and deleted once. What it finalises may give
    // the GIL up and wait; deleting gives it up for good.
    current::in_python(|| unsafe {
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
        current::set_lasting(ptr::null_mut());
        ffi::PyThreadState_DeleteCurrent();
    });
    Ok(())
}
