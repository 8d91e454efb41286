//! write, send and their variants.
//!
//! A blocking write ends when all is written, so a partial one goes on; one on a descriptor that the
//! application made non-blocking returns what it did.
#![allow(unsafe_code)]

use std::ffi::c_void;

use libc::{c_int, iovec, msghdr, off_t, size_t, sockaddr, socklen_t, ssize_t};

use super::hooks;
use super::wait::{Blocking, errno, is_nonblocking, is_ready, park_for};
use crate::descriptors::Watch;
use crate::green::Green;

const fn writable(fd: c_int) -> Blocking {
    Blocking { fd, events: libc::POLLOUT, timeout_option: libc::SO_SNDTIMEO }
}

hooks! {
    fn write(fd: c_int, buf: *const c_void, count: size_t) -> ssize_t |green, real| {
        let done = whole(green, fd, buf, count, |buf, count| {
            // SAFETY: a part of the caller's buffer.
            unsafe {
                libc::syscall(libc::SYS_sendto, fd, buf, count, libc::MSG_DONTWAIT, 0, 0)
                    as ssize_t
            }
        });
        if done < 0 && errno() == libc::ENOTSOCK {
            // SAFETY: a part of the caller's buffer.
            return write_file(green, fd, buf, count, |buf, count| unsafe {
                real(fd, buf, count)
            });
        }
        done
    }

    fn writev(fd: c_int, iov: *const iovec, count: c_int) -> ssize_t |green, real| {
        wait_until_writable(green, fd);
        // SAFETY: the caller's arguments.
        unsafe { real(fd, iov, count) }
    }

    fn send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t |green, real| {
        if flags & libc::MSG_DONTWAIT != 0 {
            // SAFETY: the caller's arguments.
            return unsafe { real(fd, buf, len, flags) };
        }
        // SAFETY: a part of the caller's buffer; one flag more.
        whole(green, fd, buf, len, |buf, len| unsafe {
            real(fd, buf, len, flags | libc::MSG_DONTWAIT)
        })
    }

    fn sendto(
        fd: c_int, buf: *const c_void, len: size_t, flags: c_int,
        to: *const sockaddr, to_len: socklen_t,
    ) -> ssize_t |green, real| {
        if flags & libc::MSG_DONTWAIT != 0 {
            // SAFETY: the caller's arguments.
            return unsafe { real(fd, buf, len, flags, to, to_len) };
        }
        // SAFETY: a part of the caller's buffer; one flag more.
        whole(green, fd, buf, len, |buf, len| unsafe {
            real(fd, buf, len, flags | libc::MSG_DONTWAIT, to, to_len)
        })
    }

    fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t |green, real| {
        writable(fd).repeat(
            green,
            // SAFETY: the caller's arguments; one flag more.
            || unsafe { real(fd, message, flags | libc::MSG_DONTWAIT) },
            // SAFETY: the caller's arguments.
            || unsafe { real(fd, message, flags) },
        )
    }

    fn sendfile(out: c_int, input: c_int, offset: *mut off_t, count: size_t) -> ssize_t
    |green, real| {
        wait_until_writable(green, out);
        // SAFETY: the caller's arguments.
        unsafe { real(out, input, offset, count) }
    }
}

/// Sends all of a buffer to a socket by non-blocking attempts.
fn whole(
    green: &Green,
    fd: c_int,
    buf: *const c_void,
    len: size_t,
    attempt: impl Fn(*const c_void, size_t) -> ssize_t,
) -> ssize_t {
    let mut sent = 0;
    loop {
        // SAFETY: `sent` is at most `len`: within the caller's buffer, or one past it.
        let rest = unsafe { buf.cast::<u8>().add(sent) }.cast();
        let once = || attempt(rest, len - sent);
        let step = writable(fd).repeat(green, once, once);
        if step < 0 {
            return if sent > 0 { sent.cast_signed() } else { step };
        }
        sent += step.cast_unsigned();
        if sent >= len || is_nonblocking(fd) {
            return sent.cast_signed();
        }
    }
}

/// Writes to a pipe in steps that cannot block: poll(2) finds a pipe writable when `PIPE_BUF` bytes
/// fit (pipe(7)). A regular file is always writable and takes all at once.
fn write_file(
    green: &Green,
    fd: c_int,
    buf: *const c_void,
    len: size_t,
    write: impl Fn(*const c_void, size_t) -> ssize_t,
) -> ssize_t {
    if is_nonblocking(fd) || !is_pipe(fd) {
        wait_until_writable(green, fd);
        return write(buf, len);
    }
    let mut written = 0;
    loop {
        wait_until_writable(green, fd);
        let step = (len - written).min(libc::PIPE_BUF);
        // SAFETY: `written` is at most `len`: within the caller's buffer.
        let rest = unsafe { buf.cast::<u8>().add(written) }.cast();
        let done = write(rest, step);
        if done < 0 {
            return if written > 0 { written.cast_signed() } else { done };
        }
        written += done.cast_unsigned();
        if written >= len {
            return written.cast_signed();
        }
    }
}

fn wait_until_writable(green: &Green, fd: c_int) {
    while !is_ready(fd, libc::POLLOUT) && !is_nonblocking(fd) {
        if park_for(green, &[Watch { fd, events: libc::POLLOUT }], None).is_err() {
            return;
        }
    }
}

fn is_pipe(fd: c_int) -> bool {
    // SAFETY: an all-zero stat is valid, and the kernel fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` outlives the call.
    unsafe { libc::fstat(fd, &raw mut stat) == 0 && stat.st_mode & libc::S_IFMT == libc::S_IFIFO }
}
