//! Anonymous pipes.
//!
//! Both ends are close-on-exec. They block; see [`super::fd::set_nonblocking`].

use std::io;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, pipe_with};

/// A new pipe: (the end to read from, the end to write to).
///
/// # Errors
/// `EMFILE`, `ENFILE`: no descriptor is left.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}
