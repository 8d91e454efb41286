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
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::logging::TRACEBACK;
use crate::supervisor::arbiter::{Arbiter, Flow, Leave};
use crate::supervisor::host::Host;
use crate::supervisor::inheritance::FIRST_LISTEN_FD;
use crate::supervisor::plan::Announcement;
use crate::sys::fd::set_cloexec;
use crate::sys::listener::Listener;
use crate::sys::passed_fds::arrange_for_exec;
use crate::sys::process::{Exit, Fork, Pid, exit_now, fork};
use crate::sys::signal::Blocked;

/// The other master, if there is one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lineage {
    /// The master that we are to replace.
    pub parent: Option<Pid>,
    /// The master that is to replace us.
    pub successor: Option<Pid>,
    /// Our sockets are systemd's.
    pub is_systemd: bool,
}

impl Lineage {
    /// True as long as another master uses the same sockets.
    pub fn is_shared(self) -> bool {
        self.parent.is_some() || self.successor.is_some()
    }

    /// Why USR2 has to be refused now.
    pub fn objection(self) -> Option<&'static str> {
        match (self.parent, self.successor) {
            (_, Some(_)) => Some("USR2 ignored: the new master of the last upgrade is running"),
            (Some(_), _) => Some("USR2 ignored: the old master is still running"),
            (None, None) => None,
        }
    }

    /// True once, when the master that we replace has gone.
    pub fn is_promoted(&mut self) -> bool {
        let has_gone = self.parent.is_some_and(|parent| parent != Pid::parent());
        if has_gone {
            self.parent = None;
        }
        has_gone
    }
}

/// The arbiter's part.
impl Arbiter<'_> {
    /// USR2. The child takes the way of a worker: only what it needs is left when it gets there.
    pub fn upgrade(&mut self) -> Flow {
        if let Some(objection) = self.lineage.objection() {
            log::warn!("{objection}");
            return ControlFlow::Continue(());
        }
        let old = Pid::me();
        let forked = Blocked::all().and_then(|blocked| {
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
    pub fn announce(&self, announcement: Announcement) {
        match self.lineage.successor {
            Some(successor) if announcement == Announcement::Stopping => {
                self.systemd.hand_over(successor);
            }
            _ => self.systemd.announce(announcement),
        }
    }

    /// It could not start, or it was told to stop: we have all to ourselves again.
    pub fn successor_ended(&mut self, exit: Exit) {
        self.lineage.successor = None;
        self.listeners().for_each(|listener| listener.reclaim_path());
        log::warn!("The new master {exit}; this one goes on");
    }

    /// The master that we have replaced has gone.
    pub fn take_over(&mut self) {
        log::info!("Master has been promoted");
        self.listeners().for_each(|listener| listener.reclaim_path());
        self.host.promoted();
        let wanted = self.generations.first().and_then(|first| first.options.pidfile.clone());
        if wanted.is_some() {
            self.move_pidfile(wanted.as_deref());
        }
    }

    pub fn leave_as_master(self, old: Pid, blocked: Blocked) -> ! {
        let Arbiter { host, signals, generations, lineage, .. } = self;
        // The one that serves; a reload under way is not the new master's business.
        let serving = generations.into_iter().next().map(|generation| generation.listeners);
        signals.reset();
        host.after_fork_child();
        blocked.end_as_at_the_beginning();
        become_successor(host, &serving.unwrap_or_default(), lineage, old)
    }
}

/// The pid file of a master whose predecessor still has the real one.
pub fn second_pidfile(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".2");
    PathBuf::from(name)
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
    let passed: Vec<BorrowedFd<'_>> = listeners
        .iter()
        .filter(|listener| listener.is_listening())
        .map(|listener| listener.as_fd())
        .collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_upgrade_at_a_time() {
        let other = Pid::from_raw(7);
        assert_eq!(Lineage::default().objection(), None);
        assert!(Lineage { successor: other, ..Lineage::default() }.objection().is_some());
        assert!(Lineage { parent: other, ..Lineage::default() }.objection().is_some());
    }

    #[test]
    fn a_master_is_promoted_once_when_its_parent_is_another() {
        let mut lineage = Lineage { parent: Some(Pid::parent()), ..Lineage::default() };
        assert!(!lineage.is_promoted() && lineage.is_shared());
        lineage.parent = Some(Pid::me());
        assert!(lineage.is_promoted());
        assert!(!lineage.is_promoted() && !lineage.is_shared());
    }
}
