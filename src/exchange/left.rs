//! A WebSocket that its view has left to callbacks, while its connection is parked.

use std::sync::Arc;

use super::web_socket::{Callbacks, WebSocket};

/// Remembered with its connection ([`Memory`](super::Memory)).
pub struct Left {
    /// The connection's.
    pub socket: Arc<WebSocket>,
    /// What is called for it.
    pub callbacks: Box<dyn Callbacks>,
    /// The target of its request.
    pub target: Box<str>,
}
