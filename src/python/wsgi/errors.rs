//! `wsgi.errors`: text that the application writes goes to the error log (PEP 3333). The handlers of the
//! logger `gunicorn.error` write to it as well.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::logging::{self, severity};

/// A text file that is the error log.
#[pyclass(module = "unicoro", name = "ErrorLog", frozen)]
pub struct ErrorLog;

#[pymethods]
impl ErrorLog {
    /// What is no UTF-8, such as a part of a file's name, is replaced: a log refuses no text.
    fn write(&self, text: &Bound<'_, PyString>) -> PyResult<usize> {
        logging::write_text(&text.to_string_lossy());
        text.len()
    }

    fn writelines(&self, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            self.write(line?.cast()?)?;
        }
        Ok(())
    }

    fn has_lines(&self) -> bool {
        true
    }

    fn has_syslog(&self) -> bool {
        logging::has_syslog()
    }

    fn send_to_syslog(&self, level: u32, text: &Bound<'_, PyString>) {
        logging::send_to_syslog(severity(level), &text.to_string_lossy());
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
