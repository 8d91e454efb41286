//! The fork of a worker.
//!
//! ```text
//!   parent: block signals ─ before_fork ─ fork ─┬─ after_fork_parent ─ let signals through
//!                                               │
//!   child:    default dispositions ─ close what is the supervisor's ─ after_fork_child
//!             ─ let signals through ─ run_worker ─ _exit
//! ```
//!
//! The child leaves the loop by returning from it: the arbiter is taken apart on the way, so what
//! a worker must not hold (the other workers' lines, the write end of the orphan pipe, listeners
//! of another generation) is closed because nobody owns it any more. A signal that comes between
//! the fork and the end of this waits, and then does to a worker what it does by default.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use unicoro_sys::fd::set_nonblocking;
use unicoro_sys::pipe::pipe;
use unicoro_sys::process::{Fork, Pid, exit_now, fork};
use unicoro_sys::signal::BlockedSignals;
use unicoro_sys::signal_pipe::SignalPipe;

use crate::listening::listener::Listener;
use crate::logging::TRACEBACK;
use crate::supervisor::host::Host;
use crate::supervisor::workers::report::{ReportReader, ReportWriter};
use crate::supervisor::workers::scoreboard::{Scoreboard, Slot, SlotState};
use crate::supervisor::workers::station::Station;

/// Which side we are on after a birth.
pub enum Born {
    Parent { pid: Pid, reports: ReportReader },
    Child(Newborn),
}

/// What the child knows while it leaves the loop. Signals are blocked as long as it lives.
pub struct Newborn {
    pub number: u64,
    pub generation: u64,
    slot: &'static Slot,
    report: ReportWriter,
    supervisor: Pid,
    blocked: BlockedSignals,
}

/// Forks.
pub fn give_birth(
    host: &mut dyn Host,
    number: u64,
    generation: u64,
    slot: &'static Slot,
) -> io::Result<Born> {
    let (reader, writer) = pipe()?;
    set_nonblocking(reader.as_fd(), true)?;
    slot.reset(generation);
    slot.set_state(SlotState::Booting);
    let supervisor = Pid::me();
    if let Err(traceback) = host.pre_fork(number, generation) {
        log::error!(target: TRACEBACK, "{traceback}");
        return Err(io::Error::other("the hook pre_fork failed"));
    }
    let blocked = BlockedSignals::all()?;
    host.before_fork();
    match fork() {
        Ok(Fork::Child) => {
            let report = ReportWriter::new(writer);
            Ok(Born::Child(Newborn { number, generation, slot, report, supervisor, blocked }))
        }
        Ok(Fork::Parent(pid)) => {
            host.after_fork_parent();
            Ok(Born::Parent { pid, reports: ReportReader::new(reader) })
        }
        Err(error) => {
            host.after_fork_parent();
            Err(error)
        }
    }
}

impl Newborn {
    /// The rest of the worker's life.
    pub fn live(
        self,
        host: &mut dyn Host,
        signals: SignalPipe,
        listeners: Vec<Arc<Listener>>,
        orphan: OwnedFd,
        board: Scoreboard,
    ) -> ! {
        let Newborn { number, generation, slot, report, supervisor, blocked } = self;
        signals.reset();
        host.after_fork_child();
        blocked.end_as_at_the_beginning();
        let station =
            Station { number, generation, listeners, slot, board, supervisor, orphan, report };
        // A panic must not run on into the supervisor's frames. Its message is on stderr already.
        let code = catch_unwind(AssertUnwindSafe(|| host.run_worker(station)));
        exit_now(code.unwrap_or(PANIC_EXIT))
    }
}

/// What sysexits.h calls an internal software error: ours, not the app's.
const PANIC_EXIT: i32 = 70;
