//! How the client has ended a connection, behind what the application may still answer.

use super::closed::Closed;
use crate::websocket::close_code::NO_STATUS;
use crate::websocket::{Close, Failure};

/// The last that a client has said.
pub enum Ending {
    /// It has closed; `None`: without a code.
    Closed(Option<Close>),
    /// It broke a rule (RFC 6455, 7.1.7).
    Broken(Failure),
}

impl Ending {
    /// What the application is told.
    pub fn closed(&self) -> Closed {
        match self {
            Ending::Closed(None) => Closed { code: NO_STATUS, reason: String::new() },
            Ending::Closed(Some(close)) => {
                Closed { code: close.code(), reason: close.reason().to_owned() }
            }
            Ending::Broken(failure) => {
                Closed { code: failure.code, reason: failure.reason.to_owned() }
            }
        }
    }

    /// What the client is answered.
    pub fn answer(self) -> Option<Close> {
        match self {
            Ending::Closed(close) => close,
            Ending::Broken(failure) => Some(failure.into()),
        }
    }
}
