//! What can be wrong with a message, by whose fault it is.
//!
//! [`HttpError`] is the client's and ends in a 4xx or 501/505; [`ResponseError`] is the
//! application's and ends in a 500. Neither carries raw bytes of the peer: what is quoted is
//! escaped and cut first, so that a detail may go into a log line.

use std::borrow::Cow;
use std::fmt;

/// A request that is refused: the client's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpError {
    /// The status to answer with, 400 to 505.
    pub status: u16,
    /// The rule that was broken, in kebab case; stable, for logs and tests.
    pub rule: &'static str,
    /// One sentence for the log and the error page: printable ASCII.
    pub detail: Cow<'static, str>,
}

impl HttpError {
    pub(super) fn new(
        status: u16,
        rule: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        HttpError { status, rule, detail: detail.into() }
    }

    /// 408: the head has begun and has not come whole in its time (RFC 9110, 15.5.9).
    pub fn head_timeout() -> Self {
        HttpError::new(408, "head-timeout", "The request head did not come whole in its time.")
    }

    /// 413: the body is longer than `limit_request_body` (RFC 9110, 15.5.14).
    pub fn body_too_long(limit: u64) -> Self {
        let detail = format!("The request body is longer than {limit} bytes.");
        HttpError::new(413, "body-too-long", detail)
    }

    /// 400, for what has no status of its own.
    pub(super) fn bad(rule: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        HttpError::new(400, rule, detail)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.detail, self.status, self.rule)
    }
}

impl std::error::Error for HttpError {}

/// A response head that cannot be sent: the application's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// Not three digits, a space and a printable reason (PEP 3333); quoted, escaped.
    Status(String),
    /// Not a token (RFC 9110, 5.1); quoted, escaped.
    FieldName(String),
    /// The field of this name has CR, LF, NUL or another control byte in its value.
    FieldValue(String),
    /// Not a decimal number that fits in 64 bits; quoted, escaped.
    ContentLength(String),
    /// Content-Length was given more than once.
    ContentLengthRepeated,
    /// The head of this response was already written.
    HeadTwice,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResponseError::Status(status) => write!(
                f,
                "the application gave the status \"{status}\"; it must be three digits, a space \
                 and a reason without control characters, such as \"200 OK\""
            ),
            ResponseError::FieldName(name) => write!(
                f,
                "the application gave a header named \"{name}\"; a name is letters, digits \
                 and !#$%&'*+-.^_`|~"
            ),
            ResponseError::FieldValue(name) => write!(
                f,
                "the application gave a value with a line break or another control character \
                 to the header \"{name}\""
            ),
            ResponseError::ContentLength(value) => write!(
                f,
                "the application gave the Content-Length \"{value}\"; it must be a decimal number"
            ),
            ResponseError::ContentLengthRepeated => {
                f.write_str("the application gave Content-Length more than once")
            }
            ResponseError::HeadTwice => f.write_str("the head of this response is already written"),
        }
    }
}

impl std::error::Error for ResponseError {}

/// Bytes of a peer as they may stand in a message: escaped, and cut to [`QUOTE_MAX`].
pub(super) fn quote(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(QUOTE_MAX)];
    let ellipsis = if shown.len() < bytes.len() { "..." } else { "" };
    format!("{}{ellipsis}", shown.escape_ascii())
}

/// Enough to recognise what was sent, short enough for a log line.
const QUOTE_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_holds_no_control_byte_and_is_cut() {
        assert_eq!(quote(b"a\r\n\x1b\xff"), "a\\r\\n\\x1b\\xff");
        assert_eq!(quote(&[b'x'; 65]), format!("{}...", "x".repeat(64)));
    }

    #[test]
    fn an_error_names_status_and_rule() {
        let error = HttpError::bad("host-missing", "there is no Host");
        assert_eq!(error.to_string(), "there is no Host (400, host-missing)");
    }
}
