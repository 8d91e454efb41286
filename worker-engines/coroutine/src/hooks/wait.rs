//! What the hooks for descriptors share: try, park until the descriptor is ready, try again.
#![allow(unsafe_code)]

use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use libc::{c_int, ssize_t};

use crate::descriptors::Watch;
use crate::green::{Green, Woken, set_errno};

/// Parks until one of `watches` may be ready, or until `deadline`.
///
/// # Errors
/// One of them cannot be waited for: the caller makes the real call, which knows what to say.
pub fn park_for(green: &Green, watches: &[Watch], deadline: Option<Instant>) -> Result<Woken, ()> {
    let core = green.core();
    let ticket = green.ticket();
    let mut added = 0;
    for watch in watches {
        if core.descriptors.borrow_mut().add(&core.epoll, *watch, ticket).is_err() {
            break;
        }
        added += 1;
    }
    let woken = (added == watches.len()).then(|| green.park(ticket, deadline));
    let mut descriptors = core.descriptors.borrow_mut();
    for watch in &watches[..added] {
        descriptors.remove(watch.fd, ticket);
    }
    woken.ok_or(())
}

/// How a call on a descriptor ends when it would block.
pub struct Blocking {
    /// The descriptor.
    pub fd: RawFd,
    /// What the call waits for, in poll(2)'s bits.
    pub events: i16,
    /// `SO_RCVTIMEO` or `SO_SNDTIMEO`.
    pub timeout_option: c_int,
}

impl Blocking {
    /// Repeats `attempt`, which must not block, until it gives something other than `EAGAIN`;
    /// parks between. A descriptor that the application made non-blocking gets its `EAGAIN`.
    /// `fallback` is the real, blocking call, for what cannot be waited for.
    pub fn repeat(
        &self,
        green: &Green,
        mut attempt: impl FnMut() -> ssize_t,
        fallback: impl FnOnce() -> ssize_t,
    ) -> ssize_t {
        let mut deadline = None;
        loop {
            let done = attempt();
            if done >= 0 || errno() != libc::EAGAIN {
                return done;
            }
            if is_nonblocking(self.fd) {
                set_errno(libc::EAGAIN);
                return -1;
            }
            let deadline = *deadline.get_or_insert_with(|| {
                socket_timeout(self.fd, self.timeout_option).map(|after| Instant::now() + after)
            });
            match park_for(green, &[Watch { fd: self.fd, events: self.events }], deadline) {
                Ok(Woken::Ready) => {}
                Ok(woken @ (Woken::Interrupted | Woken::Cancelled)) => {
                    set_errno(woken.errno().unwrap_or(libc::EINTR));
                    return -1;
                }
                // socket(7): a socket call that times out says EAGAIN.
                Ok(Woken::Deadline) => {
                    set_errno(libc::EAGAIN);
                    return -1;
                }
                Err(()) => return fallback(),
            }
        }
    }
}

/// The calling thread's errno.
pub fn errno() -> c_int {
    // SAFETY: the address is valid for the calling thread.
    unsafe { *libc::__errno_location() }
}

/// Whether the application has set `O_NONBLOCK`.
pub fn is_nonblocking(fd: RawFd) -> bool {
    // SAFETY: F_GETFL takes no pointer.
    let flags = unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_GETFL, 0) };
    flags >= 0 && flags & i64::from(libc::O_NONBLOCK) != 0
}

/// Whether poll(2) finds one of `events`, an error or a hang-up right now.
pub fn is_ready(fd: RawFd, events: i16) -> bool {
    let mut slot = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: one pollfd that outlives the call.
    unsafe { libc::syscall(libc::SYS_poll, &raw mut slot, 1usize, 0) > 0 }
}

fn socket_timeout(fd: RawFd, option: c_int) -> Option<Duration> {
    let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut len = size_of::<libc::timeval>() as libc::socklen_t;
    // SAFETY: `time` and `len` outlive the call; on what is no socket it fails and changes nothing.
    unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, option, (&raw mut time).cast(), &raw mut len) };
    let seconds = Duration::from_secs(time.tv_sec.cast_unsigned());
    let timeout = seconds + Duration::from_micros(time.tv_usec.cast_unsigned());
    (!timeout.is_zero()).then_some(timeout)
}
