//! A Python exception as the text that Python itself would print.

use pyo3::types::{PyAnyMethods, PyTracebackMethods};
use pyo3::{PyErr, PyResult, Python};

use crate::python::error::PythonError;

/// The whole traceback with its causes, without a newline at the end. Never fails: what cannot be
/// formatted is described.
pub fn format(py: Python<'_>, error: &PyErr) -> String {
    formatted(py, error).unwrap_or_else(|_| {
        // The application's exception has a __str__ that raises, or worse.
        let frames = error.traceback(py).and_then(|frames| frames.format().ok());
        format!("{}<an exception that cannot be printed>", frames.unwrap_or_default())
    })
}

/// The exception as an error of ours.
pub fn raised(py: Python<'_>, error: &PyErr) -> PythonError {
    PythonError::Raised(format(py, error))
}

fn formatted(py: Python<'_>, error: &PyErr) -> PyResult<String> {
    let lines = py.import("traceback")?.call_method1(
        "format_exception",
        (error.get_type(py), error.value(py), error.traceback(py)),
    )?;
    let lines: Vec<String> = lines.extract()?;
    Ok(lines.concat().trim_end().to_owned())
}
