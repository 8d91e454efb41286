//! Around a fork of a process that has an interpreter: what `os.fork` does (Modules/posixmodule.c).
#![allow(unsafe_code)]

use std::io;

use pyo3::ffi;
use unicoro_contract::is_forked_child;

use super::interpreter::is_running;
use crate::sys::process::{self, Fork};

unsafe extern "C" {
    fn PyOS_BeforeFork();
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
/// it: the client and the connection are its parent's. It says nothing, because the log may have
/// been locked when it was forked.
pub(super) fn end_if_stray() {
    if is_forked_child() {
        process::exit_now(0);
    }
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
