//! What a reload in development needs of Python: the files to watch, and an application that shows why
//! the real one does not load.

use std::path::PathBuf;

use pyo3::prelude::*;

use super::attach::attached;
use super::traceback;

/// The files of all modules that are loaded, and of those patterns; and of `traceback`, if the
/// application has left one in place of its modules.
///
/// # Errors
/// A traceback: a module that is none, or a bug.
pub fn files_to_watch(patterns: &[PathBuf], failure: Option<&str>) -> Result<Vec<PathBuf>, String> {
    attached(|py| {
        let files = || -> PyResult<Vec<PathBuf>> {
            let module = module(py)?;
            let patterns: Vec<String> =
                patterns.iter().map(|path| path.display().to_string()).collect();
            let mut files: Vec<PathBuf> = module.call_method1("files", (patterns,))?.extract()?;
            if let Some(text) = failure {
                let more = module.call_method1("files_of_traceback", (text,))?;
                files.extend(more.extract::<Vec<PathBuf>>()?);
            }
            Ok(files)
        };
        files().map_err(|error| traceback::format(py, &error))
    })
}

/// An application that answers every request with this text.
///
/// # Errors
/// A traceback: no memory.
pub fn failed_application(text: &str) -> Result<Py<PyAny>, String> {
    attached(|py| {
        module(py)
            .and_then(|module| module.call_method1("failed_application", (text,)))
            .map(Bound::unbind)
            .map_err(|error| traceback::format(py, &error))
    })
}

fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    // Once: every look at the files would leave another one behind.
    let modules = py.import("sys")?.getattr("modules")?;
    if let Ok(module) = modules.get_item(NAME) {
        return Ok(module.cast_into()?);
    }
    PyModule::from_code(py, SOURCE, c"<unicoro's reloading.py>", c"unicoro.reloading")
}

const NAME: &str = "unicoro.reloading";

/// In Python, because it is about Python's modules.
const SOURCE: &std::ffi::CStr = {
    let source = concat!(include_str!("reloading.py"), "\0");
    match std::ffi::CStr::from_bytes_with_nul(source.as_bytes()) {
        Ok(source) => source,
        Err(_) => panic!("the source holds no NUL"),
    }
};
