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
    /// The request's version, which the response repeats.
    pub version: Version,
    /// Whether the method is HEAD.
    pub is_head: bool,
    /// Whether client and server both want the connection to stay open.
    pub keep_alive: bool,
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
        self.coding = wire.coding;
        self.keep_alive &= !survey.says_close && !wire.must_close;

        push_all(out, &[self.facts.version.as_str().as_bytes(), b" ", status]);
        if status.len() == CODE_LEN {
            // RFC 9112, 4: the space is sent even when there is no reason.
            out.push(b' ');
        }
        out.extend_from_slice(b"\r\n");
        if !survey.has_server {
            out.extend_from_slice(b"Server: unicoro\r\n");
        }
        if !survey.has_date {
            push_all(out, &[b"Date: ", date.as_bytes(), b"\r\n"]);
        }
        out.extend_from_slice(match (is_upgrade, survey.code, self.keep_alive) {
            (true, 101, _) => b"Connection: upgrade\r\n",
            (true, _, true) => b"Connection: keep-alive, upgrade\r\n",
            (true, _, false) => b"Connection: close, upgrade\r\n",
            (false, _, true) => b"Connection: keep-alive\r\n",
            (false, _, false) => b"Connection: close\r\n",
        });
        if wire.says_chunked {
            out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
        }
        for (name, value) in fields {
            if is_hop_by_hop(name, value) || (wire.drops_length && is_content_length(name)) {
                continue;
            }
            push_all(out, &[name, b": ", trim(value), b"\r\n"]);
        }
        out.extend_from_slice(b"\r\n");
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

    /// Whether the head has been written.
    pub fn has_head(&self) -> bool {
        self.coding != Coding::Pending
    }

    /// Whether the body is sent in chunks.
    pub fn is_chunked(&self) -> bool {
        self.coding == Coding::Chunked
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
        // RFC 9110, 9.3.2: HEAD gets the fields that GET would get, but for those that only the body
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
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const GET: RequestFacts =
        RequestFacts { version: Version::Http11, is_head: false, keep_alive: true };
    const HEAD: RequestFacts = RequestFacts { is_head: true, ..GET };
    const OLD: RequestFacts =
        RequestFacts { version: Version::Http10, is_head: false, keep_alive: true };

    type Pairs<'p> = &'p [(&'p str, &'p str)];

    fn try_head(
        encoder: &mut Encoder,
        status: &str,
        fields: Pairs,
    ) -> Result<String, ResponseError> {
        let mut out = b"before".to_vec();
        let pairs = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let result = encoder.head(status.as_bytes(), pairs, DATE, &mut out);
        let out = String::from_utf8(out).unwrap();
        let written = out.strip_prefix("before").unwrap().to_owned();
        assert!(result.is_ok() || written.is_empty(), "an error writes nothing");
        result.map(|()| written)
    }

    fn head(facts: RequestFacts, status: &str, fields: Pairs) -> (Encoder, String) {
        let mut encoder = Encoder::new(facts);
        let head = try_head(&mut encoder, status, fields).unwrap();
        (encoder, head)
    }

    fn error(status: &str, fields: Pairs) -> ResponseError {
        try_head(&mut Encoder::new(GET), status, fields).unwrap_err()
    }

    fn framed(encoder: &mut Encoder, data: &[u8]) -> Vec<u8> {
        encoder.frame(data).parts().concat()
    }

    #[test]
    fn a_head_is_in_gunicorns_order() {
        let (_, head) = head(GET, "200 OK", &[("x-Case", "a"), ("Content-Length", "2"), ("A", "")]);
        assert_eq!(
            head,
            "HTTP/1.1 200 OK\r\nServer: unicoro\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
             Connection: keep-alive\r\nx-Case: a\r\nContent-Length: 2\r\nA: \r\n\r\n"
        );
    }

    #[test]
    fn the_applications_server_and_date_replace_ours() {
        let (_, head) = head(GET, "200 OK", &[("server", "me"), ("DATE", "now")]);
        assert_eq!(
            head,
            "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\
             server: me\r\nDATE: now\r\n\r\n"
        );
    }

    #[test]
    fn without_a_length_1_1_is_chunked() {
        let (mut encoder, head) = head(GET, "200 OK", &[]);
        assert!(head.ends_with("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"));
        assert!(encoder.is_chunked() && encoder.remaining().is_none());
        assert_eq!(framed(&mut encoder, b"hello"), b"5\r\nhello\r\n");
        assert_eq!(framed(&mut encoder, b""), b"");
        assert_eq!(framed(&mut encoder, &[b'x'; 300])[..5], *b"12c\r\n");
        let end = encoder.finish();
        assert_eq!(end, Finish { trailer: b"0\r\n\r\n", keep_alive: true, shortfall: 0 });
        assert_eq!(encoder.finish().trailer, b"");
    }

    #[test]
    fn without_a_length_1_0_ends_by_closing() {
        let (mut encoder, head) = head(OLD, "200 OK", &[]);
        assert!(head.starts_with("HTTP/1.0 200 OK\r\n"));
        assert!(head.ends_with("Connection: close\r\n\r\n"));
        assert_eq!(framed(&mut encoder, b"hello"), b"hello");
        assert_eq!(encoder.finish(), Finish { trailer: b"", keep_alive: false, shortfall: 0 });
    }

    #[test]
    fn http_1_0_with_a_length_stays_open() {
        let (mut encoder, head) = head(OLD, "200 OK", &[("Content-Length", "1")]);
        assert!(head.contains("Connection: keep-alive\r\n"));
        assert_eq!(framed(&mut encoder, b"x"), b"x");
        assert!(encoder.finish().keep_alive);
    }

    #[test]
    fn a_body_is_cut_at_its_length() {
        let (mut encoder, _) = head(GET, "200 OK", &[("Content-Length", "3")]);
        assert_eq!(framed(&mut encoder, b"ab"), b"ab");
        assert!(!encoder.excess());
        assert_eq!(framed(&mut encoder, b"cd"), b"c");
        assert_eq!(framed(&mut encoder, b"e"), b"");
        assert!(encoder.excess());
        assert_eq!(encoder.finish(), Finish { trailer: b"", keep_alive: true, shortfall: 0 });
    }

    #[test]
    fn a_body_short_of_its_length_closes() {
        let (mut encoder, _) = head(GET, "200 OK", &[("Content-Length", "3")]);
        framed(&mut encoder, b"a");
        assert_eq!(encoder.remaining(), Some(2));
        assert_eq!(encoder.finish(), Finish { trailer: b"", keep_alive: false, shortfall: 2 });
    }

    #[test]
    fn head_has_the_fields_of_get_and_no_body() {
        for fields in [&[("Content-Length", "5")][..], &[]] {
            let (mut encoder, text) = head(HEAD, "200 OK", fields);
            let of_get = head(GET, "200 OK", fields).1;
            assert_eq!(text, of_get.replace("Transfer-Encoding: chunked\r\n", ""));
            assert_eq!(framed(&mut encoder, b"hello"), b"");
            let end = encoder.finish();
            assert_eq!(end, Finish { trailer: b"", keep_alive: true, shortfall: 0 });
            assert!(!encoder.excess());
        }
    }

    #[test]
    fn status_304_keeps_its_length_and_has_no_body() {
        let (mut encoder, text) = head(GET, "304 Not Modified", &[("Content-Length", "5")]);
        assert!(text.contains("Content-Length: 5\r\n") && !text.contains("chunked"));
        assert_eq!(framed(&mut encoder, b"hello"), b"");
        assert!(encoder.finish().keep_alive);
        assert!(!head(GET, "304 Not Modified", &[]).1.contains("Transfer-Encoding"));
    }

    #[test]
    fn status_204_has_no_body_and_no_length() {
        let fields = &[("content-length", "5"), ("Transfer-Encoding", "chunked"), ("A", "b")];
        let (mut encoder, text) = head(GET, "204 No Content", fields);
        assert!(text.ends_with("Connection: keep-alive\r\nA: b\r\n\r\n"));
        assert_eq!(framed(&mut encoder, b"hello"), b"");
        assert_eq!(encoder.finish(), Finish { trailer: b"", keep_alive: true, shortfall: 0 });
    }

    #[test]
    fn an_informational_status_ends_the_connection() {
        let (mut encoder, text) = head(GET, "103 Early Hints", &[("Content-Length", "5")]);
        assert!(text.ends_with("Connection: close\r\n\r\n"));
        assert_eq!(framed(&mut encoder, b"x"), b"");
        assert!(!encoder.finish().keep_alive);
    }

    #[test]
    fn an_upgrade_to_websocket_passes_unframed() {
        let fields = &[("Upgrade", "WebSocket"), ("Connection", "Upgrade"), ("Sec-A", "b")];
        let (mut encoder, text) = head(GET, "101 Switching Protocols", fields);
        assert!(text.ends_with("Connection: upgrade\r\nUpgrade: WebSocket\r\nSec-A: b\r\n\r\n"));
        assert_eq!(framed(&mut encoder, b"\x81\x00"), b"\x81\x00");
        assert!(!encoder.finish().keep_alive);
    }

    #[test]
    fn hop_by_hop_fields_are_dropped() {
        let fields = &[
            ("Connection", "keep-alive, x"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Authenticate", "x"),
            ("Proxy-Authorization", "x"),
            ("TE", "x"),
            ("Trailer", "x"),
            ("Trailers", "x"),
            ("Transfer-Encoding", "gzip"),
            ("Upgrade", "h2c"),
            ("Proxy-Connection", "x"),
            ("Content-Length", "0"),
        ];
        let (_, text) = head(GET, "200 OK", fields);
        assert!(text.ends_with("GMT\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"));
    }

    #[test]
    fn the_applications_close_is_honoured() {
        let fields = &[("Connection", "x, Close"), ("Content-Length", "0")];
        let (mut encoder, text) = head(GET, "200 OK", fields);
        assert!(text.ends_with("GMT\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
        assert!(!encoder.finish().keep_alive);
        let closing = RequestFacts { keep_alive: false, ..GET };
        let (mut encoder, text) = head(closing, "200 OK", &[("Connection", "keep-alive")]);
        assert!(text.contains("Connection: close\r\n"));
        assert!(!encoder.finish().keep_alive);
    }

    #[test]
    fn a_status_is_three_digits_and_a_printable_reason() {
        for good in ["200 OK", "200 ", "299 \u{e9}", "999 x y"] {
            let line = format!("HTTP/1.1 {good}\r\n");
            assert!(head(GET, good, &[]).1.starts_with(&line), "{good}");
        }
        assert!(head(GET, "200", &[]).1.starts_with("HTTP/1.1 200 \r\n"));
        for bad in [
            "",
            "20",
            "2000 OK",
            "OK",
            "200OK",
            " 200 OK",
            "099 x",
            "200\tOK",
            "2x0 OK",
            "200 O\rK",
            "200 OK\r\nX: y",
            "200 OK\n",
            "200 \0",
            "200 \x7f",
        ] {
            assert!(matches!(error(bad, &[]), ResponseError::Status(_)), "{bad:?}");
        }
    }

    #[test]
    fn a_field_cannot_split_the_response() {
        for name in ["", "a b", "a:", "a\r\nb", "a\n", "\u{e9}", "a\0", " a", "a\t"] {
            let found = error("200 OK", &[("A", "b"), (name, "v")]);
            assert!(matches!(found, ResponseError::FieldName(_)), "{name:?}");
        }
        for value in ["a\r\nb: c", "a\n", "\r", "\0", "\x1b[31m", "\x7f", "a\r\n b"] {
            let found = error("200 OK", &[("X-A", value)]);
            assert_eq!(found, ResponseError::FieldValue("X-A".into()), "{value:?}");
        }
        let (_, text) = head(GET, "200 OK", &[("A", " b\tc\u{e9} \t")]);
        assert!(text.contains("\r\nA: b\tc\u{e9}\r\n"));
    }

    #[test]
    fn a_dropped_field_is_still_checked() {
        let found = error("200 OK", &[("Connection", "close\r\nX: y")]);
        assert_eq!(found, ResponseError::FieldValue("Connection".into()));
    }

    #[test]
    fn a_content_length_is_one_number() {
        for bad in ["", "-1", "+1", "1.0", "1,1", "x", "18446744073709551616"] {
            let found = error("200 OK", &[("content-length", bad)]);
            assert_eq!(found, ResponseError::ContentLength(bad.into()));
        }
        let twice = &[("Content-Length", "1"), ("content-length", "1")];
        assert_eq!(error("200 OK", twice), ResponseError::ContentLengthRepeated);
    }

    #[test]
    fn after_an_error_another_head_may_be_sent() {
        let mut encoder = Encoder::new(GET);
        assert!(try_head(&mut encoder, "bad", &[]).is_err());
        assert!(!encoder.has_head());
        assert!(try_head(&mut encoder, "500 Internal Server Error", &[]).is_ok());
        assert!(encoder.has_head());
        assert_eq!(try_head(&mut encoder, "200 OK", &[]), Err(ResponseError::HeadTwice));
    }

    #[test]
    fn a_response_without_a_head_sends_nothing_and_closes() {
        let mut encoder = Encoder::new(GET);
        assert_eq!(framed(&mut encoder, b"x"), b"");
        assert_eq!(encoder.finish(), Finish { trailer: b"", keep_alive: false, shortfall: 0 });
    }

    #[test]
    fn a_file_is_framed_as_data_is() {
        let (mut chunks, _) = head(GET, "200 OK", &[]);
        let framed = chunks.frame_len(0x1_0000_0000);
        assert_eq!(
            (&*framed.prefix, framed.len, framed.suffix),
            (&b"100000000\r\n"[..], 1 << 32, &b"\r\n"[..])
        );
        assert_eq!(chunks.frame_len(0).prefix.len(), 0);
        let (mut length, _) = head(GET, "200 OK", &[("Content-Length", "3")]);
        assert_eq!(length.frame_len(10).len, 3);
        assert!(length.excess());
    }
}
