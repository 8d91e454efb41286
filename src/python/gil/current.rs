//! Which thread state is attached where this is asked, and which one the thread that asks has for all
//! of its life.
//!
//! A leaf: it takes and gives nothing. An interposed call asks [`may_park`] before each wait, so nothing here
//! allocates, logs or panics.
#![allow(unsafe_code)]

use std::ptr;

use pyo3::ffi;
use pyo3::ffi::PyThreadState;
use unicoro_contract::ThreadWord;

/// The state of this thread of the engine's, for as long as the thread lives.
const LASTING: ThreadWord = ThreadWord::State;
/// Between the first step towards the GIL and the last one away from it. Outside, the Rust side of the
/// server runs, whose calls must not park behind its back.
const IN_PYTHON: ThreadWord = ThreadWord::InLanguage;

/// The lasting state of this thread; `None`: the thread is none of the engine's.
pub fn lasting() -> Option<*mut PyThreadState> {
    let state = LASTING.get() as *mut PyThreadState;
    (!state.is_null()).then_some(state)
}

/// From now on this is the state of the thread that calls; null: it has none any more.
pub fn set_lasting(state: *mut PyThreadState) {
    LASTING.set(state as usize);
}

/// Runs `body`, which takes and gives the GIL, as "in Python".
pub fn in_python<R>(body: impl FnOnce() -> R) -> R {
    let _before = Before::change_to(true);
    body()
}

/// Runs `body`, the Rust side of the server, within what runs "in Python".
pub fn not_in_python(body: &mut dyn FnMut()) {
    let _before = Before::change_to(false);
    body();
}

/// What it was before, however that ends.
struct Before(usize);

impl Before {
    fn change_to(is_in_python: bool) -> Self {
        let before = IN_PYTHON.get();
        IN_PYTHON.set(is_in_python.into());
        Self(before)
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        IN_PYTHON.set(self.0);
    }
}

/// Whether this green thread may leave the processor: it is in Python, and detached.
pub fn may_park() -> bool {
    IN_PYTHON.get() != 0 && !is_attached()
}

/// Whether it may leave the processor with the GIL, which it has.
pub fn may_keep_lock() -> bool {
    IN_PYTHON.get() != 0 && lasting().is_some_and(|state| ptr::eq(current(), state))
}

/// Whether a state is attached here: our own, or that of a sub-interpreter that our code runs.
fn is_attached() -> bool {
    let current = current();
    // From 3.12 on the current state is the thread's.
    if cfg!(Py_3_12) || current.is_null() {
        return !current.is_null();
    }
    // Before, it is the whole process's, and another thread may hold the GIL. With one interpreter it
    // must be that; with more nobody can tell, so nobody switches.
    // SAFETY: reads variables; the newest interpreter is the head of the list.
    unsafe {
        ptr::eq(current, ffi::PyGILState_GetThisThreadState())
            || !ptr::eq(ffi::PyInterpreterState_Head(), ffi::PyInterpreterState_Main())
    }
}

/// The state that is attached, or null: the process's before CPython 3.12, the thread's since.
#[cfg(Py_3_13)]
fn current() -> *mut PyThreadState {
    // SAFETY: reads a variable.
    unsafe { ffi::PyThreadState_GetUnchecked() }
}

/// The state that is attached, or null: the process's before CPython 3.12, the thread's since.
#[cfg(not(Py_3_13))]
fn current() -> *mut PyThreadState {
    unsafe extern "C" {
        // Exported by CPython 3.5.2 to 3.12; pyo3-ffi keeps it to itself.
        fn _PyThreadState_UncheckedGet() -> *mut PyThreadState;
    }
    // SAFETY: reads a variable.
    unsafe { _PyThreadState_UncheckedGet() }
}
