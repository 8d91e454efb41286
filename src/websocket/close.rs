//! What a close frame says (RFC 6455, 5.5.1 and 7.4): nothing, or a code and a reason.

use std::fmt;

use super::close_code::may_be_sent;
use super::control_payload::ControlPayload;
use super::failure::Failure;
use super::frame::CONTROL_MAX;

/// A code and a reason, both of which may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    code: u16,
    reason: String,
}

impl Close {
    /// A close frame's content.
    ///
    /// # Errors
    /// A code that is reserved, or a reason of more than 123 bytes.
    pub fn new(code: u16, reason: impl Into<String>) -> Result<Self, CloseError> {
        let reason = reason.into();
        if !may_be_sent(code) {
            return Err(CloseError::Code(code));
        }
        if reason.len() > REASON_MAX {
            return Err(CloseError::Reason(reason.len()));
        }
        Ok(Close { code, reason })
    }

    /// Reads what a client's close frame says; `None`: nothing.
    ///
    /// # Errors
    /// 1002 for half a code and for one that must not be sent, 1007 for a reason that is not UTF-8.
    pub(super) fn read(payload: &[u8]) -> Result<Option<Self>, Failure> {
        if payload.is_empty() {
            return Ok(None);
        }
        // RFC 6455, 5.5.1: if there is a body, its first two bytes are the code.
        let Some((code, reason)) = payload.split_first_chunk() else {
            return Err(Failure::protocol("a close frame has one byte"));
        };
        let code = u16::from_be_bytes(*code);
        if !may_be_sent(code) {
            return Err(Failure::protocol("the close code is reserved"));
        }
        let Ok(reason) = std::str::from_utf8(reason) else {
            return Err(Failure::invalid("the close reason is not UTF-8"));
        };
        Ok(Some(Close { code, reason: reason.to_owned() }))
    }

    /// 1000 to 4999.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// For a log, not for people (RFC 6455, 5.5.1); at most 123 bytes.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// As it stands in the frame.
    pub(super) fn payload(&self) -> ControlPayload {
        let mut payload = ControlPayload::EMPTY;
        // Both fit: `REASON_MAX`.
        payload.extend(&self.code.to_be_bytes());
        payload.extend(self.reason.as_bytes());
        payload
    }
}

/// What the server answers a broken rule with.
impl From<Failure> for Close {
    fn from(failure: Failure) -> Self {
        debug_assert!(may_be_sent(failure.code) && failure.reason.len() <= REASON_MAX);
        Close { code: failure.code, reason: failure.reason.to_owned() }
    }
}

/// A close frame that cannot be sent: the application's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseError {
    /// This code is reserved or out of range.
    Code(u16),
    /// The reason has so many bytes.
    Reason(usize),
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            CloseError::Code(code) => write!(
                f,
                "the close code {code} may not be sent; an application's own are 3000 to 4999, \
                 those of RFC 6455 1000 to 1003 and 1007 to 1014"
            ),
            CloseError::Reason(len) => {
                write!(f, "the close reason has {len} bytes of UTF-8; {REASON_MAX} is the most")
            }
        }
    }
}

impl std::error::Error for CloseError {}

/// Bytes of a reason: what a control frame takes, without the code's two.
const REASON_MAX: usize = CONTROL_MAX - 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(payload: &[u8]) -> (u16, &'static str) {
        let failure = Close::read(payload).unwrap_err();
        (failure.code, failure.reason)
    }

    #[test]
    fn a_close_frame_has_a_code_and_a_reason_or_nothing() {
        assert_eq!(Close::read(b""), Ok(None));
        let read = |payload| Close::read(payload).unwrap().unwrap();
        assert_eq!((read(b"\x03\xe8").code(), read(b"\x03\xe8").reason()), (1000, ""));
        let with_reason = read(b"\x0f\xa0\xc3\xa9");
        assert_eq!((with_reason.code(), with_reason.reason()), (4000, "\u{e9}"));
    }

    #[test]
    fn half_a_code_a_reserved_one_and_a_reason_in_no_utf8_are_refused() {
        // RFC 6455, 5.5.1, 7.4.2 and 8.1.
        assert_eq!(refused(b"\x03"), (1002, "a close frame has one byte"));
        for code in [999u16, 1005, 1006, 1015, 2999, 5000] {
            assert_eq!(refused(&code.to_be_bytes()), (1002, "the close code is reserved"));
        }
        assert_eq!(refused(b"\x03\xe8\xce"), (1007, "the close reason is not UTF-8"));
    }

    #[test]
    fn an_application_closes_with_what_may_be_sent() {
        assert_eq!(Close::new(1005, ""), Err(CloseError::Code(1005)));
        assert_eq!(Close::new(1000, "x".repeat(124)), Err(CloseError::Reason(124)));
        let longest = Close::new(4999, "x".repeat(123)).unwrap();
        assert_eq!(longest.payload().len(), 125);
        assert_eq!(Close::read(&longest.payload()), Ok(Some(longest)));
    }
}
