//! The request head: what a request says before its body.
//!
//! httparse reads the syntax; the rules of RFC 9110 and 9112 that it leaves open are applied here,
//! each field looked at once. A head that gets through is safe to give to an application: one
//! Host, one body length, no byte that could end a line. Names and values borrow from the buffer.

use std::mem::MaybeUninit;

use super::bytes::{elements, is_token_byte};
use super::error::{HttpError, quote};
use super::fault;
use super::framing::{Framing, FramingFields};
use super::host;
use super::limits::Limits;
use super::target::Target;
use super::version::Version;

/// One field line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'b> {
    /// In the client's case.
    pub name: &'b str,
    /// Without white space around it; HTAB, SP, VCHAR and obs-text only.
    pub value: &'b [u8],
}

/// A request head that is within all rules.
#[derive(Clone, Debug)]
pub struct Head<'b> {
    /// A token in capitals of 3 to 20 bytes.
    pub method: &'b str,
    /// What is asked for.
    pub target: Target<'b>,
    /// The client's version.
    pub version: Version,
    /// All fields, in the client's order.
    pub fields: Vec<Field<'b>>,
    /// Where the body ends.
    pub framing: Framing,
    /// Whether the client wants the connection to stay open (RFC 9112, 9.3).
    pub keep_alive: bool,
    /// Whether the client waits for a 100 before it sends its body; false when there is none.
    pub expects_continue: bool,
}

impl<'b> Head<'b> {
    /// The value of the first field called `name`, in any case.
    pub fn field(&self, name: &str) -> Option<&'b [u8]> {
        let found = self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        found.map(|field| field.value)
    }
}

/// Reads a head that [`super::scan`] found, with the same limits: line ends and lengths are
/// scan's to judge.
///
/// # Errors
///
/// 400 for what is malformed, 417 for an unknown expectation, 431 for too many fields, 501 for
/// CONNECT and unknown transfer codings, 505 for other versions.
pub fn parse<'b>(head: &'b [u8], limits: &Limits) -> Result<Head<'b>, HttpError> {
    debug_assert_eq!(super::scan(head, &mut 0, limits), Ok(Some(head.len())), "scan comes first");
    let head = head.strip_prefix(b"\r\n").unwrap_or(head);
    let mut slots = [const { MaybeUninit::uninit() }; STACK_FIELDS];
    let slots = &mut slots[..limits.fields.min(STACK_FIELDS)];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(head, slots) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => judge(&request),
        Err(httparse::Error::TooManyHeaders) if limits.fields > STACK_FIELDS => {
            parse_many(head, limits)
        }
        Err(error) => Err(fault::explain(head, error, limits)),
        Ok(_) => Err(HttpError::bad("head", "The head does not end where its lines do.")),
    }
}

/// As [`parse`], for more fields than the stack has slots for.
fn parse_many<'b>(head: &'b [u8], limits: &Limits) -> Result<Head<'b>, HttpError> {
    let lines = head.iter().filter(|&&byte| byte == b'\n').count();
    let mut slots = vec![httparse::EMPTY_HEADER; lines.min(limits.fields)];
    let mut request = httparse::Request::new(&mut slots);
    match request.parse(head) {
        Ok(_) => judge(&request),
        Err(error) => Err(fault::explain(head, error, limits)),
    }
}

/// Slots that a head's fields are read into without an allocation: gunicorn's default limit.
const STACK_FIELDS: usize = 100;

/// The rules that httparse leaves to us.
fn judge<'b>(request: &httparse::Request<'_, 'b>) -> Result<Head<'b>, HttpError> {
    let (Some(method), Some(raw), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(HttpError::bad("request-line", "The request line is incomplete."));
    };
    let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    check_method(method)?;
    let target = Target::parse(method, raw)?;
    let mut known = KnownFields::default();
    let mut fields = Vec::with_capacity(request.headers.len());
    for header in request.headers.iter() {
        known.add(header.name, header.value)?;
        fields.push(Field { name: header.name, value: header.value });
    }
    // RFC 9112, 3.2: a request without Host on HTTP/1.1 gets 400.
    if !known.has_host && version == Version::Http11 {
        return Err(HttpError::bad("host-missing", "An HTTP/1.1 request has no Host."));
    }
    let framing = known.framing.resolve(version)?;
    Ok(Head {
        method,
        target,
        version,
        fields,
        framing,
        keep_alive: known.keep_alive(version),
        expects_continue: known.expects_continue(version, framing)?,
    })
}

/// gunicorn's rule: a token of 3 to 20 bytes without small letters and "#".
fn check_method(method: &str) -> Result<(), HttpError> {
    let is_method_byte =
        |byte: u8| is_token_byte(byte) && !byte.is_ascii_lowercase() && byte != b'#';
    if (3..=20).contains(&method.len()) && method.bytes().all(is_method_byte) {
        return Ok(());
    }
    Err(fault::method(method))
}

/// What the fields that matter here have said so far.
#[derive(Default)]
struct KnownFields<'b> {
    framing: FramingFields,
    has_host: bool,
    says_close: bool,
    says_keep_alive: bool,
    says_continue: bool,
    unknown_expectation: Option<&'b [u8]>,
}

impl<'b> KnownFields<'b> {
    /// Takes a field in; the name's length rules out nearly all fields at once.
    fn add(&mut self, name: &str, value: &'b [u8]) -> Result<(), HttpError> {
        match name.len() {
            4 if name.eq_ignore_ascii_case("host") => self.host(value)?,
            6 if name.eq_ignore_ascii_case("expect") => self.expect(value),
            10 if name.eq_ignore_ascii_case("connection") => self.connection(value),
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
    fn keep_alive(&self, version: Version) -> bool {
        !self.says_close && (version >= Version::Http11 || self.says_keep_alive)
    }

    /// RFC 9110, 10.1.1: an HTTP/1.0 client's expectation is ignored, an unknown one gets 417,
    /// and a request without a body has nothing to wait for.
    fn expects_continue(&self, version: Version, framing: Framing) -> Result<bool, HttpError> {
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
