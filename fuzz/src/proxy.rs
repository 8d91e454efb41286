//! The rules of the PROXY protocol, written a second time and in another way. What a header says and
//! where it ends must agree with `http`, and no piece of a header may be taken for a request.

use std::net::{IpAddr, SocketAddr};

use crate::http::{Preface, ProxyHeader, ProxyVersions, preface};

/// Panics where `http` and the model disagree. The first byte chooses the versions.
pub fn check(input: &[u8]) {
    let Some((choice, data)) = input.split_first() else { return };
    let versions = ProxyVersions { v1: choice & 1 == 0, v2: choice & 2 == 0 };
    let expected = model(data, versions);
    let found = preface(data, versions).ok();
    assert_eq!(found, expected, "{versions:?} {}", data.escape_ascii());
    if let Some(Preface::Header { len, .. }) = found {
        for end in 0..len {
            let partial = preface(&data[..end], versions);
            assert_eq!(partial, Ok(Preface::Partial), "{end} of {}", data.escape_ascii());
        }
    }
}

/// `None`: malformed.
fn model(data: &[u8], versions: ProxyVersions) -> Option<Preface> {
    let signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
    let starts = [(versions.v1, &b"PROXY "[..]), (versions.v2, &signature[..])];
    let mut is_prefix = false;
    for (_, start) in starts.iter().filter(|(is_on, _)| *is_on) {
        let common = data.iter().zip(*start).take_while(|(a, b)| a == b).count();
        if common == start.len() {
            return if start.len() == 6 { text(data) } else { binary(data) };
        }
        is_prefix |= common == data.len();
    }
    Some(if is_prefix { Preface::Partial } else { Preface::Absent })
}

fn text(data: &[u8]) -> Option<Preface> {
    let Some(lf) = data.iter().position(|byte| *byte == b'\n') else {
        return (data.len() < 107).then_some(Preface::Partial);
    };
    let len = lf + 1;
    let line = std::str::from_utf8(data[..lf].strip_suffix(b"\r")?).ok()?;
    if len > 107 {
        return None;
    }
    let words: Vec<&str> = line.split(' ').collect();
    let header = match words[1..] {
        ["UNKNOWN", ..] => ProxyHeader::Unknown,
        [family @ ("TCP4" | "TCP6"), client, proxy, client_port, proxy_port] => {
            let end = |ip: &str, port: &str| {
                let ip: IpAddr = ip.parse().ok()?;
                let number: u16 = port.parse().ok()?;
                let is_plain = number.to_string() == port;
                let is_family = ip.is_ipv4() == (family == "TCP4");
                (is_plain && is_family).then(|| SocketAddr::new(ip, number))
            };
            ProxyHeader::Tcp { client: end(client, client_port)?, proxy: end(proxy, proxy_port)? }
        }
        _ => return None,
    };
    Some(Preface::Header { len, header })
}

fn binary(data: &[u8]) -> Option<Preface> {
    if data.len() < 16 {
        return Some(Preface::Partial);
    }
    let length = usize::from(data[14]) * 256 + usize::from(data[15]);
    if ![0x20, 0x21].contains(&data[12]) || length > 4096 {
        return None;
    }
    let len = 16 + length;
    if data.len() < len {
        return Some(Preface::Partial);
    }
    let port = |at: usize| u16::from(data[at]) * 256 + u16::from(data[at + 1]);
    let four = |at: usize| IpAddr::from([data[at], data[at + 1], data[at + 2], data[at + 3]]);
    let six = |at: usize| {
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&data[at..at + 16]);
        IpAddr::from(bytes)
    };
    let header = match (data[12], data[13], length) {
        (0x20, ..) => ProxyHeader::Local,
        (_, 0x00, _) | (_, 0x31, 216..) => ProxyHeader::Unknown,
        (_, 0x11, 12..) => ProxyHeader::Tcp {
            client: SocketAddr::new(four(16), port(24)),
            proxy: SocketAddr::new(four(20), port(26)),
        },
        (_, 0x21, 36..) => ProxyHeader::Tcp {
            client: SocketAddr::new(six(16), port(48)),
            proxy: SocketAddr::new(six(32), port(50)),
        },
        _ => return None,
    };
    Some(Preface::Header { len, header })
}
