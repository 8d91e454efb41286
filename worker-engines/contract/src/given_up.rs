//! Clients that are given up: not broken connections, but ones that cost too much waiting.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a client is waited for no longer, inside of the `io::Error` that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// It has sent or taken nothing for as long as it may.
    Idle,
    /// It takes too few bytes a second.
    Slow,
    /// Another needs its place.
    Evicted,
}

impl GivenUp {
    /// The reason for an error of a [`crate::Stream`]'s; `None`: the connection is broken.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "it does nothing for too long",
            Self::Slow => "it is too slow",
            Self::Evicted => "another client needs its place",
        })
    }
}

impl Error for GivenUp {}

impl From<GivenUp> for io::Error {
    fn from(reason: GivenUp) -> Self {
        let kind = match reason {
            GivenUp::Idle | GivenUp::Slow => io::ErrorKind::TimedOut,
            GivenUp::Evicted => io::ErrorKind::ConnectionAborted,
        };
        Self::new(kind, reason)
    }
}
