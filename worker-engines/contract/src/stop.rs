//! How an engine is asked to end: a state and a descriptor that becomes readable.
//!
//! Asking is async-signal-safe: one atomic, one write.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU8, Ordering};

use unicoro_sys::event_fd::EventFd;

/// What an engine should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopState {
    /// Serve.
    Running,
    /// Accept no more, finish what is in progress, part with idle clients ([`crate::drain`]), return.
    Draining,
    /// Return at once.
    Quitting,
}

/// The request to end, shared by the engine, the signal handlers and the handler.
pub struct Stop {
    state: AtomicU8,
    wake: EventFd,
}

impl Stop {
    /// Nobody has asked yet.
    ///
    /// # Errors
    /// eventfd(2).
    pub fn new() -> io::Result<Self> {
        Ok(Self { state: AtomicU8::new(0), wake: EventFd::new()? })
    }

    /// Asks for `state`; a stronger request stays.
    pub fn ask(&self, state: StopState) {
        self.state.fetch_max(state as u8, Ordering::SeqCst);
        self.wake();
    }

    /// Wakes the engine without asking for anything.
    pub fn wake(&self) {
        self.wake.raise();
    }

    /// What has been asked for.
    #[must_use]
    pub fn state(&self) -> StopState {
        match self.state.load(Ordering::SeqCst) {
            0 => StopState::Running,
            1 => StopState::Draining,
            _ => StopState::Quitting,
        }
    }

    /// Makes the descriptor unreadable until the next request.
    pub fn acknowledge(&self) {
        self.wake.lower();
    }
}

impl AsFd for Stop {
    /// Readable when somebody has asked.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl AsRawFd for Stop {
    fn as_raw_fd(&self) -> RawFd {
        self.wake.as_fd().as_raw_fd()
    }
}
