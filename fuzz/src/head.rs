//! The rules of a request head, written a second time and in another way: the head is split into
//! lines and each line judged alone. What is served, and how its body is framed, must agree with
//! `http` for every input and however the input is cut.

use crate::http::{Framing, Limits, Version, parse, scan};

const LIMITS: Limits = Limits { line: 60, fields: 8, field_size: 60 };

/// What the rules say of a whole head.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    len: usize,
    method: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    authority: Option<Vec<u8>>,
    version: Version,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    framing: Framing,
    keep_alive: bool,
    expects_continue: bool,
}

/// Panics where `http` and the model disagree about `data`.
pub fn check(data: &[u8]) {
    let expected = model(data);
    let found = whole(data);
    assert_eq!(found, expected, "whole: {}", data.escape_ascii());
    // In two pieces, cut where the input says; and byte by byte, if that is quick.
    let cut = data.first().map_or(0, |byte| usize::from(*byte) % (data.len() + 1));
    let ends = if data.len() <= 200 { (0..=data.len()).collect() } else { vec![cut, data.len()] };
    for pieces in [&[cut, data.len()][..], &ends] {
        let mut scanned = 0;
        let found =
            pieces.iter().find_map(|end| match scan(&data[..*end], &mut scanned, &LIMITS) {
                Ok(None) => None,
                Ok(Some(len)) => Some(Some(len)),
                Err(_) => Some(None),
            });
        let served = found.flatten().and_then(|len| whole(&data[..len]));
        assert_eq!(served, expected, "cut {pieces:?}: {}", data.escape_ascii());
    }
}

/// What `http` makes of `data`; `None`: it is refused, or not whole.
fn whole(data: &[u8]) -> Option<Verdict> {
    let len = scan(data, &mut 0, &LIMITS).ok()??;
    let head = parse(&data[..len], &LIMITS).ok()?;
    Some(Verdict {
        len,
        method: head.method.into(),
        path: head.target.path.into(),
        query: head.target.query.into(),
        authority: head.target.authority.map(Into::into),
        version: head.version,
        fields: head.fields.iter().map(|f| (f.name.into(), f.value.to_vec())).collect(),
        framing: head.framing,
        keep_alive: head.keep_alive,
        expects_continue: head.expects_continue,
    })
}

fn model(data: &[u8]) -> Option<Verdict> {
    let skipped = if data.starts_with(b"\r\n") { 2 } else { 0 };
    let rest = &data[skipped..];
    let end = rest.windows(4).position(|window| window == b"\r\n\r\n")?;
    let mut lines = split_crlf(&rest[..end]);
    if lines.iter().any(|line| line.contains(&b'\r') || line.contains(&b'\n')) {
        return None;
    }
    let first = lines.remove(0);
    let words: Vec<&[u8]> = first.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words[..] else { return None };
    let version = match version {
        b"HTTP/1.0" => Version::Http10,
        b"HTTP/1.1" => Version::Http11,
        _ => return None,
    };
    let is_method = |b: &u8| tchar(*b) && !b.is_ascii_lowercase() && *b != b'#';
    if first.len() > LIMITS.line
        || !(3..=20).contains(&method.len())
        || !method.iter().all(is_method)
        || !target.iter().all(|byte| (0x21..0x7f).contains(byte))
    {
        return None;
    }
    let (path, query, authority) = split_target(method, target)?;
    let ends = "\r\n".len();
    if lines.len() > LIMITS.fields || lines.iter().any(|line| line.len() + ends > LIMITS.field_size)
    {
        return None;
    }
    let fields: Vec<_> = lines.into_iter().map(field).collect::<Option<_>>()?;
    let of = |name: &str| -> Vec<&[u8]> {
        let named = fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()));
        named.map(|(_, value)| &value[..]).collect()
    };
    match of("host")[..] {
        [] if version == Version::Http10 => {}
        [host] if is_authority(host) => {}
        _ => return None,
    }
    if of("content-type").len() > 1 {
        return None;
    }
    let framing = framing(version, &of("content-length"), &of("transfer-encoding"))?;
    let listed = |name: &str| list(&of(name));
    let expectations = listed("expect");
    let is_continue = |e: &Vec<u8>| e == b"100-continue";
    let is_new = version == Version::Http11;
    if is_new && !expectations.iter().all(is_continue) {
        return None;
    }
    let options = listed("connection");
    let says = |option: &str| options.iter().any(|o| o == option.as_bytes());
    Some(Verdict {
        len: skipped + end + 4,
        method: method.into(),
        path,
        query,
        authority,
        version,
        framing,
        keep_alive: !says("close") && (is_new || says("keep-alive")),
        expects_continue: is_new
            && expectations.iter().any(is_continue)
            && !matches!(framing, Framing::Empty | Framing::Length(0)),
        fields,
    })
}

fn split_crlf(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = vec![];
    let mut rest = bytes;
    while let Some(at) = rest.windows(2).position(|window| window == b"\r\n") {
        lines.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    lines.push(rest);
    lines
}

pub fn tchar(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte)
}

pub fn vchar(byte: u8) -> bool {
    byte == 9 || !byte.is_ascii_control()
}

type Parts = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);

fn split_target(method: &[u8], target: &[u8]) -> Option<Parts> {
    if method == b"CONNECT" || target.contains(&b'#') {
        return None;
    }
    if method == b"OPTIONS" && target == b"*" {
        return Some((target.into(), vec![], None));
    }
    let text = std::str::from_utf8(target).ok()?;
    let (authority, rest) = if text.starts_with('/') {
        (None, text)
    } else {
        let lower = text.to_lowercase();
        let start = ["http://", "https://"].iter().find(|s| lower.starts_with(**s))?.len();
        let at = text[start..].find(['/', '?']).map_or(text.len(), |at| start + at);
        let authority = &text[start..at];
        let is_hostless = authority.is_empty() || authority.starts_with(':');
        if is_hostless || !is_authority(authority.as_bytes()) {
            return None;
        }
        (Some(authority.into()), &text[at..])
    };
    let mut halves = rest.splitn(2, '?');
    let path = halves.next().filter(|path| !path.is_empty()).unwrap_or("/");
    Some((path.into(), halves.next().unwrap_or("").into(), authority))
}

fn is_authority(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let (host, port) = match text.strip_prefix('[') {
        Some(literal) => {
            let Some((address, tail)) = literal.split_once(']') else { return false };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            match tail {
                "" => ("", ""),
                _ => match tail.strip_prefix(':') {
                    Some(port) => ("", port),
                    None => return false,
                },
            }
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let is_port = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    let mut escapes = host.split('%');
    let is_plain =
        |s: &str| s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&b));
    let begins_well = escapes.next().is_some_and(is_plain);
    let escapes_well = escapes.all(|s| {
        s.len() >= 2 && s.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit) && is_plain(&s[2..])
    });
    is_port && begins_well && escapes_well
}

fn field(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_good =
        !name.is_empty() && name.iter().all(|b| tchar(*b)) && value.iter().all(|b| vchar(*b));
    is_good.then(|| (name.to_vec(), trim(value).to_vec()))
}

fn trim(value: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| *byte != b' ' && *byte != b'\t';
    let Some(start) = value.iter().position(is_text) else { return b"" };
    let end = value.iter().rposition(is_text).unwrap_or(start);
    &value[start..=end]
}

/// All elements of all fields of a name, in small letters.
fn list(values: &[&[u8]]) -> Vec<Vec<u8>> {
    let joined = values.join(&b","[..]);
    let elements = joined.split(|byte| *byte == b',').map(trim).filter(|e| !e.is_empty());
    elements.map(<[u8]>::to_ascii_lowercase).collect()
}

fn framing(version: Version, lengths: &[&[u8]], codings: &[&[u8]]) -> Option<Framing> {
    match (lengths, codings) {
        ([], []) => Some(Framing::Empty),
        ([length], []) => {
            let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
            let text = std::str::from_utf8(length).ok().filter(|_| is_number)?;
            let digits = text.trim_start_matches('0');
            let number = if digits.is_empty() { 0 } else { digits.parse().ok()? };
            Some(Framing::Length(number))
        }
        ([], codings) if version == Version::Http11 => {
            (list(codings) == [b"chunked".to_vec()]).then_some(Framing::Chunked)
        }
        _ => None,
    }
}
