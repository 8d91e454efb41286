//! Waits of a greenlet of gevent's for a WebSocket: its hub runs the other greenlets of its request meanwhile.
//!
//! The rule that a reader would break: a wait takes nothing. It may end by an exception that the hub throws into it
//! (a time-out, a kill), and what had been taken by then would be lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use unicoro_sys::event_fd::EventFd;

use super::module::connection_closed;
use crate::exchange::{Outgoing, Unreceived, WebSocket};
use crate::python::gevent;
use crate::python::gil::attach::detached;
use crate::websocket::Message;

/// Whether who calls is a greenlet whose hub can wait for this socket in its place. By other engines nobody is told
/// of what comes while he does not ask.
///
/// # Errors
/// Python's.
pub fn is_in_hub(py: Python<'_>, socket: &WebSocket) -> PyResult<bool> {
    Ok(gevent::is_in_hub(py)? && socket.untold_stream().is_none())
}

/// As [`WebSocket::receive`].
///
/// # Errors
/// What the hub throws.
pub fn receive(
    py: Python<'_>,
    socket: &WebSocket,
    timeout: Option<Duration>,
) -> PyResult<Result<Message, Unreceived>> {
    let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut bell = None;
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        match detached(py, || socket.receive_or_ring(bell.as_ref())) {
            Ok(Some(message)) => return Ok(Ok(message)),
            Err(closed) => return Ok(Err(Unreceived::Closed(closed))),
            Ok(None) if left.is_some_and(|left| left.is_zero()) => {
                return Ok(Err(Unreceived::TimedOut));
            }
            Ok(None) => wait(py, &mut bell, left)?,
        }
    }
}

/// As [`WebSocket::send`].
///
/// # Errors
/// The connection is closed; or what the hub throws.
pub fn send(py: Python<'_>, socket: &WebSocket, outgoing: &Outgoing<'_>) -> PyResult<()> {
    wait_for_room(py, socket)?;
    detached(py, || socket.post(outgoing)).map_err(|closed| connection_closed(py, closed))?;
    wait_for_room(py, socket)
}

fn wait_for_room(py: Python<'_>, socket: &WebSocket) -> PyResult<()> {
    let mut bell = None;
    loop {
        match detached(py, || socket.has_room_or_ring(bell.as_ref())) {
            Ok(true) => return Ok(()),
            Ok(false) => wait(py, &mut bell, None)?,
            Err(closed) => return Err(connection_closed(py, closed)),
        }
    }
}

/// Waits for the bell in the hub. Who has none yet gets one, to look again with: most calls need none.
fn wait(py: Python<'_>, bell: &mut Option<Arc<EventFd>>, left: Option<Duration>) -> PyResult<()> {
    match bell.take() {
        Some(bell) => gevent::wait_in_hub(py, &bell, left),
        None => {
            *bell = Some(Arc::new(EventFd::new()?));
            Ok(())
        }
    }
}
