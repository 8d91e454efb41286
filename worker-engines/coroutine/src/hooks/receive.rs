//! read, recv and their variants.
//!
//! A socket is asked with `MSG_DONTWAIT`; what is no socket, with poll(2) first. The fortified
//! variants, which wheels call, have checked their buffer at compile time as far as they can; we
//! check what they would.
#![allow(unsafe_code)]

use std::ffi::c_void;

use libc::{c_int, iovec, msghdr, size_t, sockaddr, socklen_t, ssize_t};

use super::hooks;
use super::wait::{Blocking, errno, is_nonblocking, is_ready, park_for};
use crate::descriptors::Watch;
use crate::green::Green;

const fn readable(fd: c_int) -> Blocking {
    Blocking { fd, events: libc::POLLIN, timeout_option: libc::SO_RCVTIMEO }
}

hooks! {
    fn read(fd: c_int, buf: *mut c_void, count: size_t) -> ssize_t |green, real| {
        // SAFETY: the caller's buffer.
        let attempt = || unsafe {
            libc::syscall(libc::SYS_recvfrom, fd, buf, count, libc::MSG_DONTWAIT, 0, 0) as ssize_t
        };
        // SAFETY: the caller's arguments.
        let blocking = || unsafe { real(fd, buf, count) };
        let done = readable(fd).repeat(green, attempt, blocking);
        if done < 0 && errno() == libc::ENOTSOCK { read_file(green, fd, blocking) } else { done }
    }

    fn readv(fd: c_int, iov: *const iovec, count: c_int) -> ssize_t |green, real| {
        // SAFETY: the caller's arguments.
        read_file(green, fd, || unsafe { real(fd, iov, count) })
    }

    fn recv(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int) -> ssize_t |green, real| {
        readable(fd).repeat(
            green,
            // SAFETY: the caller's arguments; one flag more.
            || unsafe { real(fd, buf, len, flags | libc::MSG_DONTWAIT) },
            // SAFETY: the caller's arguments.
            || unsafe { real(fd, buf, len, flags) },
        )
    }

    fn recvfrom(
        fd: c_int, buf: *mut c_void, len: size_t, flags: c_int,
        from: *mut sockaddr, from_len: *mut socklen_t,
    ) -> ssize_t |green, real| {
        readable(fd).repeat(
            green,
            // SAFETY: the caller's arguments; one flag more.
            || unsafe { real(fd, buf, len, flags | libc::MSG_DONTWAIT, from, from_len) },
            // SAFETY: the caller's arguments.
            || unsafe { real(fd, buf, len, flags, from, from_len) },
        )
    }

    fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t |green, real| {
        readable(fd).repeat(
            green,
            // SAFETY: the caller's arguments; one flag more.
            || unsafe { real(fd, message, flags | libc::MSG_DONTWAIT) },
            // SAFETY: the caller's arguments.
            || unsafe { real(fd, message, flags) },
        )
    }

    fn __read_chk(fd: c_int, buf: *mut c_void, count: size_t, room: size_t) -> ssize_t
    |_green, real| {
        if count > room {
            // SAFETY: the caller's arguments: reports the overflow and ends the process.
            return unsafe { real(fd, buf, count, room) };
        }
        // SAFETY: the caller's arguments.
        unsafe { read(fd, buf, count) }
    }

    fn __recv_chk(fd: c_int, buf: *mut c_void, len: size_t, room: size_t, flags: c_int) -> ssize_t
    |_green, real| {
        if len > room {
            // SAFETY: as in __read_chk.
            return unsafe { real(fd, buf, len, room, flags) };
        }
        // SAFETY: the caller's arguments.
        unsafe { recv(fd, buf, len, flags) }
    }

    fn __recvfrom_chk(
        fd: c_int, buf: *mut c_void, len: size_t, room: size_t, flags: c_int,
        from: *mut sockaddr, from_len: *mut socklen_t,
    ) -> ssize_t |_green, real| {
        if len > room {
            // SAFETY: as in __read_chk.
            return unsafe { real(fd, buf, len, room, flags, from, from_len) };
        }
        // SAFETY: the caller's arguments.
        unsafe { recvfrom(fd, buf, len, flags, from, from_len) }
    }
}

/// A pipe, a terminal, an eventfd, a socket by readv: waits until poll(2) finds it readable, then
/// reads. A regular file always is.
fn read_file(green: &Green, fd: c_int, blocking: impl Fn() -> ssize_t) -> ssize_t {
    while !is_ready(fd, libc::POLLIN) && !is_nonblocking(fd) {
        if park_for(green, &[Watch { fd, events: libc::POLLIN }], None).is_err() {
            break;
        }
    }
    blocking()
}
