//! read, recv and their variants.
//!
//! A socket is asked with `MSG_DONTWAIT`; for what is no socket see [`super::file`]. `MSG_WAITALL`
//! is kept by asking for the rest. The fortified variants, which wheels call, have checked their
//! buffer at compile time as far as they can; we check what they would.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::time::Duration;

use libc::{c_int, c_uint, iovec, mmsghdr, msghdr, size_t, sockaddr, socklen_t, ssize_t, timespec};

use super::file;
use super::vectors::Vectors;
use crate::errno::errno;
use crate::green::Green;
use crate::interposed::machinery::call::interposed;
use crate::interposed::machinery::readiness::{Blocking, Ended, is_ready};

interposed! {
    fn read(fd: c_int, buf: *mut c_void, count: size_t) -> ssize_t |green, real| {
        // SAFETY: the caller's arguments.
        let blocking = || unsafe { real(fd, buf, count) };
        // A read of nothing never waits; a recv of nothing does.
        if count == 0 {
            return blocking();
        }
        // SAFETY: the caller's buffer.
        let attempt = || unsafe {
            libc::syscall(libc::SYS_recvfrom, fd, buf, count, libc::MSG_DONTWAIT, 0usize, 0usize) as ssize_t
        };
        let done = Blocking::reading(green, fd).repeat(attempt);
        if done < 0 && errno() == libc::ENOTSOCK {
            let part = iovec { iov_base: buf, iov_len: count };
            return file::read(green, fd, (&raw const part, 1), blocking);
        }
        done
    }

    fn readv(fd: c_int, iov: *const iovec, count: c_int) -> ssize_t |green, real| {
        // SAFETY: the caller's arguments.
        let blocking = || unsafe { real(fd, iov, count) };
        // SAFETY: an all-zero message is an empty one.
        let mut message: msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = iov.cast_mut();
        message.msg_iovlen = match size_t::try_from(count) {
            Ok(count) if count > 0 => count as _,
            _ => return blocking(),
        };
        let done = Blocking::reading(green, fd).repeat(|| {
            // SAFETY: the caller's list; nothing else in the message.
            unsafe {
                libc::syscall(libc::SYS_recvmsg, fd, &raw mut message, libc::MSG_DONTWAIT) as ssize_t
            }
        });
        if done < 0 && errno() == libc::ENOTSOCK {
            return file::read(green, fd, (iov, count), blocking);
        }
        done
    }

    fn recv(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int) -> ssize_t |green, real| {
        if never_waits(flags) {
            // SAFETY: the caller's arguments; one flag more.
            return unsafe { real(fd, buf, len, flags | libc::MSG_DONTWAIT) };
        }
        receive(green, fd, flags, (buf, len), |buf, len| {
            // SAFETY: a part of the caller's buffer; one flag more.
            unsafe { real(fd, buf, len, flags | libc::MSG_DONTWAIT) }
        })
    }

    fn recvfrom(
        fd: c_int, buf: *mut c_void, len: size_t, flags: c_int,
        from: *mut sockaddr, from_len: *mut socklen_t,
    ) -> ssize_t |green, real| {
        if never_waits(flags) {
            // SAFETY: the caller's arguments; one flag more.
            return unsafe { real(fd, buf, len, flags | libc::MSG_DONTWAIT, from, from_len) };
        }
        receive(green, fd, flags, (buf, len), |buf, len| {
            // SAFETY: a part of the caller's buffer; one flag more.
            unsafe { real(fd, buf, len, flags | libc::MSG_DONTWAIT, from, from_len) }
        })
    }

    fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t |green, real| {
        if never_waits(flags) || message.is_null() {
            // SAFETY: the caller's arguments; one flag more.
            return unsafe { real(fd, message, flags | libc::MSG_DONTWAIT) };
        }
        let mut blocking = Blocking::reading(green, fd);
        // SAFETY: the caller's message; one flag more.
        let first = blocking.repeat(|| unsafe { real(fd, message, flags | libc::MSG_DONTWAIT) });
        if first <= 0 || !collects_all(fd, flags) || flags & libc::MSG_PEEK != 0 {
            return first;
        }
        // SAFETY: the caller's message, which the kernel has just accepted.
        let rest = unsafe { Vectors::copy((*message).msg_iov, (*message).msg_iovlen as size_t) };
        let Some(mut rest) = rest else { return first };
        rest.advance(first.cast_unsigned());
        let mut received = first;
        while !rest.rest().is_empty() {
            let (iov, count) = rest.raw();
            // SAFETY: an all-zero message is an empty one.
            let mut more: msghdr = unsafe { std::mem::zeroed() };
            more.msg_iov = iov;
            more.msg_iovlen = count as _;
            // SAFETY: what is left of the caller's list.
            let step = blocking.repeat(|| unsafe {
                real(fd, &raw mut more, flags | libc::MSG_DONTWAIT)
            });
            if step <= 0 {
                break;
            }
            received += step;
            rest.advance(step.cast_unsigned());
        }
        received
    }

    fn recvmmsg(
        fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int, timeout: *mut timespec,
    ) -> c_int |_green, real| {
        if never_waits(flags) || !timeout.is_null() {
            // With a time-out the real call may wait for ever all the same (recvmmsg(2), BUGS).
            // SAFETY: the caller's arguments.
            return unsafe { real(fd, messages, count, flags, timeout) };
        }
        let mut flags = flags;
        for index in 0..count {
            // SAFETY: the caller has `count` messages.
            let message = unsafe { &mut *messages.add(index as usize) };
            let each = flags & !libc::MSG_WAITFORONE;
            // SAFETY: the caller's message.
            let done = unsafe { recvmsg(fd, &raw mut message.msg_hdr, each) };
            if done < 0 {
                return if index > 0 { index.cast_signed() } else { -1 };
            }
            message.msg_len = c_uint::try_from(done).unwrap_or(c_uint::MAX);
            if flags & libc::MSG_WAITFORONE != 0 {
                flags |= libc::MSG_DONTWAIT;
            }
        }
        count.cast_signed()
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

/// The application asks not to wait, or for what nobody waits for (recv(2): the error queue; urgent
/// data).
fn never_waits(flags: c_int) -> bool {
    flags & (libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE | libc::MSG_OOB) != 0
}

fn receive(
    green: &Green,
    fd: c_int,
    flags: c_int,
    (buf, len): (*mut c_void, size_t),
    attempt: impl Fn(*mut c_void, size_t) -> ssize_t,
) -> ssize_t {
    let mut blocking = Blocking::reading(green, fd);
    let first = blocking.repeat(|| attempt(buf, len));
    if first <= 0 || first.cast_unsigned() >= len || !collects_all(fd, flags) {
        return first;
    }
    if flags & libc::MSG_PEEK != 0 {
        return peek_all(&mut blocking, fd, (first, len), || attempt(buf, len));
    }
    let mut received = first;
    while received.cast_unsigned() < len {
        // SAFETY: `received` is less than `len`: within the caller's buffer.
        let rest = unsafe { buf.cast::<u8>().add(received.cast_unsigned()) }.cast();
        let step = blocking.repeat(|| attempt(rest, len - received.cast_unsigned()));
        if step <= 0 {
            break;
        }
        received += step;
    }
    received
}

/// How often a peek for all looks whether all has come: no event tells.
const PEEK_AGAIN: Duration = Duration::from_millis(5);

fn peek_all(
    blocking: &mut Blocking<'_>,
    fd: c_int,
    (first, len): (ssize_t, size_t),
    attempt: impl Fn() -> ssize_t,
) -> ssize_t {
    let mut seen = first;
    while seen.cast_unsigned() < len
        && !is_ready(fd, libc::POLLRDHUP)
        && blocking.wait_state().rest(PEEK_AGAIN) == Ended::Ready
    {
        match attempt() {
            more if more < 0 => break,
            more => seen = more,
        }
    }
    seen
}

/// `MSG_WAITALL` means something on a stream only (recv(2)).
fn collects_all(fd: c_int, flags: c_int) -> bool {
    if flags & libc::MSG_WAITALL == 0 {
        return false;
    }
    let mut kind: c_int = 0;
    let mut len = size_of::<c_int>() as socklen_t;
    // SAFETY: `kind` and `len` outlive the call.
    unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_TYPE, (&raw mut kind).cast(), &raw mut len)
    };
    kind == libc::SOCK_STREAM
}
