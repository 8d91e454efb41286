//! The grammar of `uri-host [ ":" port ]` (RFC 9110, 7.2; RFC 3986, 3.2.2).

use std::net::Ipv6Addr;

/// Whether `authority` is a host with an optional port. An empty host is allowed, as in a Host
/// field of a request for a URI without authority; user information is not.
pub(super) fn is_valid(authority: &[u8]) -> bool {
    let (host, port) = split_port(authority);
    port.iter().all(u8::is_ascii_digit) && port.len() <= PORT_DIGITS && is_valid_host(host)
}

/// The host of `authority`, without the port.
pub(super) fn host(authority: &[u8]) -> &[u8] {
    split_port(authority).0
}

fn split_port(authority: &[u8]) -> (&[u8], &[u8]) {
    let after_literal = authority.iter().rposition(|&byte| byte == b']').map_or(0, |at| at + 1);
    match authority[after_literal..].iter().position(|&byte| byte == b':') {
        Some(colon) => {
            (&authority[..after_literal + colon], &authority[after_literal + colon + 1..])
        }
        None => (authority, b""),
    }
}

fn is_valid_host(host: &[u8]) -> bool {
    if let [b'[', literal @ .., b']'] = host {
        return str::from_utf8(literal).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok());
    }
    let mut rest = host;
    while let [byte, tail @ ..] = rest {
        rest = match tail {
            [high, low, tail @ ..]
                if *byte == b'%' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                tail
            }
            _ if is_name_byte(*byte) => tail,
            _ => return false,
        };
    }
    true
}

/// unreserved or sub-delims of RFC 3986.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

/// The digits of 65535.
const PORT_DIGITS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_an_optional_port() {
        for good in ["", "x", "example.com:8000", "a_b", "[::1]", "[::1]:80", "1.2.3.4:", "a%2db"] {
            assert!(is_valid(good.as_bytes()), "{good}");
        }
        for bad in [
            "a b", "a/b", "u@h", "a:b", "a:1:2", "::1", "[::1", "[x]", "[::1]x", "a%2", "a%zz",
            "a\\b", "a?b", "a#b", "a:123456", "h\u{e9}", "a[::1]", "a,b c", "<a>",
        ] {
            assert!(!is_valid(bad.as_bytes()), "{bad}");
        }
    }
}
