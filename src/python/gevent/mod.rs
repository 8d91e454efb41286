//! What code written for gevent, and the libraries under it, need in a process of green threads.
//!
//! gevent keeps a hub for each thread, and so for each green thread: greenlets of one request take
//! turns in it, and the hub waits in `epoll_wait`, which parks. The rest stands in Python, because it
//! is about modules and objects: `modules.py` changes what is imported, `waiting.py` replaces what
//! greenlets of several requests share.

use std::ffi::CStr;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCFunction, PyDict, PyTuple};

use super::attach::attached;
use super::{library_locals, traceback};
use crate::logging::TRACEBACK;

/// Functions of `modules.py`.
struct Functions {
    after_request: Py<PyAny>,
    at_end: Py<PyAny>,
}

static FUNCTIONS: PyOnceLock<Functions> = PyOnceLock::new();

/// Prepares the interpreter for an application that green threads will run, before it is loaded.
///
/// # Errors
/// The text of the Python exception.
pub fn welcome_gevent() -> Result<(), String> {
    attached(|py| {
        let run = || -> PyResult<Functions> {
            let namespace = PyDict::new(py);
            namespace.set_item("__name__", "unicoro.gevent.modules")?;
            namespace.set_item("note", wrap_pyfunction!(note, py)?)?;
            namespace.set_item("wrap_loading", wrap_pyfunction!(wrap_loading, py)?)?;
            namespace.set_item("WAITING", include_str!("waiting.py"))?;
            py.run(SOURCE, Some(&namespace), None)?;
            let function = |name| namespace.as_any().get_item(name).map(Bound::unbind);
            Ok(Functions { after_request: function("after_request")?, at_end: function("at_end")? })
        };
        FUNCTIONS
            .get_or_try_init(py, run)
            .map(drop)
            .map_err(|error: PyErr| traceback::format(py, &error))
    })
}

/// A request of the green thread that calls has ended. May wait.
pub(super) fn after_request(py: Python<'_>) {
    if let Some(functions) = FUNCTIONS.get(py) {
        call(functions.after_request.bind(py));
    }
}

/// The green thread that calls is about to end.
pub(super) fn at_end(py: Python<'_>) {
    if let Some(functions) = FUNCTIONS.get(py) {
        call(functions.at_end.bind(py));
    }
}

fn call(function: &Bound<'_, PyAny>) {
    if let Err(error) = function.call0() {
        let text = traceback::format(function.py(), &error);
        log::error!(target: TRACEBACK, "after a request that used gevent:\n{text}");
    }
}

#[pyfunction]
fn note(text: &str) {
    log::info!("{text}");
}

/// A function that calls `load`, which loads an extension module. Not in Python: a frame of ours
/// would stand in the traceback of every module that does not load.
#[pyfunction]
fn wrap_loading(load: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyCFunction>> {
    let py = load.py();
    let load = load.unbind();
    let wrapped = move |args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>| {
        let load = load.bind(args.py());
        library_locals::while_loading(|| load.call(args, kwargs).map(Bound::unbind))
    };
    PyCFunction::new_closure(py, Some(c"create_dynamic"), None, wrapped)
}

const SOURCE: &CStr = {
    let source = concat!(include_str!("modules.py"), "\0");
    match CStr::from_bytes_with_nul(source.as_bytes()) {
        Ok(source) => source,
        Err(_) => panic!("the source holds no NUL"),
    }
};
