//! What the messages of an application say.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use unicoro_contract::buffers;

use crate::http::Fields;
use crate::python::interp::interned::interned;

pub(super) fn required<'py>(
    message: &Bound<'py, PyDict>,
    key: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let found = match key {
        "type" => message.get_item(interned!(message.py(), "type"))?,
        _ => message.get_item(key)?,
    };
    found.ok_or_else(|| PyValueError::new_err(format!("the ASGI message has no {key:?}")))
}

/// The headers of a message.
pub(super) fn fields_of(message: &Bound<'_, PyDict>) -> PyResult<Fields> {
    let mut fields = Fields::within(buffers::take());
    push_headers(&mut fields, message)?;
    Ok(fields)
}

/// Those of the message, if it has any.
pub(super) fn push_headers(fields: &mut Fields, message: &Bound<'_, PyDict>) -> PyResult<()> {
    let headers = message.get_item(interned!(message.py(), "headers"))?;
    if let Some(headers) = headers.filter(|headers| !headers.is_none()) {
        for pair in headers.try_iter()? {
            push_pair(fields, &pair?)?;
        }
    }
    Ok(())
}

/// `[name, value]`, both bytes.
fn push_pair(fields: &mut Fields, pair: &Bound<'_, PyAny>) -> PyResult<()> {
    let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = match pair.cast::<PyList>() {
        Ok(list) if list.len() == 2 => (list.get_item(0)?, list.get_item(1)?),
        _ => pair.extract()?,
    };
    fields.push(|bytes| push_bytes(&name, bytes), |bytes| push_bytes(&value, bytes))
}

pub(super) fn push_bytes(part: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> PyResult<()> {
    out.extend_from_slice(as_bytes(part)?.as_bytes());
    Ok(())
}

/// bytes, and what can become bytes without being a number or text.
pub(super) fn as_bytes<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(bytes.clone());
    }
    let py = object.py();
    let view = py.import("builtins")?.call_method1("memoryview", (object,))?;
    Ok(view.call_method0("tobytes")?.cast_into()?)
}
