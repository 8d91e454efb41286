//! What the logs and the hooks are told of a response.

use crate::http::{Fields, reason};

/// A response, as far as it has come.
#[derive(Debug, Default)]
pub struct Answer {
    /// 0: none has begun.
    pub status: u16,
    /// `200 OK`, as the application gave it; empty: the status is the server's own.
    pub given_line: Vec<u8>,
    /// As the application gave them.
    pub fields: Fields,
    /// Bytes of the body given to the client, without framing.
    pub body_sent: u64,
}

impl Answer {
    /// The server's own answer, with this status.
    #[must_use]
    pub fn of(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// `200 OK`, whoever says it.
    #[must_use]
    pub fn status_line(&self) -> Vec<u8> {
        if self.given_line.is_empty() {
            return format!("{} {}", self.status, reason(self.status)).into_bytes();
        }
        self.given_line.clone()
    }
}
