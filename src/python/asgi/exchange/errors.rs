//! What is raised in an application, and what it has raised.

use pyo3::exceptions::PyGeneratorExit;
use pyo3::prelude::*;

use crate::python::interp::interned::interned;
use crate::python::wsgi::client_gone::comes_of;

/// Whether this was raised because its task was cancelled.
pub(super) fn comes_of_cancelling(py: Python<'_>, error: &PyErr) -> bool {
    let cancelled = py.import("asyncio").and_then(|it| it.getattr(interned!(py, "CancelledError")));
    comes_of(error.value(py), &|error| {
        error.is_instance_of::<PyGeneratorExit>()
            || cancelled.as_ref().is_ok_and(|class| error.is_instance(class).unwrap_or(false))
    })
}

/// The exception, whose traceback begins in the application.
pub(super) fn without_own_frame(error: &Bound<'_, PyAny>) -> PyErr {
    let py = error.py();
    let strip = || -> PyResult<()> {
        let own = error.getattr(interned!(py, "__traceback__"))?;
        if !own.is_none() {
            error
                .setattr(interned!(py, "__traceback__"), own.getattr(interned!(py, "tb_next"))?)?;
        }
        Ok(())
    };
    // A frame of ours too many does no harm.
    drop(strip());
    PyErr::from_value(error.clone())
}
