//! Signal numbers, dispositions and the signal mask.
//!
//! The only signal handler that there is stands in [`super::signal_pipe`].
#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::fd::check;

/// A signal by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signal(libc::c_int);

impl Signal {
    /// Graceful stop.
    pub const TERM: Signal = Signal(libc::SIGTERM);
    /// Quick stop, as from the keyboard.
    pub const INT: Signal = Signal(libc::SIGINT);
    /// Quick stop.
    pub const QUIT: Signal = Signal(libc::SIGQUIT);
    /// Reload.
    pub const HUP: Signal = Signal(libc::SIGHUP);
    /// One worker more.
    pub const TTIN: Signal = Signal(libc::SIGTTIN);
    /// One worker fewer.
    pub const TTOU: Signal = Signal(libc::SIGTTOU);
    /// Reopen the logs.
    pub const USR1: Signal = Signal(libc::SIGUSR1);
    /// Upgrade of the executable.
    pub const USR2: Signal = Signal(libc::SIGUSR2);
    /// Stop the workers, keep the master.
    pub const WINCH: Signal = Signal(libc::SIGWINCH);
    /// A child changed its state.
    pub const CHLD: Signal = Signal(libc::SIGCHLD);
    /// Abort: what the watchdog sends first.
    pub const ABRT: Signal = Signal(libc::SIGABRT);
    /// A broken pointer: a crash.
    pub const SEGV: Signal = Signal(libc::SIGSEGV);
    /// An access to memory that has no page behind it.
    pub const BUS: Signal = Signal(libc::SIGBUS);
    /// A division by zero.
    pub const FPE: Signal = Signal(libc::SIGFPE);
    /// No such instruction.
    pub const ILL: Signal = Signal(libc::SIGILL);
    /// A breakpoint.
    pub const TRAP: Signal = Signal(libc::SIGTRAP);
    /// Cannot be caught.
    pub const KILL: Signal = Signal(libc::SIGKILL);
    /// Writing to a pipe that nobody reads.
    pub const PIPE: Signal = Signal(libc::SIGPIPE);

    /// The signal with this number, whether it has a name here or not.
    #[must_use]
    pub const fn from_raw(number: libc::c_int) -> Signal {
        Signal(number)
    }

    /// The signal's number, as the kernel counts.
    #[must_use]
    pub const fn as_raw(self) -> libc::c_int {
        self.0
    }

    /// True for those that stop a process, soon or late: TERM, INT and QUIT.
    #[must_use]
    pub fn asks_to_leave(self) -> bool {
        matches!(self, Self::TERM | Self::INT | Self::QUIT)
    }

    /// The name in lower case without SIG, as gunicorn's log has it; `None` for a rare one.
    #[must_use]
    pub fn short_name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }

    /// Puts back what the system does by default.
    ///
    /// # Errors
    /// `EINVAL` for a signal whose disposition cannot be changed.
    pub fn reset(self) -> io::Result<()> {
        self.dispose(&Wanted::DEFAULT)
    }

    /// Whether this program was started with it ignored, as by nohup(1).
    #[must_use]
    pub fn was_ignored(self) -> bool {
        IGNORED.load(Ordering::Relaxed) >> (self.0 - 1) & 1 == 1
    }

    /// Puts back what this program was started with. Async-signal-safe.
    ///
    /// # Errors
    /// `EINVAL` for a signal whose disposition cannot be changed.
    pub fn restore(self) -> io::Result<()> {
        let action = if self.was_ignored() { libc::SIG_IGN } else { libc::SIG_DFL };
        self.dispose(&Wanted { action, flags: 0 })
    }

    /// Whether nobody ignores or handles it.
    #[must_use]
    pub fn has_default(self) -> bool {
        self.disposition().action == libc::SIG_DFL
    }

    /// What is done with it now. Async-signal-safe.
    pub(super) fn disposition(self) -> Wanted {
        let mut now = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: null changes nothing; what sigaction writes, or zeroes, is a valid sigaction.
        let now = unsafe {
            libc::sigaction(self.0, ptr::null(), now.as_mut_ptr());
            now.assume_init()
        };
        Wanted { action: now.sa_sigaction, flags: now.sa_flags }
    }

    /// Does this from now on. A handler must do nothing that is not async-signal-safe.
    pub(super) fn dispose(self, to_do: &Wanted) -> io::Result<()> {
        let mut wanted = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: all-zero is a valid sigaction; sigfillset writes the mask inside it. `action` is
        // SIG_DFL, SIG_IGN, or a function of the type that the flags say, which lives for ever.
        let result = unsafe {
            let fields = wanted.as_mut_ptr();
            (*fields).sa_sigaction = to_do.action;
            // Stopped children are no news to anyone here.
            (*fields).sa_flags = to_do.flags | libc::SA_NOCLDSTOP;
            libc::sigfillset(&raw mut (*fields).sa_mask);
            libc::sigaction(self.0, fields, ptr::null_mut())
        };
        check(result).map(drop)
    }
}

/// What is to be done with a signal.
pub(super) struct Wanted {
    /// `SIG_DFL`, `SIG_IGN` or the address of a function, whose type the flags say.
    pub action: libc::sighandler_t,
    /// Those of sigaction(2).
    pub flags: libc::c_int,
}

impl Wanted {
    /// What the system does by itself.
    pub(super) const DEFAULT: Self = Self { action: libc::SIG_DFL, flags: 0 };

    /// This function is called, which does nothing that is not async-signal-safe.
    pub(super) fn call(handler: extern "C" fn(libc::c_int)) -> Self {
        Self { action: handler as *const () as libc::sighandler_t, flags: libc::SA_RESTART }
    }

    /// Whether a function is called.
    pub(super) fn is_handler(&self) -> bool {
        !matches!(self.action, libc::SIG_DFL | libc::SIG_IGN)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.short_name() {
            Some(name) => write!(f, "SIG{}", name.to_uppercase()),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What this program was started with: the signals that were ignored, and those that were blocked. A bit
/// for each, the lowest for signal 1.
static IGNORED: AtomicU64 = AtomicU64::new(0);
static BLOCKED: AtomicU64 = AtomicU64::new(0);

/// Remembers what this program was started with, which is what its children must start with. Before
/// anything is changed.
pub fn remember_beginning() {
    let mut ignored = 0;
    for signal in (1..=SIGNALS).map(Signal) {
        // gunicorn: whoever waits for children, as subprocess does, must hear of their end.
        let is_ignored = signal.disposition().action == libc::SIG_IGN && signal != Signal::CHLD;
        ignored |= u64::from(is_ignored) << (signal.0 - 1);
    }
    IGNORED.store(ignored, Ordering::Relaxed);
    let mut blocked = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: null changes nothing. The kernel's 64 signals are the first word of glibc's set.
    let blocked = unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), blocked.as_mut_ptr());
        blocked.as_ptr().cast::<u64>().read()
    };
    BLOCKED.store(blocked, Ordering::Relaxed);
}

/// signal(7).
const SIGNALS: libc::c_int = 64;

/// Blocks on this thread what was blocked at the beginning.
pub fn block_as_at_the_beginning() {
    let blocked = BLOCKED.load(Ordering::Relaxed);
    // SAFETY: the kernel's set is one word, which it reads. A direct call, because libc's is interposed.
    unsafe {
        let (how, old) = (libc::SIG_BLOCK, ptr::null_mut::<u64>());
        libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const blocked, old, size_of::<u64>());
    }
}

/// From now on, and until [`SignalPipe`](super::signal_pipe::SignalPipe) takes over, a stop signal
/// ends the process at once with code 0: nothing was made yet that would have to be taken down.
pub fn leave_on_stop() {
    for signal in STOPS {
        // All three can be handled; if not, their default action ends the process as well.
        drop(signal.dispose(&Wanted::call(leave)));
    }
}

/// From now on what [`leave_on_stop`] has prepared for ends the process by the signal itself: its caller
/// learns that what it was asked for, such as a check, was not done.
pub fn end_by_stop() {
    for signal in STOPS {
        if signal.disposition().action == Wanted::call(leave).action {
            drop(signal.dispose(&Wanted::call(end)));
        }
    }
}

const STOPS: [Signal; 3] = [Signal::TERM, Signal::INT, Signal::QUIT];

extern "C" fn leave(_: libc::c_int) {
    // SAFETY: async-signal-safe, and does not return.
    unsafe { libc::_exit(0) }
}

extern "C" fn end(number: libc::c_int) {
    // It can be reset, because it could be handled. Pending until it is let through.
    drop(Signal(number).reset());
    let set = 1_u64 << (number - 1);
    // SAFETY: all are async-signal-safe. The kernel's set is one word, which it reads; a direct call, because
    // libc's is interposed.
    unsafe {
        libc::raise(number);
        let (how, old) = (libc::SIG_UNBLOCK, ptr::null_mut::<u64>());
        libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const set, old, size_of::<u64>());
        // The first process of a container is spared by what has its default action. As a shell tells it.
        libc::_exit(128 + number)
    }
}

/// All signals held back on this thread; the former mask returns when this is dropped.
#[must_use = "signals are let through again when this is dropped"]
pub struct BlockedSignals(libc::sigset_t);

impl BlockedSignals {
    /// In a child: lets those through that the program was started with, instead.
    pub fn end_as_at_the_beginning(self) {
        drop(self);
        block_as_at_the_beginning();
    }
}

impl BlockedSignals {
    /// Holds everything back that can be: signals stay pending, none is lost.
    ///
    /// # Errors
    /// None in practice; `pthread_sigmask(3)` refuses only a bad argument.
    pub fn all() -> io::Result<BlockedSignals> {
        BlockedSignals::all_but(&[])
    }

    /// Blocks all signals except those in `spared`.
    ///
    /// # Errors
    /// None in practice; `pthread_sigmask(3)` refuses only a bad argument.
    pub fn all_but(spared: &[Signal]) -> io::Result<BlockedSignals> {
        let mut full = MaybeUninit::<libc::sigset_t>::zeroed();
        let mut former = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: both sets are valid to write to; sigfillset initialises the first before it is
        // changed and read, and pthread_sigmask writes the second when it returns 0.
        let error = unsafe {
            libc::sigfillset(full.as_mut_ptr());
            for signal in spared {
                libc::sigdelset(full.as_mut_ptr(), signal.0);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, full.as_ptr(), former.as_mut_ptr())
        };
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error));
        }
        // SAFETY: zeroed at first, and written by the call that has just succeeded.
        Ok(BlockedSignals(unsafe { former.assume_init() }))
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the set was filled by pthread_sigmask; restoring a mask cannot fail.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut()) };
    }
}

/// Lets `signals` through on this thread, whatever mask we were started with.
///
/// # Errors
/// `EINVAL` for a number that is no signal.
pub fn unblock(signals: &[Signal]) -> io::Result<()> {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: sigemptyset initialises the set, sigaddset and pthread_sigmask then use it; the old
    // mask is not asked for.
    let error = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            check(libc::sigaddset(set.as_mut_ptr(), signal.0))?;
        }
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), ptr::null_mut())
    };
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

const NAMES: [(libc::c_int, &str); 20] = [
    (libc::SIGTERM, "term"),
    (libc::SIGINT, "int"),
    (libc::SIGQUIT, "quit"),
    (libc::SIGHUP, "hup"),
    (libc::SIGTTIN, "ttin"),
    (libc::SIGTTOU, "ttou"),
    (libc::SIGUSR1, "usr1"),
    (libc::SIGUSR2, "usr2"),
    (libc::SIGWINCH, "winch"),
    (libc::SIGCHLD, "chld"),
    (libc::SIGABRT, "abrt"),
    (libc::SIGKILL, "kill"),
    (libc::SIGPIPE, "pipe"),
    (libc::SIGSEGV, "segv"),
    (libc::SIGBUS, "bus"),
    (libc::SIGILL, "ill"),
    (libc::SIGFPE, "fpe"),
    (libc::SIGALRM, "alrm"),
    (libc::SIGSYS, "sys"),
    (libc::SIGXCPU, "xcpu"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_prints_its_name_or_its_number() {
        assert_eq!(Signal::TERM.to_string(), "SIGTERM");
        assert_eq!(Signal::TERM.short_name(), Some("term"));
        assert_eq!(Signal::from_raw(50).to_string(), "signal 50");
    }

    #[test]
    fn the_mask_is_put_back() {
        // The mask is the thread's, so no other test sees this.
        let first = BlockedSignals::all().unwrap();
        let second = BlockedSignals::all().unwrap();
        // SAFETY: reads a set that pthread_sigmask filled.
        let was_blocked = unsafe { libc::sigismember(&raw const second.0, libc::SIGTERM) };
        assert_eq!(was_blocked, 1);
        drop(second);
        drop(first);
        let third = BlockedSignals::all().unwrap();
        // SAFETY: as above.
        assert_eq!(unsafe { libc::sigismember(&raw const third.0, libc::SIGTERM) }, 0);
    }

    #[test]
    fn kill_cannot_be_reset() {
        assert!(Signal::KILL.reset().is_err());
    }
}
