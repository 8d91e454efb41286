//! poll, ppoll, select, pselect, `epoll_wait` and their variants.
//!
//! Each asks without waiting first; if nothing is ready it parks for all of the set, and asks again.
//! Signal masks are of no matter here: the scheduler's thread takes no signals.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use libc::{
    c_int, c_ulong, epoll_event, fd_set, nfds_t, pollfd, sigset_t, size_t, timespec, timeval,
};

use super::hooks;
use super::wait::park_for;
use crate::descriptors::Watch;
use crate::green::{Green, Woken, set_errno};

hooks! {
    fn poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int |green, real| {
        let wait = u64::try_from(timeout).ok().map(Duration::from_millis);
        // SAFETY: the caller's set.
        let ask = || unsafe { real(fds, count, 0) };
        until_ready(green, wait, ask, || watches_of(fds, count)).unwrap_or_else(|| {
            // SAFETY: the caller's arguments.
            unsafe { real(fds, count, timeout) }
        })
    }

    fn ppoll(
        fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t,
    ) -> c_int |green, real| {
        let zero = timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: null or the caller's.
        let wait = unsafe { timeout.as_ref() }.map(of_timespec);
        // SAFETY: the caller's set.
        let ask = || unsafe { real(fds, count, &raw const zero, mask) };
        until_ready(green, wait, ask, || watches_of(fds, count)).unwrap_or_else(|| {
            // SAFETY: the caller's arguments.
            unsafe { real(fds, count, timeout, mask) }
        })
    }

    fn __poll_chk(fds: *mut pollfd, count: nfds_t, timeout: c_int, room: size_t) -> c_int
    |_green, real| {
        if room / size_of::<pollfd>() < count as usize {
            // SAFETY: the caller's arguments: reports the overflow and ends the process.
            return unsafe { real(fds, count, timeout, room) };
        }
        // SAFETY: the caller's arguments.
        unsafe { poll(fds, count, timeout) }
    }

    fn __ppoll_chk(
        fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t,
        room: size_t,
    ) -> c_int |_green, real| {
        if room / size_of::<pollfd>() < count as usize {
            // SAFETY: as in __poll_chk.
            return unsafe { real(fds, count, timeout, mask, room) };
        }
        // SAFETY: the caller's arguments.
        unsafe { ppoll(fds, count, timeout, mask) }
    }

    fn select(
        count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set,
        timeout: *mut timeval,
    ) -> c_int |green, real| {
        // SAFETY: null or the caller's.
        let wait = unsafe { timeout.as_ref() }.map(|time| {
            Duration::from_secs(time.tv_sec.cast_unsigned())
                + Duration::from_micros(time.tv_usec.cast_unsigned())
        });
        let sets = Sets::copy(count, read, write, except);
        let ask = || {
            let mut zero = timeval { tv_sec: 0, tv_usec: 0 };
            sets.restore(read, write, except);
            // SAFETY: the caller's sets, as they were given.
            unsafe { real(count, read, write, except, &raw mut zero) }
        };
        until_ready(green, wait, ask, || sets.watches()).unwrap_or_else(|| {
            sets.restore(read, write, except);
            // SAFETY: the caller's arguments.
            unsafe { real(count, read, write, except, timeout) }
        })
    }

    fn pselect(
        count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set,
        timeout: *const timespec, mask: *const sigset_t,
    ) -> c_int |green, real| {
        // SAFETY: null or the caller's.
        let wait = unsafe { timeout.as_ref() }.map(of_timespec);
        let sets = Sets::copy(count, read, write, except);
        let zero = timespec { tv_sec: 0, tv_nsec: 0 };
        let ask = || {
            sets.restore(read, write, except);
            // SAFETY: the caller's sets, as they were given.
            unsafe { real(count, read, write, except, &raw const zero, mask) }
        };
        until_ready(green, wait, ask, || sets.watches()).unwrap_or_else(|| {
            sets.restore(read, write, except);
            // SAFETY: the caller's arguments.
            unsafe { real(count, read, write, except, timeout, mask) }
        })
    }

    fn epoll_wait(epoll: c_int, events: *mut epoll_event, room: c_int, timeout: c_int) -> c_int
    |green, real| {
        let wait = u64::try_from(timeout).ok().map(Duration::from_millis);
        // SAFETY: the caller's room.
        let ask = || unsafe { real(epoll, events, room, 0) };
        // An epoll descriptor is itself readable when it has events (epoll(7)).
        let watch = || vec![Watch { fd: epoll, events: libc::POLLIN }];
        until_ready(green, wait, ask, watch).unwrap_or_else(|| {
            // SAFETY: the caller's arguments.
            unsafe { real(epoll, events, room, timeout) }
        })
    }

    fn epoll_pwait(
        epoll: c_int, events: *mut epoll_event, room: c_int, timeout: c_int,
        mask: *const sigset_t,
    ) -> c_int |green, real| {
        let wait = u64::try_from(timeout).ok().map(Duration::from_millis);
        // SAFETY: the caller's room.
        let ask = || unsafe { real(epoll, events, room, 0, mask) };
        let watch = || vec![Watch { fd: epoll, events: libc::POLLIN }];
        until_ready(green, wait, ask, watch).unwrap_or_else(|| {
            // SAFETY: the caller's arguments.
            unsafe { real(epoll, events, room, timeout, mask) }
        })
    }
}

/// Asks until something is ready (or wrong), or `wait` has passed: then 0. `None`: this set cannot
/// be waited for.
fn until_ready(
    green: &Green,
    wait: Option<Duration>,
    mut ask: impl FnMut() -> c_int,
    watches: impl FnOnce() -> Vec<Watch>,
) -> Option<c_int> {
    let found = ask();
    if found != 0 || wait.is_some_and(|wait| wait.is_zero()) {
        return Some(found);
    }
    let deadline = wait.map(|wait| Instant::now() + wait);
    let watches = watches();
    loop {
        let woken = park_for(green, &watches, deadline).ok()?;
        if let Some(errno) = woken.errno() {
            set_errno(errno);
            return Some(-1);
        }
        let found = ask();
        if found != 0 || woken == Woken::Deadline {
            return Some(found);
        }
    }
}

fn of_timespec(time: &timespec) -> Duration {
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec.cast_unsigned() as u32)
}

fn watches_of(fds: *const pollfd, count: nfds_t) -> Vec<Watch> {
    if fds.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller's set, which the real poll has just read and written.
    let fds = unsafe { std::slice::from_raw_parts(fds, count as usize) };
    fds.iter()
        .filter(|slot| slot.fd >= 0)
        .map(|slot| Watch { fd: slot.fd, events: slot.events })
        .collect()
}

/// The three sets of a select(2), which it overwrites at each call. They may be longer than
/// `fd_set`: callers that know what they do pass larger ones.
struct Sets {
    count: usize,
    words: [Option<Vec<c_ulong>>; 3],
}

const WORD_BITS: usize = c_ulong::BITS as usize;
const EVENTS: [i16; 3] = [libc::POLLIN, libc::POLLOUT, libc::POLLPRI];

impl Sets {
    fn copy(
        count: c_int,
        read: *const fd_set,
        write: *const fd_set,
        except: *const fd_set,
    ) -> Self {
        let count = usize::try_from(count).unwrap_or(0);
        let words = [read, write, except].map(|set| {
            // SAFETY: the caller's set holds at least `count` bits, in words.
            (!set.is_null()).then(|| unsafe {
                std::slice::from_raw_parts(set.cast::<c_ulong>(), count.div_ceil(WORD_BITS))
                    .to_vec()
            })
        });
        Self { count, words }
    }

    fn restore(&self, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set) {
        for (words, set) in self.words.iter().zip([read, write, except]) {
            if let Some(words) = words {
                // SAFETY: copied from this set, which has not become shorter.
                unsafe {
                    std::ptr::copy_nonoverlapping(words.as_ptr(), set.cast(), words.len());
                }
            }
        }
    }

    fn watches(&self) -> Vec<Watch> {
        let mut watches = Vec::new();
        for fd in 0..self.count {
            let events = self.words.iter().zip(EVENTS).fold(0, |all, (words, event)| match words {
                Some(words) if words[fd / WORD_BITS] >> (fd % WORD_BITS) & 1 == 1 => all | event,
                _ => all,
            });
            if events != 0 {
                watches.push(Watch { fd: fd as c_int, events });
            }
        }
        watches
    }
}
