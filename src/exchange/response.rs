//! The response to one request, from nothing to its end: all of its bytes are made and sent here.
//!
//! The head is encoded when it is given and sent with the first piece of the body, so that an error in
//! between can still put another in its place. What has left cannot be taken back: a response that
//! fails behind that point is cut off, and its connection closed.
//!
//! ```text
//!   Open ─ begin ─► Begun ─ send, send_file, add ─► Begun ─ end ─► Ended ─ send_rest
//!     └──── refuse ───┴──────────────────────────────────────────────►  with a page of ours
//!   Broken, from anywhere: the client will not have it whole, and nothing is sent any more
//! ```
//!
//! Calls that send may wait: never with the language's lock.

use std::fs::File;
use std::io::{self, IoSlice};
use std::mem;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use unicoro_contract::{Stream, Tempo, buffers};

use super::answer::Answer;
use super::breakage::Breakage;
use super::date::date;
use super::fate::Fate;
use super::wrong_length::WrongLength;
use crate::http::{Encoder, Fields, RequestFacts, ResponseError, early_hints, refusal, trailers};

/// A whole response up to this long may be held, to leave together with others.
const HELD: usize = 16 * 1024;

/// The response to one request.
pub struct Response {
    stream: Arc<Stream>,
    // When the request began.
    began: Instant,
    // How slowly the client may take it.
    tempo: Tempo,
    facts: RequestFacts,
    // Whether the client waits to hear that it may send its body.
    continue_due: Option<Arc<AtomicBool>>,
    stage: Stage,
    // Whether the client may have some of it: nothing can be taken back any more.
    has_left: bool,
    encoder: Encoder,
    // Encoded and not sent yet.
    unsent: Vec<u8>,
    // Of that, what has left at the front: less than half. Moving what follows each time would be
    // quadratic.
    gone: usize,
    // What is to be sent behind that.
    file: Option<Box<Rest>>,
    answer: Answer,
}

/// What is left of a file that is sent as its client takes it, and what follows it.
struct Rest {
    file: File,
    offset: u64,
    len: u64,
    behind: Vec<u8>,
    // The client would have taken more.
    is_interrupted: bool,
}

/// So much of a file is sent before others have their turn.
const BURST: u64 = 1 << 20;

/// How far the response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The application has given nothing yet.
    Open,
    /// The application has given the head.
    Begun,
    /// Nothing more will be given.
    Ended { keep_alive: bool },
    /// A 101 has left, and the connection speaks another protocol: what the application gives now goes
    /// nowhere, and `has_failed` if that tells of a failure.
    Switched { has_failed: bool },
    /// A handshake was refused with a page of ours: what the application gives now goes nowhere.
    Refused,
    /// The client will not have it whole.
    Broken(Breakage),
}

/// A stretch of a regular file, for sendfile(2).
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Whoever gave it keeps it open.
    pub fd: RawFd,
    /// Where the part to send begins in the file.
    pub offset: u64,
    /// How many bytes of the file to send.
    pub len: u64,
}

impl Response {
    /// A response that nobody has begun. With `continue_due`, the connection can be kept only if that
    /// is false when the head is made: else nobody knows whether a body or a request comes next.
    #[must_use]
    pub fn new(
        stream: Arc<Stream>,
        began: Instant,
        facts: RequestFacts,
        tempo: Tempo,
        continue_due: Option<Arc<AtomicBool>>,
    ) -> Self {
        Self {
            stream,
            began,
            tempo,
            facts,
            continue_due,
            stage: Stage::Open,
            has_left: false,
            encoder: Encoder::new(facts),
            unsent: Vec::new(),
            gone: 0,
            file: None,
            answer: Answer::default(),
        }
    }

    /// Whether a head was given.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.answer.status != 0 && !self.goes_nowhere()
    }

    /// Whether what the application gives is no answer to its client.
    #[must_use]
    pub fn goes_nowhere(&self) -> bool {
        self.has_switched() || self.stage == Stage::Refused
    }

    /// Whether the connection speaks another protocol.
    #[must_use]
    pub fn has_switched(&self) -> bool {
        matches!(self.stage, Stage::Switched { .. })
    }

    /// Whether the application has answered that it failed, behind a 101.
    #[must_use]
    pub fn has_failed_behind(&self) -> bool {
        self.stage == Stage::Switched { has_failed: true }
    }

    /// Whether some of it has left: nothing can be taken back any more.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.has_left
    }

    /// Why the client will not have it whole, if that is so.
    #[must_use]
    pub fn breakage(&self) -> Option<Breakage> {
        match self.stage {
            Stage::Broken(breakage) => Some(breakage),
            _ => None,
        }
    }

    /// Whether nobody is left to answer, as far as is known.
    #[must_use]
    pub fn is_client_gone(&self) -> bool {
        self.breakage().is_some() || self.stream.has_client_left()
    }

    /// What the logs say of it.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// What becomes of the connection.
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self.stage {
            _ if self.stream.is_shared() => Fate::HandedOver,
            Stage::Broken(_) => Fate::Dropped,
            Stage::Ended { keep_alive: true } => Fate::Kept,
            _ => Fate::Closed,
        }
    }

    /// Gives the head: `200 OK` and the fields. Until the first byte has left, another may follow.
    ///
    /// # Errors
    /// They cannot be sent; what was given before stays.
    pub fn begin(&mut self, status_line: Vec<u8>, fields: Fields) -> Result<(), ResponseError> {
        if self.continue_due.as_ref().is_some_and(|due| due.load(Ordering::Relaxed)) {
            self.facts.keep_alive = false;
        }
        if self.has_switched() {
            self.stage = Stage::Switched { has_failed: status_line.starts_with(b"5") };
        }
        if self.goes_nowhere() {
            return Ok(());
        }
        let mut encoder = Encoder::new(self.facts);
        let mut head = buffers::take();
        encoder.head(&status_line, fields.iter(), &date(), &mut head)?;
        // The encoder has seen three digits.
        let digits = status_line[..3].iter();
        let status = digits.fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
        self.answer = Answer { status, given_line: status_line, fields, body_sent: 0 };
        if self.breakage().is_none() {
            (self.encoder, self.unsent, self.stage) = (encoder, head, Stage::Begun);
            self.gone = 0;
        }
        Ok(())
    }

    /// Sends a 103 with these fields; too late, and on HTTP/1.0, nothing.
    ///
    /// # Errors
    /// The fields cannot be sent; within, the client is gone.
    pub fn send_hints(&mut self, fields: &Fields) -> Result<io::Result<()>, ResponseError> {
        let mut hints = Vec::new();
        early_hints(self.facts.version, fields.iter(), &mut hints)?;
        if self.has_left || hints.is_empty() {
            return Ok(Ok(()));
        }
        if self.breakage().is_some() {
            return Ok(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let sent = self.stream.send_all(&mut [IoSlice::new(&hints)], &self.tempo);
        Ok(self.note(sent))
    }

    /// The same without a wait: a client that takes nothing now gets none, and one that takes a part of it is
    /// parted with, for nothing can follow that.
    ///
    /// # Errors
    /// As above.
    pub fn send_hints_now(&mut self, fields: &Fields) -> Result<io::Result<()>, ResponseError> {
        let mut hints = Vec::new();
        early_hints(self.facts.version, fields.iter(), &mut hints)?;
        if self.has_left || hints.is_empty() {
            return Ok(Ok(()));
        }
        if self.breakage().is_some() {
            return Ok(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let sent = match self.stream.send_some(&[IoSlice::new(&hints)]) {
            Ok(sent) if sent == 0 || sent == hints.len() => Ok(()),
            Ok(_) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(error) => Err(error),
        };
        Ok(self.note(sent))
    }

    /// Sends `head`, a 101, behind which the connection speaks another protocol.
    ///
    /// # Errors
    /// The client is gone, or was answered in the application's place; or an answer has begun already.
    pub fn switch(&mut self, head: &[u8]) -> io::Result<()> {
        self.claim_switch()?;
        let sent = self.stream.send_all(&mut [IoSlice::new(head)], &self.tempo);
        self.note(sent)?;
        self.stage = Stage::Switched { has_failed: false };
        Ok(())
    }

    /// As [`Self::switch`], but never waits: how much of `head` has left. What has not is the new protocol's
    /// to send.
    ///
    /// # Errors
    /// As [`Self::switch`].
    pub fn switch_now(&mut self, head: &[u8]) -> io::Result<usize> {
        self.claim_switch()?;
        let sent = self.stream.send_some(&[IoSlice::new(head)]);
        let sent = sent.or_else(|error| self.note(Err(error)).map(|()| 0))?;
        self.stage = Stage::Switched { has_failed: false };
        Ok(sent)
    }

    fn claim_switch(&mut self) -> io::Result<()> {
        if self.stage != Stage::Open {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.claim()?;
        self.answer = Answer::of(SWITCHED);
        Ok(())
    }

    /// Adds a piece of the body to what [`Self::send_rest`] sends. For short ones: it is copied.
    pub fn add(&mut self, piece: &[u8]) {
        if self.stage == Stage::Begun {
            let framed = self.encoder.frame(piece);
            self.answer.body_sent += framed.data.len() as u64;
            for part in framed.parts() {
                self.unsent.extend_from_slice(part);
            }
        }
    }

    /// Sends a piece of the body, with what was not sent yet, in one call.
    ///
    /// # Errors
    /// The client is gone.
    pub fn send(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.goes_nowhere() {
            return Ok(());
        }
        self.depart()?;
        let framed = self.encoder.frame(piece);
        self.answer.body_sent += framed.data.len() as u64;
        let [prefix, data, suffix] = framed.parts().map(IoSlice::new);
        let parts = &mut [IoSlice::new(&self.unsent), prefix, data, suffix];
        let sent = self.stream.send_all(parts, &self.tempo);
        self.unsent.clear();
        self.note(sent)
    }

    /// Sends a piece of the body, with what was not sent yet, as far as the client takes it at once; whether
    /// that was all. Never waits: the rest is [`Self::send_more`]'s.
    ///
    /// # Errors
    /// The client is gone.
    pub fn send_now(&mut self, piece: &[u8]) -> io::Result<bool> {
        self.depart()?;
        let framed = self.encoder.frame(piece);
        self.answer.body_sent += framed.data.len() as u64;
        let parts = framed.parts();
        let [prefix, data, suffix] = parts.map(IoSlice::new);
        // However long a head is: who is told false waits for room, and no event tells of room that there was.
        let all = [IoSlice::new(&self.unsent[self.gone..]), prefix, data, suffix];
        let sent = self.stream.send_some(&all);
        let mut sent = sent.or_else(|error| self.note(Err(error)).map(|()| 0))?;
        let taken = sent.min(self.unsent.len() - self.gone);
        self.has_gone(taken);
        sent -= taken;
        for part in parts {
            let taken = sent.min(part.len());
            self.unsent.extend_from_slice(&part[taken..]);
            sent -= taken;
        }
        Ok(self.unsent.is_empty())
    }

    /// Gives a whole file for a piece of the body, the last one, which [`Self::send_more`] sends.
    ///
    /// # Errors
    /// The client is gone.
    pub fn add_file(&mut self, file: File, len: u64) -> io::Result<()> {
        self.depart()?;
        // As in `send_stretch`.
        let wanted = self.encoder.remaining().unwrap_or(u64::MAX);
        let framed = self.encoder.frame_len(len.min(wanted));
        self.answer.body_sent += framed.len;
        self.unsent.extend_from_slice(&framed.prefix);
        if framed.len > 0 {
            let behind = framed.suffix.to_vec();
            let rest = Rest { file, offset: 0, len: framed.len, behind, is_interrupted: false };
            self.file = Some(Box::new(rest));
        }
        Ok(())
    }

    /// Whether a file is to be sent, which may have to be read for that.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Whether what is left of a file waits for its turn, and not for its client.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.file.as_ref().is_some_and(|rest| rest.is_interrupted)
    }

    /// Sends what is not sent yet, as far as the client takes it at once; whether that was all. A whole
    /// answer may be held to leave with others, if `may_hold`. Never waits.
    ///
    /// # Errors
    /// The client is gone, or was answered in the application's place.
    pub fn send_more(&mut self, may_hold: bool) -> io::Result<bool> {
        if self.breakage().is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if !self.has_rest() {
            return Ok(true);
        }
        self.claim()?;
        let is_kept = self.stage == (Stage::Ended { keep_alive: true });
        let is_short = self.file.is_none() && self.gone == 0 && self.unsent.len() <= HELD;
        if !(may_hold && is_kept && is_short && self.leave_together()?) {
            self.send_some_unsent()?;
            if self.unsent.is_empty()
                && let Some(rest) = &mut self.file
            {
                let sent = rest.send_some(&self.stream);
                self.note(sent)?;
                if let Some(rest) = self.file.take_if(|rest| rest.len == 0) {
                    self.unsent = rest.behind;
                    self.send_some_unsent()?;
                }
            }
        }
        self.conclude();
        Ok(!self.has_rest())
    }

    fn send_some_unsent(&mut self) -> io::Result<()> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        let sent = self.stream.send_some(&[IoSlice::new(&self.unsent[self.gone..])]);
        let sent = sent.or_else(|error| self.note(Err(error)).map(|()| 0))?;
        self.has_gone(sent);
        Ok(())
    }

    /// So much more of what is not sent has left.
    fn has_gone(&mut self, sent: usize) {
        self.gone += sent;
        if 2 * self.gone >= self.unsent.len() {
            self.unsent.drain(..self.gone);
            self.gone = 0;
        }
    }

    /// How slowly the client may take it.
    #[must_use]
    pub fn tempo(&self) -> Tempo {
        self.tempo
    }

    /// Whether the application has ended it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended { .. })
    }

    /// Whether `piece` can be added to what is not sent yet, without keeping much in memory.
    #[must_use]
    pub fn has_room_for(&self, piece: &[u8]) -> bool {
        self.stage == Stage::Begun && self.unsent.len() + piece.len() <= HELD
    }

    /// Whether the head says how long the body is.
    #[must_use]
    pub fn knows_length(&self) -> bool {
        self.encoder.remaining().is_some()
    }

    /// Whether the body is longer with `piece` than its head says.
    #[must_use]
    pub fn exceeds(&self, piece: &[u8]) -> bool {
        self.encoder.exceeds(piece.len() as u64)
    }

    /// Whether the body is whole with `piece`, and the response one that may be held: short, and of a
    /// connection that is kept. Behind others a close follows at once, for which nothing is gained.
    #[must_use]
    pub fn ends_with(&self, piece: &[u8]) -> bool {
        self.stage == Stage::Begun
            && self.encoder.keeps_alive()
            && self.encoder.remaining() == Some(piece.len() as u64)
            && self.unsent.len() + piece.len() <= HELD
    }

    /// Gives what is not sent yet, with which the response is whole, to the engine, if that will send it
    /// in a moment together with others. False: it is still to be sent. Never waits.
    ///
    /// # Errors
    /// The client was answered in the application's place.
    pub fn leave_together(&mut self) -> io::Result<bool> {
        self.claim()?;
        let unsent = mem::take(&mut self.unsent);
        let held = self.stream.hold(unsent, self.began, &self.tempo);
        Ok(held.map_err(|unsent| self.unsent = unsent).is_ok())
    }

    /// Sends a stretch of a file.
    ///
    /// # Errors
    /// The client is gone, or the file is shorter than it was.
    pub fn send_file(&mut self, stretch: Stretch) -> io::Result<()> {
        if self.goes_nowhere() {
            return Ok(());
        }
        self.depart()?;
        let sent = self.send_stretch(stretch);
        self.answer.body_sent += *sent.as_ref().unwrap_or(&0);
        self.note(sent.map(drop))
    }

    fn send_stretch(&mut self, stretch: Stretch) -> io::Result<u64> {
        // A file longer than the Content-Length is a part of a file, and no mistake.
        let wanted = self.encoder.remaining().unwrap_or(u64::MAX);
        let framed = self.encoder.frame_len(stretch.len.min(wanted));
        let (stream, tempo) = (&self.stream, &self.tempo);
        let mut front = mem::take(&mut self.unsent);
        front.extend_from_slice(&framed.prefix);
        stream.send_all(&mut [IoSlice::new(&front)], tempo)?;
        let sent = stream.send_file(stretch.fd, stretch.offset, framed.len, tempo)?;
        if sent < framed.len {
            // Its length was promised, in a header or in a chunk's size.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        stream.send_all(&mut [IoSlice::new(framed.suffix)], tempo)?;
        Ok(sent)
    }

    /// The body is whole. Says what of its length was not true.
    pub fn end(&mut self) -> Option<WrongLength> {
        self.end_by(None)
    }

    /// The same with fields behind the body, where they may follow.
    ///
    /// # Errors
    /// They cannot be sent; nothing has changed.
    pub fn end_with(&mut self, fields: &Fields) -> Result<Option<WrongLength>, ResponseError> {
        let mut last = Vec::new();
        trailers(fields.iter(), &mut last)?;
        Ok(self.end_by(self.encoder.takes_trailers().then_some(&last)))
    }

    fn end_by(&mut self, last_chunk: Option<&[u8]>) -> Option<WrongLength> {
        if self.stage != Stage::Begun {
            return None;
        }
        let is_long = self.encoder.excess();
        let finish = self.encoder.finish();
        let last = self.file.as_mut().map_or(&mut self.unsent, |rest| &mut rest.behind);
        last.extend_from_slice(last_chunk.unwrap_or(finish.trailer));
        self.stage = Stage::Ended { keep_alive: finish.keep_alive };
        self.conclude();
        match finish.shortfall {
            0 => is_long.then_some(WrongLength::Long),
            missing => Some(WrongLength::Short { missing }),
        }
    }

    /// Whether some of it was given and is not sent yet.
    #[must_use]
    pub fn has_rest(&self) -> bool {
        !self.unsent.is_empty() || self.file.is_some()
    }

    /// Whether its client has begun to get it, and has not taken all that was given. A head waits for what
    /// follows it, and not for its client.
    #[must_use]
    pub fn awaits_client(&self) -> bool {
        self.has_left && self.has_rest()
    }

    /// Sends what is not sent yet.
    ///
    /// # Errors
    /// The client is gone, or was answered in the application's place.
    pub fn send_rest(&mut self) -> io::Result<()> {
        if self.breakage().is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if self.unsent.is_empty() {
            return Ok(());
        }
        self.claim()?;
        let is_kept = self.stage == (Stage::Ended { keep_alive: true });
        if !(is_kept && self.unsent.len() <= HELD && self.leave_together()?) {
            let sent = self.stream.send_all(&mut [IoSlice::new(&self.unsent)], &self.tempo);
            self.unsent.clear();
            self.note(sent)?;
        }
        self.conclude();
        Ok(())
    }

    /// A client that has all of it and is kept is owed nothing, however long its request goes on.
    fn conclude(&self) {
        if self.stage == (Stage::Ended { keep_alive: true }) && !self.has_rest() {
            self.stream.end_response();
        }
    }

    /// It has failed: puts a page in its place if nothing has left, else cuts it off.
    pub fn refuse(&mut self, status: u16, detail: &str) {
        self.refuse_with(status, detail, &[]);
    }

    /// A handshake has failed: puts a page in the place of whatever the application answers, with these fields
    /// in its head, unless some of that has left.
    pub fn refuse_handshake(&mut self, status: u16, detail: &str, fields: &[(&str, &str)]) {
        if !self.has_left && matches!(self.stage, Stage::Open | Stage::Begun) {
            self.refuse_with(status, detail, fields);
            self.stage = Stage::Refused;
        }
    }

    /// As [`Self::refuse`], with these fields in the page's head.
    pub fn refuse_with(&mut self, status: u16, detail: &str, fields: &[(&str, &str)]) {
        let may_say = !self.has_left && matches!(self.stage, Stage::Open | Stage::Begun);
        self.fail(status);
        if may_say {
            self.unsent = refusal(status, detail, fields, &date(), self.facts.is_head);
        }
    }

    /// It has failed, and the server says nothing in its place.
    pub fn fail(&mut self, status: u16) {
        if !self.has_left && !matches!(self.stage, Stage::Ended { .. }) {
            self.answer = Answer::of(status);
        }
        self.forget_rest();
        if self.breakage().is_none() {
            self.stage = Stage::Ended { keep_alive: false };
        }
    }

    /// It has failed, and its client cannot be told; `status` is for the log.
    pub fn give_up(&mut self, breakage: Breakage, status: u16) {
        self.fail(status);
        self.stage = Stage::Broken(breakage);
    }

    /// A piece of the body is about to leave.
    fn depart(&mut self) -> io::Result<()> {
        match self.stage {
            Stage::Begun => self.claim(),
            // It may have failed within a chunk, which nothing may follow.
            Stage::Open
            | Stage::Ended { .. }
            | Stage::Switched { .. }
            | Stage::Refused
            | Stage::Broken(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Some of it leaves now, unless the request was answered as overdue meanwhile.
    fn claim(&mut self) -> io::Result<()> {
        self.has_left = self.stream.begin_response();
        if self.has_left {
            return Ok(());
        }
        self.answer = Answer::of(OVERDUE);
        self.forget_rest();
        self.stage = Stage::Broken(Breakage::Overdue);
        Err(io::ErrorKind::TimedOut.into())
    }

    fn forget_rest(&mut self) {
        self.unsent.clear();
        (self.gone, self.file) = (0, None);
    }

    fn note(&mut self, sent: io::Result<()>) -> io::Result<()> {
        sent.inspect_err(|error| self.stage = Stage::Broken(error.into()))
    }
}

impl Rest {
    /// Sends some of it, as far as the client takes it at once.
    fn send_some(&mut self, stream: &Stream) -> io::Result<()> {
        let mut burst = BURST.min(self.len);
        while burst > 0 {
            let fd = self.file.as_raw_fd();
            let Some(sent) = stream.send_some_of_file(fd, self.offset, burst)? else { break };
            if sent == 0 {
                // Its length was promised.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            (self.offset, self.len, burst) = (self.offset + sent, self.len - sent, burst - sent);
        }
        self.is_interrupted = burst == 0 && self.len > 0;
        Ok(())
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        let Answer { given_line, fields, .. } = mem::take(&mut self.answer);
        for buffer in [given_line, fields.into_buffer(), mem::take(&mut self.unsent)] {
            buffers::give(buffer);
        }
    }
}

/// What a client is told whose request took too long.
pub const OVERDUE: u16 = 504;
/// What the access log says of a connection that has changed its protocol.
pub const SWITCHED: u16 = 101;

#[cfg(test)]
mod tests;
