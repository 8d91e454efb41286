//! What becomes of a connection once a request on it is over.
//!
//! One place decides, [`Response::fate`](super::Response::fate), from what it was told when the request
//! began (whether client and server want another one) and from how the response has ended.
//! [`Ending`](super::Ending) carries it out.

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Another request may follow, where the body of this one ends.
    Kept,
    /// It is closed, and the client can still read what it was sent.
    Closed,
    /// It is closed at once: the client has left, or was given up.
    Dropped,
    /// The application has the socket, and may use it for longer: only our descriptor is closed.
    HandedOver,
}
