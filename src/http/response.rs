//! The response: the application's status, fields and data, made into a message that ends where
//! the client thinks it ends (RFC 9112, 6).
//!
//! The server owns the framing. Data beyond Content-Length is cut; data short of it costs the
//! connection, because the client would take the next response for the missing bytes.

use super::bytes::trim;
use super::error::ResponseError;
use super::frame::{CHUNK_END, ChunkSize, Framed, FramedLen, LAST_CHUNK};
use super::survey::{Survey, is_content_length, is_hop_by_hop};
use super::version::Version;

/// What a response must know of its request.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts {
    /// The request's version.
    pub version: Version,
    /// Whether the method is HEAD.
    pub is_head: bool,
    /// Whether client and server both want the connection to stay open.
    pub keep_alive: bool,
    /// Whether fields may follow the body ([`super::takes_trailers`]), and the application may give some.
    pub takes_trailers: bool,
    /// Whose manner its head has.
    pub manner: Manner,
}

/// What a head says of version and connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// gunicorn's: the request's version, and whether the connection stays open in each head.
    Gunicorn,
    /// That of RFC 9110, 2.5, and RFC 9112, 9.3, as servers of ASGI have it: our own version, and of the connection
    /// only what the version does not say.
    Plain,
}

/// Encodes one response: [`Self::head`] once, [`Self::frame`] for each piece, [`Self::finish`].
#[derive(Debug)]
pub struct Encoder {
    facts: RequestFacts,
    coding: Coding,
    keep_alive: bool,
    has_excess: bool,
}

/// How the body's end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    /// The head is not written yet.
    Pending,
    /// Content-Length; bytes that are still to come.
    Length(u64),
    Chunked,
    /// By closing: HTTP/1.0 without a length, and what follows a 101.
    UntilClose,
    /// HEAD, 1xx, 204, 304; or the body has ended.
    NoBody,
}

/// How a response ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finish {
    /// To be written last: the last chunk, or nothing.
    pub trailer: &'static [u8],
    /// Whether another request can follow.
    pub keep_alive: bool,
    /// Bytes that Content-Length promised and the application did not give.
    pub shortfall: u64,
}

impl Encoder {
    /// An encoder for the response to one request.
    pub fn new(facts: RequestFacts) -> Self {
        Encoder { facts, coding: Coding::Pending, keep_alive: facts.keep_alive, has_excess: false }
    }

    /// Writes the head to the end of `out`: the status line, `Server`, `Date`, `Connection`,
    /// `Transfer-Encoding` where used, then the application's fields in their case and order.
    ///
    /// `status` is as in PEP 3333 (`b"200 OK"`), `date` an IMF-fixdate. The application's own
    /// Server and Date replace ours; its `Connection: close` is honoured, its other hop-by-hop
    /// fields are left out except `Upgrade: websocket`. `fields` is gone through twice.
    ///
    /// # Errors
    ///
    /// The application's fault; nothing is written then, and another head may be tried.
    pub fn head<'f, I>(
        &mut self,
        status: &[u8],
        fields: I,
        date: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), ResponseError>
    where
        I: Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
    {
        if self.coding != Coding::Pending {
            return Err(ResponseError::HeadTwice);
        }
        let survey = Survey::of(status, fields.clone())?;
        let is_upgrade = survey.says_upgrade && survey.to_websocket;
        let wire = Wire::choose(self.facts, &survey);
        let takes_trailers = self.facts.takes_trailers && wire.coding == Coding::Chunked;
        self.coding = wire.coding;
        self.keep_alive &= !survey.says_close && !wire.must_close;

        let RequestFacts { version, manner, .. } = self.facts;
        out.extend_from_slice(match (version, manner) {
            (Version::Http10, Manner::Gunicorn) => b"HTTP/1.0 ",
            _ => b"HTTP/1.1 ",
        });
        out.extend_from_slice(status);
        if status.len() == CODE_LEN {
            // RFC 9112, 4: the space is sent even when there is no reason.
            out.push(b' ');
        }
        // Each piece begins with the end of the line before it.
        if !survey.has_server {
            out.extend_from_slice(b"\r\nServer: unicoro");
        }
        if !survey.has_date {
            push_all(out, &[b"\r\nDate: ", date.as_bytes()]);
        }
        out.extend_from_slice(match (is_upgrade, survey.code, self.keep_alive) {
            (true, 101, _) => b"\r\nConnection: upgrade",
            (true, _, true) => b"\r\nConnection: keep-alive, upgrade",
            (true, _, false) => b"\r\nConnection: close, upgrade",
            (false, _, true) if version == Version::Http11 && manner == Manner::Plain => b"",
            (false, _, true) => b"\r\nConnection: keep-alive",
            (false, _, false) => b"\r\nConnection: close",
        });
        if wire.says_chunked {
            out.extend_from_slice(b"\r\nTransfer-Encoding: chunked");
        }
        for (name, value) in fields {
            // It tells of what will follow the last chunk.
            let announces = takes_trailers && name.eq_ignore_ascii_case(b"trailer");
            if is_hop_by_hop(name, value) && !announces
                || wire.drops_length && is_content_length(name)
            {
                continue;
            }
            push_all(out, &[b"\r\n", name, b": ", trim(value)]);
        }
        out.extend_from_slice(b"\r\n\r\n");
        Ok(())
    }

    /// Frames a piece of the body. An empty piece gives an empty frame, never the last chunk.
    pub fn frame<'d>(&mut self, data: &'d [u8]) -> Framed<'d> {
        let FramedLen { prefix, len, suffix } = self.frame_len(data.len() as u64);
        // `len` is at most data.len().
        Framed { prefix, data: &data[..len as usize], suffix }
    }

    /// As [`Self::frame`], for `len` bytes that are not at hand, because sendfile(2) sends them.
    pub fn frame_len(&mut self, len: u64) -> FramedLen {
        let allowed = match &mut self.coding {
            Coding::Pending | Coding::NoBody => 0,
            Coding::Chunked | Coding::UntilClose => len,
            Coding::Length(left) => {
                let allowed = len.min(*left);
                *left -= allowed;
                self.has_excess |= allowed < len;
                allowed
            }
        };
        if self.coding == Coding::Chunked && allowed > 0 {
            return FramedLen { prefix: ChunkSize::new(len), len, suffix: CHUNK_END };
        }
        FramedLen { prefix: ChunkSize::EMPTY, len: allowed, suffix: b"" }
    }

    /// Ends the body. Not to be called after the application failed: the connection is closed
    /// then without a trailer, so that the client sees the body cut.
    pub fn finish(&mut self) -> Finish {
        let (trailer, shortfall): (&'static [u8], u64) = match self.coding {
            Coding::Chunked => (LAST_CHUNK, 0),
            Coding::Length(left) => (b"", left),
            Coding::Pending | Coding::UntilClose | Coding::NoBody => (b"", 0),
        };
        // gunicorn: keeps the connection after a short body, and the responses get out of step.
        self.keep_alive &= shortfall == 0 && self.coding != Coding::Pending;
        self.coding = Coding::NoBody;
        Finish { trailer, keep_alive: self.keep_alive, shortfall }
    }

    /// Whether the application gave more than its Content-Length.
    pub fn excess(&self) -> bool {
        self.has_excess
    }

    /// Whether so many more bytes are more than Content-Length says.
    pub fn exceeds(&self, more: u64) -> bool {
        matches!(self.coding, Coding::Length(left) if more > left)
    }

    /// Whether another request can follow, as far as the head says.
    pub fn keeps_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether the head has been written.
    pub fn has_head(&self) -> bool {
        self.coding != Coding::Pending
    }

    /// Whether the body is sent in chunks.
    pub fn is_chunked(&self) -> bool {
        self.coding == Coding::Chunked
    }

    /// Whether fields may follow the body ([`super::trailers`]).
    pub fn takes_trailers(&self) -> bool {
        self.facts.takes_trailers && self.is_chunked()
    }

    /// Bytes that the body still takes; `None` when nothing bounds it.
    pub fn remaining(&self) -> Option<u64> {
        match self.coding {
            Coding::Length(left) => Some(left),
            Coding::NoBody => Some(0),
            Coding::Pending | Coding::Chunked | Coding::UntilClose => None,
        }
    }
}

/// What the framing rules make of a response.
struct Wire {
    coding: Coding,
    /// Transfer-Encoding: chunked stands in the head.
    says_chunked: bool,
    /// Content-Length is left out of the head.
    drops_length: bool,
    /// The end can only be told by closing.
    must_close: bool,
}

impl Wire {
    fn choose(facts: RequestFacts, survey: &Survey) -> Self {
        let is_informational = survey.code < 200;
        // RFC 9110, 8.6 and RFC 9112, 6.1: neither length nor coding in 1xx and 204.
        if is_informational || survey.code == 204 {
            // RFC 9110, 7.8: after a 101 the connection speaks the other protocol, unframed.
            let switches = survey.code == 101 && survey.says_upgrade && survey.to_websocket;
            let coding = if switches { Coding::UntilClose } else { Coding::NoBody };
            // No final response follows an interim one from the application: close.
            let must_close = is_informational;
            return Wire { coding, says_chunked: false, drops_length: true, must_close };
        }
        let can_chunk = facts.version >= Version::Http11;
        // RFC 9112, 6.3 rule 1: HEAD and 304 have no body, whatever their fields say.
        if survey.code == 304 {
            return Wire {
                coding: Coding::NoBody,
                says_chunked: false,
                drops_length: false,
                must_close: false,
            };
        }
        let (coding, says_chunked, must_close) = match survey.length {
            Some(length) => (Coding::Length(length), false, false),
            None if can_chunk => (Coding::Chunked, true, false),
            // RFC 9112, 6.3 rule 8: a response without a length ends with the connection.
            None => (Coding::UntilClose, false, true),
        };
        // RFC 9110, 9.3.2: HEAD gets the fields that GET would get, except those that only the body
        // decides; RFC 9112, 6.1 leaves Transfer-Encoding to the server, and gunicorn leaves it out.
        if facts.is_head {
            return Wire {
                coding: Coding::NoBody,
                says_chunked: false,
                drops_length: false,
                must_close: false,
            };
        }
        Wire { coding, says_chunked, drops_length: false, must_close }
    }
}

fn push_all(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// The three digits of a status code.
const CODE_LEN: usize = 3;

#[cfg(test)]
mod tests;
