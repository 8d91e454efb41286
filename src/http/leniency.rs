//! gunicorn's five switches that let malformed heads through.
//!
//! All are off by default. A head is rewritten in place to what a conforming client would have
//! sent, at the same length, and then judged by the same strict rules as every other head; a
//! switch loosens only what it names. Only heads that scan found are rewritten.

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
