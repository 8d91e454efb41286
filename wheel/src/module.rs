//! The extension module `unicoro._engine`: one function, `run()`.
//!
//! By hand and not by pyo3's macros, which count the thread as attached for as long as the function runs:
//! the main thread gives the GIL up and takes it in there, behind pyo3's back (`python::gil::attach`).
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::exit;
use std::ptr;

use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use unicoro::command::{self, Door, Start};

use crate::preload::is_preloaded;

struct Static<T>(T);

// SAFETY: only CPython uses them, with the GIL.
unsafe impl<T> Sync for Static<T> {}

static METHODS: Static<[ffi::PyMethodDef; 2]> = Static([
    ffi::PyMethodDef {
        ml_name: c"run".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: run },
        ml_flags: ffi::METH_NOARGS,
        ml_doc: c"Serves until it is told to stop, and ends the process.".as_ptr(),
    },
    ffi::PyMethodDef::zeroed(),
]);

/// # Safety
/// CPython calls it, once, with the GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit__engine() -> *mut PyObject {
    // SAFETY: attached; the module lives for as long as the process.
    unsafe {
        let definition = Box::leak(Box::new(ffi::PyModuleDef {
            m_base: ffi::PyModuleDef_HEAD_INIT,
            m_name: c"unicoro._engine".as_ptr(),
            m_doc: c"The server.".as_ptr(),
            m_size: -1,
            m_methods: METHODS.0.as_ptr().cast_mut(),
            m_slots: ptr::null_mut(),
            m_traverse: None,
            m_clear: None,
            m_free: None,
        }));
        ffi::PyModule_Create(definition)
    }
}

/// Never returns, as the executable's `main`: without finalising the interpreter.
unsafe extern "C" fn run(_module: *mut PyObject, _none: *mut PyObject) -> *mut PyObject {
    let started =
        if is_preloaded() { Python::attach(start) } else { Err(NOT_PRELOADED.to_owned()) };
    let code = match started {
        Ok(start) => command::run(&start).into(),
        Err(text) => {
            eprintln!("unicoro: {text}");
            1
        }
    };
    exit(code)
}

const NOT_PRELOADED: &str = "the engine is not preloaded: start it as `unicoro` or as \
                             `python -m unicoro`";

/// As this interpreter was started.
fn start(py: Python<'_>) -> Result<Start, String> {
    let read = || -> PyResult<Start> {
        let sys = py.import("sys")?;
        let executable: PathBuf = sys.getattr("executable")?.extract()?;
        let mut command_line: Vec<OsString> = sys.getattr("orig_argv")?.extract()?;
        if let Some(name) = command_line.first_mut() {
            *name = executable.clone().into();
        }
        let arguments = sys.getattr("argv")?.extract()?;
        Ok(Start { door: Door::Wheel, arguments, program: executable, command_line })
    };
    read().map_err(|error| format!("sys does not tell how it was started: {error}"))
}
