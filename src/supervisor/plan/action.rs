//! What a supervisor can do.

use std::time::Duration;

use unicoro_sys::process::Pid;
use unicoro_sys::signal::Signal;

use crate::logging::LogLevel;

/// One thing to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Log one line.
    Log(LogLevel, String),
    /// Log a text of several lines, as an error.
    LogLines(String),
    /// Fork a worker, then say [`Spawned`](super::Event::Spawned) or
    /// [`SpawnFailed`](super::Event::SpawnFailed) before anything else.
    Spawn {
        /// The number of the worker, never used before.
        number: u64,
        /// Whose settings and listeners it gets.
        generation: u64,
    },
    /// Send a signal to a worker.
    Send {
        /// Which worker.
        pid: Pid,
        /// Which signal.
        signal: Signal,
    },
    /// A worker hangs: log which request it is at, and send ABRT.
    Abort {
        /// Which worker.
        pid: Pid,
        /// How old its heartbeat is.
        age: Duration,
    },
    /// Read the settings, bind, and say [`Reloaded`](super::Event::Reloaded).
    Reload,
    /// Reopen our own logs.
    ReopenLogs,
    /// Forget settings and listeners of all generations but this one.
    Settle {
        /// The one that is kept.
        generation: u64,
    },
    /// Close our copies of the listeners: workers that have drained them close the last ones.
    CloseListeners,
    /// Tell the host how many workers are aimed at.
    WorkersChanged {
        /// How many workers are wanted from now on.
        new: usize,
        /// How many workers were wanted before.
        old: usize,
    },
    /// Start a new master beside this one.
    Upgrade,
    /// Tell systemd.
    Announce(Announcement),
    /// Leave the loop with this exit code.
    End(i32),
}

/// What systemd wants to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Announcement {
    /// Requests are answered.
    Ready {
        /// By so many workers.
        workers: usize,
    },
    /// A reload begins; `Ready` or `ReloadFailed` ends it.
    Reloading,
    /// The reload has failed; the old workers serve on.
    ReloadFailed,
    /// The server begins to stop.
    Stopping,
}
