//! What applications send: str, bytes, what has bytes, and messages that were prepared.

use std::sync::{Arc, OnceLock};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};

use crate::exchange::Outgoing;
use crate::websocket::{Data, Policy, Pool, Prepared};

/// A message that many clients are sent.
#[pyclass(module = "unicoro.websocket", name = "PreparedMessage", frozen)]
pub struct PreparedMessage {
    data: Given,
    // Made when the first of them is sent it: by then it is known what it is compressed with.
    made: OnceLock<Prepared>,
}

/// A message, as Python has it; it does not change.
enum Given {
    Text(Py<PyString>),
    Binary(Py<PyBytes>),
}

impl Given {
    fn of(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = data.cast::<PyString>() {
            return Ok(Given::Text(text.clone().unbind()));
        }
        if let Ok(bytes) = data.cast::<PyBytes>() {
            return Ok(Given::Binary(bytes.clone().unbind()));
        }
        if data.is_instance_of::<PyByteArray>() || data.is_instance_of::<PyMemoryView>() {
            let copy = data.py().get_type::<PyBytes>().call1((data,))?;
            return Ok(Given::Binary(copy.cast_into::<PyBytes>()?.unbind()));
        }
        let kind = data.get_type();
        Err(PyTypeError::new_err(format!("a message is str or bytes, and not {}", kind.name()?)))
    }

    fn data<'d>(&'d self, py: Python<'d>) -> PyResult<Data<'d>> {
        Ok(match self {
            Given::Text(text) => Data::Text(text.bind(py).to_str()?),
            Given::Binary(bytes) => Data::Binary(bytes.bind(py).as_bytes()),
        })
    }
}

/// `unicoro.websocket.prepare`.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub fn prepare(data: &Bound<'_, PyAny>) -> PyResult<PreparedMessage> {
    let given = Given::of(data)?;
    // A text that is none of Unicode's fails here and not for each client.
    given.data(data.py())?;
    Ok(PreparedMessage { data: given, made: OnceLock::new() })
}

/// Has `send` send it.
///
/// # Errors
/// It is no message; or `send` says so.
pub fn with<R>(
    data: &Bound<'_, PyAny>,
    pool: Option<&Arc<Pool>>,
    send: impl FnOnce(&Outgoing<'_>) -> PyResult<R>,
) -> PyResult<R> {
    let py = data.py();
    if let Ok(prepared) = data.cast_exact::<PreparedMessage>() {
        let prepared = prepared.get();
        if prepared.made.get().is_none() {
            let none = || Arc::new(Pool::new(Policy::default()));
            let made = Prepared::new(prepared.data.data(py)?, &pool.cloned().unwrap_or_else(none));
            // Unless another thread has made it meanwhile.
            drop(prepared.made.set(made));
        }
        if let Some(made) = prepared.made.get() {
            return send(&Outgoing::Prepared(made));
        }
    }
    let given = Given::of(data)?;
    send(&Outgoing::Message(given.data(py)?))
}
