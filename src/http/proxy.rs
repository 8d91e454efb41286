//! The PROXY protocol, by which a proxy that does not speak HTTP says who its client is
//! (haproxy's proxy-protocol.txt, versions 1 and 2).
//!
//! ```text
//! v1: PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 CRLF
//! v2: 12 bytes of signature | version, command | family, transport | length | addresses, TLVs
//! ```
//!
//! It stands before the first request of a connection, once. Whom to believe is the caller's to
//! know. A header is told from a request by its first bytes, so that both can come to one port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::bytes::decimal;
use super::error::{HttpError, quote};

/// Which versions are looked for; neither: nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProxyVersions {
    /// The line of text.
    pub v1: bool,
    /// The binary header.
    pub v2: bool,
}

impl ProxyVersions {
    /// Whether a header is looked for at all.
    pub fn any(self) -> bool {
        self.v1 || self.v2
    }
}

/// What stands at the start of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preface {
    /// Too few bytes to tell, or a header that has not come whole.
    Partial,
    /// Something else: a request.
    Absent,
    /// A header.
    Header {
        /// Its length in bytes.
        len: usize,
        /// What it says.
        header: ProxyHeader,
    },
}

/// What a PROXY header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// The connection is the proxy's own, such as a health check (v2 LOCAL).
    Local,
    /// The proxy does not know or does not say (v1 UNKNOWN, v2 UNSPEC and unix sockets).
    Unknown,
    /// Both ends of the client's connection with the proxy.
    Tcp {
        /// The client.
        client: SocketAddr,
        /// The proxy, as the client sees it.
        proxy: SocketAddr,
    },
}

impl ProxyHeader {
    /// As `PROXY_PROTOCOL` names it.
    pub fn name(&self) -> &'static str {
        match self {
            ProxyHeader::Local => "LOCAL",
            ProxyHeader::Unknown => "UNSPEC",
            ProxyHeader::Tcp { client: SocketAddr::V4(_), .. } => "TCP4",
            ProxyHeader::Tcp { client: SocketAddr::V6(_), .. } => "TCP6",
        }
    }
}

/// Looks for a header at the start of `buf`, the first bytes of a connection.
///
/// # Errors
///
/// 400 for one that is malformed.
pub fn preface(buf: &[u8], versions: ProxyVersions) -> Result<Preface, HttpError> {
    let begins = |start: &[u8]| buf.starts_with(start);
    if versions.v2 && begins(SIGNATURE) {
        return binary(buf);
    }
    if versions.v1 && begins(V1_START) {
        return text(buf);
    }
    let may_become = |start: &[u8]| buf.len() < start.len() && start.starts_with(buf);
    if (versions.v2 && may_become(SIGNATURE)) || (versions.v1 && may_become(V1_START)) {
        return Ok(Preface::Partial);
    }
    Ok(Preface::Absent)
}

/// Section 2.1: one line, of at most 107 bytes.
fn text(buf: &[u8]) -> Result<Preface, HttpError> {
    let window = &buf[..buf.len().min(V1_MAX)];
    let Some(end) = window.iter().position(|&byte| byte == b'\n') else {
        if buf.len() < V1_MAX {
            return Ok(Preface::Partial);
        }
        return Err(malformed(window));
    };
    let line = &window[..end];
    let header = line.strip_suffix(b"\r").and_then(text_header).ok_or_else(|| malformed(line))?;
    Ok(Preface::Header { len: end + 1, header })
}

fn text_header(line: &[u8]) -> Option<ProxyHeader> {
    let line = str::from_utf8(line.strip_prefix(V1_START)?).ok()?;
    // gunicorn: refuses it. 2.1: the receiver must ignore whatever follows.
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        return Some(ProxyHeader::Unknown);
    }
    let mut words = line.split(' ');
    let family = words.next()?;
    let (client, proxy) = (words.next()?, words.next()?);
    let (client_port, proxy_port) = (port(words.next()?)?, port(words.next()?)?);
    if words.next().is_some() {
        return None;
    }
    let (client, proxy): (IpAddr, IpAddr) = match family {
        "TCP4" => (client.parse::<Ipv4Addr>().ok()?.into(), proxy.parse::<Ipv4Addr>().ok()?.into()),
        "TCP6" => (client.parse::<Ipv6Addr>().ok()?.into(), proxy.parse::<Ipv6Addr>().ok()?.into()),
        _ => return None,
    };
    Some(ProxyHeader::Tcp {
        client: SocketAddr::new(client, client_port),
        proxy: SocketAddr::new(proxy, proxy_port),
    })
}

/// 2.1: decimal without heading zeroes.
fn port(digits: &str) -> Option<u16> {
    let has_heading_zero = digits.len() > 1 && digits.starts_with('0');
    decimal(digits.as_bytes()).filter(|_| !has_heading_zero)?.try_into().ok()
}

/// Section 2.2.
fn binary(buf: &[u8]) -> Result<Preface, HttpError> {
    let Some(&[version_command, family, high, low]) = buf[SIGNATURE.len()..].first_chunk() else {
        return Ok(Preface::Partial);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    // What is wrong already is told before the rest has come.
    if version_command >> 4 != 2 || version_command & 0xf > 1 || length > V2_LENGTH_MAX {
        return Err(malformed(&buf[..V2_FIXED]));
    }
    let len = V2_FIXED + length;
    let Some(body) = buf.get(V2_FIXED..len) else { return Ok(Preface::Partial) };
    if version_command & 0xf == 0 {
        return Ok(Preface::Header { len, header: ProxyHeader::Local });
    }
    let header = match family {
        // UNSPEC, and unix streams: no address that an environ could hold.
        0x00 => Some(ProxyHeader::Unknown),
        0x31 if length >= 216 => Some(ProxyHeader::Unknown),
        0x11 => tcp::<4>(body),
        0x21 => tcp::<16>(body),
        _ => None,
    };
    let header = header.ok_or_else(|| malformed(&buf[..V2_FIXED]))?;
    Ok(Preface::Header { len, header })
}

/// Two addresses of `LEN` bytes, two ports; what follows (TLVs) is passed over.
fn tcp<const LEN: usize>(body: &[u8]) -> Option<ProxyHeader>
where
    [u8; LEN]: Into<IpAddr>,
{
    let (client, rest) = body.split_first_chunk::<LEN>()?;
    let (proxy, rest) = rest.split_first_chunk::<LEN>()?;
    let (client_port, rest) = rest.split_first_chunk()?;
    let proxy_port = rest.first_chunk()?;
    Some(ProxyHeader::Tcp {
        client: SocketAddr::new((*client).into(), u16::from_be_bytes(*client_port)),
        proxy: SocketAddr::new((*proxy).into(), u16::from_be_bytes(*proxy_port)),
    })
}

fn malformed(start: &[u8]) -> HttpError {
    HttpError::bad("proxy-header", format!("\"{}\" is no PROXY header.", quote(start)))
}

impl HttpError {
    /// 403: a PROXY header of a peer that is not in `proxy_allow_ips`.
    pub fn proxy_forbidden() -> Self {
        HttpError::new(403, "proxy-forbidden", "The PROXY protocol is not for this peer.")
    }
}

const V1_START: &[u8] = b"PROXY ";
/// The longest line with its CRLF (2.1).
const V1_MAX: usize = 107;
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version, command, family, transport and length.
const V2_FIXED: usize = 16;
/// What follows it at most. The format allows 65,535; 4 KiB, as in nginx, hold two unix paths and
/// any TLVs in use, and bound what a connection can make us hold.
const V2_LENGTH_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const AUTO: ProxyVersions = ProxyVersions { v1: true, v2: true };

    /// The outcome for `bytes`, the same in every cut: each shorter piece must be partial.
    fn outcome(bytes: &[u8]) -> Result<Preface, &'static str> {
        let whole = preface(bytes, AUTO).map_err(|error| error.rule);
        let is_header = matches!(whole, Ok(Preface::Header { .. }));
        for end in 0..bytes.len() {
            let found = preface(&bytes[..end], AUTO).map_err(|error| error.rule);
            let is_early = !is_header && found == whole;
            assert!(found == Ok(Preface::Partial) || is_early, "{end}: {found:?}");
        }
        whole
    }

    fn tcp_header(client: &str, proxy: &str) -> ProxyHeader {
        ProxyHeader::Tcp { client: client.parse().unwrap(), proxy: proxy.parse().unwrap() }
    }

    fn v2(version_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[version_command, family], &length, body].concat()
    }

    fn header(bytes: &[u8]) -> ProxyHeader {
        match outcome(bytes) {
            Ok(Preface::Header { len, header }) if len == bytes.len() => header,
            other => panic!("{}: {other:?}", bytes.escape_ascii()),
        }
    }

    #[test]
    fn version_1_is_a_line() {
        let four = header(b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n");
        assert_eq!((four, four.name()), (tcp_header("192.0.2.1:56324", "192.0.2.2:443"), "TCP4"));
        let six = header(b"PROXY TCP6 2001:db8::1 ::1 0 65535\r\n");
        assert_eq!((six, six.name()), (tcp_header("[2001:db8::1]:0", "[::1]:65535"), "TCP6"));
        assert_eq!(header(b"PROXY UNKNOWN\r\n"), ProxyHeader::Unknown);
        assert_eq!(header(b"PROXY UNKNOWN ffff:f::1 junk\r\n"), ProxyHeader::Unknown);
    }

    #[test]
    fn what_is_no_version_1_line_is_refused() {
        for line in [
            "TCP4 1.2.3.4 1.2.3.4 1 2 3",
            "TCP4 1.2.3.4 1.2.3.4 1",
            "TCP4 1.2.3.4  1.2.3.4 1 2",
            "TCP4 ::1 ::1 1 2",
            "TCP6 1.2.3.4 1.2.3.4 1 2",
            "TCP4 1.2.3 1.2.3.4 1 2",
            "TCP4 1.2.3.4 1.2.3.4 65536 2",
            "TCP4 1.2.3.4 1.2.3.4 +1 2",
            "TCP4 1.2.3.4 1.2.3.4 01 2",
            "UDP4 1.2.3.4 1.2.3.4 1 2",
            "tcp4 1.2.3.4 1.2.3.4 1 2",
            "UNKNOWNX",
            "",
        ] {
            let bytes = format!("PROXY {line}\r\n");
            assert_eq!(outcome(bytes.as_bytes()), Err("proxy-header"), "{line}");
        }
        assert_eq!(outcome(b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"), Err("proxy-header"));
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(92));
        assert_eq!(preface(long.as_bytes(), AUTO).map_err(|e| e.rule), Err("proxy-header"));
    }

    #[test]
    fn version_2_is_binary() {
        let four = v2(0x21, 0x11, &[192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 4, 1, 0xbb]);
        assert_eq!(header(&four), tcp_header("192.0.2.1:56324", "192.0.2.2:443"));
        let mut body = [0; 40];
        (body[15], body[31], body[33], body[35]) = (1, 2, 3, 4);
        assert_eq!(header(&v2(0x21, 0x21, &body)), tcp_header("[::1]:3", "[::2]:4"));
        assert_eq!(header(&v2(0x20, 0x00, b"")), ProxyHeader::Local);
        assert_eq!(header(&v2(0x20, 0x11, b"anything")), ProxyHeader::Local);
        assert_eq!(header(&v2(0x21, 0x00, b"tlv")), ProxyHeader::Unknown);
        assert_eq!(header(&v2(0x21, 0x31, &[0; 216])), ProxyHeader::Unknown);
    }

    #[test]
    fn what_is_no_version_2_header_is_refused() {
        for bytes in [
            v2(0x11, 0x11, &[0; 12]),
            v2(0x22, 0x11, &[0; 12]),
            v2(0x21, 0x12, &[0; 12]),
            v2(0x21, 0x11, &[0; 11]),
            v2(0x21, 0x21, &[0; 35]),
            v2(0x21, 0x31, &[0; 215]),
            v2(0x21, 0x41, &[0; 40]),
            v2(0x21, 0x11, &[0; 4097]),
        ] {
            let found = preface(&bytes, AUTO).map_err(|error| error.rule);
            assert_eq!(found, Err("proxy-header"), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_request_is_no_header() {
        for bytes in [&b"GET / HTTP/1.1\r\n"[..], b"PROXYX", b"\r\nGET", b"\r\n\r\n\0x", b"PUT"] {
            assert_eq!(preface(bytes, AUTO), Ok(Preface::Absent), "{}", bytes.escape_ascii());
        }
        assert_eq!(preface(b"P", AUTO), Ok(Preface::Partial));
        assert_eq!(preface(b"", AUTO), Ok(Preface::Partial));
    }

    #[test]
    fn only_the_versions_asked_for_are_looked_for() {
        let (v1, v2) = (b"PROXY UNKNOWN\r\n", v2(0x20, 0, b""));
        let only_1 = ProxyVersions { v1: true, v2: false };
        let only_2 = ProxyVersions { v1: false, v2: true };
        assert_eq!(preface(v1, only_2), Ok(Preface::Absent));
        assert_eq!(preface(&v2, only_1), Ok(Preface::Absent));
        assert!(matches!(preface(v1, only_1), Ok(Preface::Header { .. })));
        assert!(matches!(preface(&v2, only_2), Ok(Preface::Header { .. })));
        assert_eq!(preface(b"P", ProxyVersions::default()), Ok(Preface::Absent));
    }

    #[test]
    fn the_request_behind_it_stays() {
        let found = preface(b"PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n", AUTO);
        assert_eq!(found, Ok(Preface::Header { len: 15, header: ProxyHeader::Unknown }));
    }
}
