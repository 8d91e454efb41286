//! waitpid, wait4, waitid and what stands on them: a child's end is waited for by a pidfd.
//!
//! Any child, a process group, or a child that only stops: no descriptor tells, so a helper thread
//! makes the real call; when all helpers are busy, one looks again and again.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_void};
use std::os::fd::RawFd;
use std::ptr;
use std::time::Duration;

use libc::{c_int, id_t, idtype_t, pid_t, rusage, siginfo_t};

use crate::errands::WAITING;
use crate::green::Green;
use crate::interposed::machinery::call::interposed;
use crate::interposed::machinery::readiness::Wait;

interposed! {
    fn waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t |green, real| {
        // SAFETY: the caller's arguments.
        until_changed(green, whose(pid, options), options, |options| unsafe {
            real(pid, status, options)
        })
    }

    fn wait4(pid: pid_t, status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t
    |green, real| {
        // SAFETY: the caller's arguments.
        until_changed(green, whose(pid, options), options, |options| unsafe {
            real(pid, status, options, usage)
        })
    }

    fn wait(status: *mut c_int) -> pid_t |_green, _real| {
        // SAFETY: the caller's arguments.
        unsafe { waitpid(-1, status, 0) }
    }

    fn wait3(status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t |_green, _real| {
        // SAFETY: the caller's arguments.
        unsafe { wait4(-1, status, options, usage) }
    }

    fn waitid(kind: idtype_t, id: id_t, info: *mut siginfo_t, options: c_int) -> c_int
    |green, real| {
        // SAFETY: an all-zero siginfo is a valid one.
        let mut own: siginfo_t = unsafe { std::mem::zeroed() };
        let info = if info.is_null() { &raw mut own } else { info };
        let whom = match kind {
            _ if options & (libc::WSTOPPED | libc::WCONTINUED) != 0 => Whom::Any,
            libc::P_PID => Whom::Process(id.cast_signed()),
            libc::P_PIDFD => Whom::PidFd(id.cast_signed()),
            _ => Whom::Any,
        };
        // waitid(2): with WNOHANG it says 0 and no pid while nothing has happened; here in waitpid's
        // manner, 0 for that and 1 for a change.
        let done = until_changed(green, whom, options, |options| {
            // SAFETY: the caller's information, or ours; the kernel leaves the pid as it was.
            unsafe {
                (*info.cast::<ChildInfo>()).pid = 0;
                match real(kind, id, info, options) {
                    0 => pid_t::from((*info.cast::<ChildInfo>()).pid != 0),
                    error => error,
                }
            }
        });
        done.min(0)
    }

    /// glibc's own would wait where nothing interposed is reached. Not kept of system(3): SIGINT
    /// and SIGQUIT stay as they are in this process, because they are the server's.
    fn system(command: *const c_char) -> c_int |_green, real| {
        if command.is_null() {
            // SAFETY: asks whether there is a shell.
            return unsafe { real(command) };
        }
        let arguments = [c"sh".as_ptr(), c"-c".as_ptr(), c"--".as_ptr(), command, ptr::null()];
        let mut child: pid_t = 0;
        // SAFETY: the arguments end in null and outlive the call; the environment is the process's.
        let failed = unsafe {
            libc::posix_spawn(
                &raw mut child,
                c"/bin/sh".as_ptr(),
                ptr::null(),
                ptr::null(),
                arguments.as_ptr().cast(),
                environ,
            )
        };
        if failed != 0 {
            return NO_SHELL;
        }
        let mut status = 0;
        // SAFETY: our child, our status.
        if unsafe { waitpid(child, &raw mut status, 0) } < 0 { -1 } else { status }
    }
}

unsafe extern "C" {
    static environ: *const *mut c_char;
}

/// system(3): as if the shell had ended with 127.
const NO_SHELL: c_int = 127 << 8;

/// What siginfo_t is for a child (sigaction(2)).
#[repr(C)]
struct ChildInfo {
    signo: c_int,
    error: c_int,
    code: c_int,
    _align: [*mut c_void; 0],
    pid: pid_t,
}

enum Whom {
    Process(pid_t),
    PidFd(RawFd),
    Any,
}

fn whose(pid: pid_t, options: c_int) -> Whom {
    let stops = libc::WUNTRACED | libc::WCONTINUED;
    if pid > 0 && options & stops == 0 { Whom::Process(pid) } else { Whom::Any }
}

/// How often to look for a child's change when all helpers are busy.
const LOOK: Duration = Duration::from_millis(10);

/// Asks without waiting, parks, asks again, until the answer is other than "nothing yet" (0).
fn until_changed(green: &Green, whom: Whom, options: c_int, ask: impl Fn(c_int) -> pid_t) -> pid_t {
    if options & libc::WNOHANG != 0 {
        return ask(options);
    }
    let mut wait = Wait::new(green, None);
    loop {
        let done = ask(options | libc::WNOHANG);
        if done != 0 {
            return done;
        }
        let opened = match whom {
            Whom::Process(pid) => PidFd::open(pid),
            Whom::PidFd(_) | Whom::Any => None,
        };
        match (pid_fd_of(&whom), opened) {
            (Some(fd), _) => drop(wait.for_one(fd, libc::POLLIN)),
            (None, Some(opened)) => drop(wait.for_one(opened.0, libc::POLLIN)),
            (None, None) => match WAITING.run_now(green, || ask(options)) {
                Some(done) => return done,
                None => drop(wait.rest(LOOK)),
            },
        }
    }
}

fn pid_fd_of(whom: &Whom) -> Option<RawFd> {
    match whom {
        Whom::PidFd(fd) => Some(*fd),
        Whom::Process(_) | Whom::Any => None,
    }
}

/// A descriptor that becomes readable when a child ends. The child has not been waited for, so its
/// number cannot have become another's.
struct PidFd(RawFd);

impl PidFd {
    fn open(pid: pid_t) -> Option<Self> {
        // SAFETY: no pointers.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        RawFd::try_from(fd).ok().filter(|fd| *fd >= 0).map(Self)
    }
}

impl Drop for PidFd {
    fn drop(&mut self) {
        // SAFETY: ours; a direct call, because `close` is interposed and nobody waits any more.
        unsafe { libc::syscall(libc::SYS_close, self.0) };
    }
}
