//! Finds the end of a request head in bytes that arrive piece by piece.
//!
//! It looks at line ends and lengths only; [`super::parse`] judges the content. Every byte is
//! looked at a bounded number of times, however the head is cut into pieces, so that a client
//! that sends one byte at a time costs no more than the bytes.

use super::bytes::is_token_byte;
use super::error::{HttpError, quote};
use super::limits::Limits;

/// Looks for the end of a request head at the start of `buf`.
///
/// `scanned` is how far earlier calls on the same head have looked; the caller keeps it and sets
/// it to 0 for each head. `buf` must start at the same byte in all calls for one head.
///
/// - `Ok(Some(len))`: `buf[..len]` is a whole head, from the one leading CRLF that RFC 9112, 2.2
///   lets a client send, if there is one, up to and with the empty line.
/// - `Ok(None)`: more bytes are needed; `buf` is within the limits so far.
/// - `Err`: no further byte can make it right; answer it now.
///
/// A whole line that is too long is always found. One that has not ended is found at the latest
/// when it has twice the length that the limits allow.
pub fn scan(buf: &[u8], scanned: &mut usize, limits: &Limits) -> Result<Option<usize>, HttpError> {
    let Some(start) = head_start(buf)? else { return Ok(None) };
    let from = (*scanned).clamp(start, buf.len());
    let mut at = from;
    let mut line = None;
    while let Some(length) = buf[at..].iter().position(|&byte| byte == b'\n') {
        let end = at + length;
        let begin = line.unwrap_or_else(|| line_start(buf, start, at));
        check_line(&buf[begin..end], begin == start, limits)?;
        at = end + 1;
        if at - start > limits.head_max() {
            return Err(head_too_big());
        }
        if end == begin + 1 {
            *scanned = at;
            return Ok(Some(at));
        }
        line = Some(at);
    }

    // The line that has not ended. Where it begins is known or, when earlier calls have looked at
    // a part of it, sought once per `stride` bytes: often enough for the bound, and O(n) in all.
    let stride = limits.line_max().max(limits.field_max());
    if line.is_some() || from == start || from / stride != buf.len() / stride {
        let begin = line.unwrap_or_else(|| line_start(buf, start, from));
        check_length(strip_cr(&buf[begin..]), begin == start, limits)?;
    }
    if buf.len() - start > limits.head_max() {
        return Err(head_too_big());
    }
    *scanned = buf.len();
    Ok(None)
}

/// Whether a byte of a head has come: more than the CRLF that a client may send after a body.
///
/// A connection that ends or times out before that was idle; no answer is owed.
pub fn has_begun(buf: &[u8]) -> bool {
    !matches!(buf, [] | [b'\r'] | [b'\r', b'\n'])
}

/// Where the request line begins; `None` while only the leading CRLF has come.
///
/// What cannot be the start of a method is refused at its first byte: a TLS client on a plain
/// port gets its answer at once instead of at the deadline.
fn head_start(buf: &[u8]) -> Result<Option<usize>, HttpError> {
    if !has_begun(buf) {
        return Ok(None);
    }
    // RFC 9112, 2.2: a server should ignore at least one empty line before the request line.
    let start = if buf.starts_with(b"\r\n") { 2 } else { 0 };
    match buf[start] {
        byte if is_token_byte(byte) => Ok(Some(start)),
        b'\n' => Err(bare_lf()),
        byte => Err(HttpError::bad(
            "request-line",
            format!("A request begins with a method, this one with \"{}\".", quote(&[byte])),
        )),
    }
}

fn line_start(buf: &[u8], start: usize, at: usize) -> usize {
    buf[start..at].iter().rposition(|&byte| byte == b'\n').map_or(start, |lf| start + lf + 1)
}

/// `line` is everything before its LF.
fn check_line(line: &[u8], is_first: bool, limits: &Limits) -> Result<(), HttpError> {
    check_length(strip_cr(line), is_first, limits)?;
    // RFC 9112, 2.2 allows a lone LF as a line end; proxies differ on it, so it is refused.
    if line.last() == Some(&b'\r') { Ok(()) } else { Err(bare_lf()) }
}

fn check_length(line: &[u8], is_first: bool, limits: &Limits) -> Result<(), HttpError> {
    if is_first && line.len() > limits.line_max() {
        return Err(HttpError::new(
            414,
            "request-line-too-long",
            format!("The request line is longer than {} bytes.", limits.line_max()),
        ));
    }
    if !is_first && line.len() > limits.field_max() {
        return Err(HttpError::new(
            431,
            "field-too-long",
            format!("A header line is longer than {} bytes.", limits.field_max()),
        ));
    }
    Ok(())
}

fn strip_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn bare_lf() -> HttpError {
    HttpError::bad("bare-lf", "A line of the head ends in LF instead of CRLF.")
}

fn head_too_big() -> HttpError {
    HttpError::new(431, "head-too-big", "The head is bigger than the limits of its lines allow.")
}
