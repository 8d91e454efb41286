//! Around a fork of a process that has an interpreter: what `os.fork` does (Modules/posixmodule.c), and
//! the end of a child that the application has forked.
#![allow(unsafe_code)]

use std::io;

use pyo3::exceptions::PySystemExit;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyInt;
use unicoro_contract::is_forked_child;
use unicoro_sys::bytes::write;
use unicoro_sys::process::{self, Fork};

use super::interpreter::is_running;
use super::traceback;

unsafe extern "C" {
    /// Calls what `os.register_at_fork` was given to be called before, and writes off what that raises.
    pub(in crate::python) fn PyOS_BeforeFork();
    fn PyOS_AfterFork_Parent();
}

/// Forks, with the interpreter told about it.
///
/// # Errors
/// No process is left.
pub fn fork() -> io::Result<Fork> {
    before_fork();
    let forked = process::fork();
    match forked {
        Ok(Fork::Child) => after_fork_child(),
        _ => after_fork_parent(),
    }
    forked
}

/// Ends this process if it is a child that the application forked, and that has come back out of
/// it, with `raised` or without: the client and the connection are its parent's. With the exit code of
/// a Python program. Its last words go past the log, which may have been locked when it was forked.
pub fn end_if_stray(py: Python<'_>, raised: Option<&PyErr>) {
    if is_forked_child() {
        process::exit_now(raised.map_or(0, |error| last_words(py, error)));
    }
}

fn last_words(py: Python<'_>, error: &PyErr) -> i32 {
    let mut words = None;
    if error.is_instance_of::<PySystemExit>(py) {
        let code = error.value(py).getattr("code").unwrap_or_else(|_| py.None().into_bound(py));
        if code.is_none() {
            return 0;
        }
        if code.is_instance_of::<PyInt>() {
            return code.extract().unwrap_or(-1);
        }
        words = code.str().ok();
    }
    let words = words.map_or_else(|| traceback::format(py, error), |words| words.to_string());
    drop(write(io::stderr(), format!("{words}\n").as_bytes()));
    1
}

/// Before the fork. The calling thread holds the GIL if there is an interpreter.
pub fn before_fork() {
    if is_running() {
        // SAFETY: the main thread holds the GIL.
        unsafe { PyOS_BeforeFork() };
    }
}

/// After it, in the parent.
pub fn after_fork_parent() {
    if is_running() {
        // SAFETY: pairs with before_fork.
        unsafe { PyOS_AfterFork_Parent() };
    }
}

/// After it, in the child.
pub fn after_fork_child() {
    if is_running() {
        // SAFETY: pairs with before_fork, on the only thread of the child.
        unsafe { ffi::PyOS_AfterFork_Child() };
    }
}
