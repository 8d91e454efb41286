//! Taking the GIL and giving it up. Nobody else does, except `threads::thread_state` where a green thread
//! begins and ends.
//!
//! A thread of the engine's, green or not, has one state for all of its life, which is restored and saved.
//! On any other thread pyo3 attaches (`Python::attach`), with the state that the thread has or a new one.
//!
//! pyo3 counts attachments, thread by thread: a `Py<T>` dropped while the count is 0 is put aside instead
//! of freed. So threads of the engine's keep it above 0 for their whole lives
//! ([`crate::python::on_engine_thread`]).
#![allow(unsafe_code)]

use pyo3::{PyErr, Python, ffi};

use super::current;

/// Runs `body` with the GIL: as the green thread that runs, or as this OS thread.
///
/// `body` must not keep anything of Python beyond its end, and must not wait while attached: use
/// [`detached`].
pub fn attached<R>(body: impl FnOnce(Python<'_>) -> R) -> R {
    match current::lasting() {
        Some(state) => current::in_python(|| with_state(state, body)),
        None => Python::attach(body),
    }
}

/// Runs `body` with the GIL within C code that has given it up, as a callback of that code would.
/// `None`: the thread that calls is none of the engine's.
pub fn attached_again<R>(body: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    current::lasting().map(|state| with_state(state, body))
}

/// Runs `body` within C code that has kept the GIL. `None`: it has not. An exception that the code has set
/// is lost, so this is for last words only.
pub fn already_attached<R>(body: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    // SAFETY: may be asked anywhere.
    if unsafe { ffi::PyGILState_Check() } == 0 {
        return None;
    }
    // SAFETY: attached, says CPython.
    let py = unsafe { Python::assume_attached() };
    drop(PyErr::take(py));
    Some(body(py))
}

/// Runs `body` with the GIL and `state`, which belongs to the caller and is detached.
fn with_state<R>(state: *mut ffi::PyThreadState, body: impl FnOnce(Python<'_>) -> R) -> R {
    let _attached = Attached::restore(state);
    // SAFETY: we hold the GIL, with this state, until the guard drops; `body` gives it up only
    // through `detached` and CPython's own blocking calls, which take it back before they return.
    body(unsafe { Python::assume_attached() })
}

/// Gives the GIL up for `body`, which may wait and park.
///
/// Unlike pyo3's `detach` it leaves pyo3's count alone.
pub fn detached<R>(_py: Python<'_>, body: impl FnOnce() -> R) -> R {
    let _detached = Detached::save();
    body()
}

/// Runs `body` in a new, empty contextvars context: what one request sets, the next does not see.
pub fn in_fresh_context<R>(_py: Python<'_>, body: impl FnOnce() -> R) -> R {
    // SAFETY: attached. A new context is entered and left by the same thread state; a failure
    // (no memory) leaves an exception, which is cleared, and the thread's own context in force.
    unsafe {
        let context = ffi::PyContext_New();
        let is_entered = !context.is_null() && ffi::PyContext_Enter(context) == 0;
        if !is_entered {
            ffi::PyErr_Clear();
        }
        let _left_at_last = Context { context, is_entered };
        body()
    }
}

/// A context of contextvars; a guard, so that a panic leaves it too.
struct Context {
    context: *mut ffi::PyObject,
    is_entered: bool,
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: attached with the state that has entered it, as `in_fresh_context` demands; null is
        // let be. A failure leaves an exception, which is cleared.
        unsafe {
            if self.is_entered && ffi::PyContext_Exit(self.context) != 0 {
                ffi::PyErr_Clear();
            }
            ffi::Py_XDECREF(self.context);
        }
    }
}

/// Gives the GIL up on the main thread, after the application was loaded, for as long as an engine
/// runs `body` there. What runs inside attaches by itself.
pub fn main_thread<R>(body: impl FnOnce() -> R) -> R {
    let _detached = Detached::save();
    body()
}

/// The GIL, held by a green thread. A guard, so that a panic gives it back too.
struct Attached;

impl Attached {
    fn restore(state: *mut ffi::PyThreadState) -> Self {
        // SAFETY: the state belongs to this thread or green thread and is detached, says the caller.
        unsafe { ffi::PyEval_RestoreThread(state) };
        Self
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // SAFETY: attached since `restore`, see `attached`.
        unsafe { ffi::PyEval_SaveThread() };
    }
}

/// The GIL, given up. A guard, so that a panic takes it back too.
struct Detached(*mut ffi::PyThreadState);

impl Detached {
    /// The caller is attached.
    fn save() -> Self {
        // SAFETY: attached: `detached` was shown a token, `main_thread` is called by the thread that
        // started the interpreter.
        Self(unsafe { ffi::PyEval_SaveThread() })
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        // SAFETY: the state that `save` gave up, on the same thread or green thread.
        unsafe { ffi::PyEval_RestoreThread(self.0) };
    }
}
