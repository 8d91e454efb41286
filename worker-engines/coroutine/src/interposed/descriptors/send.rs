//! write, send and their variants.
//!
//! A blocking write ends when all is written, so a partial one goes on; one on a descriptor that the
//! application made non-blocking returns what it did.
#![allow(unsafe_code)]

use std::ffi::c_void;

use libc::{c_int, c_uint, iovec, mmsghdr, msghdr, off_t, size_t, sockaddr, socklen_t, ssize_t};

use super::file;
use super::vectors::Vectors;
use crate::errno::errno;
use crate::green::Green;
use crate::interposed::machinery::call::interposed;
use crate::interposed::machinery::readiness::{Blocking, fail, is_nonblocking, set_nonblocking};

interposed! {
    fn write(fd: c_int, buf: *const c_void, count: size_t) -> ssize_t |green, real| {
        let done = whole(green, fd, (buf, count), |buf, count, quiet| {
            let flags = libc::MSG_DONTWAIT | quiet;
            // SAFETY: a part of the caller's buffer.
            unsafe { libc::syscall(libc::SYS_sendto, fd, buf, count, flags, 0usize, 0usize) as ssize_t }
        });
        if done < 0 && errno() == libc::ENOTSOCK {
            // SAFETY: the caller's arguments.
            let blocking = || unsafe { real(fd, buf, count) };
            return file::write(green, fd, Vectors::one(buf.cast_mut(), count), blocking);
        }
        done
    }

    fn writev(fd: c_int, iov: *const iovec, count: c_int) -> ssize_t |green, real| {
        // SAFETY: the caller's arguments.
        let blocking = || unsafe { real(fd, iov, count) };
        let count = size_t::try_from(count).unwrap_or(size_t::MAX);
        // SAFETY: the caller's list.
        let Some(rest) = (unsafe { Vectors::copy(iov, count) }) else { return blocking() };
        let done = whole_message(green, fd, rest, None, 0);
        if done < 0 && errno() == libc::ENOTSOCK {
            // SAFETY: the caller's list.
            let Some(rest) = (unsafe { Vectors::copy(iov, count) }) else { return blocking() };
            return file::write(green, fd, rest, blocking);
        }
        done
    }

    fn send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t |green, real| {
        if flags & libc::MSG_DONTWAIT != 0 {
            // SAFETY: the caller's arguments.
            return unsafe { real(fd, buf, len, flags) };
        }
        // SAFETY: a part of the caller's buffer; flags more.
        whole(green, fd, (buf, len), |buf, len, quiet| unsafe {
            real(fd, buf, len, flags | libc::MSG_DONTWAIT | quiet)
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
        // SAFETY: a part of the caller's buffer; flags more.
        whole(green, fd, (buf, len), |buf, len, quiet| unsafe {
            real(fd, buf, len, flags | libc::MSG_DONTWAIT | quiet, to, to_len)
        })
    }

    fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t |green, real| {
        // SAFETY: null or the caller's message.
        let rest = unsafe { message.as_ref() }.and_then(|message| {
            // SAFETY: the caller's list.
            unsafe { Vectors::copy(message.msg_iov, message.msg_iovlen as size_t) }
        });
        match rest {
            Some(rest) if flags & libc::MSG_DONTWAIT == 0 => {
                whole_message(green, fd, rest, Some(message), flags)
            }
            // A message without a list holds nothing that could be sent in parts.
            None if flags & libc::MSG_DONTWAIT == 0 && !message.is_null() => {
                Blocking::writing(green, fd).repeat(|| {
                    // SAFETY: the caller's message; one flag more.
                    unsafe { real(fd, message, flags | libc::MSG_DONTWAIT) }
                })
            }
            // SAFETY: the caller's arguments.
            _ => unsafe { real(fd, message, flags) },
        }
    }

    fn sendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int
    |_green, real| {
        if flags & libc::MSG_DONTWAIT != 0 {
            // SAFETY: the caller's arguments.
            return unsafe { real(fd, messages, count, flags) };
        }
        for index in 0..count {
            // SAFETY: the caller has `count` messages.
            let message = unsafe { &mut *messages.add(index as usize) };
            // SAFETY: the caller's message.
            let done = unsafe { sendmsg(fd, &raw const message.msg_hdr, flags) };
            if done < 0 {
                return if index > 0 { index.cast_signed() } else { -1 };
            }
            message.msg_len = c_uint::try_from(done).unwrap_or(c_uint::MAX);
        }
        count.cast_signed()
    }

    fn sendfile(out: c_int, input: c_int, offset: *mut off_t, count: size_t) -> ssize_t
    |green, real| {
        // SAFETY: the caller's offset; `count` is what is left.
        whole_file(green, out, count, |count| unsafe { real(out, input, offset, count) })
    }

    fn sendfile64(out: c_int, input: c_int, offset: *mut off_t, count: size_t) -> ssize_t
    |green, real| {
        // SAFETY: as in sendfile; both are one function on 64 bits.
        whole_file(green, out, count, |count| unsafe { real(out, input, offset, count) })
    }
}

/// Sends all of a buffer to a socket by non-blocking attempts, which take flags of ours.
fn whole(
    green: &Green,
    fd: c_int,
    (buf, len): (*const c_void, size_t),
    attempt: impl Fn(*const c_void, size_t, c_int) -> ssize_t,
) -> ssize_t {
    let mut blocking = Blocking::writing(green, fd);
    let mut sent = 0;
    loop {
        // SAFETY: `sent` is at most `len`: within the caller's buffer, or one past it.
        let rest = unsafe { buf.cast::<u8>().add(sent) }.cast();
        let step = blocking.repeat(|| attempt(rest, len - sent, quiet(sent)));
        if step < 0 {
            return if sent > 0 { sent.cast_signed() } else { step };
        }
        sent += step.cast_unsigned();
        if sent >= len || is_nonblocking(fd) {
            return sent.cast_signed();
        }
    }
}

/// Sends all of a list to a socket: the first attempt with the caller's address and ancillary data,
/// the rest, which only a stream can leave, without.
fn whole_message(
    green: &Green,
    fd: c_int,
    mut rest: Vectors,
    message: Option<*const msghdr>,
    flags: c_int,
) -> ssize_t {
    let mut blocking = Blocking::writing(green, fd);
    let total = rest.total();
    let mut sent = 0;
    loop {
        // SAFETY: an all-zero message is an empty one.
        let mut part: msghdr = unsafe { std::mem::zeroed() };
        let (iov, count) = rest.raw();
        part.msg_iov = iov;
        part.msg_iovlen = count as _;
        let part = match message {
            Some(message) if sent == 0 => message,
            _ => &raw const part,
        };
        let flags = flags | libc::MSG_DONTWAIT | quiet(sent);
        // SAFETY: the caller's message, or what is left of it; a direct call, because `sendmsg` is
        // interposed.
        let step = blocking
            .repeat(|| unsafe { libc::syscall(libc::SYS_sendmsg, fd, part, flags) as ssize_t });
        if step < 0 {
            return if sent > 0 { sent.cast_signed() } else { step };
        }
        sent += step.cast_unsigned();
        if sent >= total || is_nonblocking(fd) {
            return sent.cast_signed();
        }
        rest.advance(step.cast_unsigned());
    }
}

/// The real call reports what was sent before an error and raises no SIGPIPE for it.
fn quiet(sent: usize) -> c_int {
    if sent > 0 { libc::MSG_NOSIGNAL } else { 0 }
}

/// Sends all of a file's part. sendfile has no flag for "do not wait": the descriptor itself must
/// say it, for a moment in which nobody else of this OS thread can look.
fn whole_file(
    green: &Green,
    out: c_int,
    count: size_t,
    real: impl Fn(size_t) -> ssize_t,
) -> ssize_t {
    if is_nonblocking(out) {
        return real(count);
    }
    let mut blocking = Blocking::writing(green, out);
    let mut sent: ssize_t = 0;
    loop {
        let step = blocking.repeat(|| {
            set_nonblocking(out, true);
            let done = real(count - sent.cast_unsigned());
            let error = errno();
            set_nonblocking(out, false);
            if done < 0 { fail(error) } else { done }
        });
        if step <= 0 {
            return if sent > 0 { sent } else { step };
        }
        sent += step;
        if sent.cast_unsigned() >= count {
            return sent;
        }
    }
}
