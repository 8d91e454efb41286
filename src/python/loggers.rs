//! The loggers `gunicorn.error` and `gunicorn.access`: applications hand their own records to the
//! handlers that these have under gunicorn.
//!
//! The server writes nothing to them. What is logged there is the application's text, and goes to
//! the logs as it is.

use std::ffi::CStr;

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::attach::attached;
use super::errors::ErrorLog;
use super::interpreter::is_running;
use super::{imports, own_module, traceback};
use crate::config::Settings;
use crate::logging::{AccessLog, Severity};

/// Gives the two loggers their handlers; again, by a reload, others. Does nothing without an
/// interpreter.
///
/// # Errors
/// The traceback of loggers.py: a bug.
pub fn set_up_loggers(settings: &Settings, access_log: Option<&AccessLog>) -> Result<(), String> {
    if !is_running() {
        return Ok(());
    }
    attached(|py| {
        let set_up = || -> PyResult<()> {
            let access_log =
                access_log.map(|log| Py::new(py, AccessStream(log.clone()))).transpose()?;
            let arguments = (level(settings), Py::new(py, ErrorLog)?, access_log);
            module(py)?.call_method1("set_up", arguments).map(drop)
        };
        set_up().map_err(|error| traceback::format(py, &error))
    })
}

/// As Python's logging numbers them.
fn level(settings: &Settings) -> u32 {
    match settings.loglevel {
        log::LevelFilter::Trace | log::LevelFilter::Debug => 10,
        log::LevelFilter::Info => 20,
        log::LevelFilter::Warn => 30,
        log::LevelFilter::Error => 40,
        log::LevelFilter::Off => 50,
    }
}

/// The severity of a record of this level.
pub(super) fn severity(level: u32) -> Severity {
    match level {
        50.. => Severity::Critical,
        40.. => Severity::Error,
        30.. => Severity::Warning,
        20.. => Severity::Info,
        _ => Severity::Debug,
    }
}

/// A text file that is the access log.
#[pyclass(module = "unicoro", name = "AccessLog", frozen)]
struct AccessStream(AccessLog);

#[pymethods]
impl AccessStream {
    fn write(&self, text: &Bound<'_, PyString>) {
        self.0.write_text(&text.to_string_lossy());
    }

    /// Each write is written at once.
    fn flush(&self) {}

    fn has_lines(&self) -> bool {
        self.0.has_file()
    }

    fn has_syslog(&self) -> bool {
        self.0.has_syslog()
    }

    fn send_to_syslog(&self, level: u32, text: &Bound<'_, PyString>) {
        self.0.send_to_syslog(severity(level), &text.to_string_lossy());
    }
}

fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    // A second one would not know the first one's finder.
    own_module::once(py, NAME, || {
        let module = PyModule::new(py, NAME)?;
        module.setattr("Finder", imports::finder_class(py)?)?;
        py.run(SOURCE, Some(&module.dict()), None)?;
        Ok(module)
    })
}

const NAME: &str = "unicoro.loggers";

/// In Python, because it is about Python's objects.
const SOURCE: &CStr = c_str!(include_str!("loggers.py"));
