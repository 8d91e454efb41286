//! The hooks of a config file: Python functions that the master and its workers call.
//!
//! The objects that they are called with are in hooks.py, which runs only if a config file defines a
//! hook. The functions live in the master's interpreter; a worker inherits them through the fork.
//! Nothing here is asked for a request unless pre_request or post_request is set.
//!
//! The rule a reader would break: a hook is the operator's code. It may raise, wait and take its
//! time, so it is called with nothing locked.

use std::ffi::CStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::call::PyCallArgs;
use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::request_hooks::RequestHooks;
use super::shown;
use crate::config::{Settings, Value};
use crate::logging::{CRITICAL, TRACEBACK};
use crate::python::error::PythonError;
use crate::python::gil::attach::attached;
use crate::python::interp::traceback;

/// The hooks of every generation that is known.
#[derive(Default)]
pub struct Hooks {
    /// The `Hooks` of hooks.py. Empty as long as no config file has had a hook.
    python: OnceLock<Py<PyAny>>,
    /// A worker ends once, whoever notices.
    has_exited: AtomicBool,
}

impl Hooks {
    /// Takes over the functions that `settings` found among the `names` of its config file.
    ///
    /// # Errors
    /// The traceback of hooks.py: a bug.
    pub fn load(
        &self,
        generation: u64,
        settings: &Settings,
        names: Option<&Py<PyDict>>,
    ) -> Result<(), PythonError> {
        let has_hooks = settings.values().any(|(_, value)| matches!(value, Value::Callable { .. }));
        if !has_hooks && self.python.get().is_none() {
            return Ok(());
        }
        attached(|py| self.load_attached(py, generation, settings, names))
    }

    fn load_attached(
        &self,
        py: Python<'_>,
        generation: u64,
        settings: &Settings,
        names: Option<&Py<PyDict>>,
    ) -> Result<(), PythonError> {
        let load = || -> PyResult<()> {
            let values = shown::values(py, settings, names)?;
            let functions = PyDict::new(py);
            for (name, value) in settings.values() {
                if let (Value::Callable { arguments, .. }, Some(names)) = (value, names) {
                    functions.set_item(name, (names.bind(py).get_item(name)?, *arguments))?;
                }
            }
            let python = match self.python.get() {
                Some(python) => python,
                None => {
                    let made = run_source(py)?;
                    self.python.get_or_init(|| made)
                }
            };
            python.bind(py).call_method1("load", (generation, values, functions)).map(drop)
        };
        load().map_err(|error| traceback::raised(py, &error))
    }

    /// Only this generation's are called from now on.
    pub fn settle(&self, generation: u64) {
        self.call_and_log("settle", (generation,));
    }

    /// The application was loaded before any fork.
    pub fn preloaded(&self, application: &Py<PyAny>) {
        self.call_and_log("preloaded", (application,));
    }

    /// gunicorn's `nworkers_changed`.
    ///
    /// # Errors
    /// It raised.
    pub fn nworkers_changed(&self, new: usize, old: Option<usize>) -> Result<(), PythonError> {
        self.call("nworkers_changed", (new, old))
    }

    /// gunicorn's `on_starting`.
    ///
    /// # Errors
    /// It raised.
    pub fn on_starting(&self) -> Result<(), PythonError> {
        self.call("on_starting", ())
    }

    /// gunicorn's `when_ready`; `listeners` are descriptors and their names for the log.
    ///
    /// # Errors
    /// It raised.
    pub fn when_ready(&self, listeners: &[(i32, String)]) -> Result<(), PythonError> {
        self.call("when_ready", (listeners.to_vec(),))
    }

    /// gunicorn's `on_reload`.
    ///
    /// # Errors
    /// It raised.
    pub fn on_reload(
        &self,
        generation: u64,
        listeners: &[(i32, String)],
    ) -> Result<(), PythonError> {
        self.call("on_reload", (generation, listeners.to_vec()))
    }

    /// gunicorn's `pre_fork`.
    ///
    /// # Errors
    /// It raised.
    pub fn pre_fork(&self, generation: u64, number: u64) -> Result<(), PythonError> {
        self.call("pre_fork", (generation, number))
    }

    /// The worker that `pre_fork` announced has this process id.
    pub fn forked(&self, pid: i32) {
        self.call_and_log("forked", (pid,));
    }

    /// gunicorn's `child_exit`. One that raises is logged.
    // gunicorn: an exception there stops the server.
    pub fn child_exit(&self, pid: i32) {
        self.call_and_log("child_exit", (pid,));
    }

    /// gunicorn's `pre_exec`.
    ///
    /// # Errors
    /// It raised.
    pub fn pre_exec(&self) -> Result<(), PythonError> {
        self.call("pre_exec", ())
    }

    /// gunicorn's `on_exit`. One that raises is logged.
    pub fn on_exit(&self) {
        self.call_and_log("on_exit", ());
    }

    /// gunicorn's `post_fork`, in the worker.
    ///
    /// # Errors
    /// It raised.
    pub fn post_fork(&self, generation: u64) -> Result<(), PythonError> {
        self.call("post_fork", (generation,))
    }

    /// gunicorn's `post_worker_init`, in the worker.
    ///
    /// # Errors
    /// It raised.
    pub fn post_worker_init(&self, application: &Py<PyAny>) -> Result<(), PythonError> {
        self.call("post_worker_init", (application,))
    }

    /// gunicorn's `worker_int`, in the worker. One that raises is logged.
    pub fn worker_int(&self) {
        self.call_and_log("worker_int", ());
    }

    /// gunicorn's `worker_abort`, in the worker. One that raises is logged.
    pub fn worker_abort(&self) {
        self.call_and_log("worker_abort", ());
    }

    /// gunicorn's `worker_exit`, in the worker, once. One that raises is logged.
    pub fn worker_exit(&self) {
        if !self.has_exited.swap(true, Ordering::SeqCst) {
            self.call_and_log("worker_exit", ());
        }
    }

    /// True when the config file of the generation in force has the hook of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let Some(python) = self.python.get() else { return false };
        attached(|py| python.call_method1(py, "has", (name,))?.extract(py)).unwrap_or(false)
    }

    /// What is called around each request; `None` when nothing is.
    #[must_use]
    pub fn for_requests(&self) -> Option<RequestHooks> {
        if !self.has("pre_request") && !self.has("post_request") {
            return None;
        }
        let python = self.python.get()?;
        Some(attached(|py| RequestHooks::new(python.bind(py))))
    }

    fn call_and_log(&self, name: &'static str, args: impl for<'py> PyCallArgs<'py>) {
        if let Err(error) = self.call(name, args) {
            log::error!(target: TRACEBACK, "{error}");
        }
    }

    fn call(
        &self,
        name: &'static str,
        args: impl for<'py> PyCallArgs<'py>,
    ) -> Result<(), PythonError> {
        let Some(python) = self.python.get() else { return Ok(()) };
        attached(|py| {
            python.bind(py).call_method1(name, args).map(drop).map_err(|error| PythonError::Hook {
                name,
                traceback: traceback::format(py, &error),
            })
        })
    }
}

/// Runs hooks.py and makes its `Hooks`.
fn run_source(py: Python<'_>) -> PyResult<Py<PyAny>> {
    shown::module(py)?;
    let module = PyModule::from_code(py, SOURCE, c"<unicoro's hooks.py>", c"unicoro.hooks")?;
    module.setattr("write", wrap_pyfunction!(write, py)?)?;
    module.getattr("Hooks")?.call0().map(Bound::unbind)
}

/// A line for the error log at one of `logging`'s levels; several lines if the text has them.
#[pyfunction]
fn write(level: u32, text: &str) {
    let target = if level >= 50 {
        CRITICAL
    } else if text.contains('\n') {
        TRACEBACK
    } else {
        module_path!()
    };
    let level = match level {
        40.. => log::Level::Error,
        30.. => log::Level::Warn,
        20.. => log::Level::Info,
        _ => log::Level::Debug,
    };
    log::log!(target: target, level, "{text}");
}

/// In Python, because it is about Python's objects.
const SOURCE: &CStr = c_str!(include_str!("hooks.py"));
