//! The opening handshake, a server's side (RFC 6455, 4.2): from a request's head to the 101.

use std::fmt;

use sha1::{Digest, Sha1};

use super::extension::{self, Offer};
use super::parameters::Parameters;
use super::policy::Policy;
use crate::http::bytes::{elements, is_token, trim};
use crate::http::{Encoder, Framing, Head, Manner, RequestFacts, ResponseError, Version};

/// A valid request for a WebSocket, which may be accepted, or answered like any other. It outlives the
/// head: the application decides.
#[derive(Clone, Debug)]
pub struct Upgrade {
    key: Vec<u8>,
    /// What the client speaks, in its order of preference.
    pub subprotocols: Vec<String>,
    offers: Vec<Offer>,
}

impl Upgrade {
    /// Reads a request. `None`: it is an ordinary one. That is what a request with another method or version
    /// is, or one without `Connection: upgrade`: the field Upgrade may be ignored, or is not for us (RFC
    /// 9110, 7.8).
    ///
    /// # Errors
    /// A request for a WebSocket which breaks a rule of the handshake.
    pub fn of(head: &Head<'_>) -> Result<Option<Self>, Refusal> {
        let asks = |name, option: &str| {
            values(head, name).flat_map(elements).any(|e| e.eq_ignore_ascii_case(option.as_bytes()))
        };
        let is_ours = head.method == "GET" && head.version == Version::Http11;
        if !is_ours || !asks("upgrade", "websocket") || !asks("connection", "upgrade") {
            return Ok(None);
        }
        // Its bytes would be taken for frames, or frames for its bytes.
        if !matches!(head.framing, Framing::Empty | Framing::Length(0)) {
            return Err(Refusal::bad("websocket-body", "A request for a WebSocket has a body."));
        }
        check_version(head)?;
        Ok(Some(Upgrade {
            key: key(head)?.to_vec(),
            subprotocols: subprotocols(head)?,
            offers: offers(head)?,
        }))
    }

    /// What is agreed on if compression is wanted; `None`: the client has made no offer that can be met.
    pub fn negotiate(&self, policy: &Policy) -> Option<Parameters> {
        extension::negotiate(&self.offers, policy)
    }

    /// Writes the 101 to the end of `out`, with the application's `fields` behind ours. Those that the
    /// handshake is made of are left out of them, but for its own Server and Date. `date` is an
    /// IMF-fixdate, `deflate` what [`Self::negotiate`] gave.
    ///
    /// # Errors
    /// The application's fault; nothing is written then.
    pub fn answer<'f, I>(
        &self,
        subprotocol: Option<&str>,
        deflate: Option<&Parameters>,
        fields: I,
        date: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), AnswerError>
    where
        I: Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
    {
        // RFC 6455, 4.1: a client must fail the connection if it had not offered it.
        if let Some(chosen) =
            subprotocol.filter(|chosen| !self.subprotocols.iter().any(|known| known == chosen))
        {
            return Err(AnswerError::Subprotocol(chosen.escape_default().to_string()));
        }
        let accept = accept_value(&self.key);
        let extensions = deflate.map(Parameters::to_string);
        let ours: [(&str, Option<&[u8]>); 5] = [
            ("Upgrade", Some(b"websocket")),
            // For the encoder, which writes its own.
            ("Connection", Some(b"upgrade")),
            ("Sec-WebSocket-Accept", Some(&accept)),
            ("Sec-WebSocket-Protocol", subprotocol.map(str::as_bytes)),
            ("Sec-WebSocket-Extensions", extensions.as_deref().map(str::as_bytes)),
        ];
        let given = ours.iter().filter_map(|(name, value)| Some((name.as_bytes(), (*value)?)));
        let theirs = fields.filter(|(name, _)| !is_of_the_handshake(name));
        // For as short a time as ours live.
        let theirs = theirs.map(|(name, value)| -> (&[u8], &[u8]) { (name, value) });
        let facts = RequestFacts {
            version: Version::Http11,
            is_head: false,
            keep_alive: true,
            takes_trailers: false,
            manner: Manner::Gunicorn,
        };
        let all = given.chain(theirs);
        Encoder::new(facts).head(STATUS, all, date, out).map_err(AnswerError::Field)
    }
}

/// A request for a WebSocket that breaks a rule: to be answered with this status, and the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// 400 or 426.
    pub status: u16,
    /// The rule that was broken, in kebab case; stable, for logs and tests.
    pub rule: &'static str,
    /// One sentence for the log and the error page.
    pub detail: &'static str,
}

impl Refusal {
    fn bad(rule: &'static str, detail: &'static str) -> Self {
        Refusal { status: 400, rule, detail }
    }

    /// Fields that the answer must have: what is spoken here (RFC 6455, 4.4; RFC 9110, 15.5.22).
    pub fn fields(&self) -> &'static [(&'static str, &'static str)] {
        match self.status {
            426 => &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")],
            _ => &[],
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} ({}, {})", self.detail, self.status, self.rule)
    }
}

impl std::error::Error for Refusal {}

/// An answer that cannot be sent: the application's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// This subprotocol, which is escaped, is none of the client's.
    Subprotocol(String),
    /// A field that cannot be sent.
    Field(ResponseError),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            AnswerError::Subprotocol(chosen) => write!(
                f,
                "the application chose the subprotocol \"{chosen}\", which the client did not offer"
            ),
            AnswerError::Field(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AnswerError {}

fn values<'h, 'b>(head: &'h Head<'b>, name: &'h str) -> impl Iterator<Item = &'b [u8]> + 'h {
    let named = head.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
    named.map(|field| field.value)
}

/// The one value of a field; `None` if it is missing or repeated.
fn only<'b>(head: &Head<'b>, name: &str) -> Option<&'b [u8]> {
    let mut values = values(head, name);
    values.next().filter(|_| values.next().is_none())
}

/// RFC 6455, 4.2.1, 6 and 4.4.
fn check_version(head: &Head) -> Result<(), Refusal> {
    match only(head, "sec-websocket-version") {
        Some(b"13") => Ok(()),
        Some(_) => Err(Refusal {
            status: 426,
            rule: "websocket-version",
            detail: "Only version 13 of WebSocket is spoken here.",
        }),
        None => Err(Refusal::bad(
            "websocket-version",
            "Sec-WebSocket-Version is missing or comes more than once.",
        )),
    }
}

/// RFC 6455, 4.2.1, 5: 16 bytes in base64, which need not be decoded. Of the last letter's bits, the four
/// that belong to no byte are not looked at.
fn key<'b>(head: &Head<'b>) -> Result<&'b [u8], Refusal> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let is_key = |key: &&[u8]| {
        key.len() == KEY_LEN
            && key.strip_suffix(b"==").is_some_and(|letters| letters.iter().all(is_letter))
    };
    only(head, "sec-websocket-key").map(trim).filter(is_key).ok_or(Refusal::bad(
        "websocket-key",
        "Sec-WebSocket-Key is missing, comes more than once, or is not 16 bytes in base64.",
    ))
}

/// RFC 6455, 4.1, 10: tokens.
fn subprotocols(head: &Head) -> Result<Vec<String>, Refusal> {
    let offered = values(head, "sec-websocket-protocol").flat_map(elements);
    let tokens = offered
        .map(|name| std::str::from_utf8(name).ok().filter(|_| is_token(name)).map(str::to_owned));
    tokens.collect::<Option<_>>().ok_or(Refusal::bad(
        "websocket-protocol",
        "Sec-WebSocket-Protocol is not a list of tokens.",
    ))
}

/// RFC 6455, 9.1: who gets what breaks the grammar must fail the connection.
fn offers(head: &Head) -> Result<Vec<Offer>, Refusal> {
    let mut offers = Vec::new();
    let mut values = values(head, "sec-websocket-extensions");
    match values.try_for_each(|value| extension::read(value, &mut offers)) {
        Some(()) => Ok(offers),
        None => Err(Refusal::bad(
            "websocket-extensions",
            "Sec-WebSocket-Extensions is not a list of extensions.",
        )),
    }
}

/// RFC 6455, 4.2.2, 5.4: what proves that the server has understood the key.
fn accept_value(key: &[u8]) -> Vec<u8> {
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    base64(&hash)
}

/// RFC 4648, 4.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut padded = [0; 4];
        padded[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(padded);
        let letter = |at: usize| LETTERS[(bits >> (18 - 6 * at)) as usize % 64];
        out.extend((0..4).map(|at| if at <= group.len() { letter(at) } else { b'=' }));
    }
    out
}

/// Fields of the answer that are the server's to write.
fn is_of_the_handshake(name: &[u8]) -> bool {
    OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours.as_bytes()))
}

const OURS: [&str; 6] = [
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
];

const STATUS: &[u8] = b"101 Switching Protocols";

/// Letters of 16 bytes in base64.
const KEY_LEN: usize = 24;

/// RFC 6455, 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests;
