//! The times of libc's calls, as instants.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use libc::{clockid_t, timespec};

/// A length of time; `None`: the kernel would call it invalid.
pub fn duration(time: &timespec) -> Option<Duration> {
    let nanos = u32::try_from(time.tv_nsec).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, nanos))
}

/// The reverse.
pub fn timespec(time: Duration) -> timespec {
    let tv_sec = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    timespec { tv_sec, tv_nsec: time.subsec_nanos().into() }
}

/// What a clock shows.
pub fn now(clock: clockid_t) -> Option<Duration> {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` outlives the call.
    let done = unsafe { libc::clock_gettime(clock, &raw mut time) };
    if done == 0 { duration(&time) } else { None }
}

/// A length of time from now on.
pub fn after(time: &timespec) -> Option<Instant> {
    duration(time).map(in_future)
}

/// An absolute time of a clock. Before the clock's beginning is as good as now.
pub fn instant(clock: clockid_t, until: &timespec) -> Option<Instant> {
    let until = duration(&timespec { tv_sec: until.tv_sec.max(0), ..*until })?;
    Some(in_future(until.saturating_sub(now(clock)?)))
}

fn in_future(length: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(length).unwrap_or(now + A_CENTURY)
}

const A_CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
