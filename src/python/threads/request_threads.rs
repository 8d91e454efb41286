//! What `threading` knows of the engine's threads (see request_threads.py), and the functions that
//! trace and profile them.

use std::cell::Cell;
use std::ffi::CStr;
use std::sync::OnceLock;

use pyo3::ffi::c_str;
use pyo3::prelude::*;

use crate::logging::TRACEBACK;
use crate::python::interp::own_module;
use crate::python::interp::traceback;

thread_local! {
    // Between the begin and the end of a thread of the engine's. A forked child's other threads have
    // variables of their own.
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// Made once, by [`prepare`].
static TURNS: OnceLock<Turns> = OnceLock::new();

struct Turns {
    /// The functions of request_threads.py that begin and end a thread.
    begin: Py<PyAny>,
    end: Py<PyAny>,
    observers: [Observer; 2],
}

/// What is called while a thread runs Python: its trace or its profile function.
struct Observer {
    /// The functions of `sys` that read and set it for this thread.
    current: Py<PyAny>,
    set: Py<PyAny>,
    /// Of `threading`: the one that its threads begin with.
    first: Py<PyAny>,
}

/// Before the engine's threads begin.
///
/// # Errors
/// threading cannot be imported, or request_threads.py is wrong.
pub fn prepare(py: Python<'_>) -> PyResult<()> {
    let module = own_module::once(py, NAME, || {
        let module = PyModule::new(py, NAME)?;
        module.setattr("is_ours", wrap_pyfunction!(is_ours, py)?)?;
        py.run(SOURCE, Some(&module.dict()), None)?;
        Ok(module)
    })?;
    let turn = |name| module.getattr(name).map(Bound::unbind);
    let turns = Turns {
        begin: turn("begin")?,
        end: turn("end")?,
        observers: [Observer::new(py, "trace")?, Observer::new(py, "profile")?],
    };
    // Set before, in the process that this worker was forked from.
    drop(TURNS.set(turns));
    Ok(())
}

/// Whether `threading` shall take the thread that calls for one that runs requests.
#[pyfunction]
fn is_ours() -> bool {
    IS_OURS.get()
}

/// On a thread of the engine's, before it runs any code of the application's.
pub fn begin(py: Python<'_>) {
    turn(py, |turns| {
        turns.begin.call0(py)?;
        IS_OURS.set(true);
        turns.observers.iter().try_for_each(|observer| observer.begin(py))
    });
}

/// On the same, between two requests: a function that one has set for itself does not see the next.
pub fn between_requests(py: Python<'_>) {
    if IS_OURS.get() {
        turn(py, |turns| turns.observers.iter().try_for_each(|observer| observer.leave(py)));
    }
}

/// On the same, after.
pub fn end(py: Python<'_>) {
    turn(py, |turns| {
        turns.observers.iter().try_for_each(|observer| observer.set(py, py.None()))?;
        IS_OURS.set(false);
        turns.end.call0(py).map(drop)
    });
}

fn turn(py: Python<'_>, take: impl FnOnce(&Turns) -> PyResult<()>) {
    if let Some(turns) = TURNS.get()
        && let Err(error) = take(turns)
    {
        log::error!(target: TRACEBACK, "an exception where a request's thread begins or ends:\n{}", traceback::format(py, &error));
    }
}

impl Observer {
    fn new(py: Python<'_>, what: &str) -> PyResult<Self> {
        let (sys, threading) = (py.import("sys")?, py.import("threading")?);
        Ok(Self {
            current: sys.getattr(format!("get{what}"))?.unbind(),
            set: sys.getattr(format!("set{what}"))?.unbind(),
            first: threading.getattr(format!("get{what}"))?.unbind(),
        })
    }

    /// As the begin of a thread of `threading`'s.
    fn begin(&self, py: Python<'_>) -> PyResult<()> {
        let first = self.first.call0(py)?;
        if first.is_none(py) { Ok(()) } else { self.set(py, first) }
    }

    /// Takes it away, unless the program has all of its threads observed: it may have put another in the
    /// place of the first.
    fn leave(&self, py: Python<'_>) -> PyResult<()> {
        let is_left = !self.current.call0(py)?.is_none(py) && self.first.call0(py)?.is_none(py);
        if is_left { self.set(py, py.None()) } else { Ok(()) }
    }

    fn set(&self, py: Python<'_>, function: Py<PyAny>) -> PyResult<()> {
        self.set.call1(py, (function,)).map(drop)
    }
}

const NAME: &str = "unicoro.threads";

/// In Python, because it is about Python's objects.
const SOURCE: &CStr = c_str!(include_str!("request_threads.py"));
