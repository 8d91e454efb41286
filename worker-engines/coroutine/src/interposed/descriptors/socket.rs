//! connect and accept.
#![allow(unsafe_code)]

use std::time::Duration;

use libc::{c_int, sockaddr, socklen_t, ssize_t};

use crate::errno::{errno, set_errno};
use crate::green::Green;
use crate::interposed::machinery::call::interposed;
use crate::interposed::machinery::readiness::{
    Blocking, Ended, fail, is_nonblocking, is_ready, set_nonblocking,
};

interposed! {
    fn connect(fd: c_int, to: *const sockaddr, len: socklen_t) -> c_int |green, real| {
        if is_nonblocking(fd) {
            // SAFETY: the caller's arguments.
            return unsafe { real(fd, to, len) };
        }
        let mut blocking = Blocking::writing(green, fd);
        let mut pause = FIRST_PAUSE;
        loop {
            // A connect has no flag for "do not wait": the descriptor itself must say it, for a
            // moment in which nobody else of this OS thread can look.
            set_nonblocking(fd, true);
            // SAFETY: the caller's arguments.
            let done = unsafe { real(fd, to, len) };
            let error = errno();
            set_nonblocking(fd, false);
            set_errno(error);
            if done == 0 {
                return 0;
            }
            match error {
                libc::EINPROGRESS => return finish_connect(&mut blocking, fd),
                // unix(7): the listener's queue is full. No event tells when it has room again.
                libc::EAGAIN if is_unix(to, len) => {
                    match blocking.wait_state().rest(pause) {
                        Ended::Deadline => return fail(libc::EAGAIN),
                        Ended::Interrupted(error) => return fail(error),
                        Ended::Ready | Ended::Closed => {}
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                _ => return -1,
            }
        }
    }

    fn accept(fd: c_int, from: *mut sockaddr, len: *mut socklen_t) -> c_int |green, real| {
        // SAFETY: the caller's arguments.
        accept_one(green, fd, || unsafe { real(fd, from, len) })
    }

    fn accept4(fd: c_int, from: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int
    |green, real| {
        // SAFETY: the caller's arguments.
        accept_one(green, fd, || unsafe { real(fd, from, len, flags) })
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

fn finish_connect(blocking: &mut Blocking<'_>, fd: c_int) -> c_int {
    while !is_ready(fd, libc::POLLOUT) {
        match blocking.wait() {
            Ended::Ready => {}
            // socket(7), SO_SNDTIMEO: the attempt goes on without the caller.
            Ended::Deadline => return fail(libc::EINPROGRESS),
            Ended::Closed => return fail(libc::EBADF),
            Ended::Interrupted(error) => return fail(error),
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
    if error == 0 { 0 } else { fail(error) }
}

/// Asks by poll(2) first: accept has no flag for "do not wait", and a listener's descriptor is
/// mostly shared with other processes, which must not find it non-blocking.
fn accept_one(green: &Green, fd: c_int, real: impl Fn() -> c_int) -> c_int {
    let attempt = || {
        if is_ready(fd, libc::POLLIN) || is_nonblocking(fd) {
            real() as ssize_t
        } else {
            fail(libc::EAGAIN)
        }
    };
    // A descriptor's number always fits.
    Blocking::reading(green, fd).repeat(attempt) as c_int
}

fn is_unix(to: *const sockaddr, len: socklen_t) -> bool {
    // SAFETY: the kernel has just read `len` bytes there.
    len as usize >= size_of::<libc::sa_family_t>()
        && i32::from(unsafe { (*to).sa_family }) == libc::AF_UNIX
}
