//! sleep, usleep, nanosleep, `clock_nanosleep`. A green thread is never interrupted by a signal, so
//! none of these returns early.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use libc::{c_int, c_uint, clockid_t, timespec, useconds_t};

use super::clock::{duration, now};
use super::hooks;
use crate::green::{Green, set_errno};

hooks! {
    fn sleep(seconds: c_uint) -> c_uint |green, _real| {
        // sleep(3): the seconds that are left.
        rest(green, Duration::from_secs(seconds.into())).map_or(0, |_| 1)
    }

    fn usleep(micros: useconds_t) -> c_int |green, _real| {
        done(rest(green, Duration::from_micros(micros.into())))
    }

    fn nanosleep(request: *const timespec, left: *mut timespec) -> c_int |green, real| {
        // SAFETY: null or the caller's.
        match unsafe { request.as_ref() }.and_then(duration) {
            Some(time) => done(rest(green, time)),
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
            // It hands its error back.
            Some(time) => rest(green, time).unwrap_or(0),
            // SAFETY: the caller's arguments, which the real call refuses.
            None => unsafe { real(clock, flags, request, left) },
        }
    }
}

/// Rests; the error if it was interrupted.
fn rest(green: &Green, time: Duration) -> Option<c_int> {
    if time.is_zero() {
        green.yield_now();
        return None;
    }
    // A sleep of more than the clock can hold never ends.
    let deadline = Instant::now().checked_add(time);
    green.park(green.ticket(), deadline).errno()
}

fn done(error: Option<c_int>) -> c_int {
    match error {
        None => 0,
        Some(errno) => {
            set_errno(errno);
            -1
        }
    }
}
