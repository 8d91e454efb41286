//! Changing modules of others when they are imported (see imports.py).

use std::ffi::CStr;

use pyo3::ffi::c_str;
use pyo3::prelude::*;

/// The class `Finder` of imports.py.
///
/// # Errors
/// A Python exception: a bug.
pub fn finder_class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let module = PyModule::from_code(py, SOURCE, c"<unicoro's imports.py>", c"unicoro.imports")?;
    module.setattr("note", wrap_pyfunction!(note, py)?)?;
    module.getattr("Finder")
}

/// A line for the error log.
#[pyfunction]
pub fn note(text: &str) {
    log::info!("{text}");
}

/// In Python, because it is about Python's modules.
const SOURCE: &CStr = c_str!(include_str!("imports.py"));
