//! Why a response came to no end that its client has seen: a clause for the log.

use std::fmt;
use std::io;

use unicoro_contract::GivenUp;

use super::body_failure::EVICTED;

/// Why the client has not seen the end of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// The request took longer than it may, and was answered in the application's place, or cut off.
    Overdue,
    /// The client took nothing for too long.
    Idle,
    /// The client took too little for too long.
    Slow,
    /// The worker was full, and the client stalled.
    Evicted,
    /// A file that was being sent became shorter: its length was promised.
    FileCut,
    /// The client has closed or broken the connection.
    Left,
    /// It was a stream, and its worker ends.
    WorkerEnds,
}

impl From<&io::Error> for Breakage {
    fn from(error: &io::Error) -> Self {
        match GivenUp::of(error) {
            Some(GivenUp::Idle) => Self::Idle,
            Some(GivenUp::Slow) => Self::Slow,
            Some(GivenUp::Evicted) => Self::Evicted,
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::FileCut,
            None => Self::Left,
        }
    }
}

impl fmt::Display for Breakage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overdue => "it was overdue, and answered in the application's place",
            Self::Idle => "the client took nothing of it for client_send_timeout",
            Self::Slow => "the client took it below client_send_min_rate",
            Self::Evicted => EVICTED,
            Self::FileCut => "its file became shorter while it was sent",
            Self::WorkerEnds => {
                "it was cut off after long_connection_grace, because the worker ends"
            }
            Self::Left => "the client left before it had the whole response",
        })
    }
}
