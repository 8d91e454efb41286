//! The address of one end of a connection, as the kernel tells it.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::net::{SocketAddrAny, SocketAddrUnix};

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketAddress {
    /// TCP over IPv4 or IPv6.
    Ip(SocketAddr),
    /// A unix socket: its path, if it has one (clients mostly have none).
    Unix(Option<PathBuf>),
}

impl From<SocketAddrAny> for SocketAddress {
    fn from(address: SocketAddrAny) -> Self {
        if let Ok(ip) = SocketAddr::try_from(address.clone()) {
            return Self::Ip(ip);
        }
        let unix = SocketAddrUnix::try_from(address).ok();
        let path = unix.as_ref().and_then(SocketAddrUnix::path_bytes);
        Self::Unix(path.map(|path| PathBuf::from(OsStr::from_bytes(path))))
    }
}
