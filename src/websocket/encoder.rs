//! Messages to one client as frames (RFC 6455, 5.6 and 6.1): each message is one frame.

use std::borrow::Cow;

use super::deflater::Deflater;
use super::frame::ServerHeader;
use super::message::Data;
use super::prepared::Prepared;

/// Frames the messages to one client, in the order in which they are sent.
#[derive(Debug)]
pub struct Encoder {
    deflater: Option<Deflater>,
}

/// A message as a frame, ready for one vectored write.
#[derive(Clone, Debug)]
pub struct Framed<'d> {
    /// The frame's header.
    pub header: ServerHeader,
    /// The data, compressed or as they were given.
    pub payload: Cow<'d, [u8]>,
}

impl Framed<'_> {
    /// Both parts in the order in which they are written.
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.header, &self.payload]
    }
}

impl Encoder {
    /// For a connection that was just upgraded; `deflater` if permessage-deflate was negotiated.
    pub fn new(deflater: Option<Deflater>) -> Self {
        Encoder { deflater }
    }

    /// Frames a message. What is framed must be sent, and in this order: later messages may refer to it.
    pub fn message<'d>(&mut self, data: Data<'d>) -> Framed<'d> {
        let opcode = data.kind().opcode();
        let deflated = self.deflater.as_mut().and_then(|deflater| deflater.deflate(data.bytes()));
        let is_compressed = deflated.is_some();
        let payload = deflated.map_or(Cow::Borrowed(data.bytes()), Cow::Owned);
        Framed { header: ServerHeader::new(opcode, is_compressed, payload.len()), payload }
    }

    /// The bytes of a message that many clients are sent: nothing is made or copied for this one.
    pub fn prepared<'p>(&mut self, message: &'p Prepared) -> &'p [u8] {
        let Some(deflater) = &mut self.deflater else { return message.plain() };
        let Some(frame) = message.deflated(deflater.window_bits()) else { return message.plain() };
        deflater.forget();
        frame
    }
}

#[cfg(test)]
mod tests;
