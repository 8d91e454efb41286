//! The sleeping calls.

use std::time::Duration;

use crate::stage::{job, run, run_within};

fn sleeps_beside_others(call: fn()) {
    let took = run_within(Duration::from_secs(4), (0..30).map(|_| job(call)).collect());
    assert!(took >= Duration::from_millis(200), "thirty sleeps of 200 ms took {took:?}");
}

static SHORT: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 200_000_000 };

#[test]
fn usleep_parks() {
    sleeps_beside_others(|| assert_eq!(unsafe { libc::usleep(200_000) }, 0));
}

#[test]
fn sleep_parks() {
    let sleep = || assert_eq!(unsafe { libc::sleep(1) }, 0);
    run_within(Duration::from_secs(8), (0..10).map(|_| job(sleep)).collect());
}

#[test]
fn nanosleep_parks() {
    sleeps_beside_others(|| {
        assert_eq!(unsafe { libc::nanosleep(&raw const SHORT, std::ptr::null_mut()) }, 0);
    });
}

#[test]
fn clock_nanosleep_parks_for_a_time_and_until_a_time() {
    sleeps_beside_others(|| unsafe {
        let none = std::ptr::null_mut();
        assert_eq!(libc::clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &raw const SHORT, none), 0);
    });
    sleeps_beside_others(|| unsafe {
        let mut until: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut until);
        until.tv_nsec += 200_000_000;
        until.tv_sec += until.tv_nsec / 1_000_000_000;
        until.tv_nsec %= 1_000_000_000;
        let (clock, flag) = (libc::CLOCK_REALTIME, libc::TIMER_ABSTIME);
        assert_eq!(libc::clock_nanosleep(clock, flag, &raw const until, std::ptr::null_mut()), 0);
    });
}

#[test]
fn a_time_that_is_none_is_refused() {
    run(vec![job(|| unsafe {
        let wrong = libc::timespec { tv_sec: 0, tv_nsec: 2_000_000_000 };
        let none = std::ptr::null_mut();
        assert_eq!(libc::nanosleep(&raw const wrong, none), -1);
        let done = libc::clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &raw const wrong, none);
        assert_eq!(done, libc::EINVAL);
    })]);
}
