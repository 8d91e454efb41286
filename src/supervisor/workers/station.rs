//! What a worker is given: its listeners, its slot in shared memory, and the line to its
//! supervisor.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use unicoro_sys::process::Pid;

use super::report::{BootFailure, Report, ReportWriter};
use super::scoreboard::{Scoreboard, Slot, SlotState};
use crate::listening::listener::Listener;

/// A worker's place.
#[derive(Debug)]
pub struct Station {
    /// Counts the workers of this master from 1.
    pub number: u64,
    /// Whose settings the worker runs with: 1 at the start, one more for each reload.
    pub generation: u64,
    /// Sockets to accept from. Dropping the last reference closes this process's copy only; the
    /// path of a unix socket stays.
    pub listeners: Vec<Arc<Listener>>,
    /// Where to beat, to count, and to leave the current request line.
    pub slot: &'static Slot,
    /// All slots.
    pub board: Scoreboard,
    /// The master's process id.
    pub supervisor: Pid,
    pub(in crate::supervisor) orphan: OwnedFd,
    pub(in crate::supervisor) report: ReportWriter,
}

impl Station {
    /// Readable (end of file, never data) once the supervisor is gone: then leave.
    #[must_use]
    pub fn orphan(&self) -> BorrowedFd<'_> {
        self.orphan.as_fd()
    }

    /// The app is loaded, signal handlers are installed, requests are taken from now on.
    pub fn ready(&self) {
        self.slot.beat();
        self.slot.begin_serving();
        self.report.send(&Report::Ready);
    }

    /// The worker cannot start, and why. Returns the code to leave with.
    #[must_use = "return it from Host::run_worker"]
    pub fn failed(&self, failure: BootFailure, text: &str) -> i32 {
        self.report.send(&Report::Failed { failure, text: text.to_owned() });
        failure.exit_code()
    }

    /// Asks for a successor (max_requests). Go on serving until TERM comes, which it does as soon
    /// as the successor is ready; or, when that takes too long, leave with code 0.
    pub fn retiring(&self) {
        self.slot.set_state(SlotState::Retiring);
        self.report.send(&Report::Retiring);
    }
}
