//! Running in the background.
//!
//! ```text
//!   shell ── parent ─fork─ leader of a new session ─fork─ daemon: no terminal can become its own
//!              └ _exit(0)        └ _exit(0)
//! ```
#![allow(unsafe_code)]

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsFd;

use super::fd::{check, replace};
use super::process::{Fork, exit_now};

/// Leaves the terminal; returns in the daemon only. `fork` forks. With `keep_output` standard
/// output and error stay what they are.
///
/// # Errors
/// No process, or no /dev/null.
pub fn daemonize(fork: impl Fn() -> io::Result<Fork>, keep_output: bool) -> io::Result<()> {
    leave_parent(&fork)?;
    // SAFETY: setsid has no arguments. It cannot fail: a fresh child leads no process group.
    check(unsafe { libc::setsid() })?;
    leave_parent(&fork)?;
    // SAFETY: takes an integer; files are not made for group and others to write to.
    unsafe { libc::umask(0o022) };
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    let streams = if keep_output { 0..=0 } else { 0..=2 };
    for stream in streams {
        replace(stream, null.as_fd())?;
    }
    Ok(())
}

fn leave_parent(fork: impl Fn() -> io::Result<Fork>) -> io::Result<()> {
    match fork()? {
        Fork::Parent(_) => exit_now(0),
        Fork::Child => Ok(()),
    }
}
