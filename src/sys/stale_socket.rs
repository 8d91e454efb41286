//! A unix socket's path that a former server left behind.
//!
//! It is removed only when it is a socket and nobody answers there. A path that belongs to a
//! running server, or that is no socket at all, is never touched.
#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use unicoro_sys::fd::check;
use unicoro_sys::process::Pid;

/// Makes room for a socket at `path`.
///
/// # Errors
/// `AddrInUse` when a server answers there, `AlreadyExists` when something else than a socket is
/// there, or why it could not be looked at or removed.
pub fn clear_path(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        let why = "it exists and is not a socket; remove it, or choose another path";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    if is_answered(path)? {
        let why = "another server listens there";
        return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    }
    fs::remove_file(path)
}

/// The process that listens at `path`, or did when it made the socket; `None` when nobody answers, or
/// somebody of another namespace.
#[must_use]
pub fn listener_of(path: &Path) -> Option<Pid> {
    let socket = connect(path).ok()?;
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = mem::size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `peer` has room for `length` bytes and outlives the call; any bytes are a ucred.
    let result = unsafe {
        let peer = (&raw mut peer).cast();
        let (level, name) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
        libc::getsockopt(socket.as_raw_fd(), level, name, peer, &raw mut length)
    };
    check(result).ok().and_then(|_| Pid::from_raw(peer.pid))
}

fn is_answered(path: &Path) -> io::Result<bool> {
    match connect(path) {
        Ok(_) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::ECONNREFUSED | libc::ENOENT) => Ok(false),
            // A full backlog (EAGAIN) is somebody too.
            Some(libc::EAGAIN | libc::EINPROGRESS | libc::EPROTOTYPE) => Ok(true),
            _ => Err(error),
        },
    }
}

/// Without waiting.
fn connect(path: &Path) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: socket(2) takes integers.
    let fd = check(unsafe { libc::socket(libc::AF_UNIX, kind, 0) })?;
    // SAFETY: a new descriptor that nobody else owns.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    let address = encode(path)?;
    let length = mem::size_of::<libc::sockaddr_un>();
    // SAFETY: `address` is initialised and `length` is its size; the path in it ends in a NUL.
    // The system call itself, because the binary has a `connect` of its own.
    let result = unsafe { libc::syscall(libc::SYS_connect, fd, &raw const address, length) };
    if result == 0 { Ok(socket) } else { Err(io::Error::last_os_error()) }
}

fn encode(path: &Path) -> io::Result<libc::sockaddr_un> {
    // SAFETY: all-zero is a valid sockaddr_un (integers only).
    let mut address: libc::sockaddr_un = unsafe { MaybeUninit::zeroed().assume_init() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let bytes = path.as_os_str().as_bytes();
    // Strictly shorter: the last byte stays NUL.
    if bytes.len() >= address.sun_path.len() {
        let why = format!("a unix socket's path may have {} bytes", address.sun_path.len() - 1);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    for (target, byte) in address.sun_path.iter_mut().zip(bytes) {
        *target = *byte as libc::c_char;
    }
    Ok(address)
}
