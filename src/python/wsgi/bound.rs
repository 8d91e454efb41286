//! Methods of our own types bound to an object, without a look through its type: a request has two or
//! three of them, whether anybody calls them or not.
#![allow(unsafe_code)]

use pyo3::PyClass;
use pyo3::ffi;
use pyo3::prelude::*;

/// A method of the class `T`, not bound yet.
pub struct Method {
    descriptor: Py<PyAny>,
}

impl Method {
    /// That of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn of<T: PyClass>(py: Python<'_>, name: &str) -> PyResult<Self> {
        Ok(Self { descriptor: py.get_type::<T>().getattr(name)?.unbind() })
    }

    /// It, bound to `object`, which is of its class.
    ///
    /// # Errors
    /// No memory.
    pub fn bind<'py, T: PyClass>(&self, object: &Bound<'py, T>) -> PyResult<Bound<'py, PyAny>> {
        let py = object.py();
        let descriptor = self.descriptor.as_ptr();
        // SAFETY: attached. The slot of a descriptor's type is called as CPython calls it for
        // `object.name`; a new reference comes back, or null with an exception.
        unsafe {
            let Some(bind) = (*ffi::Py_TYPE(descriptor)).tp_descr_get else {
                return Ok(self.descriptor.bind(py).clone());
            };
            let kind = ffi::Py_TYPE(object.as_ptr()).cast();
            Bound::from_owned_ptr_or_err(py, bind(descriptor, object.as_ptr(), kind))
        }
    }
}
