//! `spew`: each line of Python that the application runs is printed, by the interpreter's own trace
//! function (`sys.settrace`).
//!
//! That function belongs to one thread state. So every request sets it anew, on whichever thread or
//! green thread it came.

use std::ffi::CStr;
use std::sync::OnceLock;

use pyo3::ffi::c_str;
use pyo3::prelude::*;

use super::traceback;
use crate::python::error::PythonError;
use crate::python::gil::attach::attached;

static TRACE: OnceLock<Py<PyAny>> = OnceLock::new();

/// Begins, on the thread that calls and on those that the application will start.
///
/// # Errors
/// The traceback of spew.py: a bug.
pub fn spew() -> Result<(), PythonError> {
    attached(|py| {
        let begin = || -> PyResult<()> {
            let module = PyModule::from_code(py, SOURCE, c"<unicoro's spew.py>", c"unicoro.spew")?;
            let trace = module.getattr("trace")?.unbind();
            // Once in a process: a fork inherits it.
            TRACE.get_or_init(|| trace);
            trace_this_thread(py)
        };
        begin().map_err(|error| traceback::raised(py, &error))
    })
}

/// Goes on with it on the thread or green thread that calls, if it was begun.
pub fn trace_this_thread(py: Python<'_>) -> PyResult<()> {
    let Some(trace) = TRACE.get() else { return Ok(()) };
    py.import("sys")?.call_method1("settrace", (trace,)).map(drop)
}

/// In Python, because it is about Python's frames.
const SOURCE: &CStr = c_str!(include_str!("spew.py"));
