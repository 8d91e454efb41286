//! Making TCP sockets that are ready to be listened on.
//!
//! std's `TcpListener::bind` would do but for one thing: SO_REUSEPORT has to be set before bind.
#![allow(unsafe_code)]

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::fd::check;

/// The addresses a host name stands for, IPv4 first.
///
/// # Errors
/// The name is not known.
// gunicorn: takes a name as IPv4 only; here IPv6 is tried when there is nothing else.
pub fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host.is_empty() {
        return Ok(vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))]);
    }
    let mut found: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    Ok(found)
}

/// A non-blocking, close-on-exec stream socket bound to `address`; it does not listen yet.
///
/// SO_REUSEADDR is always set: connections of a former server in TIME_WAIT are no obstacle.
///
/// # Errors
/// Whatever `socket(2)` or `bind(2)` say.
pub fn bound(address: SocketAddr, reuse_port: bool) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: socket(2) takes integers.
    let fd = check(unsafe { libc::socket(family, kind, 0) })?;
    // SAFETY: a new descriptor that nobody else owns.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    enable(&socket, libc::SO_REUSEADDR)?;
    if reuse_port {
        enable(&socket, libc::SO_REUSEPORT)?;
    }
    let (storage, length) = encode(address);
    // SAFETY: `storage` is initialised and holds an address of `length` bytes.
    check(unsafe { libc::bind(fd, (&raw const storage).cast(), length) })?;
    Ok(socket)
}

/// How many connections wait in the queue of a socket that listens; `None` when it is no such one.
/// tcp(7): the kernel puts that number into `tcpi_unacked`.
#[must_use]
pub fn queue_length(socket: RawFd) -> Option<u64> {
    // SAFETY: all-zero is a valid tcp_info (integers only).
    let mut info: libc::tcp_info = unsafe { mem::zeroed() };
    let mut length = mem::size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: `info` has the `length` bytes that the kernel may write.
    let result = unsafe {
        libc::getsockopt(
            socket,
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    check(result).ok().map(|_| u64::from(info.tcpi_unacked))
}

fn enable(socket: &OwnedFd, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    let length = mem::size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the option's value is an int that lives during the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const on).cast(),
            length,
        )
    };
    check(result).map(drop)
}

/// The kernel's form of an address, and how much of it counts.
fn encode(address: SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: all-zero is a valid sockaddr_storage (integers only).
    let mut storage: libc::sockaddr_storage = unsafe { MaybeUninit::zeroed().assume_init() };
    let length = match address {
        SocketAddr::V4(v4) => {
            let fields = (&raw mut storage).cast::<libc::sockaddr_in>();
            // SAFETY: the storage is large and aligned enough for every address family.
            unsafe {
                (*fields).sin_family = libc::AF_INET as libc::sa_family_t;
                (*fields).sin_port = v4.port().to_be();
                (*fields).sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
            }
            mem::size_of::<libc::sockaddr_in>()
        }
        SocketAddr::V6(v6) => {
            let fields = (&raw mut storage).cast::<libc::sockaddr_in6>();
            // SAFETY: as above.
            unsafe {
                (*fields).sin6_family = libc::AF_INET6 as libc::sa_family_t;
                (*fields).sin6_port = v6.port().to_be();
                (*fields).sin6_addr.s6_addr = v6.ip().octets();
                (*fields).sin6_scope_id = v6.scope_id();
            }
            mem::size_of::<libc::sockaddr_in6>()
        }
    };
    (storage, length as libc::socklen_t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_resolves_to_v4_first() {
        let found = resolve("localhost", 80).unwrap();
        assert!(found[0].is_ipv4());
        assert_eq!(resolve("", 80).unwrap(), [SocketAddr::from(([0, 0, 0, 0], 80))]);
        assert_eq!(resolve("::1", 80).unwrap(), ["[::1]:80".parse().unwrap()]);
    }
}
