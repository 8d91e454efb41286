//! System calls made directly, past any function of the same name in the process.
//!
//! The binary replaces `read`, `write`, `poll` and others by versions that park a green thread.
//! A log line, a signal handler or the supervisor must never be parked, so these go through
//! `syscall(2)`, which nobody replaces. They are also safe to call in a signal handler.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;
use std::ptr;
use std::time::Duration;

/// The kernel's size of a signal set in bytes; glibc's `sigset_t` is larger and is not meant here.
const KERNEL_SIGSET_BYTES: usize = 8;

/// Writes once; returns how many bytes the kernel took.
///
/// # Errors
/// Whatever `write(2)` says; `EINTR` included, so that a caller may count its tries.
pub fn raw_write(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: pointer and length come from one live slice, and write(2) only reads from it.
    let written = unsafe { libc::syscall(libc::SYS_write, fd, bytes.as_ptr(), bytes.len()) };
    usize::try_from(written).map_err(|_| io::Error::last_os_error())
}

/// Reads once; 0 is the end of the file.
///
/// # Errors
/// Whatever `read(2)` says.
pub fn raw_read(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: pointer and length come from one live, exclusively borrowed slice.
    let read = unsafe { libc::syscall(libc::SYS_read, fd, buffer.as_mut_ptr(), buffer.len()) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

/// Waits until one of `fds` is ready or `timeout` is over (`None`: for ever).
///
/// Returns how many are ready. A signal that interrupts the wait counts as "nothing ready": the
/// caller looks at its signal pipe in any case.
///
/// # Errors
/// Whatever `ppoll(2)` says, `EINTR` excepted.
pub fn raw_poll(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<usize> {
    let mut limit = timeout.map(timespec);
    let limit_ptr = limit.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
    // SAFETY: `fds` and `limit` live until the call returns; ppoll(2) writes `revents` and may
    // write the remaining time, both of which we own. A null mask leaves the signal mask alone.
    // (ppoll and not poll: aarch64 has no poll.)
    let ready = unsafe {
        libc::syscall(
            libc::SYS_ppoll,
            fds.as_mut_ptr(),
            fds.len(),
            limit_ptr,
            ptr::null::<libc::sigset_t>(),
            KERNEL_SIGSET_BYTES,
        )
    };
    match usize::try_from(ready) {
        Ok(count) => Ok(count),
        Err(_) => interrupted_is_none(io::Error::last_os_error()),
    }
}

/// An entry for [`raw_poll`] that waits for input, end of file or an error.
#[must_use]
pub fn readable(fd: RawFd) -> libc::pollfd {
    libc::pollfd { fd, events: libc::POLLIN, revents: 0 }
}

fn timespec(duration: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
        // Always below 1e9, which fits c_long everywhere.
        tv_nsec: duration.subsec_nanos() as libc::c_long,
    }
}

fn interrupted_is_none(error: io::Error) -> io::Result<usize> {
    if error.kind() == io::ErrorKind::Interrupted { Ok(0) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::pipe::pipe;
    use std::os::fd::AsRawFd;

    #[test]
    fn what_is_written_is_read_and_poll_sees_it() {
        let (reader, writer) = pipe().unwrap();
        let mut fds = [readable(reader.as_raw_fd())];
        assert_eq!(raw_poll(&mut fds, Some(Duration::ZERO)).unwrap(), 0);
        assert_eq!(raw_write(writer.as_raw_fd(), b"abc").unwrap(), 3);
        assert_eq!(raw_poll(&mut fds, None).unwrap(), 1);
        let mut buffer = [0; 8];
        assert_eq!(raw_read(reader.as_raw_fd(), &mut buffer).unwrap(), 3);
        assert_eq!(&buffer[..3], b"abc");
    }

    #[test]
    fn a_closed_fd_is_an_error() {
        assert_eq!(raw_write(-1, b"x").unwrap_err().raw_os_error(), Some(libc::EBADF));
    }
}
