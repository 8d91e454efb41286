//! PEP 3333: bytes as native strings that hold latin-1, and back.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Bytes as a native string.
pub fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => PyString::new(py, text),
        _ => PyString::new(py, &bytes.iter().map(|byte| char::from(*byte)).collect::<String>()),
    }
}

/// Appends the bytes of a native string.
///
/// # Errors
/// `object` is none; `what` names it.
pub fn push_latin1(object: &Bound<'_, PyAny>, what: &str, out: &mut Vec<u8>) -> PyResult<()> {
    let text = object.cast::<PyString>().map_err(|_| {
        let kind = object.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
        PyTypeError::new_err(format!("{what} must be str, not {kind}"))
    })?;
    let text = text.to_cow()?;
    if text.is_ascii() {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    for letter in text.chars() {
        let byte = u8::try_from(u32::from(letter)).map_err(|_| {
            PyValueError::new_err(format!("{what} holds {letter:?}, which is not latin-1"))
        })?;
        out.push(byte);
    }
    Ok(())
}
