//! How far a request for a WebSocket has come, and the messages that its application receives (ASGI's
//! WebSocket spec).
//!
//! ```text
//!   Offered ─ accept ─► Open ─ the application hears of the end ─► Heard
//!      │                  └─── close ─► Closed
//!      ├─ close: 403 ───────────────────► Closed
//!      └─ http.response.start ─► Denied ─► Closed
//! ```

use std::mem;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::exchange::{Closed, WebSocket};
use crate::python::interp::interned::interned;
use crate::python::websocket::handle::as_object;
use crate::websocket::{Kind, Message, Upgrade};

/// A WebSocket, or the offer of one.
pub struct Speech {
    /// How far it has come.
    pub stage: Stage,
    // Whether the application has received the first message.
    is_begun: bool,
}

/// How far it has come.
pub enum Stage {
    /// The client waits for an answer to its handshake.
    Offered(Upgrade),
    /// It is answered in HTTP.
    Denied,
    /// It was accepted.
    Open(Arc<WebSocket>),
    /// It was accepted, and the application has heard that it is over.
    Heard(Arc<WebSocket>),
    /// The application has closed it, or has refused it.
    Closed(Option<Arc<WebSocket>>),
}

impl Speech {
    /// A client's offer.
    pub fn new(upgrade: Upgrade) -> Self {
        Self { stage: Stage::Offered(upgrade), is_begun: false }
    }

    /// Whether the first message is due; it is not any more then.
    pub fn begin(&mut self) -> bool {
        !mem::replace(&mut self.is_begun, true)
    }

    /// The connection, if it was accepted.
    pub fn socket(&self) -> Option<&Arc<WebSocket>> {
        match &self.stage {
            Stage::Open(socket) | Stage::Heard(socket) | Stage::Closed(Some(socket)) => {
                Some(socket)
            }
            Stage::Offered(_) | Stage::Denied | Stage::Closed(None) => None,
        }
    }

    /// Whether the application has no use for the connection any more.
    pub fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Heard(_) | Stage::Closed(_))
    }
}

/// The first message.
pub fn connect(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let event = PyDict::new(py);
    event.set_item(interned!(py, "type"), interned!(py, "websocket.connect"))?;
    Ok(event)
}

/// A message of the client's.
pub fn received(py: Python<'_>, message: Message) -> PyResult<Bound<'_, PyDict>> {
    let event = PyDict::new(py);
    event.set_item(interned!(py, "type"), interned!(py, "websocket.receive"))?;
    let key = match message.kind {
        Kind::Text => interned!(py, "text"),
        Kind::Binary => interned!(py, "bytes"),
    };
    event.set_item(key, as_object(py, message)?)?;
    Ok(event)
}

/// The last message.
pub fn disconnect<'py>(py: Python<'py>, closed: &Closed) -> PyResult<Bound<'py, PyDict>> {
    let event = PyDict::new(py);
    event.set_item(interned!(py, "type"), interned!(py, "websocket.disconnect"))?;
    event.set_item(interned!(py, "code"), closed.code)?;
    event.set_item(interned!(py, "reason"), closed.reason.as_str())?;
    Ok(event)
}
