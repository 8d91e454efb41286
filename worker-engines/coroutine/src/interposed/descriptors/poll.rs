//! poll, ppoll, select, pselect, `epoll_wait` and their variants.
//!
//! Each asks without waiting first; if nothing is ready it parks for all of the set, and asks again.
//! A descriptor that is closed meanwhile ends the wait: POLLNVAL, or EBADF where the call has no place
//! for more.
//! Signal masks are of no matter here: the scheduler's thread takes no signals.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use libc::{
    c_int, c_ulong, epoll_event, fd_set, nfds_t, pollfd, sigset_t, size_t, timespec, timeval,
};

use crate::descriptors::Awaited;
use crate::green::Green;
use crate::interposed::machinery::call::interposed;
use crate::interposed::machinery::clock::duration;
use crate::interposed::machinery::readiness::{Ended, Wait, fail};
use crate::resident;

interposed! {
    fn poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int |green, real| {
        let wait = u64::try_from(timeout).ok().map(Duration::from_millis);
        // SAFETY: the caller's set.
        let ask = || unsafe { real(fds, count, 0) };
        until_ready(green, wait, ask, || awaited_of(fds, count), |closed| {
            mark_closed(fds, count, closed)
        })
    }

    fn ppoll(
        fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t,
    ) -> c_int |green, real| {
        let zero = timespec { tv_sec: 0, tv_nsec: 0 };
        let Ok(wait) = limit(timeout) else {
            // SAFETY: the caller's arguments, which the real call refuses.
            return unsafe { real(fds, count, timeout, mask) };
        };
        // SAFETY: the caller's set.
        let ask = || unsafe { real(fds, count, &raw const zero, mask) };
        until_ready(green, wait, ask, || awaited_of(fds, count), |closed| {
            mark_closed(fds, count, closed)
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
        let given = unsafe { timeout.as_mut() };
        let time = given.as_ref().map(|time| (time.tv_sec.try_into(), time.tv_usec.try_into()));
        let wait = match time {
            None => None,
            Some((Ok(seconds), Ok(micros))) => {
                Some(Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros)))
            }
            // SAFETY: the caller's arguments, which the real call refuses.
            Some(_) => return unsafe { real(count, read, write, except, timeout) },
        };
        let sets = Sets::copy(count, read, write, except);
        let ask = || {
            let mut zero = timeval { tv_sec: 0, tv_usec: 0 };
            sets.restore(read, write, except);
            // SAFETY: the caller's sets, as they were given.
            unsafe { real(count, read, write, except, &raw mut zero) }
        };
        let began = Instant::now();
        let found = until_ready(green, wait, ask, || sets.awaited(), |_| fail(libc::EBADF));
        // Linux leaves the time not slept (select(2), NOTES).
        if let (Some(time), Some(wait)) = (given, wait) {
            let left = wait.saturating_sub(began.elapsed());
            time.tv_sec = left.as_secs().cast_signed();
            time.tv_usec = left.subsec_micros().into();
        }
        found
    }

    fn pselect(
        count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set,
        timeout: *const timespec, mask: *const sigset_t,
    ) -> c_int |green, real| {
        let Ok(wait) = limit(timeout) else {
            // SAFETY: the caller's arguments, which the real call refuses.
            return unsafe { real(count, read, write, except, timeout, mask) };
        };
        let sets = Sets::copy(count, read, write, except);
        let zero = timespec { tv_sec: 0, tv_nsec: 0 };
        let ask = || {
            sets.restore(read, write, except);
            // SAFETY: the caller's sets, as they were given.
            unsafe { real(count, read, write, except, &raw const zero, mask) }
        };
        until_ready(green, wait, ask, || sets.awaited(), |_| fail(libc::EBADF))
    }

    fn epoll_wait(epoll: c_int, events: *mut epoll_event, room: c_int, timeout: c_int) -> c_int
    |green, real| {
        let wait = u64::try_from(timeout).ok().map(Duration::from_millis);
        // SAFETY: the caller's room.
        let ask = || unsafe { real(epoll, events, room, 0) };
        // An epoll descriptor is itself readable when it has events (epoll(7)).
        let awaited = || vec![Awaited { fd: epoll, events: libc::POLLIN }];
        until_ready(green, wait, ask, awaited, |_| fail(libc::EBADF))
    }

    fn epoll_pwait(
        epoll: c_int, events: *mut epoll_event, room: c_int, timeout: c_int,
        mask: *const sigset_t,
    ) -> c_int |green, real| {
        let wait = u64::try_from(timeout).ok().map(Duration::from_millis);
        // SAFETY: the caller's room.
        let ask = || unsafe { real(epoll, events, room, 0, mask) };
        let awaited = || vec![Awaited { fd: epoll, events: libc::POLLIN }];
        until_ready(green, wait, ask, awaited, |_| fail(libc::EBADF))
    }
}

/// A resident that has work in hand runs for this long before it lets the reactor look. With no look in
/// between all clients that sleep equally long are answered before any is heard again, and go on so,
/// together: 500 that sleep 50 ms had to wait 65.
const TURN: Duration = Duration::from_millis(2);

/// Asks until something is ready (or wrong), or `wait` has passed: then 0. Descriptors that were
/// closed meanwhile are told to `closed`, which answers for all.
fn until_ready(
    green: &Green,
    wait: Option<Duration>,
    mut ask: impl FnMut() -> c_int,
    awaited: impl FnOnce() -> Vec<Awaited>,
    closed: impl FnOnce(&[c_int]) -> c_int,
) -> c_int {
    let only_asks = wait.is_some_and(|wait| wait.is_zero());
    if only_asks && resident::is(green.identity()) && green.core().now.get().elapsed() >= TURN {
        // A loop with work in hand asks so at each turn, and what clients send it comes by the reactor.
        green.yield_now();
    }
    let found = ask();
    if found != 0 || only_asks {
        return found;
    }
    // A wait of more than the clock can hold never ends.
    let mut wait = Wait::new(green, wait.and_then(|wait| Instant::now().checked_add(wait)));
    let awaited = awaited();
    loop {
        let (ended, gone) = wait.for_any(&awaited);
        if let Ended::Interrupted(error) = ended {
            return fail(error);
        }
        let found = ask();
        if !gone.is_empty() {
            return closed(&gone);
        }
        if found != 0 || ended == Ended::Deadline {
            return found;
        }
    }
}

/// A time-out as poll and select take it: none, or a length. Refused: one that is no time.
fn limit(timeout: *const timespec) -> Result<Option<Duration>, ()> {
    // SAFETY: null or the caller's.
    match unsafe { timeout.as_ref() } {
        None => Ok(None),
        Some(time) => duration(time).map(Some).ok_or(()),
    }
}

/// Says `POLLNVAL` for those that were closed, and counts anew: their numbers may belong to other
/// files by now, of which the answer would be.
fn mark_closed(fds: *mut pollfd, count: nfds_t, closed: &[c_int]) -> c_int {
    // SAFETY: the caller's set, which the real poll has just written; not empty, because one of it
    // was closed.
    let fds = unsafe { std::slice::from_raw_parts_mut(fds, count as usize) };
    for slot in fds.iter_mut().filter(|slot| closed.contains(&slot.fd)) {
        slot.revents = libc::POLLNVAL;
    }
    fds.iter().filter(|slot| slot.fd >= 0 && slot.revents != 0).count() as c_int
}

fn awaited_of(fds: *const pollfd, count: nfds_t) -> Vec<Awaited> {
    if fds.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller's set, which the real poll has just read and written.
    let fds = unsafe { std::slice::from_raw_parts(fds, count as usize) };
    fds.iter()
        .filter(|slot| slot.fd >= 0)
        .map(|slot| Awaited { fd: slot.fd, events: slot.events })
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

    fn awaited(&self) -> Vec<Awaited> {
        let mut awaited = Vec::new();
        for fd in 0..self.count {
            let events = self.words.iter().zip(EVENTS).fold(0, |all, (words, event)| match words {
                Some(words) if words[fd / WORD_BITS] >> (fd % WORD_BITS) & 1 == 1 => all | event,
                _ => all,
            });
            if events != 0 {
                awaited.push(Awaited { fd: fd as c_int, events });
            }
        }
        awaited
    }
}
