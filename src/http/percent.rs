//! Percent-decoding of a path (RFC 3986, 2.1), for PATH_INFO.

use std::borrow::Cow;

/// Decodes each `%XX` of `path` once; what is not two hex digits stays as it is.
///
/// The result is bytes: which characters they are is the application's to say.
pub fn decode(path: &str) -> Cow<'_, [u8]> {
    let bytes = path.as_bytes();
    let Some(first) = bytes.iter().position(|&byte| byte == b'%') else {
        return Cow::Borrowed(bytes);
    };
    let mut decoded = Vec::with_capacity(bytes.len());
    decoded.extend_from_slice(&bytes[..first]);
    let mut rest = &bytes[first..];
    while let [byte, tail @ ..] = rest {
        if let Some(value) = escaped(rest) {
            decoded.push(value);
            rest = &rest[ESCAPE_LEN..];
        } else {
            decoded.push(*byte);
            rest = tail;
        }
    }
    Cow::Owned(decoded)
}

fn escaped(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    Some(digit(*high)? << 4 | digit(*low)?)
}

/// The length of `%XX`.
const ESCAPE_LEN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_once() {
        assert_eq!(&*decode("/a%20b%2F%c3%A9"), b"/a b/\xc3\xa9");
        assert_eq!(&*decode("%2541"), b"%41");
        assert_eq!(&*decode("/%00%0a"), b"/\0\n");
    }

    #[test]
    fn malformed_escapes_stay() {
        for path in ["%", "%4", "%zz", "%4g", "/%", "a%%", "%+1", "100%"] {
            assert_eq!(&*decode(path), path.as_bytes());
        }
        assert_eq!(&*decode("%%41"), b"%A");
    }

    #[test]
    fn a_plain_path_is_borrowed() {
        assert!(matches!(decode("/plain"), Cow::Borrowed(b"/plain")));
    }
}
