//! The user's name in an `Authorization: Basic` header, for the access log only.
//!
//! It is what the client claims; nobody has checked the password.

/// The name, or `None` when the header is of another kind or malformed.
#[must_use]
pub fn user_of(header: &[u8]) -> Option<Vec<u8>> {
    let (scheme, token) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let mut decoded = decode(token.trim_ascii())?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    decoded.truncate(colon);
    Some(decoded)
}

/// Base64 (RFC 4648, section 4); padding may be missing.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_suffix(b"==").or(text.strip_suffix(b"=")).unwrap_or(text);
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        let mut bits = 0u32;
        for &letter in group {
            bits = bits << 6 | u32::from(value_of(letter)?);
        }
        match group.len() {
            4 => out.extend(&bits.to_be_bytes()[1..]),
            3 => out.extend(&(bits >> 2).to_be_bytes()[2..]),
            2 => out.push((bits >> 4) as u8),
            _ => return None,
        }
    }
    Some(out)
}

fn value_of(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_ends_at_the_first_colon() {
        assert_eq!(user_of(b"Basic YWxpY2U6cGE6c3M="), Some(b"alice".to_vec()));
        assert_eq!(user_of(b"basic  YWxpY2U6"), Some(b"alice".to_vec()));
    }

    #[test]
    fn anything_else_is_nobody() {
        for header in [&b"Bearer abc"[..], b"Basic", b"Basic !!!!", b"Basic YWxpY2U", b"Basic YQA:"]
        {
            assert_eq!(user_of(header), None);
        }
    }
}
