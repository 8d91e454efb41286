//! The request body: which of the arriving bytes are its data, and where it ends.
//!
//! The decoder copies nothing and keeps nothing; it points into the caller's buffer. It never
//! takes a byte behind the body's end: that is the next request.

use std::ops::Range;

use super::chunk::ChunkReader;
use super::error::HttpError;
use super::framing::Framing;

/// Decodes one request body, piece by piece.
#[derive(Clone, Debug)]
pub struct BodyDecoder {
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// Bytes that are still to come; never 0.
    Length(u64),
    Chunked(ChunkReader),
    Done,
}

/// What one call of [`BodyDecoder::decode`] has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes of the buffer that are done with; the next call's buffer starts behind them.
    pub consumed: usize,
    /// Body data, as a range of the buffer; ends at or before `consumed`.
    pub data: Range<usize>,
}

impl BodyDecoder {
    /// A decoder at the first byte after the head.
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Empty | Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(ChunkReader::new()),
        };
        BodyDecoder { state }
    }

    /// Decodes from `buf` at most `max` (not 0) bytes of data, which lie in one piece.
    ///
    /// The caller calls again with what follows `consumed`, until [`Self::is_done`]. A call that
    /// consumes nothing before that needs more bytes; one that consumes may still give no data.
    ///
    /// # Errors
    ///
    /// 400 when the chunked coding is broken. Data before the fault has been given by earlier
    /// calls; the decoder stays as it was, so that the error comes again.
    pub fn decode(&mut self, buf: &[u8], max: usize) -> Result<Decoded, HttpError> {
        match &mut self.state {
            State::Done => Ok(Decoded { consumed: 0, data: 0..0 }),
            State::Length(left) => {
                let length = at_most(*left, buf.len().min(max));
                *left -= length as u64;
                if *left == 0 {
                    self.state = State::Done;
                }
                Ok(Decoded { consumed: length, data: 0..length })
            }
            State::Chunked(reader) => {
                let (decoded, after) = decode_chunked(*reader, buf, max)?;
                self.state = if after.is_done() { State::Done } else { State::Chunked(after) };
                Ok(decoded)
            }
        }
    }

    /// Whether the whole body has been consumed.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Data bytes that are still to come; `None` when a chunked body does not tell.
    pub fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Done => Some(0),
            State::Length(left) => Some(left),
            State::Chunked(_) => None,
        }
    }
}

fn decode_chunked(
    mut reader: ChunkReader,
    buf: &[u8],
    max: usize,
) -> Result<(Decoded, ChunkReader), HttpError> {
    let begin = reader.skip(buf)?;
    let length = at_most(reader.data_left(), (buf.len() - begin).min(max));
    let data = begin..begin + length;
    if length == 0 {
        return Ok((Decoded { consumed: begin, data }, reader));
    }
    reader.take(length as u64);

    // Look at what follows the data, so that the end is seen with the last of it. A fault there
    // is left to the next call: this data is good.
    let mut ahead = reader;
    let (consumed, reader) = match ahead.skip(&buf[data.end..]) {
        Ok(skipped) => (data.end + skipped, ahead),
        Err(_) => (data.end, reader),
    };
    Ok((Decoded { consumed, data }, reader))
}

/// The smaller of both; a `usize`, since one of them is.
fn at_most(left: u64, available: usize) -> usize {
    usize::try_from(left).map_or(available, |left| left.min(available))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a body comes to: its data, how many bytes it took, and whether it ended.
    type Outcome = Result<(Vec<u8>, usize, bool), &'static str>;

    /// The outcome for `bytes`, however they are cut and however little is asked for at a time.
    fn outcome(framing: Framing, bytes: &[u8]) -> Outcome {
        let whole = feed(framing, bytes, [bytes.len()], usize::MAX);
        for max in [1, 2, 3, 7] {
            let found = feed(framing, bytes, [bytes.len()], max);
            assert_eq!(found, whole, "max {max}: {}", bytes.escape_ascii());
        }
        let found = feed(framing, bytes, 1..=bytes.len(), usize::MAX);
        assert_eq!(found, whole, "byte by byte: {}", bytes.escape_ascii());
        for split in 0..bytes.len() {
            let found = feed(framing, bytes, [split, bytes.len()], 5);
            assert_eq!(found, whole, "split at {split}: {}", bytes.escape_ascii());
        }
        whole
    }

    /// Decodes as a connection does: bytes arrive up to each of `ends`, what is consumed goes.
    fn feed(
        framing: Framing,
        bytes: &[u8],
        ends: impl IntoIterator<Item = usize>,
        max: usize,
    ) -> Outcome {
        let mut decoder = BodyDecoder::new(framing);
        let (mut data, mut at) = (Vec::new(), 0);
        for end in ends {
            while !decoder.is_done() {
                let buf = &bytes[at..end];
                let decoded = decoder.decode(buf, max).map_err(|error| {
                    assert_eq!(decoder.decode(buf, max), Err(error.clone()), "an error stays");
                    error.rule
                })?;
                assert!(decoded.data.len() <= max && decoded.data.end <= decoded.consumed);
                if decoded.consumed == 0 {
                    break;
                }
                data.extend_from_slice(&buf[decoded.data]);
                at += decoded.consumed;
            }
        }
        Ok((data, at, decoder.is_done()))
    }

    fn chunked(bytes: &[u8]) -> Outcome {
        outcome(Framing::Chunked, bytes)
    }

    /// The data of a chunked body that ends where `bytes` do.
    fn data(bytes: &[u8]) -> Vec<u8> {
        let (data, consumed, is_done) = chunked(bytes).unwrap();
        assert!(is_done && consumed == bytes.len(), "{}", bytes.escape_ascii());
        data
    }

    fn refused(bytes: &[u8]) -> &'static str {
        chunked(bytes).unwrap_err()
    }

    #[test]
    fn no_body_takes_no_byte() {
        assert_eq!(outcome(Framing::Empty, b"GET /"), Ok((vec![], 0, true)));
        assert_eq!(outcome(Framing::Length(0), b"GET /"), Ok((vec![], 0, true)));
    }

    #[test]
    fn a_length_is_taken_and_no_more() {
        assert_eq!(outcome(Framing::Length(5), b"helloGET"), Ok((b"hello".to_vec(), 5, true)));
        assert_eq!(outcome(Framing::Length(9), b"hello"), Ok((b"hello".to_vec(), 5, false)));
        assert_eq!(outcome(Framing::Length(u64::MAX), b"x"), Ok((b"x".to_vec(), 1, false)));
    }

    #[test]
    fn remaining_counts_down() {
        let mut decoder = BodyDecoder::new(Framing::Length(5));
        assert_eq!(decoder.remaining(), Some(5));
        decoder.decode(b"abc", 2).unwrap();
        assert_eq!(decoder.remaining(), Some(3));
        assert_eq!(BodyDecoder::new(Framing::Chunked).remaining(), None);
    }

    #[test]
    fn chunks_are_joined() {
        assert_eq!(data(b"0\r\n\r\n"), b"");
        assert_eq!(data(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), b"hello world");
        assert_eq!(data(b"A\r\n0123456789\r\n00a\r\n\r\n\r\n\r\n\r\n\r\n\r\n00\r\n\r\n").len(), 20);
    }

    #[test]
    fn the_next_request_stays() {
        let found = chunked(b"1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n");
        assert_eq!(found, Ok((b"x".to_vec(), 11, true)));
    }

    #[test]
    fn the_end_comes_with_the_last_data() {
        let mut decoder = BodyDecoder::new(Framing::Chunked);
        let decoded = decoder.decode(b"1\r\nx\r\n0\r\n\r\n", 100);
        assert_eq!(decoded, Ok(Decoded { consumed: 11, data: 3..4 }));
        assert!(decoder.is_done());
    }

    #[test]
    fn data_before_a_fault_is_given_first() {
        let mut decoder = BodyDecoder::new(Framing::Chunked);
        let decoded = decoder.decode(b"1\r\nxBAD", 100);
        assert_eq!(decoded, Ok(Decoded { consumed: 4, data: 3..4 }));
        assert!(decoder.decode(b"BAD", 100).is_err());
    }

    #[test]
    fn a_body_cut_short_is_not_done() {
        let whole = b"5;a=\"b\\\"\"\r\nhello\r\n0\r\nX: y\r\n\r\n";
        for end in 0..whole.len() {
            let (_, consumed, is_done) = chunked(&whole[..end]).unwrap();
            assert!(!is_done && consumed == end, "{end}");
        }
    }

    #[test]
    fn a_chunk_size_is_hex_digits() {
        for bytes in [
            &b"\r\n"[..],
            b"g\r\n",
            b"+1\r\n",
            b"-1\r\n",
            b" 1\r\n",
            b"0x1\r\n",
            b"1_0\r\n",
            b";a\r\n",
            b"1\n",
            b"1\rx",
            b"1,\r\n",
            b"\n",
            b"\xb2\r\n",
        ] {
            assert_eq!(refused(bytes), "chunk-size", "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_chunk_size_has_at_most_16_digits() {
        assert_eq!(data(b"0000000000000001\r\nx\r\n0\r\n\r\n"), b"x");
        assert_eq!(refused(b"00000000000000001\r\nx\r\n0\r\n\r\n"), "chunk-size");
        let found = chunked(b"ffffffffffffffff\r\nx");
        assert_eq!(found, Ok((b"x".to_vec(), 19, false)));
        assert_eq!(refused(b"10000000000000000\r\nx"), "chunk-size");
    }

    #[test]
    fn a_chunk_ends_where_its_size_says() {
        for bytes in
            [&b"1\r\nxy\r\n0\r\n\r\n"[..], b"1\r\nx\n0\r\n\r\n", b"1\r\nx0\r\n\r\n", b"1\r\nx\rX"]
        {
            assert_eq!(refused(bytes), "chunk-data", "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn chunk_extensions_are_passed_over() {
        for line in [
            "1;a",
            "1;a=b",
            "1;a=\"b;\\\"\"",
            "1 ; a = b ;c=\"\"",
            "1;a;b;c",
            "1\t;a\t=\t\"x\" ;y",
            "1;a=\"\t\u{e9}\"",
        ] {
            assert_eq!(data(format!("{line}\r\nx\r\n0;z=1\r\n\r\n").as_bytes()), b"x", "{line}");
        }
    }

    #[test]
    fn malformed_chunk_extensions_are_refused() {
        for line in [
            "1;",
            "1;;",
            "1;=b",
            "1;a=",
            "1;a=;b",
            "1 ",
            "1;a ",
            "1 a",
            "1;a b",
            "1;a=b c",
            "1;a=\"b\"c",
            "1;a=\"b\nc\"",
            "1;a\n",
            "1;a=b\n",
            "1;\n",
            "1;a=\"b\\\n\"",
            "1;a=\x01",
            "1;a=\"\x7f\"",
            "1;a=b ",
        ] {
            let body = format!("{line}\r\nx\r\n0\r\n\r\n");
            assert_eq!(refused(body.as_bytes()), "chunk-extension", "{line:?}");
        }
    }

    #[test]
    fn a_size_line_is_bounded() {
        let line = |length: usize| format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(length));
        assert_eq!(data(line(253).as_bytes()), b"x");
        assert_eq!(refused(line(254).as_bytes()), "chunk-size-line-too-long");
        assert_eq!(refused(format!("1{}", " ".repeat(256)).as_bytes()), "chunk-size-line-too-long");
        // The bound is for each line, not for a body of many signed chunks.
        assert_eq!(data((line(253)[..260].repeat(9) + "0\r\n\r\n").as_bytes()), b"xxxxxxxxx");
    }

    #[test]
    fn trailers_are_dropped() {
        assert_eq!(data(b"1\r\nx\r\n0\r\nX: y\r\nZ:\r\n\r\n"), b"x");
    }

    #[test]
    fn malformed_trailers_are_refused() {
        for trailers in [
            "X\r\n",
            "X : y\r\n",
            ": y\r\n",
            " X: y\r\n",
            "X: y\r\n z\r\n",
            "X: y\n",
            "\n",
            "X: \x01\r\n",
            "X: y\rz",
            "\rX",
        ] {
            let body = format!("0\r\n{trailers}\r\n");
            assert_eq!(refused(body.as_bytes()), "trailer", "{trailers:?}");
        }
    }

    #[test]
    fn trailers_are_bounded_together() {
        let fields = |length: usize| {
            format!("0\r\n{}X: {}\r\n\r\n", "A: b\r\n".repeat(10), "y".repeat(length))
        };
        let feed = |body: &str| feed(Framing::Chunked, body.as_bytes(), [body.len()], 9);
        // 10 fields of 6 bytes, "X: ", two CRLFs: 67.
        assert!(feed(&fields(8190 - 67)).is_ok_and(|(_, _, is_done)| is_done));
        assert_eq!(feed(&fields(8190 - 66)), Err("trailers-too-long"));
    }
}
