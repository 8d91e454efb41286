//! Where to listen: what the operator asked for, before anything is bound.
//!
//! Two equal addresses mean the same socket: a reload keeps a listener whose address is still
//! wanted. Parsing settings is not done here.

use std::fmt;
use std::os::fd::RawFd;
use std::path::PathBuf;

/// An address to listen on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Address {
    /// A host name or an IP address (v6 without brackets), and a port; port 0 lets the kernel choose.
    Tcp {
        /// Empty means all of IPv4.
        host: String,
        /// The port.
        port: u16,
    },
    /// A unix socket in the file system.
    Unix(PathBuf),
    /// A unix socket in Linux's abstract name space, without the leading NUL.
    Abstract(Vec<u8>),
    /// A socket that listens already and was inherited under this number.
    Fd(RawFd),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Address::Tcp { host, port } => write!(f, "{host}:{port}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::Abstract(name) => write!(f, "unix:@{}", name.escape_ascii()),
            Address::Fd(fd) => write!(f, "fd://{fd}"),
        }
    }
}
