//! What the supervisor asks of the rest of the program.
//!
//! It turns the arrow between the layers: the supervisor knows no Python, no HTTP and no engine,
//! and yet has to run a worker, read settings and call the hooks of a config file.

use std::io;
use std::sync::Arc;

use unicoro_sys::process::{Exit, Pid};

use super::error::HostError;
use super::options::Options;
use super::workers::station::Station;
use crate::listening::listener::Listener;

/// The other half of the program. Only the first five methods have to be written.
///
/// Where a hook may raise, the error is its traceback.
pub trait Host {
    /// Runs a worker. Called in the forked child: signals have their default dispositions and
    /// are let through, and what belongs to the supervisor is closed. The process ends with the
    /// returned code, without a return to the supervisor's code.
    fn run_worker(&mut self, station: Station) -> i32;

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
    fn reload(&mut self, generation: u64) -> Result<Options, HostError>;

    /// From now on only workers of `generation` are started: the settings of all others may be
    /// forgotten. After a failed reload this is the old generation.
    fn settled(&mut self, generation: u64) {
        let _ = generation;
    }

    /// The master starts; nothing is bound yet (gunicorn's `on_starting`).
    ///
    /// # Errors
    /// The master does not start.
    fn on_starting(&mut self) -> Result<(), HostError> {
        Ok(())
    }

    /// The listeners are open, no worker runs yet (gunicorn's `when_ready`).
    ///
    /// # Errors
    /// The master does not start.
    fn when_ready(&mut self, listeners: &[Arc<Listener>]) -> Result<(), HostError> {
        let _ = listeners;
        Ok(())
    }

    /// The settings were read again and the addresses bound (gunicorn's `on_reload`).
    ///
    /// # Errors
    /// The reload has failed.
    fn on_reload(&mut self, generation: u64, listeners: &[Arc<Listener>]) -> Result<(), HostError> {
        let _ = (generation, listeners);
        Ok(())
    }

    /// A worker is about to be forked (gunicorn's `pre_fork`).
    ///
    /// # Errors
    /// It is not forked; the supervisor tries again later.
    fn pre_fork(&mut self, number: u64, generation: u64) -> Result<(), HostError> {
        let _ = (number, generation);
        Ok(())
    }

    /// The worker that `pre_fork` announced runs under this process id.
    fn forked(&mut self, pid: Pid) {
        let _ = pid;
    }

    /// A worker has ended (gunicorn's `child_exit`).
    fn worker_exited(&mut self, number: u64, pid: Pid, exit: Exit) {
        let _ = (number, pid, exit);
    }

    /// The number of workers that is aimed at has changed (gunicorn's `nworkers_changed`); the
    /// first time there is no old one.
    ///
    /// # Errors
    /// At the start: the master does not start. Later it is only logged.
    fn workers_changed(&mut self, new: usize, old: Option<usize>) -> Result<(), HostError> {
        let _ = (new, old);
        Ok(())
    }

    /// In the forked child that is about to become the new master (gunicorn's `pre_exec`).
    ///
    /// # Errors
    /// There is no upgrade.
    fn pre_exec(&mut self) -> Result<(), HostError> {
        Ok(())
    }

    /// Starts the program anew in place of this process, as it was started first, with these
    /// variables besides. Returns only if that fails.
    fn exec(&mut self, variables: &[(&str, String)]) -> io::Error {
        let _ = variables;
        io::ErrorKind::Unsupported.into()
    }

    /// The master that this one replaces has gone.
    fn promoted(&mut self) {}

    /// Waits by calling `wait`, which touches nothing of the host's. Others may use what the host
    /// holds in the meantime: threads that a hook has started need the interpreter.
    fn wait(&mut self, wait: &mut dyn FnMut()) {
        wait();
    }

    /// The master is about to end (gunicorn's `on_exit`).
    fn on_exit(&mut self) {}
}
