//! Around a fork of a process that has an interpreter: what `os.fork` does (Modules/posixmodule.c).
#![allow(unsafe_code)]

use pyo3::ffi;

use super::interpreter::is_running;

unsafe extern "C" {
    fn PyOS_BeforeFork();
    fn PyOS_AfterFork_Parent();
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
