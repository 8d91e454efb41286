//! Header fields as an application gives them, in bytes.
//!
//! Only their types are judged here; what may stand in a field is for `http` to say.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::latin1::push_latin1;
use crate::python::interp::interned::interned;

/// Header fields as bytes, in one piece.
#[derive(Default)]
pub struct Fields {
    bytes: Vec<u8>,
    // Where each name and each value ends.
    ends: Vec<(usize, usize)>,
}

impl Fields {
    /// From an iterable of (name, value) tuples.
    ///
    /// # Errors
    /// It is something else.
    pub fn of(headers: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut fields = Self::default();
        for field in headers.try_iter()? {
            let field = field?;
            let pair = field.cast::<PyTuple>().ok().filter(|pair| pair.len() == 2);
            let pair = pair.ok_or_else(|| {
                PyTypeError::new_err("headers must be a list of (name, value) tuples")
            })?;
            fields.push(
                &pair.get_borrowed_item(0)?.to_owned(),
                &pair.get_borrowed_item(1)?.to_owned(),
            )?;
        }
        Ok(fields)
    }

    /// From an iterable of pairs whose halves may be bytes too: what gunicorn takes for early hints.
    ///
    /// # Errors
    /// It is something else.
    pub fn of_hints(hints: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut fields = Self::default();
        for hint in hints.try_iter()? {
            let pair: Vec<Bound<'_, PyAny>> = hint?.try_iter()?.collect::<PyResult<_>>()?;
            let [name, value] = pair.as_slice() else {
                return Err(PyTypeError::new_err("early hints are pairs of a name and a value"));
            };
            fields.push(&as_text(name)?, &as_text(value)?)?;
        }
        Ok(fields)
    }

    fn push(&mut self, name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        push_latin1(name, "a header's name", &mut self.bytes)?;
        let name_end = self.bytes.len();
        push_latin1(value, "a header's value", &mut self.bytes)?;
        self.ends.push((name_end, self.bytes.len()));
        Ok(())
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, value_end)| *value_end));
        starts.zip(&self.ends).map(|(start, (name_end, value_end))| {
            (&self.bytes[start..*name_end], &self.bytes[*name_end..*value_end])
        })
    }
}

/// Bytes as the text that they are in latin-1; all else as it is.
fn as_text<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if object.is_instance_of::<PyBytes>() {
        return object.call_method1(interned!(object.py(), "decode"), ("latin-1",));
    }
    Ok(object.clone())
}
