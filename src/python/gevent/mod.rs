//! What code written for gevent, and the libraries under it, need in a process of green threads.
//!
//! gevent keeps a hub for each thread, and so for each green thread: greenlets of one request take
//! turns in it, and the hub waits in `epoll_wait`, which parks. The rest stands in Python, because it
//! is about modules and objects. `modules.py` changes what is imported, and the other files hold what it
//! puts there:
//!
//! ```text
//!   turns       how a greenlet waits for what another thread ends
//!   shareable   what greenlets of several requests may wait for: the rules
//!   events, queues, pools
//!               gevent.event and gevent.lock, gevent.queue, gevent.threadpool by these rules
//!   children    lets each hub wait for child processes
//! ```

mod pass_deadlines_on;

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict};
use unicoro_sys::event_fd::EventFd;

use self::pass_deadlines_on::PassDeadlinesOn;
use super::deadline::request_timeout;
use super::gil::attach::attached;
use super::interp::{imports, traceback};
use crate::logging::TRACEBACK;
use crate::python::error::PythonError;

/// Functions of `modules.py`.
struct Functions {
    decide: Py<PyAny>,
    after_request: Py<PyAny>,
    at_end: Py<PyAny>,
    interrupt: Py<PyAny>,
    is_in_hub: Py<PyAny>,
    wait_in_hub: Py<PyAny>,
}

static FUNCTIONS: OnceLock<Functions> = OnceLock::new();
static HAS_HUBS: AtomicBool = AtomicBool::new(false);

/// The application has imported gevent: threads may have hubs from now on.
#[pyfunction]
fn hubs_may_exist() {
    HAS_HUBS.store(true, Ordering::Relaxed);
}

/// Whether a thread may have a hub.
pub(super) fn has_hubs() -> bool {
    HAS_HUBS.load(Ordering::Relaxed)
}

/// Before a configuration file or the application runs: calls that patch are kept until [`adapt_gevent`].
///
/// # Errors
/// The text of the Python exception.
pub(super) fn prepare() -> Result<(), PythonError> {
    attached(|py| {
        let run = || -> PyResult<Functions> {
            let namespace = PyDict::new(py);
            namespace.set_item("__name__", "unicoro.gevent.modules")?;
            namespace.set_item("note", wrap_pyfunction!(imports::note, py)?)?;
            namespace.set_item("Finder", imports::finder_class(py)?)?;
            namespace.set_item("hubs_may_exist", wrap_pyfunction!(hubs_may_exist, py)?)?;
            namespace.set_item("PassDeadlinesOn", py.get_type::<PassDeadlinesOn>())?;
            namespace.set_item("SOURCES", SOURCES.into_py_dict(py)?)?;
            py.run(SOURCE, Some(&namespace), None)?;
            let function = |name| namespace.as_any().get_item(name).map(Bound::unbind);
            Ok(Functions {
                decide: function("decide")?,
                after_request: function("after_request")?,
                at_end: function("at_end")?,
                interrupt: function("interrupt")?,
                is_in_hub: function("is_in_hub")?,
                wait_in_hub: function("wait_in_hub")?,
            })
        };
        if FUNCTIONS.get().is_none() {
            let functions = run().map_err(|error| traceback::raised(py, &error))?;
            // At boot there is one thread; nobody else has set them.
            drop(FUNCTIONS.set(functions));
        }
        Ok(())
    })
}

/// Whether green threads will run the application, which is about to be loaded. If not, nothing is
/// changed for it.
///
/// # Errors
/// The text of the Python exception.
pub fn adapt_gevent(is_green: bool) -> Result<(), PythonError> {
    prepare()?;
    attached(|py| match FUNCTIONS.get() {
        Some(functions) => functions
            .decide
            .call1(py, (is_green,))
            .map(drop)
            .map_err(|error| traceback::raised(py, &error)),
        None => Ok(()),
    })
}

/// A request of the green thread that calls has ended. May wait.
pub fn after_request() {
    if has_hubs()
        && let Some(functions) = FUNCTIONS.get()
    {
        attached(|py| call(functions.after_request.bind(py)));
    }
}

/// Whether who calls is a greenlet of a hub, which can run others while it waits.
///
/// # Errors
/// Python's.
pub fn is_in_hub(py: Python<'_>) -> PyResult<bool> {
    match FUNCTIONS.get().filter(|_| has_hubs()) {
        Some(functions) => functions.is_in_hub.bind(py).call0()?.is_truthy(),
        None => Ok(false),
    }
}

/// The greenlet that calls waits in its hub until this is raised, for `timeout` at most.
///
/// # Errors
/// What the hub throws into it.
pub fn wait_in_hub(py: Python<'_>, event: &EventFd, timeout: Option<Duration>) -> PyResult<()> {
    let Some(functions) = FUNCTIONS.get() else { return Ok(()) };
    let seconds = timeout.map(|timeout| timeout.as_secs_f64());
    functions.wait_in_hub.bind(py).call1((event.as_fd().as_raw_fd(), seconds)).map(drop)
}

/// The green thread that calls is about to end.
pub(super) fn at_end(py: Python<'_>) {
    if let Some(functions) = FUNCTIONS.get() {
        call(functions.at_end.bind(py));
    }
}

/// The hub of the green thread that calls waits, and the request is overdue: the hub goes on with the
/// exception for it.
pub(super) fn interrupt_hub(py: Python<'_>) {
    if let (Some(functions), Some(class)) = (FUNCTIONS.get(), request_timeout::class(py))
        && let Err(error) = functions.interrupt.call1(py, (class,))
    {
        let text = traceback::format(py, &error);
        log::error!(target: TRACEBACK, "an overdue request that waits in gevent could not be told that its deadline has passed:\n{text}");
    }
}

fn call(function: &Bound<'_, PyAny>) {
    if let Err(error) = function.call0() {
        let text = traceback::format(function.py(), &error);
        log::error!(target: TRACEBACK, "an exception after a request that used gevent:\n{text}");
    }
}

const SOURCE: &CStr = c_str!(include_str!("modules.py"));
/// What `modules.py` runs when it is needed.
const SOURCES: [(&str, &str); 6] = [
    ("turns", include_str!("turns.py")),
    ("shareable", include_str!("shareable.py")),
    ("events", include_str!("events.py")),
    ("queues", include_str!("queues.py")),
    ("pools", include_str!("pools.py")),
    ("children", include_str!("children.py")),
];
