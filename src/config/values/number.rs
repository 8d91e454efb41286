//! Numbers as text: whole numbers, bytes with a suffix, file modes.
//!
//! Never rounds: `2.0` is no whole number of workers. The rule: text is read with Python's
//! spellings (`0x10`, `1_000`), since the same value may stand in a config file.

use super::complaint::Complaint;
use super::value::Value;

/// File mode bits: owner, group, others.
const MAX_MODE: i64 = 0o777;

/// A whole number from `min` to `max`.
pub fn int(value: &Value, min: i64, max: i64) -> Result<Value, Complaint> {
    let number = match value {
        Value::Int(number) => Some(*number),
        // Python's False and True are 0 and 1, and `timeout = False` is in use.
        Value::Bool(on) => Some(i64::from(*on)),
        Value::Str(text) => parse_int(text.trim()),
        _ => None,
    };
    in_range(number, min, max)
}

fn in_range(number: Option<i64>, min: i64, max: i64) -> Result<Value, Complaint> {
    let number = number
        .ok_or_else(|| Complaint::new("not a whole number", format!("give {min} or more")))?;
    if number < min {
        return Err(Complaint::new(format!("below {min}"), format!("give {min} or more")));
    }
    if number > max {
        return Err(Complaint::new(format!("above {max}"), format!("give at most {max}")));
    }
    Ok(Value::Int(number))
}

/// Python's spellings: `10`, `1_000`, `0x1f`, `0o17`, `0b11`, with a sign.
fn parse_int(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    let is_grouped = digits.split('_').all(|group| !group.is_empty());
    let digits = digits.replace('_', "");
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_grouped || !is_plain {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// Seconds from 0 to `max`: a whole number, or one with a fraction, of which milliseconds count.
pub fn seconds(value: &Value, max: i64) -> Result<Value, Complaint> {
    let number = match value {
        Value::Float(number) => Some(*number),
        Value::Str(text) if text.contains('.') => parse_fraction(text.trim()),
        _ => return int(value, 0, max),
    };
    let number =
        number.ok_or_else(|| Complaint::new("not a number of seconds", "give 0 or more"))?;
    if !(0.0..=max as f64).contains(&number) {
        return Err(Complaint::new(
            format!("not within 0 and {max} seconds"),
            format!("give 0 to {max}"),
        ));
    }
    if number > 0.0 && number < SHORTEST {
        return Err(Complaint::new(
            "below a millisecond",
            format!("give {SHORTEST} or more, or 0"),
        ));
    }
    Ok(Value::Float(number))
}

/// Seconds: what the clocks behind time-outs tell apart.
const SHORTEST: f64 = 0.001;

/// `0.3`, `.5`, `1.`; no exponent, no words (`inf`, `nan`).
fn parse_fraction(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| is_plain)
}

/// A number of bytes from `min` to `max` in steps of `multiple`.
pub fn bytes(value: &Value, min: i64, max: i64, multiple: i64) -> Result<Value, Complaint> {
    let number = match value {
        Value::Int(number) => Some(*number),
        Value::Str(text) => parse_bytes(text.trim()),
        _ => None,
    };
    let Some(number) = number else {
        return Err(Complaint::new(
            "not a number of bytes",
            "give a whole number, with K or M after it or not",
        ));
    };
    if number < min || number > max {
        return Err(Complaint::new(
            format!("not within {min} and {max} bytes"),
            format!("give {}K to {}M", min >> 10, max >> 20),
        ));
    }
    if number % multiple != 0 {
        let above = (number / multiple + 1) * multiple;
        return Err(Complaint::new(
            format!("not a multiple of {multiple} bytes"),
            format!("give {above}, for example"),
        ));
    }
    Ok(Value::Int(number))
}

fn parse_bytes(text: &str) -> Option<i64> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1 << 10),
        b'm' | b'M' => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    parse_int(digits)?.checked_mul(unit)
}

/// File mode bits.
pub fn mode(value: &Value) -> Result<Value, Complaint> {
    let number = match value {
        Value::Int(number) => Some(*number),
        Value::Str(text) => parse_mode(text.trim()),
        _ => None,
    };
    match number {
        Some(number @ 0..=MAX_MODE) => Ok(Value::Int(number)),
        Some(_) => Err(Complaint::new("not within 0 and 0o777", "give octal, such as 0o007")),
        None => Err(Complaint::new("not a file mode", "give octal, such as 0o007")),
    }
}

/// A leading zero alone means octal too, as in chmod and on gunicorn's command line.
fn parse_mode(text: &str) -> Option<i64> {
    let is_octal = text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_octal { i64::from_str_radix(text, 8).ok() } else { parse_int(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> Value {
        Value::Str(text.into())
    }

    fn complaint(read: fn(&Value) -> Result<Value, Complaint>, value: &Value) -> String {
        read(value).unwrap_err().to_string()
    }

    #[test]
    fn whole_numbers_are_read_in_every_python_spelling() {
        let read = |value: &Value| int(value, -20, 2000);
        for (text, number) in [
            ("10", 10),
            (" 10 ", 10),
            ("+1", 1),
            ("-7", -7),
            ("1_000", 1000),
            ("0x1F", 31),
            ("0o17", 15),
            ("0b11", 3),
            ("007", 7),
        ] {
            assert_eq!(read(&text_of(text)).unwrap(), Value::Int(number), "{text}");
        }
        assert_eq!(read(&Value::Bool(false)).unwrap(), Value::Int(0));
    }

    #[test]
    fn what_is_no_whole_number_in_range_is_refused() {
        let read = |value: &Value| int(value, 1, 9);
        for text in ["four", "", "-", "+-1", "1__0", "_1", "1.0", "0x", "1e3", "½", "é"] {
            let message = complaint(read, &text_of(text));
            assert_eq!(message, "not a whole number; give 1 or more", "{text}");
        }
        for value in [Value::None, Value::Float(2.0), Value::List(vec![Value::Int(1)])] {
            assert_eq!(complaint(read, &value), "not a whole number; give 1 or more");
        }
        assert_eq!(complaint(read, &Value::Int(0)), "below 1; give 1 or more");
        assert_eq!(complaint(read, &Value::Int(10)), "above 9; give at most 9");
    }

    #[test]
    fn seconds_may_have_a_fraction() {
        let read = |value: &Value| seconds(value, 10);
        assert_eq!(read(&text_of("7")).unwrap(), Value::Int(7));
        for (text, number) in [("0.3", 0.3), (" .5 ", 0.5), ("10.0", 10.0), ("0.0", 0.0)] {
            assert_eq!(read(&text_of(text)).unwrap(), Value::Float(number), "{text}");
        }
        assert_eq!(read(&Value::Float(1.5)).unwrap(), Value::Float(1.5));
        for text in ["1.2.3", ".", "-0.5", "1.e3", "inf.", "0x1.8"] {
            assert_eq!(complaint(read, &text_of(text)), "not a number of seconds; give 0 or more");
        }
        for number in [-0.5, 10.5, f64::NAN, f64::INFINITY] {
            let message = "not within 0 and 10 seconds; give 0 to 10";
            assert_eq!(complaint(read, &Value::Float(number)), message);
        }
        let message = "below a millisecond; give 0.001 or more, or 0";
        assert_eq!(complaint(read, &Value::Float(0.0001)), message);
        assert_eq!(complaint(read, &text_of("soon")), "not a whole number; give 0 or more");
    }

    #[test]
    fn bytes_take_a_suffix_and_must_be_whole_pages_in_range() {
        let read = |value: &Value| bytes(value, 128 << 10, 1 << 30, 4096);
        for (text, number) in [("256K", 256 << 10), ("8m", 8 << 20), ("131072", 131_072)] {
            assert_eq!(read(&text_of(text)).unwrap(), Value::Int(number));
        }
        for text in ["8G", "M", "", "eight", "9223372036854775807M"] {
            assert!(complaint(read, &text_of(text)).contains("K or M"), "{text}");
        }
        assert!(complaint(read, &text_of("64K")).contains("give 128K to 1024M"));
        assert!(complaint(read, &text_of("2048M")).contains("give 128K to 1024M"));
        assert_eq!(
            complaint(read, &text_of("131073")),
            "not a multiple of 4096 bytes; give 135168, for example"
        );
    }

    #[test]
    fn a_mode_with_a_leading_zero_is_octal() {
        for text in ["022", "0o22", "18"] {
            assert_eq!(mode(&text_of(text)).unwrap(), Value::Int(18), "{text}");
        }
        assert!(complaint(mode, &text_of("089")).contains("not a file mode"));
        assert!(complaint(mode, &text_of("01000")).contains("not within"));
        assert!(complaint(mode, &Value::Int(-1)).contains("not within"));
    }
}
