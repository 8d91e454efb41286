//! `wsgi.errors`: text that the application writes goes to the error log (PEP 3333).

use pyo3::prelude::*;

use crate::logging;

/// A text file that is the error log.
#[pyclass(module = "unicoro", name = "ErrorLog", frozen)]
pub struct ErrorLog;

#[pymethods]
impl ErrorLog {
    fn write(&self, text: &str) -> usize {
        logging::write_text(text);
        text.chars().count()
    }

    fn writelines(&self, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            self.write(&line?.extract::<String>()?);
        }
        Ok(())
    }

    /// Each write is written at once.
    fn flush(&self) {}

    fn isatty(&self) -> bool {
        false
    }

    fn writable(&self) -> bool {
        true
    }
}
