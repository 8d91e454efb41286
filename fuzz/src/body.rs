//! The rules of a body, written a second time and in another way: by lines of a whole buffer. Which
//! bytes are data and where the body ends must agree with `http`, however the input is cut.

use crate::head::{tchar, vchar};
use crate::http::{BodyDecoder, Framing};

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// Data, and where the body ends.
    Done(Vec<u8>, usize),
    /// More bytes could make it whole: what is data so far.
    Partial(Vec<u8>),
    Malformed,
}

/// Panics where `http` and the model disagree. The first byte chooses the framing and the cut.
pub fn check(input: &[u8]) {
    let Some((choice, data)) = input.split_first() else { return };
    let framing = match choice % 8 {
        0 => Framing::Empty,
        1 => Framing::Length(u64::from(*choice)),
        _ => Framing::Chunked,
    };
    let cut = usize::from(*choice) % (data.len() + 1);
    let expected = model(framing, data);
    for (ends, most) in [
        (vec![data.len()], usize::MAX),
        (vec![cut, data.len()], 3),
        ((0..=data.len()).collect(), 1),
    ] {
        let found = decode(framing, data, &ends, most);
        let agrees = match (&expected, &found) {
            // A fault may be seen before its line is whole.
            (Outcome::Partial(_), Outcome::Malformed) => true,
            _ => expected == found,
        };
        assert!(agrees, "{framing:?} {ends:?}: {expected:?} {found:?} {}", data.escape_ascii());
    }
}

/// As a connection does: bytes arrive up to each of `ends`, what is consumed goes.
fn decode(framing: Framing, bytes: &[u8], ends: &[usize], most: usize) -> Outcome {
    let mut decoder = BodyDecoder::new(framing);
    let (mut data, mut at) = (Vec::new(), 0);
    for end in ends {
        while !decoder.is_done() {
            let Ok(decoded) = decoder.decode(&bytes[at..*end], most) else {
                return Outcome::Malformed;
            };
            assert!(decoded.data.len() <= most && decoded.data.end <= decoded.consumed);
            assert!(decoded.consumed <= end - at, "more than there is");
            data.extend_from_slice(&bytes[at..*end][decoded.data]);
            at += decoded.consumed;
            if decoded.consumed == 0 {
                break;
            }
        }
    }
    if decoder.is_done() { Outcome::Done(data, at) } else { Outcome::Partial(data) }
}

fn model(framing: Framing, bytes: &[u8]) -> Outcome {
    match framing {
        Framing::Empty => Outcome::Done(vec![], 0),
        Framing::Length(length) => match bytes.get(..length as usize) {
            Some(data) => Outcome::Done(data.into(), data.len()),
            None => Outcome::Partial(bytes.into()),
        },
        Framing::Chunked => chunked(bytes),
    }
}

fn chunked(bytes: &[u8]) -> Outcome {
    let (mut data, mut at) = (vec![], 0);
    loop {
        let Some(line) = line(&bytes[at..]) else { return Outcome::Partial(data) };
        let Some(size) = line.strip_suffix(b"\r").and_then(size_of) else {
            return Outcome::Malformed;
        };
        if line.len() > 256 {
            return Outcome::Malformed;
        }
        at += line.len() + 1;
        if size == 0 {
            return trailers(bytes, at, data);
        }
        let left = &bytes[at..];
        if (left.len() as u64) < size {
            data.extend_from_slice(left);
            return Outcome::Partial(data);
        }
        let (chunk, rest) = left.split_at(size as usize);
        data.extend_from_slice(chunk);
        match rest {
            [b'\r', b'\n', ..] => at += chunk.len() + 2,
            [] | [b'\r'] => return Outcome::Partial(data),
            _ => return Outcome::Malformed,
        }
    }
}

fn trailers(bytes: &[u8], start: usize, data: Vec<u8>) -> Outcome {
    let mut at = start;
    loop {
        let Some(line) = line(&bytes[at..]) else { return Outcome::Partial(data) };
        at += line.len() + 1;
        let Some(line) = line.strip_suffix(b"\r") else { return Outcome::Malformed };
        if at - start > 8190 {
            return Outcome::Malformed;
        }
        if line.is_empty() {
            return Outcome::Done(data, at);
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(0);
        let is_good = colon > 0
            && line[..colon].iter().all(|byte| tchar(*byte))
            && line[colon + 1..].iter().all(|byte| vchar(*byte));
        if !is_good {
            return Outcome::Malformed;
        }
    }
}

/// The first line, without its LF.
fn line(bytes: &[u8]) -> Option<&[u8]> {
    Some(&bytes[..bytes.iter().position(|byte| *byte == b'\n')?])
}

/// chunk-size [ chunk-ext ]
fn size_of(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let text = std::str::from_utf8(&line[..digits]).ok()?;
    let size = u64::from_str_radix(text, 16).ok().filter(|_| digits <= 16)?;
    extensions(&line[digits..])?;
    Some(size)
}

/// *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
fn extensions(mut rest: &[u8]) -> Option<()> {
    while !rest.is_empty() {
        rest = token(gap(gap(rest).strip_prefix(b";")?))?;
        if let Some(value) = gap(rest).strip_prefix(b"=") {
            let value = gap(value);
            rest = if value.starts_with(b"\"") { quoted(&value[1..])? } else { token(value)? };
        }
    }
    Some(())
}

fn gap(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|byte| **byte == b' ' || **byte == b'\t').count();
    &bytes[blanks..]
}

fn token(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.iter().take_while(|byte| tchar(**byte)).count();
    (length > 0).then(|| &bytes[length..])
}

/// What follows a string's opening quote and its closing one.
fn quoted(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        match bytes {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', escaped, rest @ ..] if vchar(*escaped) => bytes = rest,
            [b'\\', ..] => return None,
            [byte, rest @ ..] if vchar(*byte) => bytes = rest,
            _ => return None,
        }
    }
}
