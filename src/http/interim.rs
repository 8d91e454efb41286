//! Responses that come before the response (RFC 9110, 15.2; RFC 8297).

use super::bytes::trim;
use super::error::ResponseError;
use super::survey::{check_field, is_content_length, is_hop_by_hop};
use super::version::Version;

/// What a client that expects it gets when the application first reads the body.
// gunicorn: sends it before the application is called.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Writes a 103 Early Hints with `fields` to the end of `out`; says whether it did.
///
/// An HTTP/1.0 client must not get an interim response (RFC 9110, 15.2): nothing is written then.
/// Fields that frame a message or concern the connection are left out. `fields` is gone through
/// twice.
///
/// # Errors
///
/// A field that cannot be sent; nothing is written.
pub fn early_hints<'f, I>(
    version: Version,
    fields: I,
    out: &mut Vec<u8>,
) -> Result<bool, ResponseError>
where
    I: Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
{
    for (name, value) in fields.clone() {
        check_field(name, value)?;
    }
    if version < Version::Http11 {
        return Ok(false);
    }
    out.extend_from_slice(b"HTTP/1.1 103 Early Hints\r\n");
    for (name, value) in fields {
        if is_hop_by_hop(name, b"") || is_content_length(name) {
            continue;
        }
        for part in [name, b": ", trim(value), b"\r\n"] {
            out.extend_from_slice(part);
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HINT: (&[u8], &[u8]) = (b"Link", b"</a.css>; rel=preload");

    #[test]
    fn early_hints_are_an_interim_response() {
        let mut out = Vec::new();
        let fields = [HINT, (b"Content-Length", b"3"), (b"Connection", b"close")];
        assert_eq!(early_hints(Version::Http11, fields.into_iter(), &mut out), Ok(true));
        assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n");
    }

    #[test]
    fn http_1_0_gets_no_interim_response() {
        let mut out = Vec::new();
        assert_eq!(early_hints(Version::Http10, [HINT].into_iter(), &mut out), Ok(false));
        assert!(out.is_empty());
    }

    #[test]
    fn a_hint_cannot_split_the_response() {
        let mut out = Vec::new();
        let fields = [(&b"Link"[..], &b"a\r\nSet-Cookie: x"[..])];
        assert!(early_hints(Version::Http11, fields.into_iter(), &mut out).is_err());
        assert!(out.is_empty());
    }
}
