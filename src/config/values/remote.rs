//! Where messages about us are sent: syslog and statsd, over UDP, TCP or a unix socket.
//!
//! Parsing only; whoever sends makes the socket.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// The other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remote {
    /// Datagrams.
    Udp {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A stream.
    Tcp {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A unix socket.
    Unix {
        /// The path of the socket.
        path: PathBuf,
        /// `None`: datagrams, and a stream if those are not taken.
        is_stream: Option<bool>,
    },
}

/// Why a text names no other end: a part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RemoteError {
    /// It begins with something else.
    #[error("neither udp://, tcp:// nor unix://")]
    Scheme,
    /// The kind of socket behind a path is unknown.
    #[error("'#{0}' is neither #dgram nor #stream")]
    Kind(String),
    /// A unix socket has one.
    #[error("no path after unix://")]
    NoPath,
    /// Not a number up to 65535.
    #[error("'{0}' is no port")]
    Port(String),
}

impl Remote {
    /// Reads `udp://HOST:PORT`, `tcp://HOST:PORT`, `unix://PATH`, `unix://PATH#dgram` and
    /// `unix://PATH#stream`.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn parse(text: &str, default_port: u16) -> Result<Remote, RemoteError> {
        if let Some(rest) = text.strip_prefix("unix://") {
            return parse_unix(rest);
        }
        let (is_stream, rest) = match (text.strip_prefix("udp://"), text.strip_prefix("tcp://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            (None, None) => return Err(RemoteError::Scheme),
        };
        let (host, port) = split_port(rest, default_port)?;
        let host = if host.is_empty() { "localhost".to_owned() } else { host.to_lowercase() };
        Ok(if is_stream { Remote::Tcp { host, port } } else { Remote::Udp { host, port } })
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remote::Udp { host, port } => write!(f, "udp://{host}:{port}"),
            Remote::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Remote::Unix { path, .. } => write!(f, "unix://{}", path.display()),
        }
    }
}

fn parse_unix(rest: &str) -> Result<Remote, RemoteError> {
    let (path, is_stream) = match rest.split_once('#') {
        Some((path, "dgram")) => (path, Some(false)),
        Some((path, "stream")) => (path, Some(true)),
        Some((_, kind)) => return Err(RemoteError::Kind(kind.to_owned())),
        None => (rest, None),
    };
    if path.is_empty() {
        return Err(RemoteError::NoPath);
    }
    Ok(Remote::Unix { path: path.into(), is_stream })
}

/// A host, IPv6 in brackets, and a port.
fn split_port(text: &str, default_port: u16) -> Result<(&str, u16), RemoteError> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    match port.map(str::parse) {
        None => Ok((host, default_port)),
        Some(Ok(port)) => Ok((host, port)),
        Some(Err(_)) => Err(RemoteError::Port(port.unwrap_or_default().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_is_a_host_with_a_port_or_a_path_with_a_kind() {
        let parse = |text| Remote::parse(text, 514).map(|remote| remote.to_string());
        assert_eq!(parse("udp://Log:1").unwrap(), "udp://log:1");
        assert_eq!(parse("tcp://[::1]").unwrap(), "tcp://::1:514");
        assert_eq!(parse("udp://").unwrap(), "udp://localhost:514");
        let unix = |is_stream| Ok(Remote::Unix { path: "/dev/log".into(), is_stream });
        assert_eq!(Remote::parse("unix:///dev/log", 0), unix(None));
        assert_eq!(Remote::parse("unix:///dev/log#stream", 0), unix(Some(true)));
        assert_eq!(Remote::parse("unix:///dev/log#dgram", 0), unix(Some(false)));
        for wrong in ["log:514", "udp://h:x", "unix://", "unix:///a#b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
