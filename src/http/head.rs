//! The request head: what a request says before its body.
//!
//! httparse reads the syntax; the rules of RFC 9110 and 9112 that it leaves open are applied here,
//! each field looked at once. A head that gets through is safe to give to an application: one
//! Host, one body length, no byte that could end a line. Names and values borrow from the buffer.

use std::mem::MaybeUninit;

use super::bytes::is_token_byte;
use super::error::HttpError;
use super::fault;
use super::field_list::{Field, FieldList};
use super::framing::Framing;
use super::known_fields::KnownFields;
use super::leniency::Leniency;
use super::limits::Limits;
use super::target::Target;
use super::version::Version;

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
    pub fields: FieldList<'b>,
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
    parse_lenient(head, limits, &Leniency::default())
}

/// As [`parse`], for a head that [`Leniency::loosen`] has gone over.
///
/// # Errors
///
/// As [`parse`], except for what the switches forgive.
pub fn parse_lenient<'b>(
    head: &'b [u8],
    limits: &Limits,
    leniency: &Leniency,
) -> Result<Head<'b>, HttpError> {
    debug_assert_eq!(super::scan(head, &mut 0, limits), Ok(Some(head.len())), "scan comes first");
    let head = head.strip_prefix(b"\r\n").unwrap_or(head);
    let mut slots = [const { MaybeUninit::uninit() }; STACK_FIELDS];
    let slots = &mut slots[..limits.fields.min(STACK_FIELDS)];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(head, slots) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => judge(&request, leniency),
        Err(httparse::Error::TooManyHeaders) if limits.fields > STACK_FIELDS => {
            parse_many(head, limits, leniency)
        }
        Err(error) => Err(fault::explain(head, error, limits)),
        Ok(_) => Err(HttpError::bad("head", "The head does not end where its lines do.")),
    }
}

/// As [`parse`], for more fields than the stack has slots for.
fn parse_many<'b>(
    head: &'b [u8],
    limits: &Limits,
    leniency: &Leniency,
) -> Result<Head<'b>, HttpError> {
    let lines = head.iter().filter(|&&byte| byte == b'\n').count();
    let mut slots = vec![httparse::EMPTY_HEADER; lines.min(limits.fields)];
    let mut request = httparse::Request::new(&mut slots);
    match request.parse(head) {
        Ok(_) => judge(&request, leniency),
        Err(error) => Err(fault::explain(head, error, limits)),
    }
}

/// Slots that a head's fields are read into without an allocation: gunicorn's default limit.
const STACK_FIELDS: usize = 100;

/// The rules that httparse leaves to us.
fn judge<'b>(
    request: &httparse::Request<'_, 'b>,
    leniency: &Leniency,
) -> Result<Head<'b>, HttpError> {
    let (Some(method), Some(raw), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(HttpError::bad("request-line", "The request line is incomplete."));
    };
    let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    if !leniency.permit_unconventional_http_method {
        check_method(method)?;
    }
    let target = Target::parse(method, raw)?;
    let mut known = KnownFields::default();
    let mut fields = FieldList::new();
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

#[cfg(test)]
mod lenient_tests;
#[cfg(test)]
mod tests;
