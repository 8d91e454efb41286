//! Before the application's directories, the standard library (see library_first.py).

use std::ffi::CStr;

use pyo3::ffi::c_str;
use pyo3::prelude::*;

use super::own_module;

/// From here on a module that gunicorn has imported by then, or that is ours to import, is found where
/// `sys.path` leads to at the first call.
///
/// # Errors
/// A Python exception: a bug.
pub fn put_library_first(py: Python<'_>) -> PyResult<()> {
    let make = || {
        let module = PyModule::from_code(
            py,
            SOURCE,
            c"<unicoro's library_first.py>",
            c"unicoro.library_first",
        )?;
        module.call_method0("begin")?;
        Ok(module)
    };
    own_module::once(py, NAME, make).map(drop)
}

const NAME: &str = "unicoro.library_first";

/// In Python, because it is about Python's import system.
const SOURCE: &CStr = c_str!(include_str!("library_first.py"));
