//! sleep, usleep, nanosleep, `clock_nanosleep`. A green thread is never interrupted by a signal;
//! these return early only for an overdue request, and only to a caller that listens.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use libc::{c_int, c_uint, clockid_t, timespec, useconds_t};

use unicoro_contract::interrupt;

use crate::errno::set_errno;
use crate::green::Green;
use crate::interposed::machinery::call::interposed;
use crate::interposed::machinery::clock::{self, duration, now};

interposed! {
    fn sleep(seconds: c_uint) -> c_uint |green, _real| {
        let mut left = timespec { tv_sec: 0, tv_nsec: 0 };
        rest_or_tell(green, Duration::from_secs(seconds.into()), Some(&mut left));
        // sleep(3): whole seconds, of fewer than were asked for.
        left.tv_sec as c_uint
    }

    fn usleep(micros: useconds_t) -> c_int |green, _real| {
        done(rest(green, Duration::from_micros(micros.into())))
    }

    fn nanosleep(request: *const timespec, left: *mut timespec) -> c_int |green, real| {
        // SAFETY: null or the caller's.
        match unsafe { request.as_ref() }.and_then(duration) {
            // SAFETY: null or the caller's.
            Some(time) => done(rest_or_tell(green, time, unsafe { left.as_mut() })),
            // SAFETY: the caller's arguments, which the real call refuses.
            None => unsafe { real(request, left) },
        }
    }

    fn clock_nanosleep(
        clock: clockid_t, flags: c_int, request: *const timespec, left: *mut timespec,
    ) -> c_int |green, real| {
        // SAFETY: null or the caller's.
        let time = unsafe { request.as_ref() }.and_then(duration);
        let is_relative = flags & libc::TIMER_ABSTIME == 0;
        let wait = match time {
            Some(time) if is_relative => Some(time),
            Some(until) => now(clock).map(|now| until.saturating_sub(now)),
            None => None,
        };
        match wait {
            // It hands its error back.
            Some(time) => {
                // SAFETY: null or the caller's.
                let left = unsafe { left.as_mut() }.filter(|_| is_relative);
                rest_or_tell(green, time, left).unwrap_or(0)
            }
            // SAFETY: the caller's arguments, which the real call refuses.
            None => unsafe { real(clock, flags, request, left) },
        }
    }
}

/// Rests; the error if it was interrupted.
fn rest(green: &Green, time: Duration) -> Option<c_int> {
    if time.is_zero() && !interrupt().is_due {
        green.yield_now();
        return None;
    }
    // A sleep of more than the clock can hold never ends.
    let deadline = Instant::now().checked_add(time);
    green.park(green.ticket(), deadline).errno()
}

/// Rests; `left` gets the time that is left if it was interrupted.
fn rest_or_tell(green: &Green, time: Duration, left: Option<&mut timespec>) -> Option<c_int> {
    let began = Instant::now();
    let error = rest(green, time)?;
    if let Some(left) = left {
        *left = clock::timespec(time.saturating_sub(began.elapsed()));
    }
    Some(error)
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
