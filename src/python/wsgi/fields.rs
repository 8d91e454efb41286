//! Header fields as an application gives them, in bytes.
//!
//! Only their types are judged here; what may stand in a field is for `http` to say.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use unicoro_contract::buffers;

use super::latin1::push_latin1;
use crate::http::Fields;
use crate::python::interp::interned::interned;

/// From an iterable of (name, value) tuples.
///
/// # Errors
/// It is something else.
pub fn fields_of(headers: &Bound<'_, PyAny>) -> PyResult<Fields> {
    let mut fields = Fields::within(buffers::take());
    if let Ok(list) = headers.cast_exact::<PyList>() {
        list.iter().try_for_each(|field| push_pair(&mut fields, &field))?;
    } else {
        headers.try_iter()?.try_for_each(|field| push_pair(&mut fields, &field?))?;
    }
    Ok(fields)
}

fn push_pair(fields: &mut Fields, field: &Bound<'_, PyAny>) -> PyResult<()> {
    let pair = field.cast::<PyTuple>().ok().filter(|pair| pair.len() == 2);
    let pair =
        pair.ok_or_else(|| PyTypeError::new_err("headers must be a list of (name, value) tuples"))?;
    push(fields, &*pair.get_borrowed_item(0)?, &*pair.get_borrowed_item(1)?)
}

/// From an iterable of pairs whose halves may be bytes too: what gunicorn takes for early hints.
///
/// # Errors
/// It is something else.
pub fn fields_of_hints(hints: &Bound<'_, PyAny>) -> PyResult<Fields> {
    let mut fields = Fields::default();
    for hint in hints.try_iter()? {
        let pair: Vec<Bound<'_, PyAny>> = hint?.try_iter()?.collect::<PyResult<_>>()?;
        let [name, value] = pair.as_slice() else {
            return Err(PyTypeError::new_err("early hints are pairs of a name and a value"));
        };
        push(&mut fields, &as_text(name)?, &as_text(value)?)?;
    }
    Ok(fields)
}

fn push(fields: &mut Fields, name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    fields.push(
        |bytes| push_latin1(name, "a header's name", bytes),
        |bytes| push_latin1(value, "a header's value", bytes),
    )
}

/// Bytes as the text that they are in latin-1; all else as it is.
fn as_text<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if object.is_instance_of::<PyBytes>() {
        return object.call_method1(interned!(object.py(), "decode"), ("latin-1",));
    }
    Ok(object.clone())
}
