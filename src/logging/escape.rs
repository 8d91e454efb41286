//! Making foreign text harmless in a log.
//!
//! Two rules: the access log is bytes and knows only printable ASCII; the error log is text, and
//! lets letters of any language through but nothing that moves the cursor or ends a line.

use std::fmt::Write;

/// Appends `bytes` for the access log: control characters, quotes, backslashes and everything
/// beyond ASCII as escapes.
///
/// Beyond ASCII too, because some log readers end a line at U+0085 or U+2028.
pub fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b' '..=b'~' => out.push(byte),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            _ => out.extend([b'\\', b'x', hex(byte >> 4), hex(byte & 15)]),
        }
    }
}

/// Appends `text` for the error log as one line.
pub fn push_line(out: &mut String, text: &str) {
    for character in text.chars() {
        push_char(out, character);
    }
}

/// Appends `text` for the error log with its line ends kept: a traceback.
///
/// A further line that begins like a record (`[`) is moved by one space, so that the message of
/// an exception cannot pass for a record of ours.
pub fn push_lines(out: &mut String, text: &str) {
    for (index, line) in text.trim_end_matches('\n').split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
            if line.starts_with('[') {
                out.push(' ');
            }
        }
        for character in line.chars() {
            match character {
                '\t' => out.push('\t'),
                other => push_char(out, other),
            }
        }
    }
}

fn push_char(out: &mut String, character: char) {
    match character {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // U+2028 and U+2029 end a line for some readers, though they are not control characters.
        other if other.is_control() || matches!(other, '\u{2028}' | '\u{2029}') => {
            let code = u32::from(other);
            // Writing to a String cannot fail.
            let _ = match code {
                0..=0xff => write!(out, "\\x{code:02x}"),
                _ => write!(out, "\\u{code:04x}"),
            };
        }
        other => out.push(other),
    }
}

fn hex(nibble: u8) -> u8 {
    b"0123456789abcdef"[usize::from(nibble & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_printable_ascii() {
        let mut out = Vec::new();
        push_bytes(&mut out, b"a \"b\" \\ \n\r\t\x00\x1b[31m\x7f\xc3\xa9");
        assert_eq!(out, br#"a \"b\" \\ \n\r\t\x00\x1b[31m\x7f\xc3\xa9"#);
    }

    #[test]
    fn a_message_is_one_line() {
        let mut out = String::new();
        push_line(&mut out, "é\n[x]\u{85}\u{2028}\x1b");
        assert_eq!(out, "é\\n[x]\\x85\\u2028\\x1b");
    }

    #[test]
    fn a_traceback_keeps_its_lines_but_forges_no_record() {
        let mut out = String::new();
        push_lines(&mut out, "Traceback:\n\tFile\r\n[2026-01-01] [INFO] ok\n");
        assert_eq!(out, "Traceback:\n\tFile\\r\n [2026-01-01] [INFO] ok");
    }
}
