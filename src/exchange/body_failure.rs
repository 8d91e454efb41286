//! Why a request's body cannot be read on: the client's fault, in each case.

use std::fmt;

use crate::http::HttpError;

/// Why the rest of the body will not come.
#[derive(Clone, Debug)]
pub enum BodyFailure {
    /// It broke the rules of chunked coding.
    Malformed(HttpError),
    /// The client left before the end.
    Gone,
    /// It is longer than allowed.
    TooLong(HttpError),
    /// The client sent nothing for too long.
    TimedOut,
    /// The client sent too little for too long.
    TooSlow,
    /// The worker was full, and the client stalled.
    Evicted,
}

/// What the log says of a client that was given up for another.
pub const EVICTED: &str = "its connection was closed for a new client, for it stalled";

impl BodyFailure {
    /// The status that tells the client, if it can still be told.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Malformed(error) | Self::TooLong(error) => Some(error.status),
            Self::Gone | Self::Evicted => None,
            Self::TimedOut | Self::TooSlow => Some(408),
        }
    }
}

impl fmt::Display for BodyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the request's body is malformed: {error}"),
            Self::Gone => f.write_str("the client left before its request's body had come"),
            Self::TooLong(error) => write!(f, "{error}"),
            Self::TimedOut => {
                f.write_str("the client paused in its request's body for client_body_timeout")
            }
            Self::Evicted => f.write_str(EVICTED),
            Self::TooSlow => {
                f.write_str("the client sent its request's body below client_body_min_rate")
            }
        }
    }
}
