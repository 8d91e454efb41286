//! The access log as the file that a handler of Python's logging writes to.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::logging::{self, AccessLog};

/// A text file that is the access log.
#[pyclass(module = "unicoro", name = "AccessLog", frozen)]
pub struct AccessStream(pub AccessLog);

#[pymethods]
impl AccessStream {
    fn write(&self, text: &Bound<'_, PyString>) {
        self.0.write_text(&text.to_string_lossy());
    }

    /// Each write is written at once.
    fn flush(&self) {}

    fn has_lines(&self) -> bool {
        self.0.has_file()
    }

    fn has_syslog(&self) -> bool {
        self.0.has_syslog()
    }

    fn send_to_syslog(&self, level: u32, text: &Bound<'_, PyString>) {
        self.0.send_to_syslog(logging::severity(level), &text.to_string_lossy());
    }
}
