//! How read and write treat what is no socket: pipes, terminals, eventfds, regular files.
//!
//! A pipe is asked with `RWF_NOWAIT` (preadv2(2); Linux 6.4 for pipes). What does not know that flag
//! is asked by poll(2) first; another process may then take the bytes in between and leave us
//! blocked, which costs concurrency for a moment and is not wrong. Storage always goes straight
//! through: it is always ready, and only a helper thread would be faster.
#![allow(unsafe_code)]

use libc::{c_int, iovec, ssize_t};

use super::vectors::Vectors;
use crate::errno::errno;
use crate::green::Green;
use crate::interposed::machinery::readiness::{Blocking, fail, is_nonblocking, is_ready};

/// Reads once, when there is something; `real` is the whole blocking call.
pub fn read(
    green: &Green,
    fd: c_int,
    (iov, count): (*const iovec, c_int),
    real: impl Fn() -> ssize_t,
) -> ssize_t {
    if is_storage(fd) {
        return real();
    }
    Blocking::reading(green, fd).repeat(|| {
        // SAFETY: the caller's list.
        let done = unsafe { libc::preadv2(fd, iov, count, CURRENT, libc::RWF_NOWAIT) };
        if done >= 0 || !is_flag_unknown() {
            done
        } else if is_ready(fd, libc::POLLIN) {
            real()
        } else {
            fail(libc::EAGAIN)
        }
    })
}

/// Writes all; `real` is the whole blocking call.
pub fn write(green: &Green, fd: c_int, mut rest: Vectors, real: impl Fn() -> ssize_t) -> ssize_t {
    if is_storage(fd) || is_nonblocking(fd) {
        return real();
    }
    let mut blocking = Blocking::writing(green, fd);
    let mut written: ssize_t = 0;
    loop {
        let (iov, count) = rest.raw();
        let step = blocking.repeat(|| {
            // SAFETY: what is left of the caller's list.
            let done = unsafe { libc::pwritev2(fd, iov, count, CURRENT, libc::RWF_NOWAIT) };
            if done >= 0 || !is_flag_unknown() { done } else { write_if_ready(fd, rest.rest()) }
        });
        if step < 0 {
            return if written > 0 { written } else { step };
        }
        written += step;
        rest.advance(step.cast_unsigned());
        if rest.rest().is_empty() {
            return written;
        }
    }
}

/// The offset that stands for "where the descriptor is".
const CURRENT: libc::off_t = -1;

/// One step that cannot block: poll(2) finds a pipe writable when `PIPE_BUF` bytes fit (pipe(7)).
fn write_if_ready(fd: c_int, rest: &[iovec]) -> ssize_t {
    if !is_ready(fd, libc::POLLOUT) {
        return fail(libc::EAGAIN);
    }
    let part = rest.iter().find(|part| part.iov_len > 0).or(rest.first());
    let Some(part) = part else { return 0 };
    let len =
        if kind_of(fd) == libc::S_IFIFO { part.iov_len.min(libc::PIPE_BUF) } else { part.iov_len };
    // SAFETY: a part of the caller's buffer; a direct call, because `write` is interposed.
    unsafe { libc::syscall(libc::SYS_write, fd, part.iov_base, len) as ssize_t }
}

fn is_flag_unknown() -> bool {
    // Also what a container's filter of system calls says.
    [libc::EOPNOTSUPP, libc::ENOSYS, libc::EPERM].contains(&errno())
}

fn is_storage(fd: c_int) -> bool {
    matches!(kind_of(fd), libc::S_IFREG | libc::S_IFDIR | libc::S_IFBLK)
}

fn kind_of(fd: c_int) -> libc::mode_t {
    // SAFETY: an all-zero stat is valid, and the kernel fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` outlives the call, which leaves it as it is when it fails.
    unsafe { libc::fstat(fd, &raw mut stat) };
    stat.st_mode & libc::S_IFMT
}
