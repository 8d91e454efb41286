//! Fields behind a chunked body (RFC 9112, 7.1.2; RFC 9110, 6.5).

use super::bytes::{elements, trim};
use super::error::ResponseError;
use super::head::Head;
use super::survey::{check_field, is_content_length, is_hop_by_hop};
use super::version::Version;

/// Whether the client takes fields behind a body: it says so, or a proxy before it may throw them away
/// (RFC 9110, 6.5.1).
pub fn takes_trailers(head: &Head<'_>) -> bool {
    let mut wanted = head.fields.iter().filter(|field| field.name.eq_ignore_ascii_case("te"));
    head.version >= Version::Http11
        && wanted.any(|field| {
            elements(field.value).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
        })
}

/// Writes the last chunk and `fields` behind it to the end of `out`.
///
/// Fields that frame a message or concern the connection are left out (RFC 9110, 6.5.1). `fields` is gone
/// through twice.
///
/// # Errors
/// A field that cannot be sent; nothing is written.
pub fn trailers<'f, I>(fields: I, out: &mut Vec<u8>) -> Result<(), ResponseError>
where
    I: Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
{
    for (name, value) in fields.clone() {
        check_field(name, value)?;
    }
    out.extend_from_slice(b"0\r\n");
    for (name, value) in fields {
        if is_hop_by_hop(name, b"") || is_content_length(name) {
            continue;
        }
        for part in [name, b": ", trim(value), b"\r\n"] {
            out.extend_from_slice(part);
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Limits, parse};

    #[test]
    fn they_follow_the_last_chunk_but_for_those_that_frame() {
        let fields: [(&[u8], &[u8]); 3] =
            [(b"digest", b"abc "), (b"content-length", b"3"), (b"te", b"x")];
        let mut out = b"3\r\nabc\r\n".to_vec();
        trailers(fields.into_iter(), &mut out).unwrap();
        assert_eq!(out, b"3\r\nabc\r\n0\r\ndigest: abc\r\n\r\n");
        let split: [(&[u8], &[u8]); 1] = [(b"a", b"b\r\nc: d")];
        assert!(trailers(split.into_iter(), &mut out).is_err());
    }

    #[test]
    fn a_client_gets_them_that_says_so() {
        for (request, expected) in [
            ("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nHost: a\r\nte: gzip, Trailers\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nHost: a\r\nTE: gzip\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nTE: trailers\r\n\r\n", false),
        ] {
            let head = parse(request.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(takes_trailers(&head), expected, "{request}");
        }
    }
}
