//! UTF-8 of text that comes in pieces (RFC 6455, 8.1; RFC 3629).
//!
//! A fault is seen with the first byte that cannot stand where it stands, be the message, or the frame,
//! whole or not. The standard library does the work: its fast path for ASCII needs no crate.

use super::failure::Failure;

/// Checks what has been added to `text` since `checked` bytes of it were found to be whole characters;
/// the beginning of a character at its end may still become one.
pub(super) fn check(text: &[u8], checked: &mut usize) -> Result<(), Failure> {
    match std::str::from_utf8(&text[*checked..]) {
        Ok(whole) => *checked += whole.len(),
        Err(error) if error.error_len().is_none() => *checked += error.valid_up_to(),
        Err(_) => return Err(INVALID),
    }
    Ok(())
}

/// Checks that `text`, of which `checked` bytes are whole characters, may end here.
pub(super) fn check_end(text: &[u8], checked: usize) -> Result<(), Failure> {
    if checked == text.len() { Ok(()) } else { Err(INVALID) }
}

const INVALID: Failure = Failure::invalid("the text is not UTF-8");

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes are taken before the text is refused; `None`: it is never.
    fn refused_after(text: &[u8]) -> Option<usize> {
        let mut checked = 0;
        let fault = (0..=text.len()).find(|end| check(&text[..*end], &mut checked).is_err());
        fault.or_else(|| check_end(text, checked).err().map(|_| text.len()))
    }

    #[test]
    fn characters_may_be_split_anywhere() {
        let text = "κόσμε \u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}";
        assert_eq!(refused_after(text.as_bytes()), None);
    }

    #[test]
    fn a_fault_is_seen_with_its_first_byte() {
        // RFC 3629, 3 and 10: overlong forms, surrogates, above U+10FFFF, stray and missing bytes.
        for (text, after) in [
            (&b"a\x80"[..], 2),
            (b"\xc0", 1),
            (b"\xc1\x81", 1),
            (b"\xe0\x80\x80", 2),
            (b"\xed\xa0\x80", 2),
            (b"\xf0\x80\x80\x80", 2),
            (b"\xf4\x90\x80\x80", 2),
            (b"\xf5", 1),
            (b"\xff", 1),
            (b"\xce\xbaa\xe1\xbd", 5),
            (b"\xe1\xbda", 3),
        ] {
            assert_eq!(refused_after(text), Some(after), "{}", text.escape_ascii());
        }
    }
}
