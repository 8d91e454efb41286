//! `gunicorn.socket`: the client's socket, for applications that speak another protocol on it
//! (flask-sock and simple-websocket live on it).
//!
//! Most applications never touch it, so the socket object is made when it is first used. It has a
//! descriptor of its own: the application may keep it beyond the request and must close it. Once it
//! is made the connection serves no further request. What the client has sent ahead of the answer
//! is received already; it comes first out of the socket object.

use std::ffi::CStr;
use std::os::fd::AsRawFd;
use std::sync::{Arc, OnceLock, Weak};

use pyo3::exceptions::PyOSError;
use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use unicoro_contract::Stream;

use crate::python::wsgi::input::Input;

/// Stands for the socket.
#[pyclass(module = "unicoro", name = "Socket")]
#[derive(Default)]
pub struct AppSocket {
    // Weak: an application that keeps its environ must not keep the connection open.
    stream: Weak<Stream>,
    // What has received bytes behind the request's head; shared by requests without any.
    input: Option<Py<Input>>,
    socket: OnceLock<Py<PyAny>>,
}

impl AppSocket {
    /// Lends it a request's connection; nothing is made yet.
    pub fn lend(&mut self, stream: &Arc<Stream>, input: Py<Input>) {
        self.stream = Arc::downgrade(stream);
        self.input = Some(input);
    }

    /// Takes it back. False: the application has used it.
    pub fn take_back(&mut self) -> bool {
        self.stream = Weak::new();
        self.input = None;
        !self.is_taken()
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
        stream.share();
        let fd = py.import("os")?.call_method1("dup", (stream.as_raw_fd(),))?;
        let received = self.input.as_ref().map(|input| input.get().take_received());
        let socket = match received.unwrap_or_default().as_slice() {
            // (family, type, proto, fileno): -1 means to ask the descriptor.
            [] => py.import("socket")?.getattr("socket")?.call1((-1, -1, -1, fd))?,
            received => PyModule::from_code(
                py,
                SOURCE,
                c"<unicoro's app_socket.py>",
                c"unicoro.app_socket",
            )?
            .getattr("ClientSocket")?
            .call1((fd, PyBytes::new(py, received)))?,
        };
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

/// In Python, because it is a class of Python's that is added to.
const SOURCE: &CStr = c_str!(include_str!("app_socket.py"));
