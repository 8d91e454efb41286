//! How long a request body is (RFC 9112, 6): the rules that request smuggling lives on.
//!
//! Two lengths, or one that two parsers could read differently, are an error; nothing is repaired.

use super::bytes::{decimal, elements, is_token};
use super::error::{HttpError, quote};
use super::version::Version;

/// Where the body of a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Neither Content-Length nor Transfer-Encoding: there is no body.
    Empty,
    /// Content-Length, in bytes; may be 0.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
}

/// What the fields of one head have said so far.
#[derive(Default)]
pub(super) struct FramingFields {
    length: Option<u64>,
    coding: Coding,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Coding {
    #[default]
    None,
    /// Transfer-Encoding fields came, with no element in them.
    Unnamed,
    Chunked,
}

impl FramingFields {
    /// A Content-Length field: once, all digits.
    ///
    /// RFC 9110, 8.6 lets a recipient take "5, 5" for 5; here it is refused, as is a second field.
    pub(super) fn content_length(&mut self, value: &[u8]) -> Result<(), HttpError> {
        if self.length.is_some() {
            return Err(HttpError::bad(
                "content-length-repeated",
                "Content-Length comes more than once.",
            ));
        }
        self.length = decimal(value);
        if self.length.is_some() {
            return Ok(());
        }
        Err(HttpError::bad(
            "content-length",
            format!("Content-Length \"{}\" is not a number.", quote(value)),
        ))
    }

    /// A Transfer-Encoding field; several make one list (RFC 9110, 5.3).
    pub(super) fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), HttpError> {
        if self.coding == Coding::None {
            self.coding = Coding::Unnamed;
        }
        for coding in elements(value) {
            // RFC 9112, 6.1 and 7.1: chunked comes once, last, and has no parameters.
            if self.coding == Coding::Chunked || !is_token(coding) {
                return Err(not_final(value));
            }
            if !coding.eq_ignore_ascii_case(b"chunked") {
                // RFC 9112, 6.1: 501 for a coding that is not understood.
                return Err(HttpError::new(
                    501,
                    "transfer-coding",
                    format!("The transfer coding \"{}\" is not supported.", quote(coding)),
                ));
            }
            self.coding = Coding::Chunked;
        }
        Ok(())
    }

    /// The framing that the fields add up to.
    pub(super) fn resolve(&self, version: Version) -> Result<Framing, HttpError> {
        match (self.coding, self.length) {
            (Coding::None, None) => Ok(Framing::Empty),
            (Coding::None, Some(length)) => Ok(Framing::Length(length)),
            // RFC 9112, 6.3 rule 3: both together may be an attempt at smuggling.
            (_, Some(_)) => Err(HttpError::bad(
                "length-and-transfer-encoding",
                "Content-Length and Transfer-Encoding come together.",
            )),
            // RFC 9112, 6.1: HTTP/1.0 has no transfer codings; its framing is faulty.
            _ if version < Version::Http11 => Err(HttpError::bad(
                "transfer-encoding-on-1.0",
                "Transfer-Encoding comes in an HTTP/1.0 request.",
            )),
            (Coding::Unnamed, None) => Err(not_final(b"")),
            (Coding::Chunked, None) => Ok(Framing::Chunked),
        }
    }
}

fn not_final(value: &[u8]) -> HttpError {
    HttpError::bad(
        "transfer-encoding",
        format!("Transfer-Encoding \"{}\" is not chunked, once and last.", quote(value)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The framing of an HTTP/1.1 request with these fields, or the rule that they break.
    fn framing(lengths: &[&[u8]], codings: &[&[u8]]) -> Result<Framing, (u16, &'static str)> {
        of(Version::Http11, lengths, codings).map_err(|error| (error.status, error.rule))
    }

    fn of(version: Version, lengths: &[&[u8]], codings: &[&[u8]]) -> Result<Framing, HttpError> {
        let mut fields = FramingFields::default();
        lengths.iter().try_for_each(|value| fields.content_length(value))?;
        codings.iter().try_for_each(|value| fields.transfer_encoding(value))?;
        fields.resolve(version)
    }

    #[test]
    fn a_request_without_length_has_no_body() {
        assert_eq!(framing(&[], &[]), Ok(Framing::Empty));
    }

    #[test]
    fn content_length_is_all_digits() {
        assert_eq!(framing(&[b"0"], &[]), Ok(Framing::Length(0)));
        assert_eq!(framing(&[b"0012"], &[]), Ok(Framing::Length(12)));
        for bad in
            [&b""[..], b"+1", b"-1", b"1 2", b"1,1", b"1;", b"0x1", b"1.0", b"99999999999999999999"]
        {
            assert_eq!(framing(&[bad], &[]), Err((400, "content-length")), "{}", quote(bad));
        }
    }

    #[test]
    fn content_length_comes_once() {
        assert_eq!(framing(&[b"1", b"1"], &[]), Err((400, "content-length-repeated")));
        assert_eq!(framing(&[b"1", b"2"], &[]), Err((400, "content-length-repeated")));
    }

    #[test]
    fn chunked_is_the_only_coding() {
        assert_eq!(framing(&[], &[b"chunked"]), Ok(Framing::Chunked));
        assert_eq!(framing(&[], &[b"Chunked"]), Ok(Framing::Chunked));
        assert_eq!(framing(&[], &[b"", b" , chunked,"]), Ok(Framing::Chunked));
        for bad in [&b"gzip, chunked"[..], b"identity", b"xchunked", b"gzip"] {
            assert_eq!(framing(&[], &[bad]), Err((501, "transfer-coding")), "{}", quote(bad));
        }
    }

    #[test]
    fn chunked_comes_once_and_last() {
        for bad in [
            &b""[..],
            b",",
            b"chunked, chunked",
            b"chunked, gzip",
            b"chunked;q=1",
            b"chunked\x0b",
            b"\"chunked\"",
            b"chunked chunked",
        ] {
            assert_eq!(framing(&[], &[bad]), Err((400, "transfer-encoding")), "{}", quote(bad));
        }
        assert_eq!(framing(&[], &[b"chunked", b"chunked"]), Err((400, "transfer-encoding")));
    }

    #[test]
    fn content_length_never_stands_beside_transfer_encoding() {
        let rule = Err((400, "length-and-transfer-encoding"));
        assert_eq!(framing(&[b"1"], &[b"chunked"]), rule);
        assert_eq!(framing(&[b"1"], &[b""]), rule);
    }

    #[test]
    fn http_1_0_has_no_transfer_codings() {
        for value in [&b"chunked"[..], b""] {
            let error = of(Version::Http10, &[], &[value]).unwrap_err();
            assert_eq!((error.status, error.rule), (400, "transfer-encoding-on-1.0"));
        }
        assert_eq!(of(Version::Http10, &[b"1"], &[]), Ok(Framing::Length(1)));
    }
}
