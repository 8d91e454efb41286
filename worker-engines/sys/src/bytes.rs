//! Bytes into and out of files and pipes, for whoever must not be parked meanwhile: log lines, signal
//! handlers, the supervisor. Safe in a signal handler.

use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io::{Errno, ReadWriteFlags};

use crate::poll::{poll, writable};

/// Writes once; returns how many bytes the kernel took.
///
/// # Errors
/// Whatever `write(2)` says; `EINTR` included, so that a caller may count its tries.
pub fn write(fd: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::write(fd, bytes)?)
}

/// Writes once without waiting, whatever mode the file is in: its mode is shared with every other
/// process that has it open, so it is not ours to change.
///
/// # Errors
/// `WouldBlock` when nothing can be taken now; else whatever `write(2)` says.
pub fn write_nowait(fd: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    /// The current position: pwritev2(2).
    const HERE: u64 = u64::MAX;
    let parts = [IoSlice::new(bytes)];
    match rustix::io::pwritev2(&fd, &parts, HERE, ReadWriteFlags::NOWAIT) {
        Err(error) if is_not_offered(error) => write_if_ready(fd, bytes),
        written => Ok(written?),
    }
}

/// Terminals, and pipes before Linux 6.5, do not know RWF_NOWAIT.
fn is_not_offered(error: Errno) -> bool {
    matches!(error, Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS | Errno::SPIPE)
}

/// pipe(7): what poll calls writable takes PIPE_BUF bytes at once. Between the poll and the write
/// another process may fill it; then this one waits, as every program did before RWF_NOWAIT.
fn write_if_ready(fd: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    if poll(&mut [writable(fd.as_fd())], Some(Duration::ZERO))? == 0 {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    write(fd, &bytes[..bytes.len().min(libc::PIPE_BUF)])
}

/// Reads once; 0 is the end of the file.
///
/// # Errors
/// Whatever `read(2)` says.
pub fn read(fd: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::io::read(fd, buffer)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::pipe;

    #[test]
    fn what_is_written_is_read() {
        let (reader, writer) = pipe().unwrap();
        assert_eq!(write(&writer, b"abc").unwrap(), 3);
        assert_eq!(write_nowait(&writer, b"def").unwrap(), 3);
        let mut buffer = [0; 8];
        assert_eq!(read(&reader, &mut buffer).unwrap(), 6);
        assert_eq!(&buffer[..6], b"abcdef");
        drop(writer);
        assert_eq!(read(&reader, &mut buffer).unwrap(), 0);
    }

    #[test]
    fn a_full_pipe_does_not_hold_who_will_not_wait() {
        let (_reader, writer) = pipe().unwrap();
        let lump = [0; 64 * 1024];
        while write_nowait(&writer, &lump).is_ok() {}
        assert_eq!(write_nowait(&writer, b"x").unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
