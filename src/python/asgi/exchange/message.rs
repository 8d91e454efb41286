//! What the messages of an application say.

use pyo3::exceptions::{PyTypeError, PyValueError};
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
    let Some(headers) = headers.filter(|headers| !headers.is_none()) else { return Ok(()) };
    if headers.is_instance_of::<PyDict>() {
        let text = "the headers of an ASGI message are [name, value] each: give headers.items(), and bytes";
        return Err(wrong_type(text, &headers));
    }
    let pairs = headers.try_iter().map_err(|_| {
        wrong_type("the headers of an ASGI message are an iterable of [name, value]", &headers)
    })?;
    for pair in pairs {
        push_pair(fields, &pair?)?;
    }
    Ok(())
}

/// `[name, value]`, both bytes.
fn push_pair(fields: &mut Fields, pair: &Bound<'_, PyAny>) -> PyResult<()> {
    let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = match pair.cast::<PyList>() {
        Ok(list) if list.len() == 2 => (list.get_item(0)?, list.get_item(1)?),
        _ => pair.extract().map_err(|_| not_a_pair(pair))?,
    };
    fields.push(
        |bytes| push_bytes(&name, || "the name of a header is bytes".into(), bytes),
        |bytes| {
            push_bytes(
                &value,
                || format!("the value of the header {} is bytes", shown(&name)),
                bytes,
            )
        },
    )
}

fn not_a_pair(pair: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!("a header is [name, value], both bytes, and not {}", shown(pair)))
}

/// Appends bytes; with `rule`, which they break.
pub(super) fn push_bytes(
    part: &Bound<'_, PyAny>,
    rule: impl Fn() -> String,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    out.extend_from_slice(as_bytes(part, rule)?.as_bytes());
    Ok(())
}

/// bytes, and what can become bytes without being a number or text.
pub(super) fn as_bytes<'py>(
    object: &Bound<'py, PyAny>,
    rule: impl Fn() -> String,
) -> PyResult<Bound<'py, PyBytes>> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(bytes.clone());
    }
    let py = object.py();
    let view = py.import("builtins")?.call_method1("memoryview", (object,));
    let view = view.map_err(|_| wrong_type(&rule(), object))?;
    Ok(view.call_method0("tobytes")?.cast_into()?)
}

/// A rule for what a message has, and what it has.
pub(super) fn wrong_type(rule: &str, object: &Bound<'_, PyAny>) -> PyErr {
    let kind = object.get_type().name().map_or_else(|_| "that".into(), |name| name.to_string());
    PyTypeError::new_err(format!("{rule}, not {kind}: {}", shown(object)))
}

/// As Python shows it, in short.
fn shown(object: &Bound<'_, PyAny>) -> String {
    let text = object.repr().map_or_else(|_| "an object".into(), |text| text.to_string());
    let cut = text.char_indices().nth(LONGEST).map_or(text.len(), |(index, _)| index);
    if cut < text.len() { format!("{}...", &text[..cut]) } else { text }
}

/// Characters of what is shown.
const LONGEST: usize = 60;
