//! A counter that another thread, or another process after a fork, can poll for.
//!
//! Used to wake one waiter; it carries no data. Never blocks.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::fd::check;
use super::raw::{raw_read, raw_write};

/// An eventfd(2), non-blocking and close-on-exec.
#[derive(Debug)]
pub struct EventFd(OwnedFd);

impl EventFd {
    /// A new one that is not signalled.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`: no descriptor is left.
    pub fn new() -> io::Result<EventFd> {
        // SAFETY: eventfd(2) takes two integers.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: a new descriptor that nobody else owns.
        Ok(EventFd(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Makes it readable. It may be called from a signal handler.
    pub fn notify(&self) {
        // The only possible failure is EAGAIN: the counter is full, so it is readable already.
        let _ = raw_write(self.0.as_raw_fd(), &1u64.to_ne_bytes());
    }

    /// Takes all notifications at once; false if there was none.
    pub fn clear(&self) -> bool {
        raw_read(self.0.as_raw_fd(), &mut [0; 8]).is_ok()
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_notifications_are_one_wake_up() {
        let event = EventFd::new().unwrap();
        assert!(!event.clear());
        event.notify();
        event.notify();
        assert!(event.clear());
        assert!(!event.clear());
    }
}
