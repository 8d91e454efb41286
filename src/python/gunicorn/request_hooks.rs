//! `pre_request` and `post_request`: what a config file has called around each request.
//!
//! Made only when one of them is set, so that nobody else pays for them.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::python::interp::interned::interned;

/// The two hooks.
pub struct RequestHooks {
    hooks: Py<PyAny>,
}

impl RequestHooks {
    /// From the `Hooks` of hooks.py.
    pub fn new(hooks: &Bound<'_, PyAny>) -> Self {
        Self { hooks: hooks.clone().unbind() }
    }

    /// Calls `pre_request`.
    pub fn before<'py>(&self, request: &Bound<'py, PyAny>) -> PyResult<()> {
        let py = request.py();
        self.hooks.bind(py).call_method1(interned!(py, "pre_request"), (request,)).map(drop)
    }

    /// Calls `post_request`. False: the worker is to be replaced.
    pub fn after(
        &self,
        request: &Bound<'_, PyAny>,
        environ: &Bound<'_, PyDict>,
        response: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let py = request.py();
        let arguments = (request, environ, response);
        self.hooks.bind(py).call_method1(interned!(py, "post_request"), arguments)?.extract()
    }
}
