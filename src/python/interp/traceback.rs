//! A Python exception as the text that Python itself would print.

use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyAnyMethods, PyTracebackMethods};
use pyo3::{Bound, PyAny, PyErr, PyResult, Python};

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

/// The steps that led to it, without ours before the first of somebody else: they would be no help to find
/// the fault. All of them, if there are no others.
pub fn frames<'py>(py: Python<'py>, error: &PyErr) -> Option<Bound<'py, PyAny>> {
    let all = error.traceback(py)?.into_any();
    let mut step = all.clone();
    while is_ours(&step).unwrap_or(false) {
        match step.getattr("tb_next") {
            Ok(next) if !next.is_none() => step = next,
            _ => return Some(all),
        }
    }
    Some(step)
}

fn is_ours(step: &Bound<'_, PyAny>) -> PyResult<bool> {
    let file = step.getattr("tb_frame")?.getattr("f_code")?.getattr("co_filename")?;
    Ok(file.extract::<PyBackedStr>()?.starts_with(OURS))
}

/// The names of Python files that lie in the program begin so.
const OURS: &str = "<unicoro";

/// The exception as an error of ours.
pub fn raised(py: Python<'_>, error: &PyErr) -> PythonError {
    PythonError::Raised(format(py, error))
}

fn formatted(py: Python<'_>, error: &PyErr) -> PyResult<String> {
    let lines = py.import("traceback")?.call_method1(
        "format_exception",
        (error.get_type(py), error.value(py), frames(py, error)),
    )?;
    let lines: Vec<String> = lines.extract()?;
    Ok(lines.concat().trim_end().to_owned())
}
