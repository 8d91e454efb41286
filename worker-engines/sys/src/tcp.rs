//! What is particular to TCP: sockets ready to be listened on, what connections inherit from them, and
//! what the kernel tells of them.
//!
//! std's `TcpListener::bind` cannot be used, because SO_REUSEPORT has to be set before bind.
#![allow(unsafe_code)]

use std::io;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;

use rustix::ioctl::{Getter, Opcode, ioctl};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};

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
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if reuse_port {
        sockopt::set_socket_reuseport(&socket, true)?;
    }
    bind(&socket, &address)?;
    Ok(socket)
}

/// Sets what every connection inherits from its listener on Linux, so that it costs no call of its
/// own. Silent on unix sockets.
pub fn set_options(listener: BorrowedFd<'_>) {
    // Small answers must not wait for the client's acknowledgement (Nagle).
    let _ = sockopt::set_tcp_nodelay(listener, true);
    // What is sent beyond the client's window only fills the kernel's memory: 4 MiB for each client
    // that reads slowly, and the time to copy it.
    set(listener, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, &UNSENT_MAX);
}

/// Bytes that the kernel takes for a client before they can be sent: enough to keep a fast line busy
/// between two wake-ups (20 Gbit/s in 100 us).
const UNSENT_MAX: libc::c_int = 256 * 1024;

/// Bytes sent that the peer's kernel has not confirmed yet (`SIOCOUTQ`: tcp(7), unix(7)).
#[must_use]
pub fn untaken(socket: BorrowedFd<'_>) -> u64 {
    // SAFETY: the kernel writes one int. TIOCOUTQ is the same number.
    let bytes =
        unsafe { ioctl(socket, Getter::<{ libc::TIOCOUTQ as Opcode }, libc::c_int>::new()) };
    bytes.ok().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0)
}

/// How many connections wait in the queue of a socket that listens; `None` when it is no such one.
/// Linux tells it as `tcpi_unacked` (net/ipv4/tcp.c, `tcp_get_info`).
#[must_use]
pub fn queue_length(listener: BorrowedFd<'_>) -> Option<u64> {
    // SAFETY: all-zero is a valid tcp_info (integers only).
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: `info` has the `length` bytes that the kernel may write.
    let result = unsafe {
        libc::getsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    (result == 0).then_some(u64::from(info.tcpi_unacked))
}

/// Has the kernel drop each SYN that comes for a listening TCP socket: a socket filter (socket(7)) sees
/// segments from the TCP header on. Handshakes under way are completed.
pub fn drop_new_syns(listener: BorrowedFd<'_>) {
    const FLAGS: u32 = 13; // The byte of the TCP header with the flags (RFC 9293, 3.1).
    const SYN: u32 = 0x02;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut program: [libc::sock_filter; SYN_FILTER_STEPS] = [
        step((libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16, 0, 0, FLAGS),
        step((libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16, 0, 1, SYN),
        step((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, 0),
        step((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, u32::MAX),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // Where the kernel knows no socket filters, nothing is dropped.
    set(listener, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program);
}

/// Whether [`drop_new_syns`] was called for a socket, by whatever process.
#[must_use]
pub fn drops_new_syns(listener: BorrowedFd<'_>) -> bool {
    // In steps of the program, not in bytes; with room for none the kernel says how many there are
    // (net/core/filter.c, sk_get_filter). Nobody else's program is on a listener of ours.
    let mut steps: libc::socklen_t = 0;
    // SAFETY: nothing is written but the number, which outlives the call.
    let asked = unsafe {
        libc::getsockopt(
            listener.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_GET_FILTER,
            ptr::null_mut(),
            &raw mut steps,
        )
    };
    asked == 0 && steps as usize == SYN_FILTER_STEPS
}

/// The length of the program of [`drop_new_syns`].
const SYN_FILTER_STEPS: usize = 4;

/// Sets an option that rustix does not know; one that the socket does not know stays unset.
fn set<T>(socket: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int, value: &T) {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel reads `length` bytes of `value`, which outlives the call, as do the steps of
    // a filter. Nothing stands in front of setsockopt.
    unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, ptr::from_ref(value).cast(), length)
    };
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
