//! A request's body as the client sends it: read when asked for, never past its end.

use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use unicoro_contract::{GivenUp, Inbox, Pace, Received, Stream, Tempo};

use super::body_failure::BodyFailure;
use crate::http::{BodyDecoder, CONTINUE, HttpError};

/// How a body may come.
#[derive(Clone, Copy, Debug)]
pub struct BodyRules {
    /// Bytes of data, at most.
    pub longest: u64,
    /// How slowly it may come.
    pub tempo: Tempo,
}

/// The receiving half of a connection while its request is served.
pub struct Reader {
    stream: Arc<Stream>,
    inbox: Inbox,
    decoder: BodyDecoder,
    owes_continue: Arc<AtomicBool>,
    rules: BodyRules,
    // Data given.
    taken: u64,
    pace: Pace,
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
        rules: BodyRules,
    ) -> Self {
        Self {
            stream,
            inbox,
            decoder,
            owes_continue: Arc::new(AtomicBool::new(expects_continue)),
            rules,
            taken: 0,
            pace: Pace::default(),
            failure: None,
        }
    }

    /// Whether the whole body was read, and what follows is the next request. Not after a failure,
    /// though the decoder may have seen the end: what it was given then is still in the inbox.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.failure.is_none() && self.decoder.is_done()
    }

    /// Whether the client still waits to hear that it may send the body.
    #[must_use]
    pub fn owes_continue(&self) -> bool {
        self.owes_continue.load(Ordering::Relaxed)
    }

    /// The same, for others to look at later.
    #[must_use]
    pub fn continue_due(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.owes_continue)
    }

    /// What went wrong, if anything has.
    #[must_use]
    pub fn failure(&self) -> Option<&BodyFailure> {
        self.failure.as_ref()
    }

    /// Takes all that was received and not read yet, as it came.
    pub fn take_received(&mut self) -> Vec<u8> {
        let received = self.inbox.as_slice().to_vec();
        self.inbox.consume(received.len());
        received
    }

    /// How much more of the body the rules allow.
    #[must_use]
    pub fn allowance(&self) -> u64 {
        self.rules.longest.saturating_sub(self.taken)
    }

    /// Gives the unread rest back to the connection, and what knows where it ends.
    #[must_use]
    pub fn into_parts(self) -> (Inbox, BodyDecoder) {
        (self.inbox, self.decoder)
    }

    /// Appends at most `max` bytes to `out`, those that have come or the next to come: waits for
    /// one byte at most, and detaches nothing. 0 at the end.
    ///
    /// # Errors
    /// See `BodyFailure`; the same again at each further call.
    pub fn read(&mut self, max: usize, out: &mut Vec<u8>) -> Result<usize, BodyFailure> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.try_read(max, out).inspect_err(|failure| self.failure = Some(failure.clone()))
    }

    /// As [`Self::read`], but never waits: `None` where that would.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_now(
        &mut self,
        max: usize,
        out: &mut Vec<u8>,
    ) -> Result<Option<usize>, BodyFailure> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.try_read_now(max, out).inspect_err(|failure| self.failure = Some(failure.clone()))
    }

    /// The client was waited for as long as `waited`, and has sent nothing for `idle`. Whether it is too slow
    /// for the rules; then each further call fails.
    pub fn is_given_up(&mut self, idle: Duration, waited: Duration) -> bool {
        let tempo = &self.rules.tempo;
        let failure = if tempo.idle.is_some_and(|most| idle >= most) {
            BodyFailure::TimedOut
        } else if !self.pace.keeps(tempo, waited, self.taken) {
            BodyFailure::TooSlow
        } else {
            return false;
        };
        self.failure.get_or_insert(failure);
        true
    }

    /// The answer has begun: the client hears from it whether its body is wanted (RFC 9110, 10.1.1).
    pub fn owes_continue_no_more(&self) {
        self.owes_continue.store(false, Ordering::Relaxed);
    }

    fn try_read_now(
        &mut self,
        max: usize,
        out: &mut Vec<u8>,
    ) -> Result<Option<usize>, BodyFailure> {
        while !self.decoder.is_done() {
            let (count, is_short) = self.decode_some(max, out)?;
            if count > 0 {
                return Ok(Some(count));
            }
            if !is_short {
                continue;
            }
            if self.owes_continue.swap(false, Ordering::Relaxed) {
                let sent = self.stream.send_some(&[IoSlice::new(CONTINUE)]);
                if !sent.is_ok_and(|sent| sent == CONTINUE.len()) {
                    return Err(BodyFailure::Gone);
                }
            }
            match self.stream.receive(&mut self.inbox) {
                Ok(Received::Bytes(_)) => {}
                Ok(Received::Nothing) => return Ok(None),
                Ok(Received::End) | Err(_) => return Err(BodyFailure::Gone),
            }
        }
        Ok(Some(0))
    }

    /// Decodes at most `max` bytes of what has come: how many, and whether more must come before there
    /// are any.
    fn decode_some(&mut self, max: usize, out: &mut Vec<u8>) -> Result<(usize, bool), BodyFailure> {
        let decoded =
            self.decoder.decode(self.inbox.as_slice(), max).map_err(BodyFailure::Malformed)?;
        let count = decoded.data.len();
        self.taken += count as u64;
        if self.decoder.is_done() {
            // It came unasked (RFC 9110, 10.1.1): the client waits for nothing any more.
            self.owes_continue.store(false, Ordering::Relaxed);
        }
        if self.taken > self.rules.longest {
            return Err(BodyFailure::TooLong(HttpError::body_too_long(self.rules.longest)));
        }
        out.extend_from_slice(&self.inbox.as_slice()[decoded.data]);
        self.inbox.consume(decoded.consumed);
        Ok((count, decoded.consumed == 0))
    }

    fn try_read(&mut self, max: usize, out: &mut Vec<u8>) -> Result<usize, BodyFailure> {
        while max > 0 && !self.decoder.is_done() {
            let (count, is_short) = self.decode_some(max, out)?;
            if count > 0 {
                return Ok(count);
            }
            if is_short {
                self.receive()?;
            }
        }
        Ok(0)
    }

    fn receive(&mut self) -> Result<(), BodyFailure> {
        if self.owes_continue.swap(false, Ordering::Relaxed) {
            // RFC 9110, 10.1.1: as late as it can be, so that an application which refuses the
            // request by its head never makes the client send the body.
            self.stream
                .send_all(&mut [IoSlice::new(CONTINUE)], &self.rules.tempo)
                .map_err(|_| BodyFailure::Gone)?;
        }
        match self.stream.receive(&mut self.inbox) {
            Ok(Received::Bytes(_)) => Ok(()),
            Ok(Received::Nothing) => self.wait(),
            Ok(Received::End) | Err(_) => Err(BodyFailure::Gone),
        }
    }

    /// Waits for the next bytes, and judges how long that takes.
    fn wait(&mut self) -> Result<(), BodyFailure> {
        let tempo = &self.rules.tempo;
        let began = Instant::now();
        match self.stream.receive_wait(&mut self.inbox, tempo.idle) {
            Ok(Received::Bytes(_)) => {}
            Ok(Received::Nothing | Received::End) => return Err(BodyFailure::Gone),
            Err(error) => {
                return Err(match GivenUp::of(&error) {
                    Some(GivenUp::Idle) => BodyFailure::TimedOut,
                    Some(GivenUp::Slow) => BodyFailure::TooSlow,
                    Some(GivenUp::Evicted) => BodyFailure::Evicted,
                    None => BodyFailure::Gone,
                });
            }
        }
        if self.pace.keeps(tempo, began.elapsed(), self.taken) {
            return Ok(());
        }
        Err(BodyFailure::TooSlow)
    }
}
