//! Records and lines that Python's logging is to write.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::module::{ERROR, complain, module};
use crate::logging::divert::Entry;
use crate::logging::{self, TRACEBACK, divert};
use crate::python::gil::attach::attached;
use crate::python::interp::traceback;

/// Has Python's logging write a record; what it cannot, comes back.
pub fn emit(entry: Entry) -> Result<(), Entry> {
    let is_written = attached(|py| {
        let arguments = (entry.level, &entry.text, entry.created);
        let written = module(py).and_then(|module| module.call_method1("emit", arguments));
        written.and_then(|written| written.extract()).unwrap_or_else(|error| complain(py, &error))
    });
    if is_written { Ok(()) } else { Err(entry) }
}

/// Logs an exception of the application's, in its request.
pub fn log_raised(py: Python<'_>, text: &str, error: &PyErr) {
    if !emit_raised(py, text, error) {
        log::error!(target: TRACEBACK, "{text}\n{}", traceback::format(py, error));
    }
}

/// Has Python's logging write it. False: it is to be written.
fn emit_raised(py: Python<'_>, text: &str, error: &PyErr) -> bool {
    if !divert::takes_errors() {
        return false;
    }
    let write = || -> PyResult<bool> {
        let raised =
            error.value(py).call_method1("with_traceback", (traceback::frames(py, error),))?;
        let created = Entry::now(ERROR, String::new()).created;
        module(py)?.call_method1("emit", (ERROR, text, created, raised))?.extract()
    };
    let is_written = write().unwrap_or_else(|error| complain(py, &error));
    if is_written {
        logging::count_as("exception");
    }
    is_written
}

/// Has Python's logging write the access log's line.
pub fn log_access(
    request: &Bound<'_, PyAny>,
    response: &Bound<'_, PyAny>,
    environ: &Bound<'_, PyDict>,
    duration: Duration,
) {
    let py = request.py();
    let call = || module(py)?.call_method1("access", (response, request, environ, duration));
    if let Err(error) = call() {
        complain(py, &error);
    }
}
