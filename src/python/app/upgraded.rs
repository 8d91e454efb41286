//! A request for a WebSocket: what the application is offered, and the end of what it made of it.

use std::sync::Arc;

use pyo3::prelude::*;

use super::callbacks::{PythonCallbacks, is_failure};
use super::request::Request;
use super::served::Continued;
use crate::exchange::{Breakage, SWITCHED, WrongLength};
use crate::python::gil::attach::detached;
use crate::python::websocket::handle::Handle;
use crate::python::wsgi::input::Input;
use crate::python::wsgi::respond::Trouble;
use crate::python::wsgi::start_response::StartResponse;
use crate::websocket::Upgrade;

/// What a request for a WebSocket may be made; `None`: it is none.
///
/// # Errors
/// No memory.
pub fn offer<'py>(
    py: Python<'py>,
    request: &Request<'_>,
    start: &Bound<'py, StartResponse>,
    input: &Bound<'py, Input>,
) -> PyResult<Option<Bound<'py, Handle>>> {
    let Some(sockets) = request.sockets else { return Ok(None) };
    let Some(offer) = Upgrade::of(request.head).transpose() else { return Ok(None) };
    let (start, input) = (start.clone().unbind(), input.clone().unbind());
    Bound::new(py, Handle::new(offer, sockets, request.stream, start, input)).map(Some)
}

/// The application is done with a WebSocket that it has used, whatever it has `ended` with: closes it, unless
/// it was left to what is returned. Does not wait.
pub fn conclude(
    line: &str,
    websocket: &Bound<'_, Handle>,
    ended: Result<Option<WrongLength>, Trouble>,
    start: &Bound<'_, StartResponse>,
) -> Option<Continued> {
    let (py, handle) = (websocket.py(), websocket.get());
    let mut has_failed = false;
    if let Err(Trouble::Raised(error)) = &ended {
        has_failed = is_failure(py, line, error);
    }
    if let Some(refusal) = handle.refusal() {
        log::info!("{line}: {refusal}");
    }
    let socket = handle.socket()?;
    // Lent to a thread of the application's: then it is not ours to end.
    let mut start = start.try_borrow_mut().ok();
    let response = start.as_mut().and_then(|start| start.response().ok());
    has_failed |= response.as_ref().is_some_and(|response| response.has_failed_behind());
    if let Some(given) = handle.take_callbacks() {
        if has_failed {
            detached(py, || socket.fail());
        }
        let callbacks = PythonCallbacks::new(websocket.clone().unbind(), given);
        return Some((Arc::clone(socket), Some(Box::new(callbacks))));
    }
    let response = response?;
    match detached(py, || socket.finish(has_failed)) {
        None => return Some((Arc::clone(socket), None)),
        Some(true) => {}
        Some(false) => response.give_up(Breakage::Left, SWITCHED),
    }
    None
}
