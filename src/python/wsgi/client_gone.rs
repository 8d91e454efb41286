//! What is raised in an application whose client is gone, and whether what it raises itself comes of that.

use std::fmt::Display;
use std::io;

use pyo3::exceptions::PyBrokenPipeError;
use pyo3::prelude::*;

use crate::python::interp::interned::interned;

/// Where it sends to a client that is gone, for this reason.
pub fn client_gone(reason: impl Display) -> PyErr {
    PyBrokenPipeError::new_err(format!("{CLIENT}: {reason}"))
}

/// Where it sends to one that has left.
pub fn left() -> PyErr {
    client_gone(io::Error::from(io::ErrorKind::BrokenPipe))
}

/// Where it sends on a WebSocket that is closed; `how` may be empty.
pub fn websocket_closed(how: impl Display) -> PyErr {
    PyBrokenPipeError::new_err(format!("{WEBSOCKET}{how}"))
}

/// Whether an exception is one of these, or was raised because of one, or while one was handled. Another
/// connection's end is none: it has the system's number.
pub fn comes_of_it(py: Python<'_>, error: &PyErr) -> bool {
    comes_of(error.value(py), &|error| is_one(error))
}

/// Whether `is_one` is true of an exception, or of one of those that it was raised because of or while they were
/// handled. A group is judged by its members, all of them: a task group's context is whatever its body raised.
pub fn comes_of(error: &Bound<'_, PyAny>, is_one: &dyn Fn(&Bound<'_, PyAny>) -> bool) -> bool {
    Search { is_one, steps: STEPS }.finds(error)
}

fn is_one(error: &Bound<'_, PyAny>) -> bool {
    let is_ours = || -> PyResult<bool> {
        let text: String = error.getattr(interned!(error.py(), "args"))?.get_item(0)?.extract()?;
        Ok(text.starts_with(CLIENT) || text.starts_with(WEBSOCKET))
    };
    error.is_exact_instance_of::<PyBrokenPipeError>() && is_ours().unwrap_or(false)
}

struct Search<'s> {
    is_one: &'s dyn Fn(&Bound<'_, PyAny>) -> bool,
    steps: usize,
}

impl Search<'_> {
    fn finds(&mut self, error: &Bound<'_, PyAny>) -> bool {
        let py = error.py();
        let mut left = vec![error.clone()];
        while let Some(error) = left.pop() {
            if self.steps == 0 {
                return false;
            }
            self.steps -= 1;
            if let Some(members) = members(&error) {
                if members.iter().all(|member| self.finds(member)) {
                    return true;
                }
                continue;
            }
            if (self.is_one)(&error) {
                return true;
            }
            let reasons = [interned!(py, "__cause__"), interned!(py, "__context__")];
            let reasons = reasons.into_iter().filter_map(|name| error.getattr(name).ok());
            left.extend(reasons.filter(|reason| !reason.is_none()));
        }
        false
    }
}

/// Those of a group, as anyio's and asyncio's task groups raise them. It has one at least.
fn members<'py>(error: &Bound<'py, PyAny>) -> Option<Vec<Bound<'py, PyAny>>> {
    let py = error.py();
    if !error.hasattr(interned!(py, "derive")).unwrap_or(false) {
        return None;
    }
    let members: Vec<_> = error.getattr(interned!(py, "exceptions")).ok()?.extract().ok()?;
    (!members.is_empty()).then_some(members)
}

const CLIENT: &str = "the client is gone";
const WEBSOCKET: &str = "the WebSocket is closed";
/// So many exceptions are looked at: chains are short, and a loop in one has no end.
const STEPS: usize = 100;
