//! sleep, usleep, nanosleep, `clock_nanosleep`. A green thread is never interrupted by a signal, so
//! none of these returns early.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use libc::{c_int, c_uint, clockid_t, timespec, useconds_t};

use super::hooks;
use crate::green::Green;

hooks! {
    fn sleep(seconds: c_uint) -> c_uint |green, _real| {
        rest(green, Duration::from_secs(seconds.into()));
        0
    }

    fn usleep(micros: useconds_t) -> c_int |green, _real| {
        rest(green, Duration::from_micros(micros.into()));
        0
    }

    fn nanosleep(request: *const timespec, left: *mut timespec) -> c_int |green, real| {
        // SAFETY: null or the caller's.
        match unsafe { request.as_ref() }.and_then(duration) {
            Some(time) => {
                rest(green, time);
                0
            }
            // SAFETY: the caller's arguments, which the real call refuses.
            None => unsafe { real(request, left) },
        }
    }

    fn clock_nanosleep(
        clock: clockid_t, flags: c_int, request: *const timespec, left: *mut timespec,
    ) -> c_int |green, real| {
        // SAFETY: null or the caller's.
        let time = unsafe { request.as_ref() }.and_then(duration);
        let wait = match time {
            Some(time) if flags & libc::TIMER_ABSTIME == 0 => Some(time),
            Some(until) => now(clock).map(|now| until.saturating_sub(now)),
            None => None,
        };
        match wait {
            Some(time) => {
                rest(green, time);
                0
            }
            // SAFETY: the caller's arguments, which the real call refuses.
            None => unsafe { real(clock, flags, request, left) },
        }
    }
}

fn rest(green: &Green, time: Duration) {
    if time.is_zero() {
        return green.yield_now();
    }
    // A sleep of more than the clock can hold never ends.
    let deadline = Instant::now().checked_add(time);
    green.park(green.ticket(), deadline);
}

/// A length of time; `None`: the kernel would call it invalid.
pub(super) fn duration(time: &timespec) -> Option<Duration> {
    let nanos = u32::try_from(time.tv_nsec).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, nanos))
}

fn now(clock: clockid_t) -> Option<Duration> {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` outlives the call.
    let done = unsafe { libc::clock_gettime(clock, &raw mut time) };
    if done == 0 { duration(&time) } else { None }
}
