//! The module `unicoro.websocket`: its exceptions, and `prepare`.

use std::ffi::CStr;
use std::sync::OnceLock;

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::wrap_pyfunction;

use super::outgoing::prepare;
use crate::exchange::Closed;
use crate::python::error::PythonError;
use crate::python::gil::attach::attached;
use crate::python::interp::{own_module, traceback};

/// Its classes.
struct Classes {
    closed: Py<PyAny>,
    handshake: Py<PyAny>,
    gevents: Py<PyAny>,
}

static CLASSES: OnceLock<Classes> = OnceLock::new();

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
    let classes = Classes {
        closed: module.getattr("ConnectionClosed")?.unbind(),
        handshake: module.getattr("HandshakeError")?.unbind(),
        gevents: module.getattr("GeventWebSocket")?.unbind(),
    };
    // Once in a process; a second time only after a fork, and then it is the same.
    drop(CLASSES.set(classes));
    Ok(())
}

/// The module as the wheel has it.
const SOURCE: &CStr = c_str!(include_str!("../../../wheel/python/unicoro/websocket.py"));

/// What has gevent-websocket's methods, around the `unicoro.websocket` of this environ.
///
/// # Errors
/// No memory.
pub fn with_gevents_methods<'py>(
    websocket: &Bound<'py, PyAny>,
    environ: &Bound<'py, PyDict>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let make = |classes: &Classes| classes.gevents.bind(environ.py()).call1((websocket, environ));
    CLASSES.get().map(make).transpose()
}

/// `ConnectionClosed`.
pub fn connection_closed(py: Python<'_>, closed: Closed) -> PyErr {
    raised(py, |classes| &classes.closed, closed)
}

/// `HandshakeError`.
pub fn handshake_error(py: Python<'_>, detail: &str) -> PyErr {
    let closed = Closed { code: crate::websocket::close_code::ABNORMAL, reason: detail.into() };
    raised(py, |classes| &classes.handshake, closed)
}

/// Whether it is one of both.
pub fn is_connection_closed(py: Python<'_>, error: &PyErr) -> bool {
    CLASSES.get().is_some_and(|classes| error.is_instance(py, classes.closed.bind(py)))
}

fn raised(py: Python<'_>, class: impl Fn(&Classes) -> &Py<PyAny>, closed: Closed) -> PyErr {
    let Some(classes) = CLASSES.get() else {
        return pyo3::exceptions::PyConnectionError::new_err(closed.reason);
    };
    let error = class(classes).bind(py).call1((closed.code, closed.reason));
    error.map_or_else(|failure| failure, PyErr::from_value)
}
