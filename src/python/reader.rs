//! A request's body as the client sends it: read when asked for, never past its end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use unicoro_contract::{Inbox, Received, Stream};

use std::io::IoSlice;

use crate::http::{BodyDecoder, CONTINUE, HttpError};

/// A client that sends nothing of a promised body for this long is given up.
const IDLE: Duration = Duration::from_secs(30);

/// Why the body cannot be read on: the client's fault, in each case.
#[derive(Clone, Debug)]
pub enum BodyFailure {
    /// It broke the rules of chunked coding.
    Malformed(HttpError),
    /// The client left before the end.
    Gone,
    /// The client sent nothing for too long.
    TimedOut,
}

impl BodyFailure {
    /// The status that tells the client, if it can still be told.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Malformed(error) => Some(error.status),
            Self::Gone => None,
            Self::TimedOut => Some(408),
        }
    }
}

impl std::fmt::Display for BodyFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the request's body is malformed: {error}"),
            Self::Gone => f.write_str("the client left before its request's body had come"),
            Self::TimedOut => {
                write!(f, "the client sent nothing of its request's body for {IDLE:?}")
            }
        }
    }
}

/// The receiving half of a connection while its request is served.
pub struct Reader {
    stream: Arc<Stream>,
    inbox: Inbox,
    decoder: BodyDecoder,
    owes_continue: bool,
    failure: Option<BodyFailure>,
}

impl Reader {
    /// The body behind a head; `inbox` holds what has come of it already.
    #[must_use]
    pub fn new(
        stream: Arc<Stream>,
        inbox: Inbox,
        decoder: BodyDecoder,
        expects_continue: bool,
    ) -> Self {
        Self { stream, inbox, decoder, owes_continue: expects_continue, failure: None }
    }

    /// Whether the whole body was read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.decoder.is_done()
    }

    /// Whether the client still waits to hear that it may send the body.
    #[must_use]
    pub fn owes_continue(&self) -> bool {
        self.owes_continue
    }

    /// What went wrong, if anything has.
    #[must_use]
    pub fn failure(&self) -> Option<&BodyFailure> {
        self.failure.as_ref()
    }

    /// Gives the unread rest back to the connection.
    #[must_use]
    pub fn into_inbox(self) -> Inbox {
        self.inbox
    }

    /// Appends at most `max` bytes to `out`, those that have come or the next to come: waits for
    /// one byte at most, and detaches nothing. 0 at the end.
    ///
    /// # Errors
    /// See [`BodyFailure`]; the same again at each further call.
    pub fn read(&mut self, max: usize, out: &mut Vec<u8>) -> Result<usize, BodyFailure> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.try_read(max, out).inspect_err(|failure| self.failure = Some(failure.clone()))
    }

    fn try_read(&mut self, max: usize, out: &mut Vec<u8>) -> Result<usize, BodyFailure> {
        while max > 0 && !self.decoder.is_done() {
            let decoded =
                self.decoder.decode(self.inbox.as_slice(), max).map_err(BodyFailure::Malformed)?;
            let count = decoded.data.len();
            out.extend_from_slice(&self.inbox.as_slice()[decoded.data]);
            self.inbox.consume(decoded.consumed);
            if count > 0 {
                return Ok(count);
            }
            if decoded.consumed == 0 {
                self.receive()?;
            }
        }
        Ok(0)
    }

    fn receive(&mut self) -> Result<(), BodyFailure> {
        if std::mem::take(&mut self.owes_continue) {
            // RFC 9110, 10.1.1: as late as it can be, so that an application which refuses the
            // request by its head never makes the client send the body.
            self.stream
                .send_all(&mut [IoSlice::new(CONTINUE)], Some(IDLE))
                .map_err(|_| BodyFailure::Gone)?;
        }
        match self.stream.receive_wait(&mut self.inbox, Some(IDLE)) {
            Ok(Received::Bytes(_)) => Ok(()),
            Ok(Received::Nothing | Received::End) => Err(BodyFailure::Gone),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(BodyFailure::TimedOut),
            Err(_) => Err(BodyFailure::Gone),
        }
    }
}
