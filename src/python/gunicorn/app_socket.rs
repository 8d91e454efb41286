//! `gunicorn.socket`: the client's socket, for applications that speak another protocol on it
//! (flask-sock and simple-websocket live on it).
//!
//! Most applications never touch it, so the socket object is made when it is first used. It has a
//! descriptor of its own: the application may keep it beyond the request and must close it. Once it
//! is made the connection serves no further request. What the client has sent ahead of the answer
//! is received already; it comes first out of the socket object.

use std::ffi::CStr;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use pyo3::exceptions::PyOSError;
use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use unicoro_contract::Stream;

use crate::python::gil::attach::detached;
use crate::python::wsgi::input::Input;

/// Stands for the socket.
#[pyclass(module = "unicoro", name = "Socket", frozen)]
#[derive(Default)]
pub struct AppSocket {
    lent: Mutex<Option<Lent>>,
    is_taken: AtomicBool,
    /// What the client has sent ahead, once it was taken: for each thread that makes the socket at the same time.
    received: OnceLock<Vec<u8>>,
    socket: OnceLock<Py<PyAny>>,
}

/// What it has of a request.
struct Lent {
    // Weak: an application that keeps its environ must not keep the connection open.
    stream: Weak<Stream>,
    // What has received bytes behind the request's head; shared by requests without any.
    input: Py<Input>,
}

impl AppSocket {
    /// Lends it a request's connection; nothing is made yet.
    pub fn lend(&self, stream: &Arc<Stream>, input: Py<Input>) {
        *self.lent() = Some(Lent { stream: Arc::downgrade(stream), input });
    }

    /// Takes it back. False: the application has used it.
    pub fn take_back(&self) -> bool {
        let lent = self.lent().take();
        drop(lent);
        !self.is_taken()
    }

    /// Whether the application has used it.
    pub fn is_taken(&self) -> bool {
        self.is_taken.load(Ordering::Relaxed)
    }

    /// Held for moments only, and while no code of the application's runs.
    fn lent(&self) -> MutexGuard<'_, Option<Lent>> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn socket<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(socket) = self.socket.get() {
            return Ok(socket.bind(py).clone());
        }
        let find = |lent: &Lent| Some((lent.stream.upgrade()?, lent.input.clone_ref(py)));
        let found = self.lent().as_ref().and_then(find);
        let (stream, input) = found.ok_or_else(|| PyOSError::new_err("the request is over"))?;
        // First: the connection must not serve another request beside the application.
        self.is_taken.store(true, Ordering::Relaxed);
        let made = self.make(py, &stream, &input);
        // Unless it has nothing of it after all, nor has another thread that makes one.
        self.is_taken.store(made.is_ok() || self.received.get().is_some(), Ordering::Relaxed);
        let socket = made?;
        Ok(self.socket.get_or_init(|| socket.unbind()).bind(py).clone())
    }

    fn make<'py>(
        &self,
        py: Python<'py>,
        stream: &Stream,
        input: &Py<Input>,
    ) -> PyResult<Bound<'py, PyAny>> {
        detached(py, || stream.share())?;
        let fd = py.import("os")?.call_method1("dup", (stream.as_raw_fd(),))?;
        let received = self.received.get_or_init(|| input.get().take_received());
        let socket = match received.as_slice() {
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
        Ok(socket)
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
