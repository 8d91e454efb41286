//! The byte classes of RFC 9110 and the comma list, which several rules share.
//!
//! Tables hold data only; a class is looked up, never spelled out a second time.

/// tchar (RFC 9110, 5.6.2): what methods, field names and chunk extensions are made of.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// A byte of a field value: HTAB, SP, VCHAR or obs-text (RFC 9110, 5.5). No control byte.
pub(super) fn is_field_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// One or more token bytes.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

/// The elements of a comma list without the white space around them; empty ones are passed over,
/// as RFC 9110, 5.6.1.2 demands of a recipient.
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// `bytes` without the optional white space (SP, HTAB) at both ends.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// A decimal number of digits only; `None` when it is anything else or does not fit in 64 bits.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    // str's parse takes a sign, which RFC 9110, 8.6 does not.
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_no_separator_and_no_control_byte() {
        assert!(is_token(b"X-Forwarded-For"));
        for bad in [&b""[..], b"a b", b"a:", b"a\t", b"\"a\"", b"a\x7f", b"\xe9", b"a(", b"a@"] {
            assert!(!is_token(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_list_is_split_at_commas_and_trimmed() {
        let found: Vec<_> = elements(b" close\t, TE,, ,x ").collect();
        assert_eq!(found, [&b"close"[..], b"TE", b"x"]);
    }

    #[test]
    fn a_number_is_digits_that_fit() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in [&b""[..], b"18446744073709551616", b"+1", b"-1", b"1 ", b"0x1", b"1_0"] {
            assert_eq!(decimal(bad), None, "{bad:?}");
        }
    }
}
