//! Sockets of any family: what is sent, received and accepted. Only functions that say so wait.

use std::io::{self, IoSlice};
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketFlags, SocketType,
    acceptfrom_with, sockopt,
};

use crate::address::SocketAddress;
use crate::fd::lent;
use crate::poll::{hung_up, poll, readable, writable};

/// Receives once, without waiting, behind what `into` holds already; at most its spare capacity.
///
/// # Errors
/// recv(2); `WouldBlock` when nothing has come.
pub fn receive(fd: BorrowedFd<'_>, into: &mut Vec<u8>) -> io::Result<usize> {
    let (received, _) = rustix::net::recv(fd, spare_capacity(into), RecvFlags::DONTWAIT)?;
    Ok(received)
}

/// Sends what it can of `parts` in one call, without waiting.
///
/// # Errors
/// sendmsg(2); `WouldBlock` when the socket's buffer is full. Never raises SIGPIPE.
pub fn send(fd: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> io::Result<usize> {
    const FLAGS: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
    Ok(match parts {
        [one] => rustix::net::send(fd, one, FLAGS)?,
        _ => rustix::net::sendmsg(fd, parts, &mut SendAncillaryBuffer::default(), FLAGS)?,
    })
}

/// Sends up to `count` bytes of a file from `offset` on, without waiting for the socket.
///
/// # Errors
/// sendfile(2); `WouldBlock` when the socket's buffer is full.
pub fn send_file(fd: BorrowedFd<'_>, file: RawFd, offset: u64, count: usize) -> io::Result<usize> {
    let mut position = offset;
    Ok(rustix::fs::sendfile(fd, lent(file)?, Some(&mut position), count)?)
}

/// Accepts one connection, non-blocking and close-on-exec.
///
/// # Errors
/// accept4(2); `WouldBlock` when none waits.
pub fn accept(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, SocketAddress)> {
    let (fd, peer) = acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
    Ok((fd, peer.map_or(SocketAddress::Unix(None), SocketAddress::from)))
}

/// The address that this end of a socket is bound to (getsockname(2)).
///
/// # Errors
/// It is no socket.
pub fn local_address(fd: BorrowedFd<'_>) -> io::Result<SocketAddress> {
    Ok(rustix::net::getsockname(fd)?.into())
}

/// Has a bound socket listen. Again on one that does: it only changes the backlog.
///
/// # Errors
/// listen(2).
pub fn listen(fd: BorrowedFd<'_>, backlog: u32) -> io::Result<()> {
    Ok(rustix::net::listen(fd, i32::try_from(backlog).unwrap_or(i32::MAX))?)
}

/// Whether it carries a stream of bytes.
///
/// # Errors
/// It is not open, or no socket.
pub fn is_stream(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(sockopt::socket_type(fd)? == SocketType::STREAM)
}

/// Whether it listens.
///
/// # Errors
/// It is not open, or no socket.
pub fn is_listening(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(sockopt::socket_acceptconn(fd)?)
}

/// Whether it is a unix socket.
#[must_use]
pub fn is_unix(fd: BorrowedFd<'_>) -> bool {
    sockopt::socket_domain(fd) == Ok(AddressFamily::UNIX)
}

/// Shuts down the receiving half.
pub fn shutdown_read(fd: BorrowedFd<'_>) {
    shut_down(fd, Shutdown::Read);
}

/// Shuts down the sending half: the client sees the end of the stream, what it still sends is read.
pub fn shutdown_write(fd: BorrowedFd<'_>) {
    shut_down(fd, Shutdown::Write);
}

/// Shuts down both halves: nothing more can be sent or received, and who waits is woken.
pub fn shutdown_both(fd: BorrowedFd<'_>) {
    shut_down(fd, Shutdown::Both);
}

fn shut_down(fd: BorrowedFd<'_>, how: Shutdown) {
    // ENOTCONN: the client has done it already.
    let _ = rustix::net::shutdown(fd, how);
}

/// Waits until there are bytes, or with `write` room for some; whether that, or the end of the
/// connection, came before `timeout` had passed. False on a signal.
///
/// # Errors
/// poll(2).
pub fn wait(fd: BorrowedFd<'_>, write: bool, timeout: Option<Duration>) -> io::Result<bool> {
    let entry = if write { writable(fd) } else { readable(fd) };
    Ok(poll(&mut [entry], timeout)? > 0)
}

/// Whether the peer has closed its sending end, or the connection is broken.
#[must_use]
pub fn is_hung_up(fd: BorrowedFd<'_>) -> bool {
    poll(&mut [hung_up(fd)], Some(Duration::ZERO)).is_ok_and(|ready| ready > 0)
}
