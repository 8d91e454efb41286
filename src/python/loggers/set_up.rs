//! Setting Python's logging up as the settings say, and the two loggers' handlers with it.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use super::access_stream::AccessStream;
use super::module::module;
use super::{log_config, log_thread};
use crate::config::Settings;
use crate::logging::{AccessLog, divert};
use crate::python::error::PythonError;
use crate::python::gevent;
use crate::python::gil::attach::attached;
use crate::python::gunicorn::shown;
use crate::python::interp::interpreter::is_running;
use crate::python::interp::traceback;
use crate::python::wsgi::errors::ErrorLog;

/// Gives the two loggers their handlers, and sets Python's logging up as the settings say; again, by
/// a reload, others. Does nothing without an interpreter.
///
/// # Errors
/// See [`PythonError`].
pub fn set_up_loggers(
    settings: &Settings,
    access_log: Option<&AccessLog>,
    names: Option<&Py<PyDict>>,
) -> Result<(), PythonError> {
    if !is_running() {
        return Ok(());
    }
    log_thread::offer();
    // Handlers may come from modules of the application's.
    gevent::prepare()?;
    attached(|py| {
        let class = logger_class(py, settings, names).map_err(|error| {
            let name = settings.logs.logger_class.clone().unwrap_or_default();
            PythonError::LoggerClass { name, traceback: traceback::format(py, &error) }
        })?;
        let set_up = || -> PyResult<()> {
            let access_log =
                access_log.map(|log| Py::new(py, AccessStream(log.clone()))).transpose()?;
            let values = shown::values(py, settings, names)?;
            let arguments = (
                level(settings),
                Py::new(py, ErrorLog)?,
                access_log,
                shown::config(&values)?,
                class,
                log_config::configure(py, settings, names)?,
            );
            module(py)?.call_method1("set_up", arguments).map(drop)
        };
        set_up()
            .map(|()| HAS_LOGGERS.store(true, Ordering::Relaxed))
            .map_err(|error| PythonError::Logging(traceback::format(py, &error)))
    })
}

/// Whether they have been set up, by the master or here.
#[must_use]
pub fn has_loggers() -> bool {
    HAS_LOGGERS.load(Ordering::Relaxed)
}

static HAS_LOGGERS: AtomicBool = AtomicBool::new(false);

/// The class itself, which a config file may give or name.
fn logger_class<'py>(
    py: Python<'py>,
    settings: &Settings,
    names: Option<&Py<PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(name) = &settings.logs.logger_class else { return Ok(None) };
    let given = names.map(|names| names.bind(py).get_item("logger_class")).transpose()?.flatten();
    if let Some(class) = given.filter(|given| given.is_instance_of::<PyType>()) {
        return Ok(Some(class));
    }
    let (module, class) =
        name.rsplit_once('.').ok_or_else(|| PyKeyError::new_err("give MODULE.CLASS"))?;
    py.import(module)?.getattr(class).map(Some)
}

/// As Python's logging numbers them.
fn level(settings: &Settings) -> u32 {
    match settings.logs.loglevel {
        log::LevelFilter::Trace | log::LevelFilter::Debug => 10,
        log::LevelFilter::Info => 20,
        log::LevelFilter::Warn => 30,
        log::LevelFilter::Error => 40,
        log::LevelFilter::Off => 50,
    }
}

/// Says, once, that Python's logging writes the logs, and what stays different then.
pub fn say_who_logs() {
    static SAID: Once = Once::new();
    if divert::takes_errors() || divert::takes_accesses() {
        SAID.call_once(|| {
            log::info!(
                "The configuration or the application has changed the loggers gunicorn.error or \
                 gunicorn.access, so Python's logging writes these logs; what is in them beside \
                 gunicorn's lines: docs/from-gunicorn.md, Logs"
            );
        });
    }
}
