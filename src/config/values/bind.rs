//! An address to listen on, as a word of the configuration.
//!
//! Never resolves a name and never opens a socket. The rule: what is printed by `Display` is what
//! gunicorn prints in its log (`http://127.0.0.1:8000`), not what `parse` reads.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use super::complaint::Complaint;

/// The port when an address names none.
const DEFAULT_PORT: u16 = 8000;
/// Longest path of a unix socket in bytes: `sun_path` has 108 with its final zero, unix(7).
const MAX_UNIX_PATH_BYTES: usize = 107;

const FORMS: &str = "give HOST, HOST:PORT, [IPV6]:PORT, unix:PATH, unix:@NAME or fd://N";

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Bind {
    /// A TCP address; the host may be a name.
    Tcp {
        /// In lower case; IPv6 without brackets.
        host: String,
        /// 0 lets the kernel choose.
        port: u16,
    },
    /// A unix socket with a file.
    Unix(PathBuf),
    /// A unix socket in Linux's abstract namespace, without the `@`.
    Abstract(String),
    /// A socket that was inherited already open.
    Fd(i32),
}

impl Bind {
    /// Reads one address.
    pub fn parse(text: &str) -> Result<Bind, Complaint> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            return parse_unix(path.strip_prefix("//").unwrap_or(path));
        }
        if let Some(number) = text.strip_prefix("fd://") {
            return parse_fd(number);
        }
        parse_tcp(text.strip_prefix("tcp://").unwrap_or(text))
    }
}

fn parse_unix(path: &str) -> Result<Bind, Complaint> {
    let (name, is_abstract) = match path.strip_prefix('@') {
        Some(name) => (name, true),
        None => (path, false),
    };
    if name.is_empty() {
        return Err(Complaint::new("no path after unix:", "give unix:PATH or unix:@NAME"));
    }
    if path.len() > MAX_UNIX_PATH_BYTES {
        return Err(Complaint::new(
            format!("a path of {} bytes", path.len()),
            format!("give at most {MAX_UNIX_PATH_BYTES}, the system's limit for unix sockets"),
        ));
    }
    Ok(if is_abstract { Bind::Abstract(name.into()) } else { Bind::Unix(name.into()) })
}

fn parse_fd(number: &str) -> Result<Bind, Complaint> {
    match number.parse::<i32>() {
        Ok(fd) if fd >= 0 => Ok(Bind::Fd(fd)),
        _ => Err(Complaint::new("not the number of an open file", "give fd://N, such as fd://3")),
    }
}

fn parse_tcp(text: &str) -> Result<Bind, Complaint> {
    if text.contains('/') {
        return Err(Complaint::new("not an address", format!("{FORMS}; a path needs unix:")));
    }
    if text.contains(',') || text.contains(char::is_whitespace) {
        return Err(Complaint::new(
            "not one address",
            format!("{FORMS}; several: --bind once for each, or a list in the config file"),
        ));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => split_bracketed(rest)?,
        None => split_plain(text)?,
    };
    if !host.is_empty() && is_numeric(host) && !is_ipv4(host) {
        return Err(Complaint::new(
            "not an IPv4 address",
            "give four numbers from 0 to 255, such as 127.0.0.1",
        ));
    }
    let host = if host.is_empty() { "0.0.0.0".into() } else { host.to_lowercase() };
    Ok(Bind::Tcp { host, port: port.map_or(Ok(DEFAULT_PORT), parse_port)? })
}

/// No name of a machine is.
fn is_numeric(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// As inet_aton(3) reads it: fewer parts than four are taken too, and the last one has the rest of the 32 bits.
fn is_ipv4(host: &str) -> bool {
    let parts: Vec<Option<u32>> = host.split('.').map(|part| part.parse().ok()).collect();
    let Some((Some(last), first)) = parts.split_last() else { return false };
    first.len() < 4
        && first.iter().all(|part| part.is_some_and(|part| part < 256))
        && u64::from(*last) < 1 << (8 * (4 - first.len()))
}

fn split_bracketed(rest: &str) -> Result<(&str, Option<&str>), Complaint> {
    match rest.split_once(']') {
        Some((host, "")) if is_ipv6(host) => Ok((host, None)),
        Some((host, tail)) if is_ipv6(host) && tail.starts_with(':') => {
            Ok((host, Some(&tail[1..])))
        }
        _ => Err(not_ipv6()),
    }
}

/// With a zone or without: `fe80::1%eth0`.
fn is_ipv6(host: &str) -> bool {
    let (address, _) = host.split_once('%').unwrap_or((host, ""));
    address.parse::<Ipv6Addr>().is_ok()
}

fn not_ipv6() -> Complaint {
    Complaint::new("not an IPv6 address", "give [IPV6] or [IPV6]:PORT")
}

fn split_plain(text: &str) -> Result<(&str, Option<&str>), Complaint> {
    if text.contains(['[', ']']) {
        return Err(not_ipv6());
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(Complaint::new(
            "more than one colon",
            "put an IPv6 address in brackets: [::1]:8000",
        )),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn parse_port(text: &str) -> Result<u16, Complaint> {
    let only_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if only_digits => Ok(port),
        _ => Err(Complaint::new(format!("'{text}' is no port"), "give 0 to 65535")),
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bind::Tcp { host, port } if host.contains(':') => write!(f, "http://[{host}]:{port}"),
            Bind::Tcp { host, port } => write!(f, "http://{host}:{port}"),
            Bind::Unix(path) => write!(f, "unix:{}", path.display()),
            Bind::Abstract(name) => write!(f, "unix:@{name}"),
            Bind::Fd(fd) => write!(f, "fd://{fd}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Result<Bind, Complaint> {
        Ok(Bind::Tcp { host: host.into(), port })
    }

    #[test]
    fn every_form_of_an_address_is_read() {
        assert_eq!(Bind::parse("localhost"), tcp("localhost", 8000));
        assert_eq!(Bind::parse("Example.COM:80"), tcp("example.com", 80));
        assert_eq!(Bind::parse(":9000"), tcp("0.0.0.0", 9000));
        assert_eq!(Bind::parse(""), tcp("0.0.0.0", 8000));
        assert_eq!(Bind::parse("127.0.0.1:0"), tcp("127.0.0.1", 0));
        assert_eq!(Bind::parse("[::1]:8080"), tcp("::1", 8080));
        assert_eq!(Bind::parse("[::]"), tcp("::", 8000));
        assert_eq!(Bind::parse("127.1:81"), tcp("127.1", 81));
        assert_eq!(Bind::parse("[fe80::1%eth0]:81"), tcp("fe80::1%eth0", 81));
        assert_eq!(Bind::parse("tcp://10.0.0.1:81"), tcp("10.0.0.1", 81));
        assert_eq!(Bind::parse("tcp://[::1]:81"), tcp("::1", 81));
        assert_eq!(Bind::parse("unix:/run/a.sock"), Ok(Bind::Unix("/run/a.sock".into())));
        assert_eq!(Bind::parse("unix:///run/a.sock"), Ok(Bind::Unix("/run/a.sock".into())));
        assert_eq!(Bind::parse("unix:a.sock"), Ok(Bind::Unix("a.sock".into())));
        assert_eq!(Bind::parse("unix:@name"), Ok(Bind::Abstract("name".into())));
        assert_eq!(Bind::parse("fd://3"), Ok(Bind::Fd(3)));
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_to_give() {
        let complaint = |text: &str| Bind::parse(text).unwrap_err().to_string();
        assert_eq!(complaint("h:port"), "'port' is no port; give 0 to 65535");
        assert_eq!(complaint("h:"), "'' is no port; give 0 to 65535");
        assert_eq!(complaint("h:+80"), "'+80' is no port; give 0 to 65535");
        assert_eq!(complaint("h:65536"), "'65536' is no port; give 0 to 65535");
        assert!(complaint("::1").contains("in brackets"));
        assert!(complaint("[::1").contains("IPv6"));
        assert!(complaint("[]:80").contains("IPv6"));
        assert!(complaint("[::1]80").contains("IPv6"));
        assert!(complaint("::1]:80").contains("IPv6"));
        for wrong in ["256.1.1.1:80", "1.2.3.4.5", "127.0.0.1.:80", "10.1.65536", "4294967296"] {
            assert!(complaint(wrong).contains("not an IPv4 address"), "{wrong}");
        }
        assert!(complaint("[::zz]:80").contains("IPv6"));
        assert!(complaint("[localhost]:80").contains("IPv6"));
        assert!(complaint("/run/a.sock").contains("needs unix:"));
        assert!(complaint("http://h:80").contains("not an address"));
        assert!(complaint("a:1,b:2").contains("once for each"));
        assert!(complaint("a b").contains("once for each"));
        assert!(complaint("unix:").contains("no path"));
        assert!(complaint("unix:@").contains("no path"));
        assert!(complaint("fd://x").contains("fd://3"));
        assert!(complaint("fd://-1").contains("fd://3"));
        assert!(complaint(&format!("unix:/{}", "a".repeat(107))).contains("108 bytes"));
    }

    #[test]
    fn addresses_are_printed_as_gunicorn_prints_them() {
        let printed = |text: &str| Bind::parse(text).unwrap().to_string();
        assert_eq!(printed("127.0.0.1"), "http://127.0.0.1:8000");
        assert_eq!(printed("[::1]:80"), "http://[::1]:80");
        assert_eq!(printed("unix:/run/a"), "unix:/run/a");
        assert_eq!(printed("unix:@a"), "unix:@a");
        assert_eq!(printed("fd://3"), "fd://3");
    }
}
