//! PEP 3333: bytes as native strings that hold latin-1, and back.

#![allow(unsafe_code)]

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Bytes as a native string.
pub fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    // SAFETY: attached, says `py`; the bytes are read during the call only. A new reference to a str
    // comes back, or null with an exception: then there is no memory, and pyo3 panics as for its own.
    unsafe {
        let text = ffi::PyUnicode_DecodeLatin1(
            bytes.as_ptr().cast(),
            bytes.len().cast_signed(),
            std::ptr::null(),
        );
        Bound::from_owned_ptr(py, text).cast_into_unchecked()
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
