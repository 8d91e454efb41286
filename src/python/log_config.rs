//! Python's logging in the application's process, set up as the settings say and only then.

use std::ffi::CStr;

use pyo3::exceptions::PyKeyError;
use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::attach::attached;
use super::traceback;
use crate::config::LogConfig;

/// Sets Python's logging up. `names` are the config file's.
///
/// # Errors
/// The traceback of what is wrong with the set-up.
pub fn configure_logging(config: &LogConfig, names: Option<&Py<PyDict>>) -> Result<(), String> {
    attached(|py| {
        configure(py, config, names).map_err(|error| {
            let traceback = traceback::format(py, &error);
            format!("Python's logging cannot be set up:\n{traceback}")
        })
    })
}

fn configure(py: Python<'_>, config: &LogConfig, names: Option<&Py<PyDict>>) -> PyResult<()> {
    let module =
        PyModule::from_code(py, SOURCE, c"<unicoro's log_config.py>", c"unicoro.log_config")?;
    match config {
        LogConfig::Dict => {
            let found = match names {
                Some(names) => names.bind(py).get_item("logconfig_dict")?,
                None => None,
            };
            // The settings have seen it there.
            let found = found.ok_or_else(|| PyKeyError::new_err("logconfig_dict"))?;
            module.call_method1("from_dict", (found,))?
        }
        LogConfig::Json(path) => module.call_method1("from_json", (path,))?,
        LogConfig::File(path) => module.call_method1("from_file", (path,))?,
    };
    Ok(())
}

/// In Python, because it is about Python's modules.
const SOURCE: &CStr = c_str!(include_str!("log_config.py"));
