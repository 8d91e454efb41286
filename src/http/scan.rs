//! Finds the end of a request head in bytes that arrive piece by piece.
//!
//! It looks at line ends and lengths only; [`super::parse`] judges the content. Every byte is
//! looked at a bounded number of times, however the head is cut into pieces, so that a client
//! that sends one byte at a time costs no more than the bytes.

use memchr::{memchr, memrchr};

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
/// when it has twice the length that the limits allow. The answer's status does not depend on how
/// the head was cut; of the two rules behind 431, the one that is met first is told.
pub fn scan(buf: &[u8], scanned: &mut usize, limits: &Limits) -> Result<Option<usize>, HttpError> {
    let Some(start) = head_start(buf)? else { return Ok(None) };
    let from = (*scanned).clamp(start, buf.len());
    let mut at = from;
    let mut line = None;
    while let Some(length) = memchr(b'\n', &buf[at..]) {
        let end = at + length;
        let begin = line.unwrap_or_else(|| line_start(buf, start, at));
        let line_bytes = &buf[begin..end];
        check_length(strip_cr(line_bytes), begin == start, limits)?;
        at = end + 1;
        check_head_length(at - start, limits)?;
        // RFC 9112, 2.2 allows a lone LF as a line end; proxies differ on it, so it is refused.
        if !line_bytes.ends_with(b"\r") {
            return Err(bare_lf());
        }
        if line_bytes.len() == 1 {
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
    check_head_length(buf.len() - start, limits)?;
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
    memrchr(b'\n', &buf[start..at]).map_or(start, |lf| start + lf + 1)
}

fn check_length(line: &[u8], is_first: bool, limits: &Limits) -> Result<(), HttpError> {
    if is_first && line.len() > limits.line_max() {
        return Err(HttpError::new(
            414,
            "request-line-too-long",
            format!("The request line is longer than {} bytes.", limits.line_max()),
        ));
    }
    if !is_first && line.len() + b"\r\n".len() > limits.field_max() {
        return Err(HttpError::new(
            431,
            "field-too-long",
            format!(
                "A header line, its end included, is longer than {} bytes.",
                limits.field_max()
            ),
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

fn check_head_length(length: usize, limits: &Limits) -> Result<(), HttpError> {
    if length <= limits.head_max() {
        return Ok(());
    }
    Err(HttpError::new(
        431,
        "head-too-big",
        "The head is bigger than the limits of its lines allow.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { line: 20, fields: 2, field_size: 10 };

    /// What scan says of `bytes`, however they are cut: whole, byte by byte, split anywhere.
    fn outcome(bytes: &[u8], limits: &Limits) -> Result<Option<usize>, &'static str> {
        let whole = feed(bytes, [bytes.len()], limits);
        assert_eq!(feed(bytes, 1..=bytes.len(), limits), whole, "byte by byte: {}", quote(bytes));
        for split in 0..bytes.len() {
            let found = feed(bytes, [split, bytes.len()], limits);
            assert_eq!(found, whole, "split at {split}: {}", quote(bytes));
        }
        whole
    }

    fn feed(
        bytes: &[u8],
        ends: impl IntoIterator<Item = usize>,
        limits: &Limits,
    ) -> Result<Option<usize>, &'static str> {
        let mut scanned = 0;
        for end in ends {
            if let Some(length) =
                scan(&bytes[..end], &mut scanned, limits).map_err(|error| error.rule)?
            {
                return Ok(Some(length));
            }
        }
        Ok(None)
    }

    #[test]
    fn a_head_ends_with_an_empty_line() {
        let limits = Limits::default();
        assert_eq!(outcome(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &limits), Ok(Some(27)));
        assert_eq!(outcome(b"GET / HTTP/1.1\r\n\r\nGET /", &limits), Ok(Some(18)));
        assert_eq!(outcome(b"GET / HTTP/1.1\r\nHost: x\r\n\r", &limits), Ok(None));
        assert_eq!(outcome(b"", &limits), Ok(None));
    }

    #[test]
    fn one_leading_crlf_is_part_of_the_head() {
        let limits = Limits::default();
        assert_eq!(outcome(b"\r\nGET / HTTP/1.1\r\n\r\n", &limits), Ok(Some(20)));
        assert_eq!(outcome(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", &limits), Err("request-line"));
        assert_eq!(outcome(b"\r\n\nGET / HTTP/1.1\r\n\r\n", &limits), Err("bare-lf"));
        assert_eq!(outcome(b"\rGET / HTTP/1.1\r\n\r\n", &limits), Err("request-line"));
    }

    #[test]
    fn a_connection_is_idle_until_a_byte_of_a_head_comes() {
        assert!(!has_begun(b"") && !has_begun(b"\r") && !has_begun(b"\r\n"));
        assert!(has_begun(b"G") && has_begun(b"\r\nG") && has_begun(b"\n") && has_begun(b"\rG"));
    }

    #[test]
    fn a_bare_lf_is_refused() {
        let limits = Limits::default();
        for bytes in [
            &b"\nGET / HTTP/1.1\r\n\r\n"[..],
            b"GET / HTTP/1.1\n",
            b"GET / HTTP/1.1\r\nHost: x\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n\n",
            b"GET / HTTP/1.1\n\r\n\r\n",
        ] {
            assert_eq!(outcome(bytes, &limits), Err("bare-lf"), "{}", quote(bytes));
        }
    }

    #[test]
    fn what_is_not_http_is_refused_at_its_first_byte() {
        for bytes in [&b"\x16\x03\x01\x02\x00"[..], b" GET", b"\0", b"\x80", b"\r\n "] {
            assert_eq!(outcome(bytes, &Limits::default()), Err("request-line"));
        }
    }

    #[test]
    fn the_limit_of_a_field_counts_its_crlf_and_that_of_the_request_line_does_not() {
        assert_eq!(outcome(b"GET /12345 HTTP/1.1\r\n\r\n", &SMALL), Ok(Some(23)));
        assert_eq!(outcome(b"GET /123456 HTTP/1.1\r\n\r\n", &SMALL), Ok(Some(24)));
        let too_long = b"GET /1234567 HTTP/1.1\r\n\r\n";
        assert_eq!(outcome(too_long, &SMALL), Err("request-line-too-long"));
        assert_eq!(scan(too_long, &mut 0, &SMALL).unwrap_err().status, 414);
        assert_eq!(outcome(b"GET / HTTP/1.1\r\nA: 45678\r\n\r\n", &SMALL), Ok(Some(28)));
        let too_long = b"GET / HTTP/1.1\r\nA: 456789\r\n\r\n";
        assert_eq!(outcome(too_long, &SMALL), Err("field-too-long"));
        assert_eq!(scan(too_long, &mut 0, &SMALL).unwrap_err().status, 431);
    }

    #[test]
    fn the_first_fault_is_the_one_that_is_told() {
        assert_eq!(outcome(b"GET /1234567 HTTP/1.1\n\n", &SMALL), Err("request-line-too-long"));
        assert_eq!(outcome(b"GET / HTTP/1.1\nA: 45678901\r\n\r\n", &SMALL), Err("bare-lf"));
    }

    #[test]
    fn a_line_without_an_end_is_refused_once_it_is_twice_too_long() {
        for head in [&b""[..], b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nA: 1\r\n"] {
            let mut bytes = head.to_vec();
            bytes.extend([b'x'; 2 * 20 + 2]);
            assert!(outcome(&bytes, &SMALL).is_err(), "{}", quote(head));
        }
        let unlimited = Limits { line: 0, ..SMALL };
        assert_eq!(scan(&vec![b'x'; Limits::UNLIMITED_LINE], &mut 0, &unlimited), Ok(None));
        assert!(scan(&vec![b'x'; Limits::UNLIMITED_LINE + 1], &mut 0, &unlimited).is_err());
    }

    #[test]
    fn a_head_of_many_short_lines_is_bounded() {
        let mut bytes = b"GET / HTTP/1.1\r\n".to_vec();
        bytes.extend(b"a:\r\n".repeat(12));
        assert!(bytes.len() > SMALL.head_max());
        assert_eq!(outcome(&bytes, &SMALL), Err("head-too-big"));
        bytes.extend(b"\r\n");
        assert_eq!(outcome(&bytes, &SMALL), Err("head-too-big"));
    }

    #[test]
    fn what_was_scanned_is_not_looked_at_again() {
        let mut bytes = b"GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n".to_vec();
        let mut scanned = 0;
        assert_eq!(scan(&bytes[..25], &mut scanned, &Limits::default()), Ok(None));
        assert_eq!(scanned, 25);
        // A fault that a second look would find.
        bytes[14] = b'x';
        assert_eq!(scan(&bytes, &mut scanned, &Limits::default()), Ok(Some(bytes.len())));
    }

    #[test]
    fn a_fault_behind_the_bound_is_not_told() {
        let mut bytes = b"GET / HTTP/1.1\r\n".to_vec();
        bytes.extend(b"a:\r\n".repeat(7));
        bytes.extend(b"b: 45\n");
        assert!(bytes.len() > SMALL.head_max());
        assert_eq!(outcome(&bytes, &SMALL), Err("head-too-big"));
    }

    #[test]
    fn a_head_at_all_limits_fits_its_bound() {
        let mut bytes = b"GET /123456 HTTP/1.1\r\n".to_vec();
        bytes.extend(b"A: 45678\r\n".repeat(SMALL.fields));
        bytes.extend(b"\r\n");
        assert_eq!(bytes.len(), SMALL.head_max());
        assert_eq!(outcome(&bytes, &SMALL), Ok(Some(bytes.len())));
    }
}
