//! What a process was started with by systemd, or by the master that it is to replace.
//!
//! ```text
//!   systemd        LISTEN_PID = our pid, LISTEN_FDS = n       sockets 3 .. 3+n replace `bind`
//!   a master, USR2 GUNICORN_PID = its pid, GUNICORN_FD = 7,8  its sockets, for the same addresses
//! ```
//!
//! The variables are taken out of the environment: they are not meant for our own children.

use std::os::fd::RawFd;

use unicoro_sys::environment::take_variable;
use unicoro_sys::process::Pid;

/// The first descriptor that systemd passes on: sd_listen_fds(3).
pub const FIRST_LISTEN_FD: RawFd = 3;

/// What was inherited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inheritance {
    /// The sockets that replace `bind`.
    pub systemd: Vec<RawFd>,
    /// The master that we are to replace.
    pub parent: Option<Pid>,
    /// The listening sockets that the parent left us, by number.
    pub sockets: Vec<RawFd>,
}

impl Inheritance {
    /// Takes it from the environment. Call it first of all, while the process has one thread.
    #[must_use]
    pub fn take() -> Inheritance {
        let names = ["LISTEN_PID", "LISTEN_FDS", "GUNICORN_PID", "GUNICORN_FD"].map(take_variable);
        if !names[0].is_empty() {
            let _ = take_variable("LISTEN_FDNAMES");
        }
        let [listen_pid, listen_fds, parent, sockets] = names.each_ref().map(String::as_str);
        Inheritance::parse(listen_pid, listen_fds, parent, sockets, Pid::me())
    }

    fn parse(listen_pid: &str, listen_fds: &str, parent: &str, sockets: &str, me: Pid) -> Self {
        let is_for_us = listen_pid.trim().parse() == Ok(me.as_raw());
        let count = listen_fds.trim().parse().ok().filter(|_| is_for_us).unwrap_or(0);
        Inheritance {
            systemd: (FIRST_LISTEN_FD..).take(count).collect(),
            parent: parent.trim().parse().ok().and_then(Pid::from_raw),
            sockets: sockets.split(',').filter_map(|number| number.trim().parse().ok()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemds_sockets_count_only_when_they_are_meant_for_us() {
        let me = Pid::from_raw(7).unwrap();
        let fds = |pid, count| Inheritance::parse(pid, count, "", "", me).systemd;
        assert_eq!(fds("7", "2"), [3, 4]);
        assert!(fds("8", "2").is_empty());
        assert!(fds("", "2").is_empty());
        assert!(fds("7", "x").is_empty());
    }

    #[test]
    fn a_former_master_passes_its_number_and_its_sockets() {
        let me = Pid::from_raw(7).unwrap();
        let found = Inheritance::parse("", "", "5", "8,9", me);
        assert_eq!((found.parent, found.sockets), (Pid::from_raw(5), vec![8, 9]));
    }
}
