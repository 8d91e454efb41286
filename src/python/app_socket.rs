//! `gunicorn.socket`: the client's socket, for applications that speak another protocol on it
//! (flask-sock and simple-websocket live on it).
//!
//! Most applications never touch it, so the socket object is made when it is first used. It has a
//! descriptor of its own: the application may keep it beyond the request and must close it. Once it
//! is made the connection serves no further request. Bytes that the client has sent ahead of the
//! answer, before the socket was used, may not be found there.

use std::os::fd::AsRawFd;
use std::sync::{Arc, OnceLock, Weak};

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use unicoro_contract::Stream;

/// Stands for the socket.
#[pyclass(module = "unicoro", name = "Socket", frozen)]
pub struct AppSocket {
    // Weak: an application that keeps its environ must not keep the connection open.
    stream: Weak<Stream>,
    socket: OnceLock<Py<PyAny>>,
}

impl AppSocket {
    /// Of a request's connection; nothing is made yet.
    pub fn new(stream: &Arc<Stream>) -> Self {
        Self { stream: Arc::downgrade(stream), socket: OnceLock::new() }
    }

    /// Whether the application has used it.
    pub fn is_taken(&self) -> bool {
        self.socket.get().is_some()
    }

    fn socket<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(socket) = self.socket.get() {
            return Ok(socket.bind(py).clone());
        }
        let stream =
            self.stream.upgrade().ok_or_else(|| PyOSError::new_err("the request is over"))?;
        let fd = py.import("os")?.call_method1("dup", (stream.as_raw_fd(),))?;
        let class = py.import("socket")?.getattr("socket")?;
        // (family, type, proto, fileno): -1 means to ask the descriptor.
        let socket = class.call1((-1, -1, -1, fd))?;
        // It was accepted for an event loop. Our own calls never block, whatever this says.
        socket.call_method1("setblocking", (true,))?;
        Ok(self.socket.get_or_init(|| socket.unbind()).bind(py).clone())
    }
}

#[pymethods]
impl AppSocket {
    fn __getattr__<'py>(&self, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        self.socket(name.py())?.getattr(name)
    }
}
