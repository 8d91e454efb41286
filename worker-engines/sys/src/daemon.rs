//! Running in the background.
//!
//! ```text
//!   shell ── parent ─fork─ leader of a new session ─fork─ daemon: no terminal can become its own
//!              └ _exit(0)        └ _exit(0)
//! ```

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsFd;

use rustix::process::setsid;

use crate::fd::replace;
use crate::process::{Fork, exit_now, set_umask};

/// Leaves the terminal; returns in the daemon only. `fork` forks. With `keep_output` standard
/// output and error stay what they are.
///
/// # Errors
/// No process, or no /dev/null.
pub fn daemonize(fork: impl Fn() -> io::Result<Fork>, keep_output: bool) -> io::Result<()> {
    leave_parent(&fork)?;
    // It cannot fail: a fresh child leads no process group.
    setsid()?;
    leave_parent(&fork)?;
    // Files are not made for group and others to write to.
    set_umask(0o022);
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
