//! What somebody waits for at a socket.

/// What a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Bytes to receive, or the end of the stream.
    Read,
    /// Room to send.
    Write,
    /// Whichever comes first.
    Either,
}
