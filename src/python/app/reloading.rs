//! What a reload in development needs of Python: the files to watch, and an application that shows why
//! the real one does not load.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use pyo3::ffi::c_str;
use pyo3::prelude::*;

use crate::python::error::PythonError;
use crate::python::gil::attach::attached;
use crate::python::interp::{own_module, traceback};

/// How a file looks: its time in nanoseconds, and its length for file systems with coarse times.
pub type Look = (i128, u64);

/// A file, and how it looked when it was loaded; a look that no file has if it has come since the last
/// call; `None` if nothing is known.
pub type Watched = (PathBuf, Option<Look>);

/// From now on it is known what each module was loaded from, and what is new in the `folders` that the
/// application is about to be loaded from, or among what the `patterns` stand for.
///
/// # Errors
/// A traceback: a bug.
pub fn begin_watching(folders: &[&Path], patterns: &[PathBuf]) -> Result<(), PythonError> {
    attached(|py| {
        module(py)
            .and_then(|module| module.call_method1("begin", (texts(folders), texts(patterns))))
            .map(drop)
            .map_err(|error| traceback::raised(py, &error))
    })
}

/// The files of all modules that are loaded, those beside them that could be, and those of the
/// patterns; and of `failure`, the traceback that the application may have left in place of modules.
///
/// # Errors
/// A traceback: a module that is none, or a bug.
pub fn files_to_watch(
    patterns: &[PathBuf],
    failure: Option<&str>,
) -> Result<Vec<Watched>, PythonError> {
    attached(|py| {
        let files = || -> PyResult<Vec<Watched>> {
            let module = module(py)?;
            let files = module.call_method1("files", (texts(patterns),))?;
            let mut files: Vec<Watched> = files.extract()?;
            if let Some(text) = failure {
                let more = module.call_method1("files_of_traceback", (text,))?;
                files.extend(more.extract::<Vec<Watched>>()?);
            }
            Ok(files)
        };
        files().map_err(|error| traceback::raised(py, &error))
    })
}

/// An application that answers every request with this text.
///
/// # Errors
/// A traceback: no memory.
pub fn failed_application(text: &str) -> Result<Py<PyAny>, PythonError> {
    attached(|py| {
        module(py)
            .and_then(|module| module.call_method1("failed_application", (text,)))
            .map(Bound::unbind)
            .map_err(|error| traceback::raised(py, &error))
    })
}

fn texts(paths: &[impl AsRef<Path>]) -> Vec<String> {
    paths.iter().map(|path| path.as_ref().display().to_string()).collect()
}

fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    // Every look at the files would leave another one behind.
    own_module::once(py, NAME, || {
        PyModule::from_code(py, SOURCE, c"<unicoro's reloading.py>", c"unicoro.reloading")
    })
}

const NAME: &str = "unicoro.reloading";

/// In Python, because it is about Python's modules.
const SOURCE: &CStr = c_str!(include_str!("reloading.py"));
