//! What ends a connection by the client's fault: "_Fail the WebSocket Connection_" (RFC 6455, 7.1.7).

use std::fmt;

use super::close_code::{INVALID_PAYLOAD, MESSAGE_TOO_BIG, PROTOCOL_ERROR};

/// A rule that the client broke. It is answered with a close frame of this code and reason; nothing
/// more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// One of [`super::close_code`].
    pub code: u16,
    /// The rule, in ASCII and short enough for a close frame; for the client and the log.
    pub reason: &'static str,
}

impl Failure {
    pub(super) const fn protocol(reason: &'static str) -> Self {
        Failure { code: PROTOCOL_ERROR, reason }
    }

    pub(super) const fn invalid(reason: &'static str) -> Self {
        Failure { code: INVALID_PAYLOAD, reason }
    }

    pub(super) const fn too_big() -> Self {
        Failure { code: MESSAGE_TOO_BIG, reason: "the message is too big" }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.code)
    }
}

impl std::error::Error for Failure {}
