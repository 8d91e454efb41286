//! Descriptors that are known by their numbers only: those that exec left us, and those that it is to
//! leave to another program.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::fd::{check, duplicate};

/// Closes an inherited descriptor that nobody wants.
pub fn discard(number: RawFd) {
    // SAFETY: the number was handed to us by the environment, and nothing in this process has taken
    // it over. One that is not open is answered with an error, which says nothing new.
    unsafe { rustix::io::close(number) };
}

/// Moves copies of `passed` to the numbers from `first` on, open across exec. Only in a child that calls
/// exec next: whatever has those numbers is closed.
///
/// # Errors
/// No descriptor is left.
pub fn arrange_for_exec(passed: &[BorrowedFd<'_>], first: RawFd) -> io::Result<()> {
    // Copies first, or an early target would overwrite a later source. Each is made above the last.
    let mut copies: Vec<OwnedFd> = Vec::new();
    let mut kept_below: Vec<OwnedFd> = Vec::new();
    let limit = first + passed.len() as RawFd;
    for fd in passed {
        loop {
            let copy = duplicate(fd.as_raw_fd())?;
            if copy.as_raw_fd() >= limit {
                copies.push(copy);
                break;
            }
            kept_below.push(copy);
        }
    }
    for (target, copy) in (first..).zip(&copies) {
        // SAFETY: dup2 takes integers. The target's owner in this process is never used again.
        check(unsafe { libc::dup2(copy.as_raw_fd(), target) })?;
    }
    // Those below the limit are targets by now: exec ends their owners, dropping would close them.
    kept_below.into_iter().for_each(std::mem::forget);
    Ok(())
}
