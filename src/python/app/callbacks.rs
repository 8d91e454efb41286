//! What an application has left a WebSocket to: its functions for each message, and for the end.

use pyo3::prelude::*;

use super::swallowed::warn_if_swallowed;
use super::turn::in_turn;
use crate::exchange::Callbacks;
use crate::python::deadline::request_timeout::is_request_timeout;
use crate::python::interp::fork::end_if_stray;
use crate::python::loggers::records::log_raised;
use crate::python::websocket::handle::{GivenCallbacks, Handle, as_object};
use crate::python::websocket::module::is_connection_closed;
use crate::websocket::Message;

/// The functions, and the socket that they are given.
pub struct PythonCallbacks(Option<(Py<Handle>, GivenCallbacks)>);

impl PythonCallbacks {
    /// What `serve` of this socket was given.
    pub fn new(socket: Py<Handle>, given: GivenCallbacks) -> Self {
        Self(Some((socket, given)))
    }
}

impl Callbacks for PythonCallbacks {
    fn message(&self, line: &str, message: Message) -> bool {
        let Some((socket, given)) = &self.0 else { return false };
        let mut is_well = false;
        in_turn(|py| {
            let call = || given.on_message.call1(py, (socket, as_object(py, message)?));
            is_well = !has_failed(py, line, call());
        });
        is_well
    }

    fn closed(mut self: Box<Self>, line: &str) {
        let Some((socket, given)) = self.0.take() else { return };
        in_turn(|py| {
            if let Some(on_close) = &given.on_close {
                has_failed(py, line, on_close.call1(py, (&socket,)));
            }
            // With the GIL.
            drop((socket, given));
        });
    }
}

impl Drop for PythonCallbacks {
    fn drop(&mut self) {
        // A worker that quits calls nobody, and its Python ends without it: here there may be no GIL.
        std::mem::forget(self.0.take());
    }
}

fn has_failed(py: Python<'_>, line: &str, called: PyResult<Py<PyAny>>) -> bool {
    end_if_stray(py, called.as_ref().err());
    let was_raised = called.as_ref().is_err_and(|error| is_request_timeout(py, error));
    warn_if_swallowed(|| line.to_owned(), was_raised);
    called.is_err_and(|error| is_failure(py, line, &error))
}

/// Whether what code for a WebSocket has raised is a fault of the application's, which is then logged. That
/// the connection is closed is none.
pub fn is_failure(py: Python<'_>, line: &str, error: &PyErr) -> bool {
    if is_connection_closed(py, error) {
        return false;
    }
    // Said when it was raised.
    if !is_request_timeout(py, error) {
        log_raised(py, &format!("Error handling the WebSocket {line}"), error);
    }
    true
}
