//! Waiting until descriptors are ready, by the OS thread.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFlags, Timespec};
use rustix::io::Errno;

pub use rustix::event::PollFd;

/// An entry that waits for input, the end of the file or an error.
#[must_use]
pub fn readable(fd: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::from_borrowed_fd(fd, PollFlags::IN)
}

/// An entry that waits for room, or an error.
#[must_use]
pub fn writable(fd: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::from_borrowed_fd(fd, PollFlags::OUT)
}

/// An entry that waits for input or room, whichever comes first, or an error.
#[must_use]
pub fn readable_or_writable(fd: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::from_borrowed_fd(fd, PollFlags::IN | PollFlags::OUT)
}

/// An entry that waits until the peer of a socket has closed its sending end, or the connection is
/// broken.
#[must_use]
pub fn hung_up(fd: BorrowedFd<'_>) -> PollFd<'_> {
    // POLLERR and POLLHUP come unasked (poll(2)).
    PollFd::from_borrowed_fd(fd, PollFlags::RDHUP)
}

/// Whether the last poll found anything, an error or a hang-up included.
#[must_use]
pub fn is_ready(entry: &PollFd<'_>) -> bool {
    !entry.revents().is_empty()
}

/// Waits until one of `entries` is ready or `timeout` is over (`None`: for ever), and says how many
/// are. Returns early, with none, on a signal: whoever waits for one looks at its signal pipe in any
/// case.
///
/// # Errors
/// ppoll(2), but never `Interrupted`.
pub fn poll(entries: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<usize> {
    // What the kernel's clock cannot hold is for ever.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match rustix::event::poll(entries, timeout.as_ref()) {
        Err(Errno::INTR) => {
            entries.iter_mut().for_each(PollFd::clear_revents);
            Ok(0)
        }
        ready => Ok(ready?),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_can_be_read_is_ready_and_nothing_else() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut entries = [readable(ours.as_fd()), writable(ours.as_fd()), hung_up(ours.as_fd())];
        assert_eq!(poll(&mut entries, Some(Duration::ZERO)).unwrap(), 1);
        assert_eq!(entries.each_ref().map(is_ready), [false, true, false]);
        theirs.write_all(b"x").unwrap();
        assert_eq!(poll(&mut entries, None).unwrap(), 2);
        assert_eq!(entries.each_ref().map(is_ready), [true, true, false]);
        drop(theirs);
        assert_eq!(poll(&mut entries, None).unwrap(), 3);
    }

    #[test]
    fn a_wait_without_entries_lasts_as_long_as_it_was_told() {
        let began = std::time::Instant::now();
        assert_eq!(poll(&mut [], Some(Duration::from_micros(1500))).unwrap(), 0);
        assert!(began.elapsed() >= Duration::from_micros(1500));
    }
}
