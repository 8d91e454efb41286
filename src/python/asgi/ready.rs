//! An awaitable whose result is there, or its exception: it ends at once, without a future and without a turn of the
//! loop.
//!
//! It has a coroutine's methods, so that `asyncio.create_task(receive())` takes it for one.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

use crate::python::interp::interned::interned;

/// What `receive` and `send` return where nothing has to be waited for.
#[pyclass(module = "unicoro", name = "Ready", frozen)]
pub struct Ready {
    result: Option<Py<PyAny>>,
    // What it raises in its place.
    error: Option<PyErr>,
    // Who takes the result back if it was not delivered.
    giver: Option<Py<PyAny>>,
    is_delivered: AtomicBool,
}

impl Ready {
    /// Its result is this, which `giver.take_back` takes if whoever awaits it is cancelled before.
    pub fn with(result: Py<PyAny>, giver: Py<PyAny>) -> Self {
        let is_delivered = AtomicBool::new(false);
        Self { result: Some(result), error: None, giver: Some(giver), is_delivered }
    }

    /// It raises this where it is awaited, as a coroutine does.
    pub fn failed(error: PyErr) -> Self {
        Self { error: Some(error), ..Self::empty() }
    }

    /// Its result is `None`.
    pub fn empty() -> Self {
        Self { result: None, error: None, giver: None, is_delivered: AtomicBool::new(true) }
    }

    fn give_back(&self, py: Python<'_>) -> PyResult<()> {
        if let (Some(result), Some(giver)) = (&self.result, &self.giver)
            && !self.is_delivered.swap(true, Ordering::Relaxed)
        {
            giver.call_method1(py, interned!(py, "take_back"), (result,))?;
        }
        Ok(())
    }

    fn end(&self, py: Python<'_>) -> PyErr {
        self.is_delivered.store(true, Ordering::Relaxed);
        if let Some(error) = &self.error {
            return error.clone_ref(py);
        }
        let result = self.result.as_ref().map_or_else(|| py.None(), |result| result.clone_ref(py));
        PyStopIteration::new_err((result,))
    }
}

#[pymethods]
impl Ready {
    fn __await__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<()>> {
        // Without an exception an iterator's end is that of `await`, with None.
        if self.result.is_none() && self.error.is_none() { Ok(None) } else { Err(self.end(py)) }
    }

    fn send(&self, py: Python<'_>, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(self.end(py))
    }

    #[pyo3(signature = (kind, value=None, traceback=None))]
    fn throw(
        &self,
        kind: &Bound<'_, PyAny>,
        value: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = traceback;
        self.give_back(kind.py())?;
        Err(PyErr::from_value(value.filter(|value| !value.is_none()).unwrap_or(kind).clone()))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.give_back(py)
    }
}
