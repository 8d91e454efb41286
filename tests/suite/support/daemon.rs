//! A server that has left its starter, and is known by its pid file.

use nix::sys::signal::Signal;

use crate::support::{Server, processes, wait};

/// Killed when it is dropped, with its workers.
pub struct Daemon {
    pub pid: u32,
}

impl Daemon {
    /// The one that `server`, which must have been told to leave, has started.
    pub fn of(server: &mut Server, pid_file: &str) -> Daemon {
        assert_eq!(server.exit_code(), 0);
        let pid = server.pid_in(pid_file);
        assert_ne!(pid, server.pid());
        Daemon { pid }
    }

    pub fn workers(&self) -> Vec<u32> {
        processes::children(self.pid)
    }

    pub fn stop(&self) {
        processes::signal(self.pid, Signal::SIGTERM);
        wait::until_true("the daemon to end", || !processes::is_alive(self.pid));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        for pid in self.workers().into_iter().chain([self.pid]) {
            processes::signal(pid, Signal::SIGKILL);
        }
    }
}
