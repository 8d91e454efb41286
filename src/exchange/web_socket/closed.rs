//! How a connection has closed.

/// How a connection has closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Of RFC 6455, 7.4: the one that the client sent, or that it was sent; 1005 for none, 1006 for a
    /// connection that broke.
    pub code: u16,
    /// For a log.
    pub reason: String,
}
