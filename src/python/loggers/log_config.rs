//! Python's logging, set up as `logconfig_dict`, `logconfig_json` or `logconfig` say; without them it is
//! left alone.

use std::ffi::CStr;
use std::path::Path;

use pyo3::exceptions::{PyFileNotFoundError, PyKeyError};
use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::config::{LogConfig, Settings};

/// What sets Python's logging up as the settings say, to be called without arguments; `None`: they
/// say nothing. `names` are the config file's.
pub fn configure<'py>(
    py: Python<'py>,
    settings: &Settings,
    names: Option<&Py<PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(config) = &settings.logs.logconfig else { return Ok(None) };
    let module =
        PyModule::from_code(py, SOURCE, c"<unicoro's log_config.py>", c"unicoro.log_config")?;
    let (function, argument) = match config {
        LogConfig::Dict => {
            let found = match names {
                Some(names) => names.bind(py).get_item("logconfig_dict")?,
                None => None,
            };
            // The settings have seen it there.
            ("from_dict", found.ok_or_else(|| PyKeyError::new_err("logconfig_dict"))?)
        }
        LogConfig::Json(path) => ("from_json", file(py, "logconfig_json", path)?),
        LogConfig::File(path) => ("from_file", file(py, "logconfig", path)?),
    };
    let partial = py.import("functools")?.getattr("partial")?;
    partial.call1((module.getattr(function)?, argument)).map(Some)
}

/// The path of a file that is there: no traceback says it better.
fn file<'py>(py: Python<'py>, setting: &str, path: &Path) -> PyResult<Bound<'py, PyAny>> {
    if !path.exists() {
        let text = format!("{setting}: there is no file {}", path.display());
        return Err(PyFileNotFoundError::new_err(text));
    }
    Ok(path.into_pyobject(py)?.into_any())
}

/// In Python, because it is about Python's modules.
const SOURCE: &CStr = c_str!(include_str!("log_config.py"));
