//! Signals that the worker hears, and that the application may handle too (see shared_signals.py and
//! `unicoro_sys::signal_pipe`): a handler that it sets by `signal.signal` is called behind ours.

use std::ffi::CStr;

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use unicoro_sys::signal::{BlockedSignals, Signal};
use unicoro_sys::signal_pipe;

use crate::python::error::PythonError;
use crate::python::gil::attach::attached;
use crate::python::interp::{own_module, traceback};

/// Offers these to the application, once there is the pipe by which the worker hears them. On the main
/// thread, before the application is loaded.
///
/// # Errors
/// The traceback of shared_signals.py: a bug.
pub fn share_signals(signals: &[Signal]) -> Result<(), PythonError> {
    attached(|py| {
        let begin = || -> PyResult<()> {
            own_module::once(py, NAME, || make(py, signals))?.call_method0("begin")?;
            // CPython has put its handler there. As long as the application is loaded, and sets none, they
            // end the process at once.
            Ok(signals.iter().try_for_each(|signal| signal.restore())?)
        };
        begin().map_err(|error| traceback::raised(py, &error))
    })
}

fn make<'py>(py: Python<'py>, signals: &[Signal]) -> PyResult<Bound<'py, PyModule>> {
    let module =
        PyModule::from_code(py, SOURCE, c"<unicoro's shared_signals.py>", c"unicoro.signals")?;
    let numbers: Vec<i32> = signals.iter().map(|signal| signal.as_raw()).collect();
    module.setattr("SHARED", numbers)?;
    module.setattr("handle_and_hear", wrap_pyfunction!(handle_and_hear, &module)?)?;
    module.setattr("pass_on", wrap_pyfunction!(pass_on, &module)?)?;
    module.setattr("warn", wrap_pyfunction!(warn, &module)?)?;
    Ok(module)
}

/// In one step: no code of Python's runs while CPython's handler stands alone, and a signal that comes then waits,
/// if no thread of the application's lets it through.
#[pyfunction]
fn handle_and_hear<'py>(
    handle: &Bound<'py, PyAny>,
    signalnum: i32,
    handler: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let _blocked = BlockedSignals::all()?;
    let before = handle.call1((signalnum, handler))?;
    // CPython's is always called.
    signal_pipe::hear_as_well(Signal::from_raw(signalnum))?;
    Ok(before)
}

/// What a signal does where the application does not handle it.
#[pyfunction]
#[pyo3(signature = (signalnum, _frame=None, /))]
fn pass_on(signalnum: i32, _frame: Option<&Bound<'_, PyAny>>) {
    signal_pipe::pass_on(Signal::from_raw(signalnum));
}

#[pyfunction]
fn warn(text: &str) {
    log::warn!("{text}");
}

const NAME: &str = "unicoro.signals";

/// In Python, because it is about a module of Python's.
const SOURCE: &CStr = c_str!(include_str!("shared_signals.py"));
