//! An awaitable whose result is there: it ends at once, without a future and without a turn of the loop.
//!
//! It has a coroutine's methods, so that `asyncio.create_task(receive())` takes it for one.

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

/// What `receive` and `send` return where nothing has to be waited for.
#[pyclass(module = "unicoro", name = "Ready", frozen)]
pub struct Ready {
    result: Option<Py<PyAny>>,
}

impl Ready {
    /// Its result is this.
    pub fn with(result: Py<PyAny>) -> Self {
        Self { result: Some(result) }
    }

    /// Its result is `None`.
    pub fn empty() -> Self {
        Self { result: None }
    }

    fn end(&self, py: Python<'_>) -> PyErr {
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
        if self.result.is_none() { Ok(None) } else { Err(self.end(py)) }
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
        Err(PyErr::from_value(value.filter(|value| !value.is_none()).unwrap_or(kind).clone()))
    }

    fn close(&self) {}
}
