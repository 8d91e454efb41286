//! What `threading` knows of the engine's threads: see threads.py.

use std::ffi::CStr;
use std::sync::OnceLock;

use pyo3::ffi::c_str;
use pyo3::prelude::*;

use super::own_module;
use super::traceback;
use crate::logging::TRACEBACK;

/// What is called when a thread begins, and when it ends.
static TURNS: OnceLock<(Py<PyAny>, Py<PyAny>)> = OnceLock::new();

/// Before the engine's threads begin.
///
/// # Errors
/// threading cannot be imported, or threads.py is wrong.
pub(super) fn prepare(py: Python<'_>) -> PyResult<()> {
    let module = own_module::once(py, NAME, || {
        let module = PyModule::new(py, NAME)?;
        py.run(SOURCE, Some(&module.dict()), None)?;
        Ok(module)
    })?;
    let turn = |name| module.getattr(name).map(Bound::unbind);
    // Set before, in the process that this worker was forked from.
    drop(TURNS.set((turn("begin")?, turn("end")?)));
    Ok(())
}

/// On a thread of the engine's, before it runs any code of the application's.
pub(super) fn begin(py: Python<'_>) {
    if let Some((begin, _)) = TURNS.get() {
        call(py, begin);
    }
}

/// On the same, after.
pub(super) fn end(py: Python<'_>) {
    if let Some((_, end)) = TURNS.get() {
        call(py, end);
    }
}

fn call(py: Python<'_>, turn: &Py<PyAny>) {
    if let Err(error) = turn.call0(py) {
        log::error!(target: TRACEBACK, "a thread's begin or end:\n{}", traceback::format(py, &error));
    }
}

const NAME: &str = "unicoro.threads";

/// In Python, because it is about Python's objects.
const SOURCE: &CStr = c_str!(include_str!("threads.py"));
