//! Flags and numbers of file descriptors.
//!
//! Every descriptor the server makes is close-on-exec from birth; what comes from outside is
//! given that flag here.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Turns libc's -1 into the error in errno.
pub fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Sets or clears `O_NONBLOCK`. It belongs to the open file, so whoever shares it sees it too.
///
/// # Errors
/// Whatever `fcntl(2)` says.
pub fn set_nonblocking(fd: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    // SAFETY: F_GETFL takes no pointer; the fd is open as long as the borrow.
    let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
    let wanted = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    // SAFETY: F_SETFL takes an int; the fd is open as long as the borrow.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, wanted) })?;
    Ok(())
}

/// Sets or clears close-on-exec.
///
/// # Errors
/// Whatever `fcntl(2)` says.
pub fn set_cloexec(fd: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    let flags = if on { libc::FD_CLOEXEC } else { 0 };
    // SAFETY: F_SETFD takes an int; the fd is open as long as the borrow.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, flags) })?;
    Ok(())
}

/// A second descriptor for the same open file, close-on-exec, numbered 3 or above.
///
/// # Errors
/// `EBADF` when `fd` is not open, or whatever `fcntl(2)` says.
pub fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC takes an int and answers EBADF for a number that is not open.
    let copy = check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) })?;
    // SAFETY: the kernel has just made this descriptor for us, nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Makes `target` refer to the open file of `source`, in one atomic step: a writer on another
/// thread writes to the old file or to the new one, never to a closed descriptor.
///
/// Standard input, output and error (0 to 2) stay open across exec, all others do not.
///
/// # Errors
/// Whatever `dup3(2)` says.
pub fn replace(target: RawFd, source: BorrowedFd<'_>) -> io::Result<()> {
    let flags = if target > libc::STDERR_FILENO { libc::O_CLOEXEC } else { 0 };
    // SAFETY: dup3 takes no pointers. The caller's owner of `target` still owns the number, which
    // stays open throughout.
    check(unsafe { libc::dup3(source.as_raw_fd(), target, flags) })?;
    Ok(())
}
