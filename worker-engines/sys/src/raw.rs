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

/// Writes once without waiting, whatever mode the file is in: its mode is shared with every other
/// process that has it open, so it is not ours to change.
///
/// # Errors
/// `WouldBlock` when nothing can be taken now; else whatever `write(2)` says.
pub fn raw_write_nowait(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    /// The current position: pwritev2(2).
    const HERE: libc::c_long = -1;
    let part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: one iovec over a live slice, which pwritev2(2) only reads.
    let written = unsafe {
        libc::syscall(libc::SYS_pwritev2, fd, &raw const part, 1usize, HERE, HERE, libc::RWF_NOWAIT)
    };
    match usize::try_from(written) {
        Ok(written) => Ok(written),
        Err(_) => match io::Error::last_os_error() {
            error if is_not_offered(&error) => write_if_ready(fd, bytes),
            error => Err(error),
        },
    }
}

/// Terminals, and pipes before Linux 6.5, do not know RWF_NOWAIT.
fn is_not_offered(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EOPNOTSUPP | libc::EINVAL | libc::ENOSYS | libc::ESPIPE)
    )
}

/// pipe(7): what poll calls writable takes PIPE_BUF bytes at once. Between the poll and the write
/// another process may fill it; then this one waits, as every program did before RWF_NOWAIT.
fn write_if_ready(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    let mut fds = [libc::pollfd { fd, events: libc::POLLOUT, revents: 0 }];
    if raw_poll(&mut fds, Some(Duration::ZERO))? == 0 {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    raw_write(fd, &bytes[..bytes.len().min(libc::PIPE_BUF)])
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
    use crate::pipe::pipe;
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
