//! Flags and numbers of file descriptors.
//!
//! Every descriptor the server makes is close-on-exec from birth; what comes from outside is
//! given that flag here.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, FdFlags};

/// Turns libc's -1 into the error in errno.
pub fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A descriptor that somebody else owns and names by its number: C code, the application, the
/// environment, or a static that a signal handler reads. Async-signal-safe.
///
/// # Errors
/// `EBADF` for a negative number. One that is not open gets that answer from each system call.
pub fn lent<'a>(number: RawFd) -> io::Result<BorrowedFd<'a>> {
    if number < 0 {
        return Err(Errno::BADF.into());
    }
    // SAFETY: not -1. Should its owner close it meanwhile, then the kernel says EBADF, or the call
    // reaches the file that has the number by then: as in every program that passes numbers.
    Ok(unsafe { BorrowedFd::borrow_raw(number) })
}

/// Sets or clears `O_NONBLOCK`. It belongs to the open file, so whoever shares it sees it too.
///
/// # Errors
/// Whatever `fcntl(2)` says.
pub fn set_nonblocking(fd: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(fd)?;
    flags.set(OFlags::NONBLOCK, on);
    Ok(rustix::fs::fcntl_setfl(fd, flags)?)
}

/// Sets or clears close-on-exec.
///
/// # Errors
/// Whatever `fcntl(2)` says.
pub fn set_cloexec(fd: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    let flags = if on { FdFlags::CLOEXEC } else { FdFlags::empty() };
    Ok(rustix::io::fcntl_setfd(fd, flags)?)
}

/// A second descriptor for the same open file, close-on-exec, numbered 3 or above.
///
/// # Errors
/// `EBADF` when `fd` is not open, or whatever `fcntl(2)` says.
pub fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(lent(fd)?, 3)?)
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
    // stays open throughout. libc's, because a green thread may wait for the file that `target` was:
    // the function that stands in front of it wakes that one.
    check(unsafe { libc::dup3(source.as_raw_fd(), target, flags) })?;
    Ok(())
}

/// Opens on /dev/null what is closed of standard input, output and error (`2>&-`): otherwise a client's
/// socket gets the number, and whatever is printed.
///
/// # Errors
/// No /dev/null, or no descriptor.
pub fn open_standard_streams() -> io::Result<()> {
    for number in 0..=libc::STDERR_FILENO {
        if rustix::io::fcntl_getfd(lent(number)?) != Err(Errno::BADF) {
            continue;
        }
        // For children too. The lowest number that is free is this one, unless another thread has it by now.
        let null = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty())?;
        if null.as_raw_fd() == number {
            let _ = null.into_raw_fd();
        } else {
            replace(number, null.as_fd())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_no_open_descriptor_is_an_error() {
        for number in [-1, 9999] {
            assert_eq!(duplicate(number).unwrap_err().raw_os_error(), Some(libc::EBADF));
        }
    }
}
