//! What there is to call for on a WebSocket that was left, and whom.

use super::closed::Closed;
use crate::websocket::Message;

/// What is to be called.
pub trait Callbacks: Send + Sync {
    /// A message has come on the connection of the request of this `line`. False: the application has
    /// failed. May wait, and park.
    fn message(&self, line: &str, message: Message) -> bool;

    /// The connection is closed, and nothing is called behind it. As `message`.
    fn closed(self: Box<Self>, line: &str);
}

/// What there is to call for.
pub enum Call {
    /// This has come.
    Message(Message),
    /// It is closed, and all that came before was called for.
    Closed,
}

/// Why a WebSocket cannot be left.
pub enum NotLeft {
    /// Its request is over.
    Over(Closed),
    /// Somebody waits for a message.
    Awaited,
    /// It was before.
    Left,
}
