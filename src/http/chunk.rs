//! The bytes between the data of a chunked body (RFC 9112, 7.1), one at a time.
//!
//! ```text
//! 5;name="value" CRLF  hello  CRLF   0 CRLF  Trailer: x CRLF  CRLF
//! └── size line ─────┘ └data┘ └end┘  └─ last size line ... trailers ┘
//! ```
//!
//! Only the data is kept: extensions and trailers are checked and dropped, which RFC 9112, 7.1.1
//! and 7.1.2 allow. A lone LF never ends a line, and nothing is taken for a size but hex digits.

use super::bytes::{is_field_byte, is_token_byte};
use super::error::{HttpError, quote};

/// Where in a chunked body the next byte stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkReader {
    state: State,
    /// Data bytes of this chunk that are still to come; while its size is read, the size so far.
    left: u64,
    /// Bytes of this size line, or of all trailers.
    spent: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    SizeStart,
    Size,
    /// White space before the ";" of an extension.
    ExtensionGap,
    NameStart,
    Name,
    /// White space after a name: "=" or ";" must follow.
    NameGap,
    ValueStart,
    Value,
    Quoted,
    QuotedPair,
    QuotedEnd,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Done,
}

impl ChunkReader {
    pub(super) fn new() -> Self {
        ChunkReader { state: State::SizeStart, left: 0, spent: 0 }
    }

    /// Reads up to the next data byte or the end of the body; how many bytes that took.
    pub(super) fn skip(&mut self, buf: &[u8]) -> Result<usize, HttpError> {
        for (at, &byte) in buf.iter().enumerate() {
            if matches!(self.state, State::Data | State::Done) {
                return Ok(at);
            }
            self.state = self.step(byte)?;
        }
        Ok(buf.len())
    }

    /// Data bytes that come next.
    pub(super) fn data_left(&self) -> u64 {
        if self.state == State::Data { self.left } else { 0 }
    }

    /// Counts `length` data bytes, at most [`Self::data_left`].
    pub(super) fn take(&mut self, length: u64) {
        self.left -= length;
        if self.left == 0 {
            self.state = State::DataCr;
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn step(&mut self, byte: u8) -> Result<State, HttpError> {
        match self.state {
            State::SizeStart | State::Size => self.size(byte),
            State::SizeLf => self.size_end(byte),
            State::DataCr if byte == b'\r' => Ok(State::DataLf),
            State::DataLf if byte == b'\n' => {
                *self = ChunkReader::new();
                Ok(State::SizeStart)
            }
            State::DataCr | State::DataLf => {
                Err(HttpError::bad("chunk-data", "A chunk is longer than its size."))
            }
            State::TrailerStart
            | State::TrailerName
            | State::TrailerValue
            | State::TrailerLf
            | State::EndLf => self.trailer(byte),
            State::Data | State::Done => Ok(self.state),
            _ => self.extension(byte),
        }
    }

    /// chunk-size = 1*HEXDIG
    fn size(&mut self, byte: u8) -> Result<State, HttpError> {
        self.spend(SIZE_LINE_MAX, "chunk-size-line-too-long")?;
        if let Some(digit) = char::from(byte).to_digit(16) {
            // Counting the digits bounds leading zeros too, and the size cannot overflow.
            if self.spent > SIZE_DIGITS {
                return Err(HttpError::bad("chunk-size", "A chunk size has more than 16 digits."));
            }
            self.left = self.left << 4 | u64::from(digit);
            return Ok(State::Size);
        }
        match byte {
            _ if self.state == State::SizeStart => Err(unexpected("chunk-size", byte)),
            b' ' | b'\t' => Ok(State::ExtensionGap),
            b';' => Ok(State::NameStart),
            b'\r' => Ok(State::SizeLf),
            _ => Err(unexpected("chunk-size", byte)),
        }
    }

    fn size_end(&mut self, byte: u8) -> Result<State, HttpError> {
        self.spent = 0;
        match (byte, self.left) {
            (b'\n', 0) => Ok(State::TrailerStart),
            (b'\n', _) => Ok(State::Data),
            _ => Err(unexpected("chunk-size", byte)),
        }
    }

    /// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
    fn extension(&mut self, byte: u8) -> Result<State, HttpError> {
        self.spend(SIZE_LINE_MAX, "chunk-size-line-too-long")?;
        let is_gap = byte == b' ' || byte == b'\t';
        match (self.state, byte) {
            (State::Quoted, b'"') => Ok(State::QuotedEnd),
            (State::Quoted, b'\\') => Ok(State::QuotedPair),
            (State::Quoted | State::QuotedPair, _) if is_field_byte(byte) => Ok(State::Quoted),
            (State::Quoted | State::QuotedPair, _) => Err(unexpected("chunk-extension", byte)),

            (State::NameStart | State::ValueStart | State::ExtensionGap | State::NameGap, _)
                if is_gap =>
            {
                Ok(self.state)
            }
            (State::NameStart | State::Name, _) if is_token_byte(byte) => Ok(State::Name),
            (State::Name, _) if is_gap => Ok(State::NameGap),
            (State::Name | State::NameGap, b'=') => Ok(State::ValueStart),
            (State::ValueStart, b'"') => Ok(State::Quoted),
            (State::ValueStart | State::Value, _) if is_token_byte(byte) => Ok(State::Value),
            (State::Value | State::QuotedEnd, _) if is_gap => Ok(State::ExtensionGap),

            (State::NameStart | State::ValueStart, _) => Err(unexpected("chunk-extension", byte)),
            (_, b';') => Ok(State::NameStart),
            (State::Name | State::Value | State::QuotedEnd, b'\r') => Ok(State::SizeLf),
            _ => Err(unexpected("chunk-extension", byte)),
        }
    }

    /// trailer-section = *( field-line CRLF ), and the CRLF that ends the body.
    fn trailer(&mut self, byte: u8) -> Result<State, HttpError> {
        self.spend(TRAILERS_MAX, "trailers-too-long")?;
        match (self.state, byte) {
            (State::TrailerStart, b'\r') => Ok(State::EndLf),
            (State::EndLf, b'\n') => Ok(State::Done),
            (State::TrailerStart | State::TrailerName, _) if is_token_byte(byte) => {
                Ok(State::TrailerName)
            }
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerValue, b'\r') => Ok(State::TrailerLf),
            (State::TrailerValue, _) if is_field_byte(byte) => Ok(State::TrailerValue),
            (State::TrailerLf, b'\n') => Ok(State::TrailerStart),
            _ => Err(unexpected("trailer", byte)),
        }
    }

    fn spend(&mut self, max: usize, rule: &'static str) -> Result<(), HttpError> {
        self.spent += 1;
        if self.spent <= max {
            return Ok(());
        }
        Err(HttpError::bad(rule, format!("A chunked body has more than {max} bytes of it.")))
    }
}

fn unexpected(rule: &'static str, byte: u8) -> HttpError {
    HttpError::bad(rule, format!("A chunked body has \"{}\" in its {rule}.", quote(&[byte])))
}

/// The hex digits of the biggest 64-bit size.
const SIZE_DIGITS: usize = 16;
/// Bytes of a size line without its LF. The longest extension in use, a signature for S3, takes
/// 85; without a bound, a client could make us read a long line for each byte of data.
const SIZE_LINE_MAX: usize = 256;
/// Bytes of all trailers together: what gunicorn allows one header field.
const TRAILERS_MAX: usize = 8190;
