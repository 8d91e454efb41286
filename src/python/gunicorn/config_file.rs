//! Running a config file, which is a Python program: its global names are the settings.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

use super::config_values::{load_named_hooks, values};
use crate::config::{ConfigError, ConfigSource, FileValue};
use crate::python::gevent;
use crate::python::gil::attach::attached;
use crate::python::interp::traceback;

/// A config file that was run: its settings as plain values, and its names as Python has them.
pub struct ConfigGlobals {
    /// The global names, with their lines.
    pub values: Vec<FileValue>,
    /// The same names: hooks are called from here.
    pub names: Py<PyDict>,
}

/// Runs the file or imports the module.
///
/// # Errors
/// The file cannot be read, or raises: with its traceback.
pub fn run(source: &ConfigSource) -> Result<ConfigGlobals, ConfigError> {
    gevent::prepare().map_err(|error| {
        ConfigError::new(error.to_string(), "a bug in unicoro; please report it")
    })?;
    attached(|py| {
        let (names, lines) = match source {
            ConfigSource::Path(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    ConfigError::new(
                        format!("the config file {} cannot be read: {error}", path.display()),
                        "name one that exists with -c, or leave it out",
                    )
                })?;
                let path = path.display().to_string();
                let names =
                    run_text(py, &text, &path).map_err(|error| raised(py, &path, &error))?;
                (names, lines_of(py, &text).unwrap_or_default())
            }
            ConfigSource::Module(module) => {
                let names = PyModule::import(py, module.as_str())
                    .map(|module| module.dict())
                    .map_err(|error| raised(py, module, &error))?;
                (names, Vec::new())
            }
        };
        load_named_hooks(&names);
        Ok(ConfigGlobals { values: values(&names, &lines), names: names.unbind() })
    })
}

/// What gunicorn calls a config file that is given by its path.
const MODULE: &str = "__config__";

fn raised(py: Python<'_>, name: &str, error: &PyErr) -> ConfigError {
    let text = traceback::format(py, error);
    // For its Logger, or for a worker class that is only named.
    let remedy = if text.contains("No module named 'gunicorn") {
        "install gunicorn beside unicoro, for the classes that this file takes from it"
    } else {
        "mend it and try again"
    };
    ConfigError::new(
        format!("the config file {name} raised an exception"),
        format!("{remedy}:\n{text}"),
    )
}

fn run_text<'py>(py: Python<'py>, text: &str, path: &str) -> PyResult<Bound<'py, PyDict>> {
    let builtins = py.import("builtins")?;
    // A module that can be found by its name, as dataclasses and pickle ask for. A new one each time:
    // what a reload has read may still be dropped.
    let module = PyModule::new(py, MODULE)?;
    let names = module.dict();
    names.set_item("__builtins__", &builtins)?;
    names.set_item("__file__", path)?;
    py.import("sys")?.getattr("modules")?.set_item(MODULE, &module)?;
    let code = builtins.call_method1("compile", (text, path, "exec"))?;
    builtins.call_method1("exec", (code, &names))?;
    Ok(names)
}

/// The line of the last assignment to each name, at the top level of the file.
fn lines_of(py: Python<'_>, text: &str) -> PyResult<Vec<(String, u32)>> {
    let tree = py.import("ast")?.call_method1("parse", (text,))?;
    let mut lines = Vec::new();
    for statement in tree.getattr("body")?.try_iter()? {
        let statement = statement?;
        let line: u32 = statement.getattr("lineno")?.extract()?;
        let targets = match statement.getattr("targets") {
            Ok(targets) => targets.try_iter()?.collect::<PyResult<Vec<_>>>()?,
            // An annotated assignment has one target, a function its name.
            Err(_) => statement.getattr("target").into_iter().collect(),
        };
        for target in targets {
            if let Ok(name) = target.getattr("id") {
                lines.push((name.extract()?, line));
            }
        }
        if let Ok(name) = statement.getattr("name") {
            lines.push((name.extract()?, line));
        }
    }
    Ok(lines)
}
