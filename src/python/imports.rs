//! Being called when the application imports a module, to change what it finds there.

use pyo3::prelude::*;

/// The class `Finder` of imports.py.
///
/// # Errors
/// A Python exception: a bug.
pub(super) fn finder_class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let module = PyModule::from_code(py, SOURCE, c"<unicoro's imports.py>", c"unicoro.imports")?;
    module.setattr("note", wrap_pyfunction!(note, py)?)?;
    module.getattr("Finder")
}

/// A line for the error log.
#[pyfunction]
pub(super) fn note(text: &str) {
    log::info!("{text}");
}

/// In Python, because it is about Python's modules.
const SOURCE: &std::ffi::CStr = {
    let source = concat!(include_str!("imports.py"), "\0");
    match std::ffi::CStr::from_bytes_with_nul(source.as_bytes()) {
        Ok(source) => source,
        Err(_) => panic!("the source holds no NUL"),
    }
};
