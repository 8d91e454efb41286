//! Green threads that compute although their requests are overdue: CPython itself raises the exception
//! in them (`PyThreadState_SetAsyncExc`).
//!
//! The rule a reader would break: one is told only while it waits for the GIL at a jump. Raised behind a
//! call, the exception would leave a lock locked that the call has just got, or strike a driver's
//! callback in the middle of its C code.
#![allow(unsafe_code)]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use pyo3::ffi;
use pyo3::prelude::*;

use crate::python::gil::attach::attached;
use crate::python::gil::current;

/// Those that wait for the GIL right now.
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

/// What must be known of this CPython, found before the first is told.
///
/// # Errors
/// A Python exception: a bug.
pub fn prepare(py: Python<'_>) -> PyResult<()> {
    // Once in a process; a second time only after a fork, and then they are the same.
    drop(JUMPS.set(jumps(py)?));
    Ok(())
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

/// Whether there are any.
pub fn are_waiting() -> bool {
    !computing().is_empty()
}

/// With the GIL held, on another thread: has an exception of this `class` raised in all that compute.
/// They wait for the GIL, so none of them can have gone on to where it may not be raised.
pub fn tell(class: &Bound<'_, PyAny>) {
    let waiting = computing().clone();
    for Computing { identity, state } in waiting {
        let is_at_a_jump = is_at_a_jump(class.py(), state).unwrap_or(false);
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

/// Takes back what was raised and not delivered.
pub fn forgive(identity: usize) {
    attached(|_py| forgive_attached(identity));
}

/// The same with the GIL held.
pub fn forgive_attached(identity: usize) {
    set_async_exception(identity, std::ptr::null_mut());
}

/// With the GIL held.
fn set_async_exception(identity: usize, exception: *mut ffi::PyObject) {
    // SAFETY: attached, says the caller; `exception` is null or a class that lives as long as the
    // process. The identity is a thread's as CPython numbers them; the type is C's unsigned long.
    unsafe { ffi::PyThreadState_SetAsyncExc(identity as _, exception) };
}
