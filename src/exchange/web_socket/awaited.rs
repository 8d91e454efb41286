//! What was asked of a connection in vain, by who waits in no thread.

use std::time::Instant;

/// Each is to be told once it is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Awaited {
    /// A message, or the end.
    pub message: bool,
    /// Room for more to be sent, or the end.
    pub room: bool,
    /// That the client has taken all, or never will; since when.
    pub end: Option<Instant>,
    /// That there is no connection any more, whoever has closed it.
    pub parting: bool,
}
