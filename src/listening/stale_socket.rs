//! A unix socket's path that a former server left behind.
//!
//! It is removed only when it is a socket and nobody answers there. A path that belongs to a
//! running server, or that is no socket at all, is never touched.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use unicoro_sys::process::Pid;
use unicoro_sys::unix_socket;

/// Makes room for a socket at `path`.
///
/// # Errors
/// `AddrInUse` when a server answers there, `AlreadyExists` when something else than a socket is
/// there, or why it could not be looked at or removed.
pub fn clear_path(path: &Path) -> io::Result<()> {
    if !look_at_path(path)? {
        return Ok(());
    }
    if is_answered(path)? {
        let why = "another server listens there";
        return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    }
    fs::remove_file(path)
}

/// Whether a socket is at `path` already; else one can be made there.
///
/// # Errors
/// `AlreadyExists` when something else is there, or why it could not be looked at.
pub(super) fn look_at_path(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(true),
        Ok(_) => {
            let why = "it exists and is not a socket; remove it, or choose another path";
            Err(io::Error::new(io::ErrorKind::AlreadyExists, why))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            fs::metadata(parent.unwrap_or(Path::new("."))).map(|_| false)
        }
        Err(error) => Err(error),
    }
}

/// The process that listens at `path`, or did when it made the socket; `None` when nobody answers, or
/// somebody of another namespace.
#[must_use]
pub fn listener_of(path: &Path) -> Option<Pid> {
    unix_socket::peer(unix_socket::connect(path).ok()?.as_fd())
}

fn is_answered(path: &Path) -> io::Result<bool> {
    match unix_socket::connect(path) {
        Ok(_) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::ECONNREFUSED | libc::ENOENT) => Ok(false),
            // A full backlog (EAGAIN) is somebody too.
            Some(libc::EAGAIN | libc::EINPROGRESS | libc::EPROTOTYPE) => Ok(true),
            _ => Err(error),
        },
    }
}
