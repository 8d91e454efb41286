//! `unicoro.RequestTimeout`: the exception that ends a request which takes too long.
//!
//! In whichever way it comes into the application, its making is the moment of delivery
//! (`unicoro._delivered`).
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::sync::OnceLock;

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::PyModule;
use pyo3::wrap_pyfunction;
use unicoro_contract::{Interrupt, interrupt, replace_interrupt};

use super::computing;
use crate::python::error::PythonError;
use crate::python::gil::attach::attached;
use crate::python::interp::{own_module, traceback};

static REQUEST_TIMEOUT: OnceLock<Py<PyAny>> = OnceLock::new();

/// The signal whose handler raises: real-time, so that no application's own is in the way.
fn signal() -> i32 {
    libc::SIGRTMIN() + 6
}

/// Makes the module `unicoro`, which applications import to catch the exception. On the main thread.
///
/// # Errors
/// The text of a Python exception.
pub fn make_module() -> Result<(), PythonError> {
    attached(|py| {
        let make = || -> PyResult<()> {
            // The wheel's command has imported its package already.
            let module = own_module::once(py, "unicoro", || {
                PyModule::from_code(py, SOURCE, c"<unicoro>", c"unicoro")
            })?;
            module.setattr("__version__", env!("CARGO_PKG_VERSION"))?;
            module.setattr("version_info", version_info())?;
            module.add_function(wrap_pyfunction!(_delivered, &module)?)?;
            module.add_function(wrap_pyfunction!(_interrupted, &module)?)?;
            let class = module.getattr("RequestTimeout")?;
            // Once in a process; a second time only after a fork, and then it is the same.
            drop(REQUEST_TIMEOUT.set(class.unbind()));
            computing::prepare(py)?;
            let handler = module.getattr("_interrupted")?;
            py.import("signal")?.call_method1("signal", (signal(), handler))?;
            Ok(())
        };
        make().map_err(|error| traceback::raised(py, &error))
    })
}

/// The version's numbers, as gunicorn's.
fn version_info() -> (u32, u32, u32) {
    let number = |text: &str| text.parse().unwrap_or_default();
    (
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    )
}

/// The module as the wheel has it.
const SOURCE: &CStr = c_str!(include_str!("../../../wheel/python/unicoro/__init__.py"));

/// The exception exists: no further wait is ended for it, and no second one is raised.
#[pyfunction]
fn _delivered() {
    let told = Interrupt { is_delivered: true, ..Interrupt::default() };
    if replace_interrupt(told).is_due {
        // SAFETY: no arguments; the identity is our own again, now that nothing is due.
        computing::forgive_attached(unsafe { libc::pthread_self() } as usize);
    }
}

/// The handler of the signal: raises in the green thread that is due, and nowhere else.
#[pyfunction]
fn _interrupted(py: Python<'_>, _number: i32, _frame: Py<PyAny>) -> PyResult<()> {
    match REQUEST_TIMEOUT.get() {
        Some(class) if interrupt().is_due => Err(PyErr::from_value(class.bind(py).call0()?)),
        _ => Ok(()),
    }
}

/// Has CPython look for signals the next time that a wait of the main thread, or of a green thread
/// that passes for it, ends with `EINTR`.
pub fn trip() {
    unsafe extern "C" {
        // Since 3.10; async-signal-safe, and needs no GIL.
        fn PyErr_SetInterruptEx(signal: std::ffi::c_int) -> std::ffi::c_int;
    }
    // SAFETY: the signal has a handler of ours since `make_module`.
    unsafe { PyErr_SetInterruptEx(signal()) };
}

/// The exception's class.
pub fn class(py: Python<'_>) -> Option<&Bound<'_, PyAny>> {
    REQUEST_TIMEOUT.get().map(|class| class.bind(py))
}

/// The exception, if the request of the green thread that calls is overdue and was not told so: for
/// what has failed here because its client was parted with.
pub fn due(py: Python<'_>) -> Option<PyErr> {
    let error = class(py).filter(|_| interrupt().is_due)?.call0();
    Some(error.map_or_else(|failure| failure, PyErr::from_value))
}

/// Whether an exception is ours.
pub fn is_request_timeout(py: Python<'_>, error: &PyErr) -> bool {
    class(py).is_some_and(|class| error.is_instance(py, class))
}
