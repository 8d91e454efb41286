//! The environment's variables that are for this process alone.
#![allow(unsafe_code)]

use std::env;

/// Takes a variable out of the environment; empty if it is not there. Call it while the process has one
/// thread.
#[must_use]
pub fn take_variable(name: &str) -> String {
    let value = env::var(name).unwrap_or_default();
    // SAFETY: one thread, so nobody reads the environment meanwhile.
    unsafe { env::remove_var(name) };
    value
}
