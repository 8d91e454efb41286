//! What a request's deadline meets in a hub that waits: the hub's own method for errors, replaced.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::python::deadline::request_timeout;

/// The hub's method for errors that no greenlet waits for, made to hand a request's deadline to the
/// greenlet that the request began in. Not in Python: the exception comes at the first instruction
/// of the first Python function, which must not be the one that catches it.
#[pyclass(frozen)]
pub struct PassDeadlinesOn {
    handle_error: Py<PyAny>,
    hub: Option<Py<PyAny>>,
}

#[pymethods]
impl PassDeadlinesOn {
    #[new]
    fn new(handle_error: Py<PyAny>) -> Self {
        Self { handle_error, hub: None }
    }

    /// A method of the hub's.
    fn __get__(&self, py: Python<'_>, hub: Option<Py<PyAny>>, _class: Option<Py<PyAny>>) -> Self {
        Self { handle_error: self.handle_error.clone_ref(py), hub }
    }

    #[pyo3(signature = (*details))]
    fn __call__(&self, py: Python<'_>, details: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        let Some(hub) = &self.hub else {
            return self.handle_error.call1(py, details);
        };
        let method = self.handle_error.bind(py).call_method1("__get__", (hub,))?;
        match method.call1(details) {
            Err(error) if request_timeout::is_request_timeout(py, &error) => {
                hub.getattr(py, "parent")?.call_method1(py, "throw", (error,))
            }
            handled => handled.map(Bound::unbind),
        }
    }
}
