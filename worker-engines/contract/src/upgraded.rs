//! A connection that has left HTTP: what the engine tells who speaks on it.
//!
//! The request goes on for as long as the connection is spoken on, or leaves it to what is called for each
//! message ([`Connection::is_left`](crate::Connection::is_left)). Several may wait for it at once, and be
//! woken by what does not come from the socket; the engine calls when nobody waits.

use crate::Interest;

/// What speaks on an upgraded connection.
pub trait Upgraded: Send + Sync {
    /// Bytes have come, or (where `Waiter::tells_upgraded`) there is room to send, and nobody waits for it
    /// as far as the engine knows. On the engine's own thread: it must not wait, nor run the application.
    fn turn(&self);

    /// What the socket is to be waited for while it is parked, by an engine that asks before each wait.
    fn awaits(&self) -> Interest;

    /// What is called for a message has taken longer than a request may. As `turn`.
    fn overdue(&self);
}
