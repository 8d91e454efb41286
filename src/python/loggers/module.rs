//! The module `unicoro.loggers`, which loggers.py makes: what it is given, and calls to it that need no
//! more than its name.

use std::ffi::CStr;

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::code::PyCodeInput;
use pyo3::types::{PyCode, PyCodeMethods};

use super::access_line::{escape, json_line};
use crate::logging::divert::{self, Entry};
use crate::logging::{self, LogLevel};
use crate::metrics::leave_to_others;
use crate::python::gil::attach::attached;
use crate::python::interp::{imports, own_module, traceback};

/// The module, which is made the first time that it is asked for.
///
/// # Errors
/// A Python exception: a bug.
pub fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    // A second one would not know the first one's finder.
    own_module::once(py, NAME, || {
        let module = PyModule::new(py, NAME)?;
        module.setattr("Finder", imports::finder_class(py)?)?;
        module.setattr("tell", wrap_pyfunction!(tell, &module)?)?;
        module.setattr("json_line", wrap_pyfunction!(json_line, &module)?)?;
        module.setattr("escape", wrap_pyfunction!(escape, &module)?)?;
        module.setattr("__file__", FILE.to_str().unwrap_or_default())?;
        let code = PyCode::compile(py, SOURCE, FILE, PyCodeInput::File)?;
        code.run(Some(&module.dict()), None)?;
        Ok(module)
    })
}

/// Told by loggers.py, whenever somebody has changed a logger: which logs Python's logging writes,
/// whether it sends figures of both to statsd, and what level of the server's own records it lets
/// through.
#[pyfunction]
fn tell(errors: bool, accesses: bool, counts: bool, level: u32) {
    divert::divert(errors, accesses);
    leave_to_others(counts);
    logging::set_level(match level {
        41.. => LogLevel::Critical,
        31.. => LogLevel::Error,
        21.. => LogLevel::Warning,
        11.. => LogLevel::Info,
        _ => LogLevel::Debug,
    });
}

/// On the thread that emits, before it does.
pub fn begin_thread() {
    call("begin_thread");
}

/// Opens the files of Python's handlers anew.
pub fn reopen() {
    call("reopen");
}

/// Sees what was changed behind the back of loggers.py, such as a list of handlers in place.
pub fn look() {
    call("look");
}

fn call(function: &str) {
    attached(|py| {
        if let Err(error) = module(py).and_then(|module| module.call_method0(function)) {
            complain(py, &error);
        }
    });
}

/// Writes down what a filter or a `logger_class` raised: it costs no line and no request. False: so the
/// record is not written yet.
pub fn complain(py: Python<'_>, error: &PyErr) -> bool {
    let text = format!("Python's logging raised an exception:\n{}", traceback::format(py, error));
    logging::write_entry(&Entry::now(ERROR, text));
    false
}

/// As Python's logging numbers it.
pub const ERROR: u32 = 40;

const NAME: &str = "unicoro.loggers";

/// As records have it that are made there: to logging its module is "loggers". Brackets, because
/// `trace` opens what is not in such.
const FILE: &CStr = c"<unicoro/loggers.py>";

/// In Python, because it is about Python's objects.
const SOURCE: &CStr = c_str!(include_str!("loggers.py"));
