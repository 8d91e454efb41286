//! USR2: another executable takes over without a moment of silence.
//!
//! ```text
//!   old master ── fork, exec ──> new master (same sockets, pid file PATH.2) ── its own workers
//!      ├─ TERM to the old one: it drains and ends; the new one renames PATH.2 to PATH
//!      └─ TERM to the new one: the roll-back; the old one was never away
//! ```
//!
//! As long as both are alive, neither removes a unix socket's path.

use std::ops::ControlFlow;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;

use unicoro_sys::fd::set_cloexec;
use unicoro_sys::passed_fds::arrange_for_exec;
use unicoro_sys::process::{Exit, Fork, Pid, exit_now, fork};
use unicoro_sys::signal::BlockedSignals;

use super::{Arbiter, Flow, Leave};
use crate::listening::listener::Listener;
use crate::logging::TRACEBACK;
use crate::supervisor::host::Host;
use crate::supervisor::inheritance::FIRST_LISTEN_FD;
use crate::supervisor::lineage::Lineage;
use crate::supervisor::plan::Announcement;

impl Arbiter<'_> {
    /// USR2. The child takes the way of a worker: only what it needs is left when it gets there.
    pub(super) fn upgrade(&mut self) -> Flow {
        if let Some(objection) = self.lineage.objection() {
            log::warn!("{objection}");
            return ControlFlow::Continue(());
        }
        let old = Pid::me();
        let forked = BlockedSignals::all().and_then(|blocked| {
            self.host.before_fork();
            let forked = fork();
            if !matches!(forked, Ok(Fork::Child)) {
                self.host.after_fork_parent();
            }
            forked.map(|forked| (forked, blocked))
        });
        match forked {
            Ok((Fork::Parent(pid), _)) => {
                log::info!("USR2: a new master starts (pid:{pid})");
                self.lineage.successor = Some(pid);
                self.listeners().for_each(|listener| listener.keep_path());
            }
            Ok((Fork::Child, blocked)) => {
                return ControlFlow::Break(Leave::AsMaster { old, blocked });
            }
            Err(error) => log::error!("USR2: no new master can be forked: {error}"),
        }
        ControlFlow::Continue(())
    }

    /// The service does not stop when another master goes on with it.
    pub(super) fn announce(&self, announcement: Announcement) {
        match self.lineage.successor {
            Some(successor) if announcement == Announcement::Stopping => {
                self.systemd.hand_over(successor);
            }
            _ => self.systemd.announce(announcement),
        }
    }

    /// It could not start, or it was told to stop: we have all to ourselves again.
    pub(super) fn successor_ended(&mut self, exit: Exit) {
        self.lineage.successor = None;
        self.listeners().for_each(|listener| listener.reclaim_path());
        log::warn!("The new master {exit}; this one goes on");
    }

    /// The master that we have replaced has gone.
    pub(super) fn take_over(&mut self) {
        log::info!("Master has been promoted");
        self.listeners().for_each(|listener| listener.reclaim_path());
        self.host.promoted();
        let wanted = self.generations.first().and_then(|first| first.options.pidfile.clone());
        if wanted.is_some() {
            self.move_pidfile(wanted.as_deref());
        }
    }

    pub(super) fn leave_as_master(self, old: Pid, blocked: BlockedSignals) -> ! {
        let Arbiter { host, signals, generations, lineage, .. } = self;
        // The one that serves; a reload under way is not the new master's business.
        let serving = generations.into_iter().next().map(|generation| generation.listeners);
        signals.reset();
        host.after_fork_child();
        blocked.end_as_at_the_beginning();
        become_successor(host, &serving.unwrap_or_default(), lineage, old)
    }
}

/// In the forked child: becomes the new master, or ends.
fn become_successor(
    host: &mut dyn Host,
    listeners: &[Arc<Listener>],
    lineage: Lineage,
    old: Pid,
) -> ! {
    if let Err(traceback) = host.pre_exec() {
        log::error!(target: TRACEBACK, "{traceback}");
        exit_now(1);
    }
    let passed: Vec<BorrowedFd<'_>> = listeners.iter().map(|listener| listener.as_fd()).collect();
    let mut variables = vec![("GUNICORN_PID", old.to_string())];
    let arranged = if lineage.is_systemd {
        variables.push(("LISTEN_PID", Pid::me().to_string()));
        variables.push(("LISTEN_FDS", passed.len().to_string()));
        arrange_for_exec(&passed, FIRST_LISTEN_FD)
    } else {
        let numbers: Vec<String> = passed.iter().map(|fd| fd.as_raw_fd().to_string()).collect();
        variables.push(("GUNICORN_FD", numbers.join(",")));
        passed.iter().try_for_each(|fd| set_cloexec(*fd, false))
    };
    let error = match arranged {
        Ok(()) => host.exec(&variables),
        Err(error) => error,
    };
    log::error!("USR2: the new master cannot be started: {error}");
    exit_now(1)
}
