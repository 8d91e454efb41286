//! Running a config file, which is a Python program: its global names are the settings.

use std::io;
use std::path::Path;

use pyo3::exceptions::PyModuleNotFoundError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyModule};

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
                let text = read(path)?;
                let path = path.display().to_string();
                let text = PyBytes::new(py, &text);
                let names = run_text(&text, &path).map_err(|error| raised(py, &path, &error))?;
                (names, lines_of(&text).unwrap_or_default())
            }
            ConfigSource::Module(module) => {
                let names = PyModule::import(py, module.as_str())
                    .map(|module| module.dict())
                    .map_err(|error| not_imported(py, module, &error))?;
                (names, Vec::new())
            }
        };
        load_named_hooks(&names);
        Ok(ConfigGlobals { values: values(&names, &lines), names: names.unbind() })
    })
}

/// What gunicorn calls a config file that is given by its path.
const MODULE: &str = "__config__";

/// Its bytes: Python knows the encoding (PEP 263).
fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::IsADirectory => ConfigError::new(
            format!("the config file {} is a directory", path.display()),
            "name a file in it, such as gunicorn.conf.py",
        ),
        _ => ConfigError::new(
            format!("the config file {} cannot be read: {error}", path.display()),
            "name one that exists with -c, or leave it out",
        ),
    })
}

fn not_imported(py: Python<'_>, module: &str, error: &PyErr) -> ConfigError {
    let name: Option<String> = error
        .is_instance_of::<PyModuleNotFoundError>(py)
        .then(|| error.value(py).getattr("name").ok()?.extract().ok())
        .flatten();
    // Or a package that it lies in.
    if name.is_some_and(|name| format!("{module}.").starts_with(&format!("{name}."))) {
        return ConfigError::new(
            format!("the config file python:{module} is not there: no module '{module}'"),
            "name one in the current directory or the environment (PYTHONPATH); pythonpath comes too late",
        );
    }
    raised(py, module, error)
}

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

fn run_text<'py>(text: &Bound<'py, PyBytes>, path: &str) -> PyResult<Bound<'py, PyDict>> {
    let py = text.py();
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
fn lines_of(text: &Bound<'_, PyBytes>) -> PyResult<Vec<(String, u32)>> {
    let tree = text.py().import("ast")?.call_method1("parse", (text,))?;
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
