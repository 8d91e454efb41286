//! Sec-WebSocket-Extensions of a request (RFC 6455, 9.1), and the one offer of permessage-deflate in it
//! that is taken (RFC 7692, 5 and 7.1).
//!
//! What breaks the grammar is an error; an offer that breaks a rule of the extension, or that cannot be
//! met, is declined, and the client's next one is looked at.

use super::parameters::{
    CLIENT_MAX_WINDOW_BITS, CLIENT_NO_CONTEXT_TAKEOVER, NAME, Parameters, SERVER_MAX_WINDOW_BITS,
    SERVER_NO_CONTEXT_TAKEOVER,
};
use super::policy::{Policy, WINDOW_BITS_MAX, WINDOW_BITS_MIN};
use crate::http::bytes::{is_token, is_token_byte, trim};

/// An offer of permessage-deflate whose parameters are valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// Whether the client can be told a window; and the greatest that it uses, if it says so.
    client_max_window_bits: Option<Option<u8>>,
}

/// A parameter of an extension.
type Parameter = (String, Option<String>);

/// Adds the valid offers of permessage-deflate in one value of the field; `None` if it breaks the grammar:
///
/// ```text
/// 1#( token *( ";" token [ "=" ( token / quoted-string ) ] ) )
/// ```
pub(super) fn read(value: &[u8], offers: &mut Vec<Offer>) -> Option<()> {
    let mut rest = trim(value);
    while !rest.is_empty() {
        // RFC 9110, 5.6.1.2: empty elements of a list are passed over.
        if let [b',', behind @ ..] = rest {
            rest = trim(behind);
            continue;
        }
        let (name, behind) = token(rest)?;
        let (parameters, behind) = parameters(behind)?;
        if name == NAME.as_bytes() {
            offers.extend(Offer::of(&parameters));
        }
        rest = behind;
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
    }
    Some(())
}

fn parameters(mut rest: &[u8]) -> Option<(Vec<Parameter>, &[u8])> {
    let mut found = Vec::new();
    while let [b';', behind @ ..] = rest {
        let (name, behind) = token(trim(behind))?;
        let (value, behind) = match behind {
            [b'=', quoted @ ..] if trim(quoted).starts_with(b"\"") => {
                self::quoted(trim(quoted)).map(|(value, behind)| (Some(value), behind))?
            }
            [b'=', plain @ ..] => {
                let (value, behind) = token(trim(plain))?;
                (Some(text(value)), behind)
            }
            _ => (None, behind),
        };
        found.push((text(name), value));
        rest = behind;
    }
    Some((found, rest))
}

/// The token that `bytes` begin with, and what follows it and white space.
fn token(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = bytes.iter().take_while(|byte| is_token_byte(**byte)).count();
    let (token, behind) = bytes.split_at(len);
    (len > 0).then(|| (token, trim(behind)))
}

/// The content of the quoted string that `bytes` begin with, which must be a token (RFC 6455, 9.1), and
/// what follows.
fn quoted(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut content = Vec::new();
    let mut rest = bytes.strip_prefix(b"\"")?;
    loop {
        match rest {
            [b'"', behind @ ..] => {
                return is_token(&content).then(|| (text(&content), trim(behind)));
            }
            [b'\\', byte, behind @ ..] | [byte, behind @ ..] => {
                content.push(*byte);
                rest = behind;
            }
            [] => return None,
        }
    }
}

/// A token is ASCII.
fn text(token: &[u8]) -> String {
    String::from_utf8_lossy(token).into_owned()
}

impl Offer {
    /// `None` for parameters that RFC 7692, 7.1 wants declined: unknown, repeated or with a bad value.
    fn of(parameters: &[Parameter]) -> Option<Self> {
        let mut offer = Offer::default();
        for (at, (name, value)) in parameters.iter().enumerate() {
            if parameters[..at].iter().any(|(earlier, _)| earlier == name) {
                return None;
            }
            match (name.as_str(), value) {
                (SERVER_NO_CONTEXT_TAKEOVER, None) => offer.server_no_context_takeover = true,
                (CLIENT_NO_CONTEXT_TAKEOVER, None) => offer.client_no_context_takeover = true,
                (SERVER_MAX_WINDOW_BITS, Some(bits)) => {
                    offer.server_max_window_bits = Some(window_bits(bits)?);
                }
                (CLIENT_MAX_WINDOW_BITS, None) => offer.client_max_window_bits = Some(None),
                (CLIENT_MAX_WINDOW_BITS, Some(bits)) => {
                    offer.client_max_window_bits = Some(Some(window_bits(bits)?));
                }
                _ => return None,
            }
        }
        Some(offer)
    }

    /// What is agreed on if this offer is taken; `None`: it cannot be met.
    fn accept(self, policy: &Policy) -> Option<Parameters> {
        let within = |bits: u8| bits.clamp(WINDOW_BITS_MIN, WINDOW_BITS_MAX);
        let server = self.server_max_window_bits.unwrap_or(WINDOW_BITS_MAX);
        // zlib's compressor has no window of 256 bytes.
        if server < WINDOW_BITS_MIN {
            return None;
        }
        let client = match self.client_max_window_bits {
            // It cannot be told, and may use all.
            None => WINDOW_BITS_MAX,
            Some(greatest) => {
                within(policy.client_max_window_bits).min(greatest.unwrap_or(WINDOW_BITS_MAX))
            }
        };
        Some(Parameters {
            // 7.1.1: both may be answered where they were not offered.
            server_no_context_takeover: self.server_no_context_takeover
                || !policy.server_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover
                || !policy.client_context_takeover,
            server_max_window_bits: within(policy.server_max_window_bits).min(server),
            client_max_window_bits: client,
            tells_client_window: self.client_max_window_bits.is_some(),
            says_server_window: self.server_max_window_bits.is_some(),
        })
    }
}

/// The first offer that can be met: a client's order is its preference (RFC 7692, 5).
pub(super) fn negotiate(offers: &[Offer], policy: &Policy) -> Option<Parameters> {
    offers.iter().find_map(|offer| offer.accept(policy))
}

/// A decimal number from 8 to 15 without leading zeros (RFC 7692, 7.1.2).
fn window_bits(text: &str) -> Option<u8> {
    let bits: u8 = text.parse().ok()?;
    ((8..=15).contains(&bits) && text == bits.to_string()).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOMY: Policy = Policy {
        server_context_takeover: true,
        client_context_takeover: true,
        server_max_window_bits: 15,
        client_max_window_bits: 15,
        level: 6,
        threshold: 0,
    };

    /// What is answered to the field's value; `None`: all is declined.
    fn answer(value: &str, policy: &Policy) -> Option<String> {
        let mut offers = Vec::new();
        read(value.as_bytes(), &mut offers).unwrap();
        negotiate(&offers, policy).map(|agreed| agreed.to_string())
    }

    fn answered(value: &str, policy: &Policy) -> String {
        answer(value, policy).unwrap()
    }

    #[test]
    fn what_is_offered_is_agreed_on() {
        // RFC 7692, 7.1.
        assert_eq!(answered("permessage-deflate", &ROOMY), "permessage-deflate");
        for parameters in [
            "; server_no_context_takeover",
            "; client_no_context_takeover",
            "; server_no_context_takeover; client_no_context_takeover",
            "; server_max_window_bits=9",
            "; server_max_window_bits=15",
            "; client_max_window_bits=8",
            "; server_max_window_bits=10; client_max_window_bits=12",
        ] {
            let offer = format!("permessage-deflate{parameters}");
            assert_eq!(answered(&offer, &ROOMY), offer);
        }
        // A browser's.
        let browser = "permessage-deflate; client_max_window_bits";
        assert_eq!(answered(browser, &ROOMY), "permessage-deflate");
    }

    #[test]
    fn the_policy_asks_for_less() {
        let frugal =
            Policy { server_max_window_bits: 12, client_max_window_bits: 11, ..Policy::default() };
        let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        assert_eq!(
            answered("permessage-deflate", &frugal),
            format!("{both}; server_max_window_bits=12")
        );
        assert_eq!(
            answered("permessage-deflate; client_max_window_bits", &frugal),
            format!("{both}; server_max_window_bits=12; client_max_window_bits=11")
        );
        assert_eq!(
            answered(
                "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
                &frugal
            ),
            format!("{both}; server_max_window_bits=10; client_max_window_bits=9")
        );
    }

    #[test]
    fn invalid_offers_are_declined_and_the_next_is_taken() {
        // RFC 7692, 7.1.1.1 to 7.1.2.2.
        for parameters in [
            "; unknown",
            "; server_no_context_takeover=1",
            "; client_no_context_takeover=\"x\"",
            "; server_no_context_takeover; server_no_context_takeover",
            "; server_max_window_bits",
            "; server_max_window_bits=7",
            "; server_max_window_bits=16",
            "; server_max_window_bits=08",
            "; server_max_window_bits=+9",
            "; server_max_window_bits=9; server_max_window_bits=9",
            "; client_max_window_bits=16",
            "; client_max_window_bits=x",
            // Valid, and beyond zlib.
            "; server_max_window_bits=8",
        ] {
            let bad = format!("permessage-deflate{parameters}");
            assert_eq!(answer(&bad, &ROOMY), None, "{bad}");
            let then = format!("{bad}, permessage-deflate; server_max_window_bits=9");
            assert_eq!(answered(&then, &ROOMY), "permessage-deflate; server_max_window_bits=9");
        }
        assert_eq!(answer("x-webkit-deflate-frame, foo; bar=\"baz\"", &ROOMY), None);
        assert_eq!(answer("", &ROOMY), None);
    }

    #[test]
    fn the_grammar_is_that_of_rfc_6455() {
        let spaced = ", permessage-deflate\t; server_max_window_bits = \"1\\0\" ,, foo";
        assert_eq!(answered(spaced, &ROOMY), "permessage-deflate; server_max_window_bits=10");
        for bad in [
            "permessage-deflate;",
            "permessage-deflate; =1",
            "permessage-deflate; a=",
            "permessage-deflate; a=\"b",
            "permessage-deflate; a=\"b c\"",
            "permessage-deflate; a=\"\"",
            "permessage-deflate foo",
            "; a",
            "\"permessage-deflate\"",
        ] {
            assert_eq!(read(bad.as_bytes(), &mut Vec::new()), None, "{bad}");
        }
    }
}
