//! From a client's bytes to events, however the bytes are cut (RFC 6455, 5 and 6.2; RFC 7692, 7.2.2).
//!
//! ```text
//! bytes ─► ClientHeader ─► control frame: ControlPayload ─────────────► Ping, Pong, Close
//!                     └──► data frame: Incoming (unmask, inflate, UTF-8) ─► Message
//! ```
//!
//! Nothing that is announced takes memory before it has come, and a fault ends the connection with the
//! byte that shows it. Between messages a decoder has no memory beside itself, unless the client's
//! compression refers to earlier messages.

use super::close::Close;
use super::control_payload::ControlPayload;
use super::event::Event;
use super::failure::Failure;
use super::frame::{CLIENT_HEADER_MAX, ClientHeader, Opcode};
use super::incoming::Incoming;
use super::inflater::Inflater;
use super::mask;
use super::message::Kind;

/// Reads what one client sends.
#[derive(Debug)]
pub struct Decoder {
    header: HeaderStart,
    frame: Option<Frame>,
    message: Option<Incoming>,
    control: ControlPayload,
    /// Of permessage-deflate, if it was negotiated.
    inflater: Option<Inflater>,
    limit: usize,
    end: Option<End>,
}

/// The frame whose payload comes.
#[derive(Clone, Copy, Debug)]
struct Frame {
    header: ClientHeader,
    /// Bytes of the payload that have come.
    taken: u64,
}

/// Why nothing more is read.
#[derive(Clone, Copy, Debug)]
enum End {
    /// A close frame has come; what follows is of no meaning (RFC 6455, 5.5.1).
    Closed,
    Failed(Failure),
}

impl Decoder {
    /// For a connection that was just upgraded. `limit`: bytes of a message, uncompressed. `inflater`: if
    /// permessage-deflate was negotiated.
    pub fn new(limit: usize, inflater: Option<Inflater>) -> Self {
        Decoder {
            header: HeaderStart::default(),
            frame: None,
            message: None,
            control: ControlPayload::EMPTY,
            inflater,
            limit,
            end: None,
        }
    }

    /// Takes bytes off the beginning of `input` up to the end of the next event. `None`: all are taken, and
    /// more are needed. After a close frame all bytes are taken and dropped.
    ///
    /// # Errors
    /// The rule that the client broke; it comes again with each call.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Failure> {
        match self.end {
            None => {}
            Some(End::Failed(failure)) => return Err(failure),
            Some(End::Closed) => {
                *input = &[];
                return Ok(None);
            }
        }
        let fed = self.advance(input);
        match &fed {
            Err(failure) => self.end(End::Failed(*failure)),
            Ok(Some(Event::Close(_))) => self.end(End::Closed),
            Ok(_) => {}
        }
        fed
    }

    /// Whether no further event can come: the client has closed, or broken a rule.
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the client is in the middle of a frame or a message.
    pub fn is_within_message(&self) -> bool {
        self.message.is_some() || self.frame.is_some() || self.header.len > 0
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Failure> {
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.header.read(input, self.inflater.is_some())? {
                    Some(header) => self.begin(header)?,
                    None => return Ok(None),
                },
            };
            let left = usize::try_from(frame.header.len - frame.taken).unwrap_or(usize::MAX);
            let (piece, rest) = input.split_at(left.min(input.len()));
            *input = rest;
            self.take(frame, piece)?;
            frame.taken += piece.len() as u64;
            if frame.taken < frame.header.len {
                self.frame = Some(frame);
                return Ok(None);
            }
            if let Some(event) = self.finish(frame.header)? {
                return Ok(Some(event));
            }
        }
    }

    /// Judges a header by the frames before it.
    fn begin(&mut self, header: ClientHeader) -> Result<Frame, Failure> {
        let kind = match header.opcode {
            Opcode::Text => Some(Kind::Text),
            Opcode::Binary => Some(Kind::Binary),
            _ => None,
        };
        if let Some(kind) = kind {
            // RFC 6455, 5.4: fragments of one message are not mixed with another's.
            if self.message.is_some() {
                return Err(Failure::protocol("a message begins within another"));
            }
            self.message = Some(Incoming::new(kind, header.is_compressed));
        }
        if header.opcode.is_control() {
            self.control = ControlPayload::EMPTY;
        } else {
            let message = self.message.as_mut();
            let message = message.ok_or(Failure::protocol("a continuation continues nothing"))?;
            message.announce(header.len, self.limit)?;
        }
        Ok(Frame { header, taken: 0 })
    }

    fn take(&mut self, frame: Frame, piece: &[u8]) -> Result<(), Failure> {
        let masking = (frame.header.key, frame.taken);
        if frame.header.opcode.is_control() {
            // There is room: the header has announced at most 125 bytes.
            if let Some(place) = self.control.extend(piece) {
                mask::apply(place, masking.0, masking.1);
            }
            return Ok(());
        }
        match &mut self.message {
            Some(message) => message.add(piece, masking, self.inflater.as_mut(), self.limit),
            None => Ok(()),
        }
    }

    fn finish(&mut self, header: ClientHeader) -> Result<Option<Event>, Failure> {
        Ok(Some(match header.opcode {
            Opcode::Ping => Event::Ping(self.control),
            Opcode::Pong => Event::Pong(self.control),
            Opcode::Close => Event::Close(Close::read(&self.control)?),
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                let Some(message) = self.message.take_if(|_| header.is_final) else {
                    return Ok(None);
                };
                Event::Message(message.finish(self.inflater.as_mut(), self.limit)?)
            }
        }))
    }

    fn end(&mut self, end: End) {
        self.end = Some(end);
        // Its memory is of no use any more.
        self.message = None;
        self.inflater = None;
    }
}

/// The beginning of a header whose rest has not come.
#[derive(Debug, Default)]
struct HeaderStart {
    bytes: [u8; CLIENT_HEADER_MAX],
    len: usize,
}

impl HeaderStart {
    /// Takes a header off the beginning of `input`; what there is of it, if it is not whole.
    fn read(
        &mut self,
        input: &mut &[u8],
        has_deflate: bool,
    ) -> Result<Option<ClientHeader>, Failure> {
        if self.len == 0
            && let Some((header, size)) = ClientHeader::read(input, has_deflate)?
        {
            *input = &input[size..];
            return Ok(Some(header));
        }
        // Without more than the header: a byte at a time.
        while let Some((&byte, rest)) = input.split_first() {
            self.bytes[self.len] = byte;
            self.len += 1;
            *input = rest;
            let read = ClientHeader::read(&self.bytes[..self.len], has_deflate)?;
            if let Some((header, _)) = read {
                self.len = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod deflate_tests;
#[cfg(test)]
mod tests;
