//! A descriptor by which any thread, even in a signal handler, wakes one that polls: eventfd(2).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};

/// Readable from [`raise`](Self::raise) until [`lower`](Self::lower).
#[derive(Debug)]
pub struct EventFd(OwnedFd);

impl EventFd {
    /// A new one, non-blocking and close-on-exec.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new() -> io::Result<EventFd> {
        Ok(EventFd(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?))
    }

    /// Makes it readable. Async-signal-safe.
    pub fn raise(&self) {
        // A full counter (EAGAIN) wakes just as well.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Makes it unreadable until it is raised again.
    pub fn lower(&self) {
        // EAGAIN: it was not raised.
        let _ = rustix::io::read(&self.0, &mut [0; size_of::<u64>()]);
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::poll::{poll, readable};

    #[test]
    fn it_is_readable_while_it_is_raised() {
        let event = EventFd::new().unwrap();
        let is_readable =
            || poll(&mut [readable(event.as_fd())], Some(Duration::ZERO)).unwrap() == 1;
        assert!(!is_readable());
        event.raise();
        event.raise();
        assert!(is_readable());
        event.lower();
        assert!(!is_readable());
        event.lower();
    }
}
