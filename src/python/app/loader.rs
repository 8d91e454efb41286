//! Finding the application: `mod`, `mod:var`, `mod:factory("literal", k=1)`.

use std::ffi::CStr;
use std::path::Path;

use pyo3::exceptions::PySystemExit;
use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use thiserror::Error;

use crate::python::gil::attach::attached;
use crate::python::interp::traceback;
use crate::python::threads::request_threads;

/// Why there is no application, by gunicorn's two exit codes.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Importing it raised: the traceback. Exit code 3.
    #[error("{0}")]
    Import(String),
    /// It is not there, or no application: what was asked for and what to do. Exit code 4.
    #[error("{0}")]
    Application(String),
}

/// What an application speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// PEP 3333.
    Wsgi,
    /// ASGI 3.
    Asgi,
}

/// What a loaded application speaks, where `interface` (`auto`, `wsgi`, `asgi`) was asked for.
#[must_use]
pub fn spoken_by(application: &Py<PyAny>, interface: &str) -> Spoken {
    let is_asgi = attached(|py| -> PyResult<bool> {
        let namespace = PyDict::new(py);
        py.run(LOADER, Some(&namespace), None)?;
        let Some(speaks) = namespace.get_item("speaks")? else { return Ok(false) };
        Ok(speaks.call1((application, interface))?.extract::<String>()? == "asgi")
    });
    if is_asgi.unwrap_or(false) { Spoken::Asgi } else { Spoken::Wsgi }
}

/// Imports the application that `spec` names, which speaks `interface` and is to be served by
/// `worker_class`. The server was started in `start_directory`.
///
/// # Errors
/// See [`LoadError`].
pub fn load(
    spec: &str,
    interface: &str,
    worker_class: &str,
    start_directory: &Path,
) -> Result<Py<PyAny>, LoadError> {
    attached(|py| {
        // The thread that imports it first counts as the main thread, for whose locks the process waits
        // at its end: a request's would never give them up.
        let namespace = request_threads::prepare(py)
            .and_then(|()| names(py, start_directory))
            .map_err(|error| LoadError::Import(traceback::format(py, &error)))?;
        let find = |name: &str| namespace.get_item(name).ok().flatten();
        let (Some(load), Some(wrong)) = (find("load"), find("NoApplication")) else {
            return Err(LoadError::Import("the loader is incomplete".into()));
        };
        let describe = |error: &PyErr| {
            let described = find("describe").and_then(|describe| describe.call1((error,)).ok());
            // An exception that cannot be printed.
            let text = described.and_then(|text| text.extract().ok());
            text.unwrap_or_else(|| traceback::format(py, error))
        };
        load.call1((spec, interface, worker_class)).map(Bound::unbind).map_err(|error| {
            if error.is_instance(py, &wrong) {
                LoadError::Application(error.value(py).to_string())
            } else if error.is_instance_of::<PySystemExit>(py) {
                LoadError::Import(format!(
                    "{}\nthe application called exit() while it was \
                    imported",
                    describe(&error)
                ))
            } else {
                LoadError::Import(describe(&error))
            }
        })
    })
}

/// Those of hints.py and loader.py.
fn names<'py>(py: Python<'py>, start_directory: &Path) -> PyResult<Bound<'py, PyDict>> {
    let namespace = PyDict::new(py);
    namespace.set_item("START", start_directory.as_os_str())?;
    for source in [HINTS, LOADER] {
        py.run(source, Some(&namespace), None)?;
    }
    Ok(namespace)
}

/// In Python, because they are about Python's syntax.
const HINTS: &CStr = c_str!(include_str!("hints.py"));
const LOADER: &CStr = c_str!(include_str!("loader.py"));
