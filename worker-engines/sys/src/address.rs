//! The address of one end of a connection, as the kernel tells it.
#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP over IPv4 or IPv6.
    Ip(SocketAddr),
    /// A unix socket: its path, if it has one (clients mostly have none).
    Unix(Option<PathBuf>),
}

impl Address {
    pub(crate) fn from_storage(storage: &libc::sockaddr_storage, len: usize) -> Self {
        match i32::from(storage.ss_family) {
            libc::AF_INET => {
                // SAFETY: the family says that the kernel wrote a sockaddr_in here.
                let v4 = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in>() };
                let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
                Self::Ip(SocketAddr::new(IpAddr::V4(ip), u16::from_be(v4.sin_port)))
            }
            libc::AF_INET6 => {
                // SAFETY: the family says that the kernel wrote a sockaddr_in6 here.
                let v6 = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in6>() };
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                Self::Ip(SocketAddr::new(IpAddr::V6(ip), u16::from_be(v6.sin6_port)))
            }
            _ => Self::Unix(unix_path(storage, len)),
        }
    }
}

fn unix_path(storage: &libc::sockaddr_storage, len: usize) -> Option<PathBuf> {
    let start = std::mem::offset_of!(libc::sockaddr_un, sun_path);
    let len = len.min(size_of::<libc::sockaddr_storage>()).checked_sub(start)?;
    // SAFETY: `start + len` lies within the storage, all of which is initialised.
    let path =
        unsafe { std::slice::from_raw_parts((&raw const *storage).cast::<u8>().add(start), len) };
    let end = path.iter().position(|byte| *byte == 0).unwrap_or(len);
    (end > 0).then(|| PathBuf::from(OsStr::from_bytes(&path[..end])))
}
