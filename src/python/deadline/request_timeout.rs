//! `unicoro.RequestTimeout`: the exception that ends a request which takes too long.
//!
//! Two ways lead into the application. One that waits in CPython's own code is woken with `EINTR`;
//! CPython then looks for signals, finds ours, and its handler raises. A green thread that computes is
//! told by CPython itself (`PyThreadState_SetAsyncExc`), but only while it waits for the GIL between
//! two bytecodes: raised behind a call, the exception would leave a lock locked that the call has just
//! got, or strike a driver's callback in the middle of its C code. Either way the exception's making is
//! the moment of delivery (`unicoro._delivered`).
#![allow(unsafe_code)]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};

use pyo3::prelude::*;
use pyo3::types::PyModule;
use pyo3::{ffi, wrap_pyfunction};
use unicoro_contract::{Interrupt, Listener, interrupt, replace_interrupt};

use crate::python::gevent;
use crate::python::gil::attach::{attached, attached_again, take_lock};
use crate::python::gil::current;
use crate::python::interp::traceback;
use crate::python::threads::thread_state::on_engine_thread;

static REQUEST_TIMEOUT: OnceLock<Py<PyAny>> = OnceLock::new();

/// The signal whose handler raises: real-time, so that no application's own is in the way.
fn signal() -> i32 {
    libc::SIGRTMIN() + 6
}

/// Makes the module `unicoro`, which applications import to catch the exception. On the main thread.
///
/// # Errors
/// The text of a Python exception.
pub fn make_module() -> Result<(), String> {
    attached(|py| {
        let make = || -> PyResult<()> {
            let module = PyModule::new(py, "unicoro")?;
            module.add_function(wrap_pyfunction!(_delivered, &module)?)?;
            module.add_function(wrap_pyfunction!(_interrupted, &module)?)?;
            py.run(SOURCE, Some(&module.dict()), None)?;
            let class = module.getattr("RequestTimeout")?;
            // Once in a process; a second time only after a fork, and then it is the same.
            drop(REQUEST_TIMEOUT.set(class.unbind()));
            drop(JUMPS.set(jumps(py)?));
            py.import("sys")?.getattr("modules")?.set_item("unicoro", &module)?;
            let handler = module.getattr("_interrupted")?;
            py.import("signal")?.call_method1("signal", (signal(), handler))?;
            Ok(())
        };
        make().map_err(|error| traceback::format(py, &error))
    })
}

const SOURCE: &std::ffi::CStr = cr#"
"""What unicoro gives to applications."""

class RequestTimeout(BaseException):
    """The request has taken longer than request_timeout; its client was answered 504.

    A BaseException, so that `except Exception` does not swallow it. Clean-up runs as for any
    other exception.
    """

    def __new__(cls, *args):
        _delivered()
        return super().__new__(cls, *args)

RequestTimeout.__module__ = "unicoro"
"#;

/// The exception exists: no further wait is ended for it, and no second one is raised.
#[pyfunction]
fn _delivered() {
    let told = Interrupt { is_delivered: true, ..Interrupt::default() };
    if replace_interrupt(told).is_due {
        // SAFETY: no arguments; the identity is our own again, now that nothing is due.
        forgive_attached(unsafe { libc::pthread_self() } as usize);
    }
}

/// The handler of the signal: raises in the green thread that is due, and nowhere else.
#[pyfunction]
fn _interrupted(py: Python<'_>, _number: i32, _frame: Py<PyAny>) -> PyResult<()> {
    match REQUEST_TIMEOUT.get() {
        Some(class) if interrupt().is_due => Err(PyErr::from_value(class.bind(py).call0()?)),
        _ => Ok(()),
    }
}

/// Green threads whose requests are overdue, that compute, and wait for the GIL right now.
static COMPUTING: Mutex<Vec<Computing>> = Mutex::new(Vec::new());

#[derive(Clone)]
struct Computing {
    identity: usize,
    state: *mut ffi::PyThreadState,
}

// SAFETY: the state is used with the GIL held, which its thread needs to end.
unsafe impl Send for Computing {}

fn computing() -> MutexGuard<'static, Vec<Computing>> {
    // Never kept while the GIL is waited for.
    COMPUTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The green thread of this identity, which calls, begins, or has ended, a wait for the GIL at a place
/// where the exception may be raised.
pub fn set_computing(identity: usize, is_computing: bool) {
    let mut computing = computing();
    match current::lasting() {
        Some(state) if is_computing => computing.push(Computing { identity, state }),
        _ => computing.retain(|other| other.identity != identity),
    }
}

/// With the GIL held, on another thread: has the exception raised in all that compute. They wait for
/// the GIL, so none of them can have gone on to where it may not be raised.
pub fn tell_computing(py: Python<'_>) {
    let Some(class) = REQUEST_TIMEOUT.get() else { return };
    let waiting = computing().clone();
    for Computing { identity, state } in waiting {
        let is_at_a_jump = is_at_a_jump(py, state).unwrap_or(false);
        // Looking may have run a collection of garbage, which lets others have the GIL.
        if is_at_a_jump && computing().iter().any(|other| other.identity == identity) {
            set_async_exception(identity, class.as_ptr());
        }
    }
}

/// Whether the thread of this state stands at a jump, as in a loop. CPython gives the GIL up behind
/// calls and at the entry of functions as well: there an exception would come behind `lock.acquire()`,
/// before the lock is in anybody's hands, or in a callback of a driver's.
fn is_at_a_jump(py: Python<'_>, state: *mut ffi::PyThreadState) -> PyResult<bool> {
    // SAFETY: with the GIL, of a thread that waits for it; a new reference, or null.
    let frame = unsafe {
        Bound::from_owned_ptr_or_opt(py, ffi::PyThreadState_GetFrame(state).cast::<ffi::PyObject>())
    };
    let Some(frame) = frame else { return Ok(false) };
    let at: usize = frame.getattr("f_lasti")?.extract()?;
    let code = frame.getattr("f_code")?.getattr("co_code")?;
    let opcode: usize = code.get_item(at)?.extract()?;
    Ok(JUMPS.get().is_some_and(|jumps| jumps.contains(&opcode)))
}

/// The opcodes of this CPython that jump.
static JUMPS: OnceLock<Vec<usize>> = OnceLock::new();

fn jumps(py: Python<'_>) -> PyResult<Vec<usize>> {
    let names: Vec<String> = py.import("opcode")?.getattr("opname")?.extract()?;
    let jumps = names.iter().enumerate().filter(|(_, name)| name.contains("JUMP"));
    Ok(jumps.map(|(opcode, _)| opcode).collect())
}

/// Takes the GIL from whoever computes, and tells those whose requests are overdue. By a thread of
/// its own: who keeps the GIL in C must not delay the reactor, and with it the answers to others.
pub fn interrupt_computing() {
    static TELLER: OnceLock<Option<Thread>> = OnceLock::new();
    let teller = TELLER.get_or_init(|| {
        let body = || {
            on_engine_thread(&mut || loop {
                thread::park();
                take_lock(&|| !computing().is_empty(), &|| ());
            })
        };
        let thread = thread::Builder::new().name("deadlines".to_owned()).spawn(body);
        thread.ok().map(|thread| thread.thread().clone())
    });
    // Without one, the preemptor tells.
    if let Some(teller) = teller {
        teller.unpark();
    }
}

/// Takes back what was raised and not delivered.
pub fn forgive(identity: usize) {
    attached(|_py| forgive_attached(identity));
}

fn forgive_attached(identity: usize) {
    set_async_exception(identity, std::ptr::null_mut());
}

/// With the GIL held.
fn set_async_exception(identity: usize, exception: *mut ffi::PyObject) {
    // SAFETY: attached, says the caller; `exception` is null or a class that lives as long as the
    // process. The identity is a thread's as CPython numbers them; the type is C's unsigned long.
    unsafe { ffi::PyThreadState_SetAsyncExc(identity as _, exception) };
}

/// A wait of a listener was ended: makes it find what is due to its green thread, which calls.
pub fn interrupt_listener(listener: Listener) {
    match listener {
        Listener::Signals => trip(),
        Listener::EventLoop => drop(attached_again(gevent::interrupt_hub)),
    }
}

/// Has CPython look for signals the next time that a wait of the main thread, or of a green thread
/// that passes for it, ends with `EINTR`.
fn trip() {
    unsafe extern "C" {
        // Since 3.10; async-signal-safe, and needs no GIL.
        fn PyErr_SetInterruptEx(signal: std::ffi::c_int) -> std::ffi::c_int;
    }
    // SAFETY: the signal has a handler of ours since `make_module`.
    unsafe { PyErr_SetInterruptEx(signal()) };
}

/// The exception's class.
pub fn class(py: Python<'_>) -> Option<&Bound<'_, PyAny>> {
    REQUEST_TIMEOUT.get().map(|class| class.bind(py))
}

/// The exception, if the request of the green thread that calls is overdue and was not told so: for
/// what has failed here because its client was parted with.
pub fn due(py: Python<'_>) -> Option<PyErr> {
    let error = class(py).filter(|_| interrupt().is_due)?.call0();
    Some(error.map_or_else(|failure| failure, PyErr::from_value))
}

/// Whether an exception is ours.
pub fn is_request_timeout(py: Python<'_>, error: &PyErr) -> bool {
    class(py).is_some_and(|class| error.is_instance(py, class))
}
