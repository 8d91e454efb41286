//! gunicorn's five switches that let malformed heads through.
//!
//! All are off by default. A head is rewritten in place to what a conforming client would have
//! sent, at the same length, and then judged by the same strict rules as every other head; a
//! switch can loosen nothing but what it names. Only heads that scan found are rewritten.

use super::error::HttpError;
use super::limits::Limits;
use super::scan::scan;

/// Which faults are forgiven; the names are gunicorn's settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leniency {
    /// A field line may go on in a line that begins with white space (RFC 9112, 5.2).
    pub permit_obsolete_folding: bool,
    /// White space may stand between a field's name and its colon (RFC 9112, 5.1).
    pub strip_header_spaces: bool,
    /// A method may be any token.
    pub permit_unconventional_http_method: bool,
    /// A version may be any HTTP/DIGIT.DIGIT; it is taken for the nearer of 1.0 and 1.1.
    pub permit_unconventional_http_version: bool,
    /// Methods are put in capitals.
    // gunicorn: only together with permit_unconventional_http_method.
    pub casefold_http_method: bool,
}

impl Leniency {
    /// Whether [`Self::loosen`] can change a head at all.
    pub fn rewrites(&self) -> bool {
        self.permit_obsolete_folding
            || self.strip_header_spaces
            || self.permit_unconventional_http_version
            || self.casefold_http_method
    }

    /// Rewrites `head`, which [`super::scan`] found, for [`super::parse_lenient`].
    ///
    /// # Errors
    ///
    /// 431 when a folded line, put together, is longer than the limits allow.
    pub fn loosen(&self, head: &mut [u8], limits: &Limits) -> Result<(), HttpError> {
        let start = if head.starts_with(b"\r\n") { 2 } else { 0 };
        let lines = &mut head[start..];
        let first = lines.iter().position(|&byte| byte == b'\n').map_or(lines.len(), |lf| lf + 1);
        let (request_line, fields) = lines.split_at_mut(first);
        if self.casefold_http_method {
            raise_method(request_line);
        }
        if self.permit_unconventional_http_version {
            round_version(request_line);
        }
        if self.permit_obsolete_folding {
            unfold(fields);
        }
        if self.strip_header_spaces {
            fields.split_mut(|&byte| byte == b'\n').for_each(pull_colon);
        }
        scan(head, &mut 0, limits).map(|_| ())
    }
}

fn raise_method(request_line: &mut [u8]) {
    let end = request_line.iter().position(|&byte| byte == b' ').unwrap_or(0);
    request_line[..end].make_ascii_uppercase();
}

fn round_version(request_line: &mut [u8]) {
    if let [.., b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor, b'\r', b'\n'] = request_line
        && major.is_ascii_digit()
        && minor.is_ascii_digit()
    {
        *minor = if (*major, *minor) <= (b'1', b'0') { b'0' } else { b'1' };
        *major = b'1';
    }
}

/// Puts spaces in place of each line end before white space, as RFC 9112, 5.2 demands of a server
/// that does not refuse it. The request line has no continuation: white space at the very start
/// of the fields stays, and is refused.
fn unfold(fields: &mut [u8]) {
    for at in 0..fields.len().saturating_sub(2) {
        if let [cr @ b'\r', lf @ b'\n', b' ' | b'\t'] = &mut fields[at..at + 3] {
            (*cr, *lf) = (b' ', b' ');
        }
    }
}

/// Makes `Name : value` of a line into `Name:  value`.
fn pull_colon(line: &mut [u8]) {
    let Some(colon) = line.iter().position(|&byte| byte == b':') else { return };
    let spaces = line[..colon].iter().rev().take_while(|&&byte| byte == b' ' || byte == b'\t');
    let end = colon - spaces.count();
    // White space at the start of a line is folding, not a name.
    if end > 0 {
        line[end..=colon].fill(b' ');
        line[end] = b':';
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Head, parse, parse_lenient};

    const LIMITS: Limits = Limits { line: 100, fields: 10, field_size: 30 };
    const STRICT: Leniency = Leniency {
        permit_obsolete_folding: false,
        strip_header_spaces: false,
        permit_unconventional_http_method: false,
        permit_unconventional_http_version: false,
        casefold_http_method: false,
    };

    /// Checks that `head` is refused when strict, and shows it to `look` when lenient.
    fn only_with(leniency: Leniency, head: &str, look: impl Fn(Head<'_>)) {
        assert!(parse(head.as_bytes(), &LIMITS).is_err(), "strict: {head:?}");
        let mut bytes = head.as_bytes().to_vec();
        leniency.loosen(&mut bytes, &LIMITS).unwrap();
        assert_eq!(bytes.len(), head.len());
        look(parse_lenient(&bytes, &LIMITS, &leniency).unwrap());
    }

    /// The rule that `head` breaks in spite of the switches.
    fn refused(leniency: Leniency, head: &str) -> &'static str {
        let mut bytes = head.as_bytes().to_vec();
        if let Err(error) = leniency.loosen(&mut bytes, &LIMITS) {
            return error.rule;
        }
        parse_lenient(&bytes, &LIMITS, &leniency).unwrap_err().rule
    }

    #[test]
    fn permit_obsolete_folding_joins_lines() {
        let fold = Leniency { permit_obsolete_folding: true, ..STRICT };
        let head = "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\td\r\nE: f\r\n \r\n\r\n";
        only_with(fold, head, |head| {
            assert_eq!(head.field("A"), Some(&b"b   c  \td"[..]));
            assert_eq!(head.field("E"), Some(&b"f"[..]));
        });
        let first = "GET / HTTP/1.1\r\n Host: x\r\n\r\n";
        assert_eq!(refused(fold, first), "obs-fold");
        assert_eq!(refused(fold, "GET / HTTP/1.1\r\nHost : x\r\n\r\n"), "space-before-colon");
        let long =
            "GET / HTTP/1.1\r\nHost: x\r\nA: 45678901234567890\r\n 45678901234567890\r\n\r\n";
        assert_eq!(refused(fold, long), "field-too-long");
    }

    #[test]
    fn strip_header_spaces_takes_the_name_without_them() {
        let strip = Leniency { strip_header_spaces: true, ..STRICT };
        let head = "GET / HTTP/1.1\r\nHost \t: x\r\nA: b : c\r\nD\t:e\r\n\r\n";
        only_with(strip, head, |head| {
            assert_eq!(head.field("Host"), Some(&b"x"[..]));
            assert_eq!(head.field("A"), Some(&b"b : c"[..]));
            assert_eq!(head.field("D"), Some(&b"e"[..]));
        });
        assert_eq!(refused(strip, "GET / HTTP/1.1\r\nHost: x\r\n : y\r\n\r\n"), "obs-fold");
        assert_eq!(refused(strip, "GET / HTTP/1.1\r\nHost: x\r\nA b : y\r\n\r\n"), "field-name");
        let smuggled =
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length : 2\r\n\r\n";
        assert_eq!(refused(strip, smuggled), "content-length-repeated");
    }

    #[test]
    fn permit_unconventional_http_method_takes_any_token() {
        let any = Leniency { permit_unconventional_http_method: true, ..STRICT };
        for method in ["get", "G", "G#T", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"] {
            only_with(any, &format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n"), |head| {
                assert_eq!(head.method, method);
            });
        }
        assert_eq!(refused(any, "G(T / HTTP/1.1\r\nHost: x\r\n\r\n"), "request-line");
    }

    #[test]
    fn permit_unconventional_http_version_rounds_it() {
        use crate::http::Version::{Http10, Http11};
        let any = Leniency { permit_unconventional_http_version: true, ..STRICT };
        for (version, taken) in [("1.2", Http11), ("2.0", Http11), ("0.9", Http10), ("9.9", Http11)]
        {
            only_with(any, &format!("GET / HTTP/{version}\r\nHost: x\r\n\r\n"), |head| {
                assert_eq!(head.version, taken, "{version}");
            });
        }
        assert_eq!(refused(any, "GET / HTTX/1.1\r\nHost: x\r\n\r\n"), "request-line");
        assert_eq!(refused(any, "GET / HTTP/1.1\r\n\r\n"), "host-missing");
    }

    #[test]
    fn casefold_http_method_puts_it_in_capitals() {
        let fold = Leniency { casefold_http_method: true, ..STRICT };
        only_with(fold, "\r\npost /a HTTP/1.1\r\nHost: x\r\n\r\n", |head| {
            assert_eq!((head.method, head.target.path), ("POST", "/a"));
        });
        assert_eq!(refused(fold, "g#t / HTTP/1.1\r\nHost: x\r\n\r\n"), "method");
    }
}
