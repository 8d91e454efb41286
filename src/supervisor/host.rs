//! What the supervisor asks of the rest of the program.
//!
//! It turns the arrow between the layers: the supervisor knows no Python, no HTTP and no engine,
//! and yet has to run a worker, read settings and call the hooks of a config file.

use super::options::Options;
use super::worker_seat::WorkerSeat;
use crate::sys::process::{Exit, Pid};

/// The other half of the program. Only the first five methods have to be written.
pub trait Host {
    /// Runs a worker. Called in the forked child: signals have their default dispositions and
    /// are let through, and what belongs to the supervisor is closed. The process ends with the
    /// returned code, without a return to the supervisor's code.
    fn run_worker(&mut self, seat: WorkerSeat) -> i32;

    /// Just before a fork, in the parent; signals are blocked.
    fn before_fork(&mut self);

    /// Just after a fork, in the parent, also when the fork failed.
    fn after_fork_parent(&mut self);

    /// Just after a fork, in the child, before signals are let through and before
    /// [`run_worker`](Host::run_worker).
    fn after_fork_child(&mut self);

    /// HUP: reads the settings again. They are for workers of `generation`; the former ones must
    /// be kept until [`settled`](Host::settled), because an old worker may have to be replaced.
    ///
    /// # Errors
    /// One text that says why not. The old generation serves on.
    fn reload(&mut self, generation: u64) -> Result<Options, String>;

    /// From now on only workers of `generation` are started: the settings of all others may be
    /// forgotten. After a failed reload this is the old generation.
    fn settled(&mut self, generation: u64) {
        let _ = generation;
    }

    /// The listeners are open, no worker runs yet (gunicorn's `when_ready`).
    fn when_ready(&mut self) {}

    /// A worker has ended (gunicorn's `child_exit`).
    fn worker_exited(&mut self, number: u64, pid: Pid, exit: Exit) {
        let _ = (number, pid, exit);
    }

    /// The number of workers that is aimed at has changed (gunicorn's `nworkers_changed`); the
    /// first time there is no old one.
    fn workers_changed(&mut self, new: usize, old: Option<usize>) {
        let _ = (new, old);
    }

    /// The master is about to end (gunicorn's `on_exit`).
    fn on_exit(&mut self) {}
}
