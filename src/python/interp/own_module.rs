//! A Python module of our own: one in a process, found in `sys.modules` from then on.

use pyo3::prelude::*;

/// The module of this name, which `make` makes the first time it is asked for.
///
/// # Errors
/// What `make` failed with.
pub fn once<'py>(
    py: Python<'py>,
    name: &str,
    make: impl FnOnce() -> PyResult<Bound<'py, PyModule>>,
) -> PyResult<Bound<'py, PyModule>> {
    let modules = py.import("sys")?.getattr("modules")?;
    if let Ok(module) = modules.get_item(name) {
        return Ok(module.cast_into()?);
    }
    let module = make()?;
    modules.set_item(name, &module)?;
    Ok(module)
}
