//! The futures by which tasks of the application wait for a request.

use std::mem;

use pyo3::prelude::*;

use crate::python::interp::interned::interned;
use crate::python::loggers::records::log_raised;

/// Keeps a future, and none that is done.
pub(super) fn keep(py: Python<'_>, futures: &mut Vec<Py<PyAny>>, future: &Bound<'_, PyAny>) {
    futures.retain(|other| !is_done(other.bind(py)));
    futures.push(future.clone().unbind());
}

pub(super) fn is_done(future: &Bound<'_, PyAny>) -> bool {
    let done = future.call_method0(interned!(future.py(), "done"));
    done.is_ok_and(|done| done.is_truthy().unwrap_or(true))
}

/// Ends the futures.
pub(super) fn wake(py: Python<'_>, futures: &mut Vec<Py<PyAny>>) {
    for future in mem::take(futures) {
        let future = future.bind(py);
        if !is_done(future)
            && let Err(error) = future.call_method1(interned!(py, "set_result"), (py.None(),))
        {
            log_raised(py, "a future of an ASGI request could not be ended:", &error);
        }
    }
}
