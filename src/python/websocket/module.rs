//! The module `unicoro.websocket`: its exceptions, and `prepare`.

use std::ffi::CStr;
use std::sync::OnceLock;

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::wrap_pyfunction;

use super::outgoing::prepare;
use crate::exchange::Closed;
use crate::python::error::PythonError;
use crate::python::gil::attach::attached;
use crate::python::interp::{own_module, traceback};

/// The classes of its exceptions.
pub struct Errors {
    closed: Py<PyAny>,
    handshake: Py<PyAny>,
}

static ERRORS: OnceLock<Errors> = OnceLock::new();

/// Makes the module, as an attribute of `unicoro`, which there is. On the main thread.
///
/// # Errors
/// The text of a Python exception.
pub fn make_websocket_module() -> Result<(), PythonError> {
    attached(|py| make(py).map_err(|error| traceback::raised(py, &error)))
}

fn make(py: Python<'_>) -> PyResult<()> {
    let module = own_module::once(py, "unicoro.websocket", || {
        PyModule::from_code(py, SOURCE, c"<unicoro.websocket>", c"unicoro.websocket")
    })?;
    module.add_function(wrap_pyfunction!(prepare, &module)?)?;
    py.import("unicoro")?.setattr("websocket", &module)?;
    let errors = Errors {
        closed: module.getattr("ConnectionClosed")?.unbind(),
        handshake: module.getattr("HandshakeError")?.unbind(),
    };
    // Once in a process; a second time only after a fork, and then it is the same.
    drop(ERRORS.set(errors));
    Ok(())
}

/// The module as the wheel has it.
const SOURCE: &CStr = c_str!(include_str!("../../../wheel/python/unicoro/websocket.py"));

/// `ConnectionClosed`.
pub fn connection_closed(py: Python<'_>, closed: Closed) -> PyErr {
    raised(py, |errors| &errors.closed, closed)
}

/// `HandshakeError`.
pub fn handshake_error(py: Python<'_>, detail: &str) -> PyErr {
    let closed = Closed { code: crate::websocket::close_code::ABNORMAL, reason: detail.into() };
    raised(py, |errors| &errors.handshake, closed)
}

/// Whether it is one of both.
pub fn is_connection_closed(py: Python<'_>, error: &PyErr) -> bool {
    ERRORS.get().is_some_and(|errors| error.is_instance(py, errors.closed.bind(py)))
}

fn raised(py: Python<'_>, class: impl Fn(&Errors) -> &Py<PyAny>, closed: Closed) -> PyErr {
    let Some(errors) = ERRORS.get() else {
        return pyo3::exceptions::PyConnectionError::new_err(closed.reason);
    };
    let error = class(errors).bind(py).call1((closed.code, closed.reason));
    error.map_or_else(|failure| failure, PyErr::from_value)
}
