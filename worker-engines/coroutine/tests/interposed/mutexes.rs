//! Mutexes and `pthread_once`: one green thread at a time, though all may run on one OS thread.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libc::{c_int, pthread_mutex_t, timespec};

use crate::stage::{in_millis, job, let_others_wait, lets_others_run, run, wait_until};

struct Mutex(UnsafeCell<pthread_mutex_t>);

unsafe impl Send for Mutex {}
unsafe impl Sync for Mutex {}

impl Mutex {
    fn of_type(kind: c_int) -> Arc<Self> {
        unsafe {
            let mutex = Arc::new(Self(UnsafeCell::new(std::mem::zeroed())));
            let mut attributes = std::mem::zeroed();
            libc::pthread_mutexattr_init(&raw mut attributes);
            libc::pthread_mutexattr_settype(&raw mut attributes, kind);
            libc::pthread_mutex_init(mutex.0.get(), &raw const attributes);
            mutex
        }
    }

    fn lock(&self) -> c_int {
        unsafe { libc::pthread_mutex_lock(self.0.get()) }
    }

    fn try_lock(&self) -> c_int {
        unsafe { libc::pthread_mutex_trylock(self.0.get()) }
    }

    fn lock_within(&self, clock: libc::clockid_t, millis: i64) -> c_int {
        let time = in_millis(clock, millis);
        match clock {
            libc::CLOCK_REALTIME => unsafe {
                pthread_mutex_timedlock(self.0.get(), &raw const time)
            },
            _ => unsafe { pthread_mutex_clocklock(self.0.get(), clock, &raw const time) },
        }
    }

    fn unlock(&self) -> c_int {
        unsafe { libc::pthread_mutex_unlock(self.0.get()) }
    }
}

unsafe extern "C" {
    fn pthread_mutex_timedlock(mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int;
    fn pthread_mutex_clocklock(
        mutex: *mut pthread_mutex_t,
        clock: libc::clockid_t,
        time: *const timespec,
    ) -> c_int;
}

const TYPES: [c_int; 3] =
    [libc::PTHREAD_MUTEX_NORMAL, libc::PTHREAD_MUTEX_RECURSIVE, libc::PTHREAD_MUTEX_ERRORCHECK];

#[test]
fn a_mutex_is_one_green_threads_at_a_time() {
    for kind in TYPES {
        let mutex = Mutex::of_type(kind);
        let inside = Arc::new(AtomicUsize::new(0));
        let jobs = (0..5).map(|_| {
            let (mutex, inside) = (Arc::clone(&mutex), Arc::clone(&inside));
            job(move || {
                assert_eq!(mutex.lock(), 0);
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "type {kind}");
                let_others_wait();
                inside.fetch_sub(1, Ordering::SeqCst);
                assert_eq!(mutex.unlock(), 0);
            })
        });
        run(jobs.collect());
    }
}

#[test]
fn another_green_threads_mutex_is_busy() {
    for kind in TYPES {
        let (mutex, step) = (Mutex::of_type(kind), Arc::new(AtomicUsize::new(0)));
        let (theirs, their_step) = (Arc::clone(&mutex), Arc::clone(&step));
        run(vec![
            job(move || {
                assert_eq!(mutex.try_lock(), 0);
                step.store(1, Ordering::SeqCst);
                wait_until(|| step.load(Ordering::SeqCst) == 2);
                assert_eq!(mutex.unlock(), 0);
                step.store(3, Ordering::SeqCst);
            }),
            job(move || {
                wait_until(|| their_step.load(Ordering::SeqCst) == 1);
                assert_eq!(theirs.try_lock(), libc::EBUSY, "type {kind}");
                their_step.store(2, Ordering::SeqCst);
                wait_until(|| their_step.load(Ordering::SeqCst) == 3);
                assert_eq!(theirs.try_lock(), 0, "type {kind}");
                assert_eq!(theirs.unlock(), 0);
            }),
        ]);
    }
}

#[test]
fn a_recursive_mutex_can_be_locked_again_by_the_same_green_thread() {
    let mutex = Mutex::of_type(libc::PTHREAD_MUTEX_RECURSIVE);
    let theirs = Arc::clone(&mutex);
    run(vec![
        job(move || {
            assert_eq!((mutex.lock(), mutex.lock(), mutex.try_lock()), (0, 0, 0));
            assert_eq!((mutex.unlock(), mutex.unlock()), (0, 0));
            let_others_wait();
            assert_eq!(mutex.lock(), 0);
            assert_eq!((mutex.unlock(), mutex.unlock()), (0, 0));
        }),
        job(move || {
            assert_eq!((theirs.lock(), theirs.lock()), (0, 0));
            assert_eq!((theirs.unlock(), theirs.unlock()), (0, 0));
        }),
    ]);
}

#[test]
fn an_error_checking_mutex_tells_who_has_it_already() {
    let mutex = Mutex::of_type(libc::PTHREAD_MUTEX_ERRORCHECK);
    run(vec![job(move || {
        assert_eq!(mutex.lock(), 0);
        assert_eq!(mutex.lock(), libc::EDEADLK);
        assert_eq!(mutex.unlock(), 0);
        assert_eq!(mutex.unlock(), libc::EPERM);
    })]);
}

#[test]
fn a_green_thread_and_an_os_thread_wait_for_each_others_mutex() {
    for kind in TYPES {
        let mutex = Mutex::of_type(kind);
        let inside = Arc::new(AtomicUsize::new(0));
        let alone = move || {
            for _ in 0..20 {
                assert_eq!(mutex.lock(), 0);
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "type {kind}");
                unsafe { libc::usleep(500) };
                inside.fetch_sub(1, Ordering::SeqCst);
                assert_eq!(mutex.unlock(), 0);
            }
        };
        let threads: Vec<_> = (0..2).map(|_| thread::spawn(alone.clone())).collect();
        run((0..3).map(|_| job(alone.clone())).collect());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// While another OS thread has the mutex, `check` runs in a green thread, and others do.
fn while_a_thread_has(kind: c_int, check: impl FnOnce(&Mutex) + Send + 'static) {
    let mutex = Mutex::of_type(kind);
    let (is_locked, may_end) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (theirs, locked, end) = (Arc::clone(&mutex), Arc::clone(&is_locked), Arc::clone(&may_end));
    let thread = thread::spawn(move || {
        assert_eq!(theirs.lock(), 0);
        locked.store(1, Ordering::SeqCst);
        wait_until(|| end.load(Ordering::SeqCst) == 1);
        assert_eq!(theirs.unlock(), 0);
    });
    lets_others_run(move || {
        wait_until(|| is_locked.load(Ordering::SeqCst) == 1);
        check(&mutex);
        may_end.store(1, Ordering::SeqCst);
        assert_eq!((mutex.lock(), mutex.unlock()), (0, 0));
    });
    thread.join().unwrap();
}

#[test]
fn a_wait_for_a_mutex_ends_at_its_time() {
    for kind in TYPES {
        while_a_thread_has(kind, |mutex| {
            assert_eq!(mutex.try_lock(), libc::EBUSY);
            times_out(mutex);
        });
        let (mutex, is_over) = (Mutex::of_type(kind), Arc::new(AtomicUsize::new(0)));
        let (theirs, end) = (Arc::clone(&mutex), Arc::clone(&is_over));
        run(vec![
            job(move || {
                assert_eq!(mutex.lock(), 0);
                wait_until(|| is_over.load(Ordering::SeqCst) == 1);
                assert_eq!(mutex.unlock(), 0);
            }),
            job(move || {
                times_out(&theirs);
                end.store(1, Ordering::SeqCst);
                assert_eq!(theirs.lock_within(libc::CLOCK_REALTIME, 10_000), 0);
                assert_eq!(theirs.unlock(), 0);
            }),
        ]);
    }
}

fn times_out(mutex: &Mutex) {
    let began = Instant::now();
    assert_eq!(mutex.lock_within(libc::CLOCK_REALTIME, 50), libc::ETIMEDOUT);
    assert_eq!(mutex.lock_within(libc::CLOCK_MONOTONIC, 50), libc::ETIMEDOUT);
    assert!(began.elapsed() >= Duration::from_millis(90));
    let invalid = timespec { tv_sec: 1, tv_nsec: -1 };
    let done = unsafe { pthread_mutex_timedlock(mutex.0.get(), &raw const invalid) };
    assert_eq!(done, libc::EINVAL);
}

/// One that locks again at once does not keep the others out.
#[test]
fn green_threads_take_turns() {
    let mutex = Mutex::of_type(libc::PTHREAD_MUTEX_NORMAL);
    let is_over = Arc::new(AtomicUsize::new(0));
    let (theirs, end) = (Arc::clone(&mutex), Arc::clone(&is_over));
    run(vec![
        job(move || {
            while is_over.load(Ordering::SeqCst) == 0 {
                assert_eq!(mutex.lock(), 0);
                unsafe { libc::usleep(100) };
                assert_eq!(mutex.unlock(), 0);
            }
        }),
        job(move || {
            for _ in 0..10 {
                assert_eq!((theirs.lock(), theirs.unlock()), (0, 0));
            }
            end.store(1, Ordering::SeqCst);
        }),
    ]);
}

/// An OS thread gives the mutex up inside a wait for a condition variable, where nothing interposed
/// sees it.
#[test]
fn a_mutex_is_free_while_an_os_thread_waits_for_a_condition() {
    let mutex = Mutex::of_type(libc::PTHREAD_MUTEX_NORMAL);
    let condition = Arc::new(Condition(UnsafeCell::new(libc::PTHREAD_COND_INITIALIZER)));
    let step = Arc::new(AtomicUsize::new(0));
    let (theirs, changed, goes) = (Arc::clone(&mutex), Arc::clone(&condition), Arc::clone(&step));
    let thread = thread::spawn(move || {
        assert_eq!(theirs.lock(), 0);
        goes.store(1, Ordering::SeqCst);
        // The green thread parks meanwhile.
        thread::sleep(Duration::from_millis(20));
        while goes.load(Ordering::SeqCst) != 2 {
            unsafe { libc::pthread_cond_wait(changed.0.get(), theirs.0.get()) };
        }
        assert_eq!(theirs.unlock(), 0);
    });
    run(vec![job(move || {
        wait_until(|| step.load(Ordering::SeqCst) == 1);
        assert_eq!(mutex.lock(), 0);
        step.store(2, Ordering::SeqCst);
        unsafe { libc::pthread_cond_signal(condition.0.get()) };
        assert_eq!(mutex.unlock(), 0);
    })]);
    thread.join().unwrap();
}

struct Condition(UnsafeCell<libc::pthread_cond_t>);

unsafe impl Send for Condition {}
unsafe impl Sync for Condition {}

static ONCE: Once = Once(UnsafeCell::new(0));
static RUNS: AtomicUsize = AtomicUsize::new(0);

struct Once(UnsafeCell<c_int>);

unsafe impl Sync for Once {}

unsafe extern "C" {
    fn pthread_once(control: *mut c_int, routine: extern "C" fn()) -> c_int;
}

extern "C" fn routine() {
    let_others_wait();
    RUNS.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn pthread_once_lets_others_wait_for_the_first() {
    let once = || {
        assert_eq!(unsafe { pthread_once(ONCE.0.get(), routine) }, 0);
        assert_eq!(RUNS.load(Ordering::SeqCst), 1);
    };
    run((0..5).map(|_| job(once)).collect());
}
