//! The Python side: functions that are called for each request, looked up once.

use std::ffi::CStr;

use pyo3::ffi::c_str;
use pyo3::prelude::*;

use crate::python::interp::own_module;

/// In Python, because only Python writes coroutines.
const SOURCE: &CStr = c_str!(include_str!("asgi.py"));

/// Functions of asgi.py.
pub struct Functions {
    /// The task of a request.
    pub serve: Py<PyAny>,
    /// Makes it where the loop has a task factory.
    pub serve_by_factory: Py<PyAny>,
    /// What `receive` returns where nothing has come.
    pub receive: Py<PyAny>,
    /// What `send` returns where its client has not taken all.
    pub drain: Py<PyAny>,
    /// What it returns where the client has not taken what was sent before.
    pub send_in_line: Py<PyAny>,
    /// Makes that line.
    pub new_line: Py<PyAny>,
    /// `receive` and `drain` for a request that has gone on for long enough.
    pub receive_behind_others: Py<PyAny>,
    /// See there.
    pub drain_behind_others: Py<PyAny>,
}

impl Functions {
    /// All of them.
    ///
    /// # Errors
    /// Python raised an exception.
    pub fn find(py: Python<'_>) -> PyResult<Self> {
        let module = module(py)?;
        let function = |name: &str| Ok::<_, PyErr>(module.getattr(name)?.unbind());
        Ok(Self {
            serve: function("serve")?,
            serve_by_factory: function("serve_by_factory")?,
            receive: function("receive")?,
            drain: function("drain")?,
            send_in_line: function("send_in_line")?,
            new_line: function("new_line")?,
            receive_behind_others: function("receive_behind_others")?,
            drain_behind_others: function("drain_behind_others")?,
        })
    }
}

/// asgi.py.
///
/// # Errors
/// Python raised an exception.
pub fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    own_module::once(py, "unicoro._asgi", || {
        PyModule::from_code(py, SOURCE, c"<unicoro._asgi>", c"unicoro._asgi")
    })
}
