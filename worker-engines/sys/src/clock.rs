//! Clocks: one that only goes forward, for deadlines and heartbeats, and the wall clock for logs.
//!
//! [`Moment`] is CLOCK_MONOTONIC, which is the same in every process of the machine: the
//! supervisor compares its own with a worker's. Never compare it with wall-clock time.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::Timespec;

/// Sleeps for some 50 us, while another thread does what is waited for. Async-signal-safe.
pub fn pause() {
    // A signal ends it earlier.
    let _ = rustix::thread::nanosleep(&Timespec { tv_sec: 0, tv_nsec: 50_000 });
}

/// A point in time: milliseconds of CLOCK_MONOTONIC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Moment(u64);

impl Moment {
    /// Now.
    #[must_use]
    pub fn now() -> Moment {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid timespec to write to. The call cannot fail for this clock,
        // and zeroes are left if it did.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
        // Neither part is negative on this clock.
        Moment(time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000)
    }

    /// Now, or some milliseconds ago: the clock's last tick, which costs a load and no look at the
    /// hardware.
    #[must_use]
    pub fn lately() -> Moment {
        let time = last_tick(libc::CLOCK_MONOTONIC_COARSE);
        Moment(time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000)
    }

    /// From milliseconds of the same clock.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Moment {
        Moment(millis)
    }

    /// That much earlier.
    #[must_use]
    pub fn before(self, span: Duration) -> Moment {
        Moment(self.0.saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Milliseconds since the clock's own start.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;
    fn add(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// How long `self` is after `earlier`; zero if it is not.
impl Sub for Moment {
    type Output = Duration;
    fn sub(self, earlier: Moment) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Seconds since 1970, UTC.
#[must_use]
pub fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The same, as of some milliseconds ago at most: cheaper.
#[must_use]
pub fn unix_lately() -> i64 {
    last_tick(libc::CLOCK_REALTIME_COARSE).tv_sec
}

fn last_tick(clock: libc::clockid_t) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: as in `Moment::now`; Linux has both clocks since 2.6.32.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time
}

/// A wall-clock time in the zone of this process (TZ or /etc/localtime).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalTime {
    /// The year, such as 2026.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60 (a leap second).
    pub second: u8,
    /// Minutes east of UTC.
    pub offset_minutes: i32,
}

impl LocalTime {
    /// Breaks seconds since 1970 into a date and a time of day.
    #[must_use]
    pub fn from_unix(seconds: i64) -> LocalTime {
        let mut parts = MaybeUninit::<libc::tm>::zeroed();
        let seconds = seconds as libc::time_t;
        // SAFETY: both pointers are valid for the call. A zeroed tm is a valid value (its only
        // pointer may be null), so it may be read even if localtime_r failed on an absurd year.
        let parts = unsafe {
            libc::localtime_r(&raw const seconds, parts.as_mut_ptr());
            parts.assume_init()
        };
        LocalTime {
            year: parts.tm_year + 1900,
            month: (parts.tm_mon + 1) as u8,
            day: parts.tm_mday as u8,
            hour: parts.tm_hour as u8,
            minute: parts.tm_min as u8,
            second: parts.tm_sec as u8,
            offset_minutes: (parts.tm_gmtoff / 60) as i32,
        }
    }

    /// The offset as logs print it: sign, hours, minutes.
    #[must_use]
    pub fn offset(&self) -> (char, i32, i32) {
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let minutes = self.offset_minutes.abs();
        (sign, minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_does_not_go_back() {
        let first = Moment::now();
        let second = Moment::now();
        assert!(second >= first);
        assert!(first.as_millis() > 0);
    }

    #[test]
    fn a_difference_is_never_negative() {
        let early = Moment::from_millis(1000);
        assert_eq!(early - (early + Duration::from_secs(5)), Duration::ZERO);
        assert_eq!((early + Duration::from_secs(5)) - early, Duration::from_secs(5));
    }

    #[test]
    fn local_time_and_its_offset_agree_with_utc() {
        let time = LocalTime::from_unix(1_000_000_000);
        assert_eq!(time.year, 2001);
        let day_seconds =
            i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second);
        let utc = (day_seconds - i64::from(time.offset_minutes) * 60).rem_euclid(86_400);
        assert_eq!(utc, 1_000_000_000 % 86_400);
    }

    #[test]
    fn an_offset_west_of_greenwich_has_a_minus() {
        let mut time = LocalTime::from_unix(0);
        time.offset_minutes = -210;
        assert_eq!(time.offset(), ('-', 3, 30));
    }
}
