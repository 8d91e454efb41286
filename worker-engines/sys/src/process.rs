//! Processes: who we are, fork, how a child ended, signals to others.
//!
//! ```text
//!            fork()
//!   parent ────┬──────────────> Fork::Parent(pid) ... reap() -> (pid, Exit)
//!              └─ child ──────> Fork::Child ... exit_now(code), never a return to the caller
//! ```
//!
//! The child of a fork takes no lock that another thread may have held; the supervisor keeps
//! itself single-threaded for that reason.
#![allow(unsafe_code)]

use std::fmt;
use std::io;

use rustix::fs::Mode;
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{WaitOptions, WaitStatus, test_kill_process};

use crate::fd::check;
use crate::signal::Signal;

/// A process id, always positive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pid(libc::pid_t);

impl Pid {
    /// This process.
    #[must_use]
    pub fn me() -> Pid {
        Pid(rustix::process::getpid().as_raw_pid())
    }

    /// The parent; process 1, or the nearest subreaper, once the real one is gone.
    #[must_use]
    pub fn parent() -> Pid {
        Pid(rustix::process::Pid::as_raw(rustix::process::getppid()))
    }

    /// The process with this number. Zero and below mean groups to kill(2), so they are refused.
    #[must_use]
    pub fn from_raw(number: i32) -> Option<Pid> {
        (number > 0).then_some(Pid(number))
    }

    /// The process id as a number.
    #[must_use]
    pub fn as_raw(self) -> i32 {
        self.0
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// `ESRCH` when it is gone, `EPERM` when it is not ours.
    pub fn send(self, signal: Signal) -> io::Result<()> {
        // SAFETY: kill takes two integers; the pid is positive, so no group is meant. libc's, because
        // rustix sends only signals that have names.
        check(unsafe { libc::kill(self.0, signal.as_raw()) }).map(drop)
    }

    /// True when such a process runs. A zombie does not: in a container whose first process reaps
    /// nobody a killed server is one for ever.
    #[must_use]
    pub fn is_alive(self) -> bool {
        let answer = rustix::process::Pid::from_raw(self.0).map(test_kill_process);
        matches!(answer, Some(Ok(()) | Err(Errno::PERM))) && !self.is_zombie()
    }

    fn is_zombie(self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{self}/stat")).unwrap_or_default();
        // The command before the state may hold any byte, `)` too: the last one ends it (proc(5)).
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
    }
}

impl Pid {
    /// The name of its program, as far as /proc tells.
    #[must_use]
    pub fn name(self) -> Option<String> {
        let name = std::fs::read_to_string(format!("/proc/{self}/comm")).ok()?;
        Some(name.trim().to_owned())
    }
}

/// The threads of this process, as gettid(2) numbers them.
#[must_use]
pub fn threads() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Sends a signal to one thread of this process, as gettid(2) numbers them.
///
/// # Errors
/// `ESRCH` when it is gone.
pub fn signal_thread(thread: i32, signal: i32) -> io::Result<()> {
    // SAFETY: tgkill takes three integers. rustix does not have it.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, Pid::me().0, thread, signal) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The calling thread, as gettid(2) numbers it.
#[must_use]
pub fn thread_id() -> i32 {
    rustix::thread::gettid().as_raw_pid()
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which side of a fork we are on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fork {
    /// The caller, which has a new child.
    Parent(Pid),
    /// The new process.
    Child,
}

/// Forks.
///
/// # Errors
/// `EAGAIN`, `ENOMEM`: no process or memory is left.
pub fn fork() -> io::Result<Fork> {
    // SAFETY: glibc's fork leaves malloc and stdio usable in the child. Locks that other threads
    // held stay taken there, which can hang the child but not break memory; see the module text.
    // glibc's, because the system call alone runs nobody's pthread_atfork handlers.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(Pid(pid))),
    }
}

/// Sets which rights the files are not given that this process makes, and hands back the former set.
pub fn set_umask(mask: u32) -> u32 {
    rustix::process::umask(Mode::from_bits_truncate(mask)).bits()
}

/// Ends this process at once: no destructors, no atexit, no flush of what a parent had buffered.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit takes an integer and does not return.
    unsafe { libc::_exit(code) }
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It left by itself with this code.
    Code(i32),
    /// A signal ended it.
    Signal {
        /// Which one.
        signal: Signal,
        /// Whether it left a core file.
        core: bool,
    },
}

impl Exit {
    /// The signal that ended it, if one did.
    #[must_use]
    pub fn signal(self) -> Option<Signal> {
        match self {
            Exit::Code(_) => None,
            Exit::Signal { signal, .. } => Some(signal),
        }
    }

    fn from_status(status: WaitStatus) -> Exit {
        match status.terminating_signal() {
            Some(signal) => {
                let core = libc::WCOREDUMP(status.as_raw());
                Exit::Signal { signal: Signal::from_raw(signal), core }
            }
            None => Exit::Code(status.exit_status().unwrap_or_default()),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exited with code {code}"),
            Exit::Signal { signal, core: false } => write!(f, "was killed by {signal}"),
            Exit::Signal { signal, core: true } => {
                write!(f, "was killed by {signal} and left a core file")
            }
        }
    }
}

/// One child that has ended, if there is any; never waits.
///
/// # Errors
/// Whatever `wait4(2)` says, `ECHILD` (no children at all) excepted.
pub fn reap() -> io::Result<Option<(Pid, Exit)>> {
    match rustix::process::wait(WaitOptions::NOHANG) {
        Ok(Some((pid, status))) => Ok(Some((Pid(pid.as_raw_pid()), Exit::from_status(status)))),
        Ok(None) | Err(Errno::CHILD) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Waits until the child `pid` has ended.
///
/// # Errors
/// `ECHILD` as `NotFound` when it is no child of ours.
pub fn wait_for(pid: Pid) -> io::Result<Exit> {
    let child = rustix::process::Pid::from_raw(pid.0);
    match retry_on_intr(|| rustix::process::waitpid(child, WaitOptions::empty())) {
        Ok(Some((_, status))) => Ok(Exit::from_status(status)),
        Ok(None) | Err(Errno::CHILD) => Err(io::ErrorKind::NotFound.into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit_of(child: impl FnOnce()) -> Exit {
        match fork().unwrap() {
            Fork::Child => {
                child();
                exit_now(7)
            }
            Fork::Parent(pid) => wait_for(pid).unwrap(),
        }
    }

    #[test]
    fn an_exit_code_is_told_from_a_signal() {
        assert_eq!(exit_of(|| ()), Exit::Code(7));
        let killed = exit_of(|| drop(Pid::me().send(Signal::KILL)));
        assert_eq!(killed, Exit::Signal { signal: Signal::KILL, core: false });
        assert_eq!(killed.to_string(), "was killed by SIGKILL");
    }

    #[test]
    fn group_numbers_are_no_pids() {
        assert_eq!(Pid::from_raw(0), None);
        assert_eq!(Pid::from_raw(-1), None);
        assert!(Pid::me().is_alive());
    }
}
