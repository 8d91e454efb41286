//! A request for a WebSocket: what the application is offered, and the end of what it made of it.

use pyo3::prelude::*;

use super::request::Request;
use crate::exchange::{Breakage, SWITCHED, WrongLength};
use crate::python::deadline::request_timeout::is_request_timeout;
use crate::python::gil::attach::detached;
use crate::python::loggers::records::log_raised;
use crate::python::websocket::handle::Handle;
use crate::python::websocket::module::is_connection_closed;
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

/// The application is done with a WebSocket that it has used: closes it, whatever it has `ended` with.
pub fn conclude(
    py: Python<'_>,
    line: &str,
    websocket: &Handle,
    ended: Result<Option<WrongLength>, Trouble>,
    start: &Bound<'_, StartResponse>,
) {
    let mut has_failed = false;
    if let Err(Trouble::Raised(error)) = &ended
        && !is_connection_closed(py, error)
    {
        has_failed = true;
        // Said when it was raised.
        if !is_request_timeout(py, error) {
            log_raised(py, &format!("Error handling the WebSocket {line}"), error);
        }
    }
    // Lent to a thread of the application's: then it is not ours to end.
    let Ok(mut start) = start.try_borrow_mut() else { return };
    let Ok(response) = start.response() else { return };
    if let Some(refusal) = websocket.refusal() {
        log::info!("{line}: {refusal}");
        response.refuse_with(refusal.status, refusal.detail, refusal.fields());
    }
    let Some(socket) = websocket.socket() else { return };
    has_failed |= response.has_failed_behind();
    if !detached(py, || socket.finish(has_failed)) {
        response.give_up(Breakage::Left, SWITCHED);
    }
}
