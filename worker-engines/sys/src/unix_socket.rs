//! What is particular to unix sockets: asking who listens at a path.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};

use crate::process::Pid;

/// Connects, without waiting.
///
/// # Errors
/// connect(2); `WouldBlock` when the listener's queue is full.
pub fn connect(path: &Path) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

/// The process at the other end, or the one that made the listener; `None` when that is one of another
/// namespace.
#[must_use]
pub fn peer(socket: BorrowedFd<'_>) -> Option<Pid> {
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `peer` has room for `length` bytes and outlives the call; any bytes are a ucred. Not by
    // rustix, whose pid is never 0, as it is for a process of another namespace.
    let result = unsafe {
        let peer = (&raw mut peer).cast();
        let (level, name) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
        libc::getsockopt(socket.as_raw_fd(), level, name, peer, &raw mut length)
    };
    if result == 0 { Pid::from_raw(peer.pid) } else { None }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_listener_is_known_by_its_process() {
        let path = std::env::temp_dir().join(format!("unicoro-peer-{}", Pid::me()));
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(peer(connect(&path).unwrap().as_fd()), Some(Pid::me()));
        drop(listener);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(connect(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        let (ours, _theirs) = UnixStream::pair().unwrap();
        assert_eq!(peer(ours.as_fd()), Some(Pid::me()));
    }
}
