//! PEP 3333: bytes as native strings that hold latin-1, and back.

#![allow(unsafe_code)]

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::types::string::PyStringData;

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
    // SAFETY: the str is not written to: it was not made a moment ago, and by nobody here.
    if let PyStringData::Ucs1(bytes) = unsafe { text.data()? } {
        out.extend_from_slice(bytes);
        return Ok(());
    }
    // A str has wider letters only if one of them is none of latin-1's (PEP 393).
    let text = text.to_string_lossy();
    let letter = text.chars().find(|letter| u32::from(*letter) > 0xff).unwrap_or_default();
    Err(PyValueError::new_err(format!("{what} holds {letter:?}, which is not latin-1")))
}
