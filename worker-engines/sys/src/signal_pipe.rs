//! Signals as bytes in a pipe: the one signal handler of the program.
//!
//! ```text
//!   kernel ── handler: write(number) ──> pipe ──> next_signal()
//! ```
//!
//! Everything else happens in the loop that reads the pipe, with no restriction on what it may
//! call. One pipe serves a process. In the child of any fork, the application's own included (a
//! multiprocessing pool ends its children with SIGTERM), the handled signals are at once what the
//! program was started with, or what the application has made of them: otherwise they would land in the pipe
//! that it shares with its parent, and stop that.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Once;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use libc::{c_int, c_void, siginfo_t};

use crate::bytes::{read, write};
use crate::fd::{lent, set_nonblocking};
use crate::pipe::pipe;
use crate::process::Pid;
use crate::second_handler;
use crate::signal::{Signal, Wanted, unblock};

/// The write end for the handler, or -1: then the signal is swallowed.
static WAKE_FD: AtomicI32 = AtomicI32::new(-1);

/// A bit for each signal that has the handler.
static HANDLED: AtomicU64 = AtomicU64::new(0);

/// The read end, and what to undo in a child.
#[derive(Debug)]
pub struct SignalPipe {
    reader: OwnedFd,
    /// Owned for its lifetime only; the handler finds its number in `WAKE_FD`.
    _writer: OwnedFd,
    handled: Vec<Signal>,
}

impl SignalPipe {
    /// Installs the handler for each of `signals` and lets them through.
    ///
    /// # Errors
    /// No descriptor left, a signal that cannot be caught, or a pipe that exists already.
    pub fn install(signals: &[Signal]) -> io::Result<SignalPipe> {
        let (reader, writer) = pipe()?;
        set_nonblocking(reader.as_fd(), true)?;
        // A full pipe must not block the handler. 64 KiB of unread signals are more than any
        // loop has to do: those that are lost then say nothing new.
        set_nonblocking(writer.as_fd(), true)?;
        WAKE_FD
            .compare_exchange(-1, writer.as_raw_fd(), Ordering::SeqCst, Ordering::SeqCst)
            .map_err(|_| io::Error::new(io::ErrorKind::AlreadyExists, "a signal pipe exists"))?;
        let mut pipe = SignalPipe { reader, _writer: writer, handled: Vec::new() };
        watch_forks();
        pipe.listen(signals)?;
        Ok(pipe)
    }

    /// Installs the handler for each of these too, whoever has handled one meanwhile, and lets them through.
    ///
    /// # Errors
    /// A signal that cannot be caught.
    pub fn listen(&mut self, signals: &[Signal]) -> io::Result<()> {
        for signal in signals {
            HANDLED.fetch_or(bit_of(*signal), Ordering::SeqCst);
            signal.dispose(&ours(*signal))?;
            if !self.handled.contains(signal) {
                self.handled.push(*signal);
            }
        }
        unblock(signals)
    }

    /// The same, and whoever has handled one, or does so by [`hear_as_well`] later, is called too. Those
    /// whose handler is not.
    ///
    /// # Errors
    /// A signal that cannot be caught.
    pub fn share(&mut self, signals: &[Signal]) -> io::Result<Vec<Signal>> {
        let mut uncalled = Vec::new();
        for signal in signals {
            if hear_as_well(*signal)? == Behind::Left {
                uncalled.push(*signal);
            }
        }
        self.listen(signals)?;
        Ok(uncalled)
    }

    /// The next signal that came in, if any. Never blocks.
    ///
    /// # Errors
    /// Whatever `read(2)` says, `EAGAIN` and `EINTR` excepted.
    pub fn next_signal(&self) -> io::Result<Option<Signal>> {
        let mut byte = [0];
        match read(&self.reader, &mut byte) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(Signal::from_raw(libc::c_int::from(byte[0])))),
            Err(error) if is_for_later(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// For the child of a fork: what the program was started with, and both ends closed.
    ///
    /// Call it while signals are blocked. A plain drop instead leaves the handlers in place with
    /// nothing to write to, so that a master on its way out is not killed by a second SIGTERM.
    pub fn reset(self) {
        for signal in &self.handled {
            // Each could be handled, so each can be restored.
            let _ = signal.restore();
        }
    }
}

impl Drop for SignalPipe {
    fn drop(&mut self) {
        // Before the descriptors are closed, so that the handler never meets a reused number.
        WAKE_FD.store(-1, Ordering::SeqCst);
    }
}

impl AsFd for SignalPipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

/// What becomes of a handler that was in the place of the program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// It is called behind the program's.
    Called,
    /// It is not: it wants to be interrupted by its own signal, which it sends itself, so as to hand it on to
    /// the handler before it, as that of faulthandler.register(chain=True). It would put that in the place of
    /// the program's, or hand on to the program's without end.
    Left,
}

/// Installs the handler for a signal that somebody else has just handled, whose handler is called behind it
/// from now on. Nothing happens where there is no pipe.
///
/// # Errors
/// A signal that cannot be caught.
pub fn hear_as_well(signal: Signal) -> io::Result<Behind> {
    let theirs = signal.disposition();
    if WAKE_FD.load(Ordering::SeqCst) < 0 || is_ours(&theirs) {
        return Ok(Behind::Called);
    }
    HANDLED.fetch_or(bit_of(signal), Ordering::SeqCst);
    let hands_on = theirs.is_handler() && theirs.flags & libc::SA_NODEFER != 0;
    if !hands_on {
        // What the program was started with is nobody's wish here: a worker's children have the default.
        let is_inherited = theirs.action == libc::SIG_IGN && signal.was_ignored();
        second_handler::keep(signal, if is_inherited { &Wanted::DEFAULT } else { &theirs });
    }
    signal.dispose(&ours(signal))?;
    Ok(if hands_on { Behind::Left } else { Behind::Called })
}

/// Nobody else's handlers are called for these any more.
pub fn hear_alone(signals: &[Signal]) {
    signals.iter().for_each(|signal| second_handler::keep(*signal, &Wanted::DEFAULT));
}

/// What the signal does without the handler that calls this: where it is not heard anyway it comes as one
/// through the pipe, and in the child of a fork it does what it does by default.
pub fn pass_on(signal: Signal) {
    if is_ours(&signal.disposition()) {
        return;
    }
    if !tell(signal) && signal.reset().is_ok() {
        // Nobody is there to be told that it cannot be sent.
        drop(Pid::me().send(signal));
    }
}

/// The program's handler, as it is installed for a signal.
fn ours(signal: Signal) -> Wanted {
    let action = on_signal as *const () as libc::sighandler_t;
    Wanted { action, flags: second_handler::flags(signal) | libc::SA_SIGINFO }
}

fn is_ours(wanted: &Wanted) -> bool {
    wanted.action == on_signal as *const () as libc::sighandler_t
}

fn watch_forks() {
    static WATCHED: Once = Once::new();
    // SAFETY: the handler does only what a forked child may. It fails only for want of memory, and
    // then every fork of the application would as well.
    WATCHED.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
}

fn bit_of(signal: Signal) -> u64 {
    1 << (signal.as_raw() - 1)
}

/// Async-signal-safe: atomics and system calls. What the application handles itself stays its own.
extern "C" fn in_child() {
    WAKE_FD.store(-1, Ordering::SeqCst);
    let handled = HANDLED.swap(0, Ordering::SeqCst);
    for signal in (1..=64).map(Signal::from_raw).filter(|signal| handled & bit_of(*signal) != 0) {
        if is_ours(&signal.disposition()) {
            // As exec(2) does, for the children that are not forked. A signal that could be handled can
            // be so again.
            let _ = second_handler::put_back(signal);
        }
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Only async-signal-safe steps: an atomic load, a write(2) made directly, which leaves errno alone; and
/// whoever had the signal before, whose handler is bound by the same.
extern "C" fn on_signal(number: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let signal = Signal::from_raw(number);
    tell(signal);
    second_handler::call(signal, info, context);
}

/// Puts it into the pipe. False: there is none.
fn tell(signal: Signal) -> bool {
    let Ok(pipe) = lent(WAKE_FD.load(Ordering::Relaxed)) else { return false };
    // Signal numbers end at 64. The write end is non-blocking; a number that is no longer open gives
    // EBADF, which says nothing new.
    let _ = write(pipe, &[signal.as_raw() as u8]);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Fork, Pid, exit_now, fork, wait_for};

    // One test only: the pipe is the process's. It forks so that no other test's signals matter.
    #[test]
    fn signals_arrive_as_bytes_in_order_and_errno_survives() {
        match fork().unwrap() {
            Fork::Child => exit_now(in_the_child()),
            Fork::Parent(pid) => {
                assert_eq!(wait_for(pid).unwrap(), crate::process::Exit::Code(0));
            }
        }
    }

    /// No assertion macros and no panics here: a forked test process only returns a number.
    fn in_the_child() -> i32 {
        let Ok(mut pipe) = SignalPipe::install(&[Signal::USR1, Signal::HUP]) else { return 1 };
        if SignalPipe::install(&[Signal::USR1]).is_ok() {
            return 2;
        }
        // SAFETY: this thread's errno; raise(3) delivers to this thread before it returns.
        let errno = unsafe {
            *libc::__errno_location() = 4242;
            libc::raise(libc::SIGUSR1);
            libc::raise(libc::SIGHUP);
            *libc::__errno_location()
        };
        if errno != 4242 {
            return 3;
        }
        if !matches!(pipe.next_signal(), Ok(Some(Signal::USR1))) {
            return 4;
        }
        if !matches!(pipe.next_signal(), Ok(Some(Signal::HUP))) {
            return 5;
        }
        if !matches!(pipe.next_signal(), Ok(None)) {
            return 6;
        }
        let shared = shares_one_with_another(&mut pipe);
        if shared != 0 {
            return shared;
        }
        after_a_reset(pipe)
    }

    static CALLS: AtomicI32 = AtomicI32::new(0);

    extern "C" fn another(_: c_int) {
        CALLS.fetch_add(1, Ordering::SeqCst);
    }

    /// Both hear it; a child's is the other's alone.
    fn shares_one_with_another(pipe: &mut SignalPipe) -> i32 {
        let theirs = another as *const () as libc::sighandler_t;
        // SAFETY: a handler that does what is async-signal-safe.
        unsafe { libc::signal(libc::SIGUSR2, theirs) };
        if pipe.share(&[Signal::USR2]).is_err() || pipe.share(&[Signal::USR2]).is_err() {
            return 10;
        }
        // SAFETY: as above.
        unsafe { libc::raise(libc::SIGUSR2) };
        let is_heard = matches!(pipe.next_signal(), Ok(Some(Signal::USR2)));
        if !is_heard || CALLS.load(Ordering::SeqCst) != 1 {
            return 11;
        }
        let chained = calls_one_that_calls_ours_once(pipe);
        if chained != 0 {
            return chained;
        }
        match fork() {
            Ok(Fork::Child) => exit_now(i32::from(Signal::USR2.disposition().action != theirs)),
            Ok(Fork::Parent(pid)) => {
                let is_put_back =
                    wait_for(pid).is_ok_and(|exit| exit == crate::process::Exit::Code(0));
                if is_put_back { 0 } else { 12 }
            }
            Err(_) => 13,
        }
    }

    extern "C" fn handing_on(number: c_int) {
        CALLS.fetch_add(1, Ordering::SeqCst);
        on_signal(number, std::ptr::null_mut(), std::ptr::null_mut());
    }

    /// It has found ours in its place, as libraries do that take no signal away from who had it.
    fn calls_one_that_calls_ours_once(pipe: &mut SignalPipe) -> i32 {
        let theirs = handing_on as *const () as libc::sighandler_t;
        for round in 1..=2 {
            // SAFETY: a handler that does what is async-signal-safe.
            unsafe { libc::signal(libc::SIGHUP, theirs) };
            CALLS.store(0, Ordering::SeqCst);
            if pipe.share(&[Signal::HUP]).is_err() {
                return 20;
            }
            // SAFETY: as above.
            unsafe { libc::raise(libc::SIGHUP) };
            if CALLS.load(Ordering::SeqCst) != 1 {
                return 20 + round;
            }
            while let Ok(Some(signal)) = pipe.next_signal() {
                if signal != Signal::HUP {
                    return 23;
                }
            }
        }
        hear_alone(&[Signal::HUP]);
        // SAFETY: as above.
        unsafe { libc::raise(libc::SIGHUP) };
        let is_heard = matches!(pipe.next_signal(), Ok(Some(Signal::HUP)));
        if is_heard && CALLS.load(Ordering::SeqCst) == 1 { 0 } else { 24 }
    }

    fn after_a_reset(pipe: SignalPipe) -> i32 {
        pipe.reset();
        match fork() {
            Ok(Fork::Child) => {
                let _ = Pid::me().send(Signal::USR1);
                exit_now(9)
            }
            Ok(Fork::Parent(pid)) => match wait_for(pid) {
                Ok(exit) if exit.signal() == Some(Signal::USR1) => 0,
                _ => 7,
            },
            Err(_) => 8,
        }
    }
}
