//! What the application's status and fields ask for, checked before a byte is written.
//!
//! An application must not be able to split a response: a control byte anywhere is its error
//! (RFC 9110, 5.5), never silently removed.

use super::bytes::{decimal, elements, is_field_byte, is_token, trim};
use super::error::{ResponseError, quote};

/// The application's response head, looked over once.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The status code.
    pub code: u16,
    /// Content-Length, in bytes.
    pub length: Option<u64>,
    pub has_server: bool,
    pub has_date: bool,
    /// `Connection: close`.
    pub says_close: bool,
    /// `Connection: upgrade`.
    pub says_upgrade: bool,
    /// `Upgrade: websocket`.
    pub to_websocket: bool,
}

impl Survey {
    pub(super) fn of<'f>(
        status: &[u8],
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])>,
    ) -> Result<Self, ResponseError> {
        let mut survey = Survey { code: code(status)?, ..Survey::default() };
        for (name, value) in fields {
            check_field(name, value)?;
            survey.add(name, trim(value))?;
        }
        Ok(survey)
    }

    fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), ResponseError> {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"date") => self.has_date = true,
            6 if name.eq_ignore_ascii_case(b"server") => self.has_server = true,
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.to_websocket |= is_websocket(value);
            }
            10 if name.eq_ignore_ascii_case(b"connection") => {
                for option in elements(value) {
                    self.says_close |= option.eq_ignore_ascii_case(b"close");
                    self.says_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
                }
            }
            14 if is_content_length(name) => self.content_length(value)?,
            _ => {}
        }
        Ok(())
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), ResponseError> {
        if self.length.is_some() {
            return Err(ResponseError::ContentLengthRepeated);
        }
        self.length = decimal(value);
        match self.length {
            Some(_) => Ok(()),
            None => Err(ResponseError::ContentLength(quote(value))),
        }
    }
}

/// A field that the application may send: a token, and no control byte in the value.
pub(super) fn check_field(name: &[u8], value: &[u8]) -> Result<(), ResponseError> {
    if !is_token(name) {
        return Err(ResponseError::FieldName(quote(name)));
    }
    if !value.iter().all(|&byte| is_field_byte(byte)) {
        return Err(ResponseError::FieldValue(quote(name)));
    }
    Ok(())
}

/// Whether a field concerns this connection only and is the server's to write (RFC 9110, 7.6.1;
/// PEP 3333 forbids applications to give them). `Upgrade: websocket` passes, as in gunicorn.
pub(super) fn is_hop_by_hop(name: &[u8], value: &[u8]) -> bool {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    match name.len() {
        2 => is("te"),
        7 => is("trailer") || (is("upgrade") && !is_websocket(trim(value))),
        8 => is("trailers"),
        10 => is("connection") || is("keep-alive"),
        16 => is("proxy-connection"),
        17 => is("transfer-encoding"),
        18 => is("proxy-authenticate"),
        19 => is("proxy-authorization"),
        _ => false,
    }
}

pub(super) fn is_content_length(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"content-length")
}

fn is_websocket(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"websocket")
}

/// status = 3DIGIT [ SP reason ]; PEP 3333 demands the reason, gunicorn does not.
fn code(status: &[u8]) -> Result<u16, ResponseError> {
    let code = match status {
        [first @ b'1'..=b'9', second @ b'0'..=b'9', third @ b'0'..=b'9', reason @ ..]
            if matches!(reason, [] | [b' ', ..])
                && reason.iter().all(|&byte| is_field_byte(byte)) =>
        {
            [first, second, third].into_iter().fold(0, |code, b| code * 10 + u16::from(b - b'0'))
        }
        _ => return Err(ResponseError::Status(quote(status))),
    };
    Ok(code)
}
