//! A request that was served, for its worker.

use std::sync::Arc;

use crate::exchange::{Callbacks, Response, Unread, WebSocket};

/// How a request was served.
pub struct Served {
    /// Sent, as far as it could be.
    pub response: Response,
    /// What the client may still send.
    pub unread: Unread,
    /// Variables of its environ, as far as they were asked for.
    pub environ: Vec<(String, String)>,
    /// Whether Python's logging has written its line.
    pub is_logged: bool,
    /// Whether a hook wants the worker to be replaced.
    pub ends_worker: bool,
    /// The WebSocket that it has become, if that goes on.
    pub left: Option<Continued>,
}

/// A WebSocket, and what the application has left it to; `None`: to its client, who has still to take something.
pub type Continued = (Arc<WebSocket>, Option<Box<dyn Callbacks>>);
