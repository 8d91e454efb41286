//! Mutexes and `pthread_once`: one green thread at a time, though all are one OS thread.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{c_int, pthread_mutex_t};

use crate::stage::{job, let_others_wait, run, wait_until};

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

    fn unlock(&self) -> c_int {
        unsafe { libc::pthread_mutex_unlock(self.0.get()) }
    }
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
fn a_mutex_of_another_os_thread_is_waited_for() {
    let mutex = Mutex::of_type(libc::PTHREAD_MUTEX_RECURSIVE);
    assert_eq!(mutex.lock(), 0);
    let theirs = Arc::clone(&mutex);
    run(vec![job(move || assert_eq!(theirs.try_lock(), libc::EBUSY))]);
    assert_eq!(mutex.unlock(), 0);
    run(vec![job(move || {
        assert_eq!((mutex.lock(), mutex.unlock()), (0, 0));
    })]);
}

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
