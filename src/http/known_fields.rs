//! The fields of a head that the server itself obeys, judged as they are read, each once.
//!
//! [`super::head`] reads the others past them; tests of these rules are there, on whole heads.

use super::bytes::elements;
use super::error::{HttpError, quote};
use super::framing::{Framing, FramingFields};
use super::host;
use super::version::Version;

/// What the fields that matter here have said so far.
#[derive(Default)]
pub(super) struct KnownFields<'b> {
    pub(super) framing: FramingFields,
    pub(super) has_host: bool,
    has_content_type: bool,
    says_close: bool,
    says_keep_alive: bool,
    says_continue: bool,
    unknown_expectation: Option<&'b [u8]>,
}

impl<'b> KnownFields<'b> {
    /// Takes a field in; the name's length rules out nearly all fields at once.
    pub(super) fn add(&mut self, name: &str, value: &'b [u8]) -> Result<(), HttpError> {
        match name.len() {
            4 if name.eq_ignore_ascii_case("host") => self.host(value)?,
            6 if name.eq_ignore_ascii_case("expect") => self.expect(value),
            10 if name.eq_ignore_ascii_case("connection") => self.connection(value),
            12 if name.eq_ignore_ascii_case("content-type") => self.content_type()?,
            14 if name.eq_ignore_ascii_case("content-length") => {
                self.framing.content_length(value)?;
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                self.framing.transfer_encoding(value)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// RFC 9112, 3.2: more than one Host, or an invalid one, gets 400; on HTTP/1.0 too.
    fn host(&mut self, value: &[u8]) -> Result<(), HttpError> {
        if self.has_host {
            return Err(HttpError::bad("host-repeated", "Host comes more than once."));
        }
        self.has_host = true;
        if host::is_valid(value) {
            return Ok(());
        }
        Err(HttpError::bad("host", format!("Host \"{}\" is not a host.", quote(value))))
    }

    /// RFC 9110, 5.3 and 8.3: it is one value, so two cannot be joined, and whoever checks the one
    /// may be told lies by the other. gunicorn refuses it too.
    fn content_type(&mut self) -> Result<(), HttpError> {
        if std::mem::replace(&mut self.has_content_type, true) {
            return Err(HttpError::bad(
                "content-type-repeated",
                "Content-Type comes more than once.",
            ));
        }
        Ok(())
    }

    fn expect(&mut self, value: &'b [u8]) {
        for expectation in elements(value) {
            if expectation.eq_ignore_ascii_case(b"100-continue") {
                self.says_continue = true;
            } else {
                self.unknown_expectation = Some(expectation);
            }
        }
    }

    // gunicorn: compares the whole value, so that "close, TE" keeps the connection open.
    fn connection(&mut self, value: &[u8]) {
        for option in elements(value) {
            self.says_close |= option.eq_ignore_ascii_case(b"close");
            self.says_keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// RFC 9112, 9.3: close wins; HTTP/1.1 stays open, HTTP/1.0 only when asked to.
    pub(super) fn keep_alive(&self, version: Version) -> bool {
        !self.says_close && (version >= Version::Http11 || self.says_keep_alive)
    }

    /// RFC 9110, 10.1.1: an HTTP/1.0 client's expectation is ignored, an unknown one gets 417,
    /// and a request without a body has nothing to wait for.
    pub(super) fn expects_continue(
        &self,
        version: Version,
        framing: Framing,
    ) -> Result<bool, HttpError> {
        if version < Version::Http11 {
            return Ok(false);
        }
        if let Some(unknown) = self.unknown_expectation {
            return Err(HttpError::new(
                417,
                "expectation",
                format!("The expectation \"{}\" cannot be met.", quote(unknown)),
            ));
        }
        Ok(self.says_continue && !matches!(framing, Framing::Empty | Framing::Length(0)))
    }
}
