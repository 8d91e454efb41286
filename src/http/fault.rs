//! Names the rule that a head broke, after httparse refused it.
//!
//! This is the cold path: it reads the lines again to say precisely what httparse says in a word.
//! It decides the status (400, 431 or 505) and the text, never whether the head is good.

use super::bytes::{is_token, is_token_byte, trim};
use super::error::{HttpError, quote};
use super::limits::Limits;

/// The answer to `head` (without a leading CRLF), which httparse refused with `error`.
pub(super) fn explain(head: &[u8], error: httparse::Error, limits: &Limits) -> HttpError {
    match error {
        httparse::Error::TooManyHeaders => too_many_fields(limits),
        httparse::Error::HeaderName => field_name(head),
        httparse::Error::HeaderValue => HttpError::bad(
            "field-value",
            "A header value holds a control character or a CR without its LF.",
        ),
        httparse::Error::Version => version(head),
        // A CR without its LF, behind the version or where a field line begins.
        httparse::Error::NewLine if ends_in_our_version(head) => field_name(head),
        _ => request_line(head),
    }
}

/// 431: more field lines than `limit_request_fields`.
pub(super) fn too_many_fields(limits: &Limits) -> HttpError {
    HttpError::new(
        431,
        "too-many-fields",
        format!("The head has more than {} header lines.", limits.fields),
    )
}

fn version(head: &[u8]) -> HttpError {
    let mut parts = first_line(head).splitn(3, |&byte| byte == b' ');
    // RFC 9112, 2.3: HTTP-name "/" DIGIT "." DIGIT is a version, though not one of ours.
    match parts.nth(2) {
        Some(version @ [b'H', b'T', b'T', b'P', b'/', major, b'.', minor])
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            HttpError::new(
                505,
                "version-unsupported",
                format!("{} is not spoken here, only HTTP/1.0 and HTTP/1.1.", quote(version)),
            )
        }
        _ => request_line(head),
    }
}

fn ends_in_our_version(head: &[u8]) -> bool {
    let line = first_line(head);
    line.ends_with(b" HTTP/1.0") || line.ends_with(b" HTTP/1.1")
}

fn request_line(head: &[u8]) -> HttpError {
    HttpError::bad(
        "request-line",
        format!(
            "\"{}\" is not a method, a target and a version with single spaces between.",
            quote(first_line(head))
        ),
    )
}

/// The first line whose name is no token followed by a colon.
fn field_name(head: &[u8]) -> HttpError {
    let lines = head.split(|&byte| byte == b'\n').skip(1);
    for line in lines {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let token = line.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(line.len());
        match line.get(token) {
            // RFC 9112, 5.2: a server must refuse obs-fold or replace it.
            Some(b' ' | b'\t') if token == 0 => {
                return HttpError::bad("obs-fold", "A header line begins with white space.");
            }
            Some(b':') if token > 0 => {}
            // RFC 9112, 5.1: a server must refuse white space between name and colon with 400.
            Some(b' ' | b'\t') if trim(&line[token..]).starts_with(b":") => {
                return HttpError::bad(
                    "space-before-colon",
                    format!("White space follows the header name \"{}\".", quote(&line[..token])),
                );
            }
            _ if line.is_empty() => {}
            _ => {
                return HttpError::bad(
                    "field-name",
                    format!("\"{}\" is not a name, a colon and a value.", quote(line)),
                );
            }
        }
    }
    HttpError::bad("field-name", "A header line is malformed.")
}

fn first_line(head: &[u8]) -> &[u8] {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or(head);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// 400: a method that is no token in capitals of 3 to 20 characters.
pub(super) fn method(method: &str) -> HttpError {
    let what = if is_token(method.as_bytes()) { "3 to 20 capitals" } else { "a token" };
    HttpError::bad("method", format!("The method \"{}\" is not {what}.", quote(method.as_bytes())))
}
