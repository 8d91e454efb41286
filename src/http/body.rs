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
