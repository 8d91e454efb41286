//! The messages that an application receives.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::python::interp::interned::interned;

pub(super) fn body<'py>(py: Python<'py>, data: &[u8], more: bool) -> PyResult<Bound<'py, PyDict>> {
    let message = PyDict::new(py);
    message.set_item(interned!(py, "type"), interned!(py, "http.request"))?;
    message.set_item(interned!(py, "body"), PyBytes::new(py, data))?;
    message.set_item(interned!(py, "more_body"), more)?;
    Ok(message)
}

pub(super) fn disconnect(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let message = PyDict::new(py);
    message.set_item(interned!(py, "type"), interned!(py, "http.disconnect"))?;
    Ok(message)
}
