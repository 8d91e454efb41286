//! connect, accept, close.
#![allow(unsafe_code)]

use libc::{c_int, sockaddr, socklen_t};

use super::hooks;
use super::wait::{errno, is_nonblocking, is_ready, park_for};
use crate::descriptors::Watch;
use crate::green::{self, Green, set_errno};

hooks! {
    fn connect(fd: c_int, to: *const sockaddr, len: socklen_t) -> c_int |green, real| {
        if is_nonblocking(fd) {
            // SAFETY: the caller's arguments.
            return unsafe { real(fd, to, len) };
        }
        // A connect has no flag for "do not wait": the descriptor itself must say it, for a moment
        // in which nobody else of this OS thread can look.
        set_nonblocking(fd, true);
        // SAFETY: the caller's arguments.
        let done = unsafe { real(fd, to, len) };
        let error = errno();
        set_nonblocking(fd, false);
        if done == 0 || error != libc::EINPROGRESS {
            set_errno(error);
            return done;
        }
        finish_connect(green, fd)
    }

    fn accept(fd: c_int, from: *mut sockaddr, len: *mut socklen_t) -> c_int |green, real| {
        wait_for_connection(green, fd);
        // SAFETY: the caller's arguments.
        unsafe { real(fd, from, len) }
    }

    fn accept4(fd: c_int, from: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int
    |green, real| {
        wait_for_connection(green, fd);
        // SAFETY: the caller's arguments.
        unsafe { real(fd, from, len, flags) }
    }
}

/// Closes, and wakes the green threads that wait for the descriptor: epoll never would.
#[unsafe(no_mangle)]
unsafe extern "C" fn close(fd: c_int) -> c_int {
    type Function = unsafe extern "C" fn(c_int) -> c_int;
    static REAL: super::Real = super::Real::new(c"close");
    // SAFETY: the address is that of the function of this name and this type.
    let real: Function = unsafe { std::mem::transmute(REAL.address()) };
    if let Some(green) = green::current() {
        green.core().descriptors.borrow_mut().closed(fd);
    }
    // SAFETY: the caller's descriptor.
    unsafe { real(fd) }
}

/// The hook that needs no green thread, for the check.
pub(super) static CLOSE: (&std::ffi::CStr, super::Address) =
    (c"close", super::Address(close as *const std::ffi::c_void));

fn finish_connect(green: &Green, fd: c_int) -> c_int {
    let watch = [Watch { fd, events: libc::POLLOUT }];
    while !is_ready(fd, libc::POLLOUT) {
        if park_for(green, &watch, None).is_err() {
            break;
        }
    }
    let mut error: c_int = 0;
    let mut len = size_of::<c_int>() as socklen_t;
    // SAFETY: `error` and `len` outlive the call.
    unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_ERROR,
            (&raw mut error).cast(),
            &raw mut len,
        )
    };
    if error == 0 {
        return 0;
    }
    set_errno(error);
    -1
}

fn wait_for_connection(green: &Green, fd: c_int) {
    while !is_ready(fd, libc::POLLIN) && !is_nonblocking(fd) {
        if park_for(green, &[Watch { fd, events: libc::POLLIN }], None).is_err() {
            return;
        }
    }
}

fn set_nonblocking(fd: c_int, on: bool) {
    // SAFETY: F_GETFL and F_SETFL take no pointers.
    unsafe {
        let flags = libc::syscall(libc::SYS_fcntl, fd, libc::F_GETFL, 0);
        let bit = i64::from(libc::O_NONBLOCK);
        let flags = if on { flags | bit } else { flags & !bit };
        libc::syscall(libc::SYS_fcntl, fd, libc::F_SETFL, flags);
    }
}
