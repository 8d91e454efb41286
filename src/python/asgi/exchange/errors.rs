//! What is raised in an application, and what it has raised.

use std::io;

use pyo3::exceptions::PyBrokenPipeError;
use pyo3::prelude::*;

use crate::python::interp::interned::interned;

pub(super) fn gone(error: &io::Error) -> PyErr {
    PyBrokenPipeError::new_err(format!("the client is gone: {error}"))
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
