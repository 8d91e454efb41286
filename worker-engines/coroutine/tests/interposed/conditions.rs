//! Condition variables: a wait parks, and ends by a signal of whichever thread, or at its time. And
//! C11's locks, which are the same under other names.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libc::{c_int, clockid_t, pthread_cond_t, pthread_condattr_t, pthread_mutex_t, timespec};

use crate::stage::{in_millis, job, let_others_wait, lets_others_run, run, wait_until};

unsafe extern "C" {
    fn pthread_cond_clockwait(
        condition: *mut pthread_cond_t,
        mutex: *mut pthread_mutex_t,
        clock: clockid_t,
        time: *const timespec,
    ) -> c_int;
    fn mtx_init(mutex: *mut pthread_mutex_t, kind: c_int) -> c_int;
    fn mtx_lock(mutex: *mut pthread_mutex_t) -> c_int;
    fn mtx_trylock(mutex: *mut pthread_mutex_t) -> c_int;
    fn mtx_timedlock(mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int;
    fn mtx_unlock(mutex: *mut pthread_mutex_t) -> c_int;
    fn cnd_wait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int;
    fn cnd_timedwait(
        condition: *mut pthread_cond_t,
        mutex: *mut pthread_mutex_t,
        time: *const timespec,
    ) -> c_int;
    fn cnd_signal(condition: *mut pthread_cond_t) -> c_int;
    fn cnd_broadcast(condition: *mut pthread_cond_t) -> c_int;
    fn call_once(flag: *mut c_int, routine: extern "C" fn());
    fn thrd_sleep(time: *const timespec, left: *mut timespec) -> c_int;
    fn thrd_yield();
}

/// A number under a mutex, and a condition variable for its changes.
struct Watched {
    mutex: UnsafeCell<pthread_mutex_t>,
    changed: UnsafeCell<pthread_cond_t>,
    number: UnsafeCell<usize>,
    waiting: AtomicUsize,
}

unsafe impl Send for Watched {}
unsafe impl Sync for Watched {}

impl Watched {
    fn new(clock: clockid_t, shared: c_int) -> Arc<Self> {
        unsafe {
            let mut attributes: pthread_condattr_t = std::mem::zeroed();
            libc::pthread_condattr_init(&raw mut attributes);
            libc::pthread_condattr_setclock(&raw mut attributes, clock);
            libc::pthread_condattr_setpshared(&raw mut attributes, shared);
            let watched = Arc::new(Self {
                mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
                changed: UnsafeCell::new(std::mem::zeroed()),
                number: UnsafeCell::new(0),
                waiting: AtomicUsize::new(0),
            });
            libc::pthread_cond_init(watched.changed.get(), &raw const attributes);
            watched
        }
    }

    fn plain() -> Arc<Self> {
        Self::new(libc::CLOCK_REALTIME, libc::PTHREAD_PROCESS_PRIVATE)
    }

    fn locked<R>(&self, body: impl FnOnce(&mut usize) -> R) -> R {
        unsafe {
            assert_eq!(libc::pthread_mutex_lock(self.mutex.get()), 0);
            let result = body(&mut *self.number.get());
            assert_eq!(libc::pthread_mutex_unlock(self.mutex.get()), 0);
            result
        }
    }

    /// Waits until the number is at least this, and takes one of it.
    fn take_from(&self, least: usize) {
        self.locked(|_| unsafe {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            while *self.number.get() < least {
                let done = libc::pthread_cond_wait(self.changed.get(), self.mutex.get());
                assert_eq!(done, 0);
            }
            *self.number.get() -= 1;
        });
    }

    fn set(&self, number: usize) {
        self.locked(|held| *held = number);
    }

    fn signal(&self) {
        assert_eq!(unsafe { libc::pthread_cond_signal(self.changed.get()) }, 0);
    }

    fn broadcast(&self) {
        assert_eq!(unsafe { libc::pthread_cond_broadcast(self.changed.get()) }, 0);
    }

    fn are_waiting(&self, count: usize) -> bool {
        // Who has counted itself keeps the mutex until it waits.
        self.waiting.load(Ordering::SeqCst) == count && self.locked(|_| true)
    }
}

#[test]
fn a_wait_ends_by_a_signal_of_another_green_thread() {
    let waits = Watched::plain();
    let theirs = Arc::clone(&waits);
    run(vec![
        job(move || waits.take_from(1)),
        job(move || {
            wait_until(|| theirs.are_waiting(1));
            theirs.set(1);
            theirs.signal();
        }),
    ]);
}

#[test]
fn each_signal_wakes_one_and_a_broadcast_all() {
    const WAITERS: usize = 5;
    let watched = Watched::plain();
    let mut jobs: Vec<_> = (0..WAITERS)
        .map(|_| {
            let watched = Arc::clone(&watched);
            job(move || watched.take_from(1))
        })
        .collect();
    jobs.push(job(move || {
        wait_until(|| watched.are_waiting(WAITERS));
        watched.set(1);
        watched.signal();
        wait_until(|| watched.locked(|number| *number == 0));
        watched.set(4);
        watched.broadcast();
    }));
    run(jobs);
}

#[test]
fn a_wait_ends_by_a_signal_of_an_os_thread() {
    for shared in [libc::PTHREAD_PROCESS_PRIVATE, libc::PTHREAD_PROCESS_SHARED] {
        lets_others_run(move || {
            let watched = Watched::new(libc::CLOCK_REALTIME, shared);
            let theirs = Arc::clone(&watched);
            let thread = thread::spawn(move || {
                wait_until(|| theirs.are_waiting(1));
                thread::sleep(Duration::from_millis(20));
                theirs.set(1);
                theirs.signal();
            });
            watched.take_from(1);
            thread.join().unwrap();
        });
    }
}

#[test]
fn a_signal_of_a_green_thread_wakes_an_os_thread_beside_green_ones() {
    let watched = Watched::plain();
    let theirs = Arc::clone(&watched);
    let thread = thread::spawn(move || theirs.take_from(1));
    let waits = Arc::clone(&watched);
    run(vec![
        job(move || waits.take_from(1)),
        job(move || {
            wait_until(|| watched.are_waiting(2));
            watched.set(2);
            watched.broadcast();
        }),
    ]);
    thread.join().unwrap();
}

#[test]
fn a_wait_ends_at_its_time_by_its_clock() {
    for clock in [libc::CLOCK_REALTIME, libc::CLOCK_MONOTONIC] {
        lets_others_run(move || {
            let watched = Watched::new(clock, libc::PTHREAD_PROCESS_PRIVATE);
            let (changed, mutex) = (watched.changed.get(), watched.mutex.get());
            watched.locked(|_| unsafe {
                let began = Instant::now();
                let time = in_millis(clock, 50);
                let done = libc::pthread_cond_timedwait(changed, mutex, &raw const time);
                assert_eq!(done, libc::ETIMEDOUT);
                let time = in_millis(libc::CLOCK_MONOTONIC, 50);
                let monotonic = libc::CLOCK_MONOTONIC;
                let done = pthread_cond_clockwait(changed, mutex, monotonic, &raw const time);
                assert_eq!(done, libc::ETIMEDOUT);
                assert!(began.elapsed() >= Duration::from_millis(90));
                let invalid = timespec { tv_sec: 1, tv_nsec: -1 };
                let done = libc::pthread_cond_timedwait(changed, mutex, &raw const invalid);
                assert_eq!(done, libc::EINVAL);
            });
        });
    }
}

const RECURSIVE: c_int = 1;
const TIMED: c_int = 2;
// threads.h, as glibc numbers them.
const BUSY: c_int = 1;
const ERROR: c_int = 2;
const TIMED_OUT: c_int = 4;

#[test]
fn c11_mutexes_are_one_green_threads_at_a_time() {
    for kind in [TIMED, TIMED | RECURSIVE] {
        let watched = Watched::plain();
        unsafe { mtx_init(watched.mutex.get(), kind) };
        let (theirs, inside) = (Arc::clone(&watched), Arc::new(AtomicUsize::new(0)));
        let is_there = Arc::clone(&inside);
        run(vec![
            job(move || unsafe {
                assert_eq!(mtx_lock(watched.mutex.get()), 0);
                inside.store(1, Ordering::SeqCst);
                wait_until(|| inside.load(Ordering::SeqCst) == 2);
                let_others_wait();
                assert_eq!(inside.load(Ordering::SeqCst), 2);
                assert_eq!(mtx_unlock(watched.mutex.get()), 0);
            }),
            job(move || unsafe {
                let mutex = theirs.mutex.get();
                wait_until(|| is_there.load(Ordering::SeqCst) == 1);
                assert_eq!(mtx_trylock(mutex), BUSY, "kind {kind}");
                let time = in_millis(libc::CLOCK_REALTIME, 20);
                assert_eq!(mtx_timedlock(mutex, &raw const time), TIMED_OUT);
                let invalid = timespec { tv_sec: 1, tv_nsec: -1 };
                assert_eq!(mtx_timedlock(mutex, &raw const invalid), ERROR);
                is_there.store(2, Ordering::SeqCst);
                assert_eq!(mtx_lock(mutex), 0);
                is_there.store(3, Ordering::SeqCst);
                assert_eq!(mtx_unlock(mutex), 0);
            }),
        ]);
    }
}

#[test]
fn c11_conditions_wake_those_who_wait() {
    let watched = Watched::plain();
    let waiter = |watched: Arc<Watched>| {
        job(move || unsafe {
            assert_eq!(mtx_lock(watched.mutex.get()), 0);
            watched.waiting.fetch_add(1, Ordering::SeqCst);
            let time = in_millis(libc::CLOCK_REALTIME, 10);
            let (changed, mutex) = (watched.changed.get(), watched.mutex.get());
            assert_eq!(cnd_timedwait(changed, mutex, &raw const time), TIMED_OUT);
            while *watched.number.get() == 0 {
                assert_eq!(cnd_wait(changed, mutex), 0);
            }
            *watched.number.get() -= 1;
            assert_eq!(mtx_unlock(mutex), 0);
        })
    };
    let mut jobs: Vec<_> = (0..3).map(|_| waiter(Arc::clone(&watched))).collect();
    jobs.push(job(move || unsafe {
        wait_until(|| watched.are_waiting(3));
        let time = timespec { tv_sec: 0, tv_nsec: 30_000_000 };
        assert_eq!(thrd_sleep(&raw const time, std::ptr::null_mut()), 0);
        watched.set(1);
        assert_eq!(cnd_signal(watched.changed.get()), 0);
        wait_until(|| watched.locked(|number| *number == 0));
        watched.set(2);
        assert_eq!(cnd_broadcast(watched.changed.get()), 0);
    }));
    run(jobs);
}

static FLAG: AtomicI32 = AtomicI32::new(0);
static RUNS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn once() {
    let_others_wait();
    RUNS.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn c11_call_once_calls_once_and_the_others_wait() {
    let call = || {
        unsafe { call_once(FLAG.as_ptr(), once) };
        assert_eq!(RUNS.load(Ordering::SeqCst), 1);
    };
    run((0..5).map(|_| job(call)).collect());
}

#[test]
fn c11_sleeps_and_yields_let_others_run() {
    lets_others_run(|| unsafe {
        let time = timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        assert_eq!(thrd_sleep(&raw const time, std::ptr::null_mut()), 0);
    });
    lets_others_run(|| unsafe {
        for _ in 0..100 {
            thrd_yield();
        }
    });
}
