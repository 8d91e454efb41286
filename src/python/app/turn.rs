//! A turn of the application's: what each call of it begins and ends with, on whichever thread of the engine's.

use pyo3::prelude::*;

use crate::logging::TRACEBACK;
use crate::python::gil::attach::{attached, in_fresh_context};
use crate::python::interp::spew::trace_this_thread;
use crate::python::interp::traceback;
use crate::python::threads::request_threads;

/// Runs `body` with the GIL, in a context of its own, seen by what traces and profiles threads.
pub fn in_turn(body: impl FnOnce(Python<'_>)) {
    attached(|py| {
        in_fresh_context(py, || {
            if let Err(error) = trace_this_thread(py) {
                log::error!(target: TRACEBACK, "spew could not be set up for a request: {}", traceback::format(py, &error));
            }
            body(py);
            request_threads::between_requests(py);
        });
    });
}
