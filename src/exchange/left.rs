//! A WebSocket that its view has left, to callbacks or to its end, while its connection is parked.

use std::sync::Arc;

use super::web_socket::{Callbacks, WebSocket};

/// Remembered with its connection ([`Memory`](super::Memory)).
pub struct Left {
    /// The connection's.
    pub socket: Arc<WebSocket>,
    /// What is called for it; `None`: nothing any more, its client has still to take something.
    pub callbacks: Option<Box<dyn Callbacks>>,
    /// The target of its request.
    pub target: Box<str>,
}

impl Left {
    /// Takes in what has come, and sends what there is room for; whether it is to be served.
    pub fn look(&self) -> bool {
        let has_news = self.socket.look();
        match self.callbacks {
            Some(_) => has_news,
            None => self.socket.finish(false).is_some(),
        }
    }
}
