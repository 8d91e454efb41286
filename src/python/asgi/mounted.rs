//! `unicoro.wsgi_to_asgi`, for an interpreter that has no package of the name `unicoro`: its module is here.

use std::ffi::CStr;

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::wrap_pyfunction;

use crate::python::error::PythonError;
use crate::python::gil::attach::attached;
use crate::python::interp::{own_module, traceback};

/// Gives the module `unicoro`, which there is, what `wsgi_to_asgi` asks for. On the main thread.
///
/// # Errors
/// The text of a Python exception.
pub fn prepare_mounting() -> Result<(), PythonError> {
    attached(|py| {
        let prepare = || {
            let module = py.import("unicoro")?;
            module.add_function(wrap_pyfunction!(_prepare_mounting, &module)?)
        };
        prepare().map_err(|error| traceback::raised(py, &error))
    })
}

/// Not before somebody wants it: it imports asyncio.
#[pyfunction]
fn _prepare_mounting(py: Python<'_>) -> PyResult<()> {
    own_module::once(py, "unicoro._mounted", || {
        PyModule::from_code(py, SOURCE, c"<unicoro._mounted>", c"unicoro._mounted")
    })
    .map(drop)
}

/// The module as the wheel has it.
const SOURCE: &CStr = c_str!(include_str!("../../../wheel/python/unicoro/_mounted.py"));
