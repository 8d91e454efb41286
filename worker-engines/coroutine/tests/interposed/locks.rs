//! Locks of readers and writers, spin locks, barriers, `sched_yield`: one green thread at a time where
//! it must be one, whoever else has it, and others run meanwhile.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libc::{c_int, clockid_t, pthread_barrier_t, pthread_rwlock_t, pthread_spinlock_t, timespec};

use crate::stage::{in_millis, job, let_others_wait, lets_others_run, run, wait_until};

unsafe extern "C" {
    fn pthread_rwlock_timedrdlock(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int;
    fn pthread_rwlock_timedwrlock(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int;
    fn pthread_rwlock_clockrdlock(
        lock: *mut pthread_rwlock_t,
        clock: clockid_t,
        time: *const timespec,
    ) -> c_int;
    fn pthread_rwlock_clockwrlock(
        lock: *mut pthread_rwlock_t,
        clock: clockid_t,
        time: *const timespec,
    ) -> c_int;
}

struct Shared<T>(UnsafeCell<T>);

unsafe impl<T> Send for Shared<T> {}
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn at(&self) -> *mut T {
        self.0.get()
    }
}

fn rwlock() -> Arc<Shared<pthread_rwlock_t>> {
    Arc::new(Shared(UnsafeCell::new(libc::PTHREAD_RWLOCK_INITIALIZER)))
}

/// How many are inside, and that they may be.
#[derive(Default)]
struct Room {
    writers: AtomicI32,
    readers: AtomicI32,
}

impl Room {
    fn write(&self) {
        assert_eq!(self.writers.fetch_add(1, Ordering::SeqCst), 0);
        assert_eq!(self.readers.load(Ordering::SeqCst), 0);
        let_others_wait();
        self.writers.fetch_sub(1, Ordering::SeqCst);
    }

    fn read(&self) {
        self.readers.fetch_add(1, Ordering::SeqCst);
        assert_eq!(self.writers.load(Ordering::SeqCst), 0);
        let_others_wait();
        self.readers.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Locks for writing and reading, in turn, whoever calls.
fn write_and_read(lock: &Shared<pthread_rwlock_t>, room: &Room) {
    unsafe {
        assert_eq!(libc::pthread_rwlock_wrlock(lock.at()), 0);
        room.write();
        assert_eq!(libc::pthread_rwlock_unlock(lock.at()), 0);
        assert_eq!(libc::pthread_rwlock_rdlock(lock.at()), 0);
        room.read();
        assert_eq!(libc::pthread_rwlock_unlock(lock.at()), 0);
    }
}

#[test]
fn a_writer_is_alone_and_readers_are_together() {
    let (lock, room) = (rwlock(), Arc::new(Room::default()));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (lock, room) = (Arc::clone(&lock), Arc::clone(&room));
            thread::spawn(move || write_and_read(&lock, &room))
        })
        .collect();
    let jobs = (0..5).map(|_| {
        let (lock, room) = (Arc::clone(&lock), Arc::clone(&room));
        job(move || write_and_read(&lock, &room))
    });
    run(jobs.collect());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn readers_do_not_wait_for_each_other() {
    let (lock, inside) = (rwlock(), Arc::new(AtomicUsize::new(0)));
    let jobs = (0..3).map(|_| {
        let (lock, inside) = (Arc::clone(&lock), Arc::clone(&inside));
        job(move || unsafe {
            assert_eq!(libc::pthread_rwlock_rdlock(lock.at()), 0);
            inside.fetch_add(1, Ordering::SeqCst);
            wait_until(|| inside.load(Ordering::SeqCst) == 3);
            assert_eq!(libc::pthread_rwlock_unlock(lock.at()), 0);
        })
    });
    run(jobs.collect());
}

/// The lock is another green thread's, or (`by_thread`) another OS thread's, while `check` runs.
fn while_written(by_thread: bool, check: impl FnOnce(*mut pthread_rwlock_t) + Send + 'static) {
    let lock = rwlock();
    let (is_locked, may_end) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (theirs, locked, end) = (Arc::clone(&lock), Arc::clone(&is_locked), Arc::clone(&may_end));
    let holder = move || unsafe {
        assert_eq!(libc::pthread_rwlock_wrlock(theirs.at()), 0);
        locked.store(true, Ordering::SeqCst);
        wait_until(|| end.load(Ordering::SeqCst));
        assert_eq!(libc::pthread_rwlock_unlock(theirs.at()), 0);
    };
    let checker = job(move || {
        wait_until(|| is_locked.load(Ordering::SeqCst));
        check(lock.at());
        may_end.store(true, Ordering::SeqCst);
        unsafe {
            assert_eq!(libc::pthread_rwlock_wrlock(lock.at()), 0);
            // The writer itself is told so.
            assert_eq!(libc::pthread_rwlock_wrlock(lock.at()), libc::EDEADLK);
            assert_eq!(libc::pthread_rwlock_rdlock(lock.at()), libc::EDEADLK);
            assert_eq!(libc::pthread_rwlock_trywrlock(lock.at()), libc::EBUSY);
            assert_eq!(libc::pthread_rwlock_unlock(lock.at()), 0);
        }
    });
    if by_thread {
        let thread = thread::spawn(holder);
        run(vec![checker]);
        thread.join().unwrap();
    } else {
        run(vec![job(holder), checker]);
    }
}

#[test]
fn a_lock_that_is_written_is_busy_until_the_deadline() {
    for by_thread in [false, true] {
        while_written(by_thread, |lock| unsafe {
            assert_eq!(libc::pthread_rwlock_tryrdlock(lock), libc::EBUSY);
            assert_eq!(libc::pthread_rwlock_trywrlock(lock), libc::EBUSY);
            let began = Instant::now();
            let real = in_millis(libc::CLOCK_REALTIME, 50);
            assert_eq!(pthread_rwlock_timedrdlock(lock, &raw const real), libc::ETIMEDOUT);
            assert_eq!(pthread_rwlock_timedwrlock(lock, &raw const real), libc::ETIMEDOUT);
            let clock = libc::CLOCK_MONOTONIC;
            let monotonic = in_millis(clock, 50);
            let until = &raw const monotonic;
            assert_eq!(pthread_rwlock_clockrdlock(lock, clock, until), libc::ETIMEDOUT);
            assert_eq!(pthread_rwlock_clockwrlock(lock, clock, until), libc::ETIMEDOUT);
            assert!(began.elapsed() >= Duration::from_millis(80));
            let invalid = timespec { tv_sec: 1, tv_nsec: -1 };
            assert_eq!(pthread_rwlock_timedrdlock(lock, &raw const invalid), libc::EINVAL);
        });
    }
}

fn spin_lock() -> Arc<Shared<pthread_spinlock_t>> {
    let lock = Arc::new(Shared(UnsafeCell::new(0)));
    unsafe { libc::pthread_spin_init(lock.at(), libc::PTHREAD_PROCESS_PRIVATE) };
    lock
}

#[test]
fn a_spin_lock_is_one_green_threads_at_a_time() {
    let (lock, room) = (spin_lock(), Arc::new(Room::default()));
    let alone = move || unsafe {
        assert_eq!(libc::pthread_spin_lock(lock.at()), 0);
        assert_eq!(libc::pthread_spin_trylock(lock.at()), libc::EBUSY);
        room.write();
        assert_eq!(libc::pthread_spin_unlock(lock.at()), 0);
    };
    let thread = thread::spawn(alone.clone());
    run((0..5).map(|_| job(alone.clone())).collect());
    thread.join().unwrap();
}

#[test]
fn sched_yield_lets_others_run() {
    lets_others_run(|| unsafe {
        for _ in 0..100 {
            assert_eq!(libc::sched_yield(), 0);
        }
    });
}

fn barrier(count: usize) -> Arc<Shared<pthread_barrier_t>> {
    let barrier = Arc::new(Shared(UnsafeCell::new(unsafe { std::mem::zeroed() })));
    let count = u32::try_from(count).unwrap();
    unsafe { libc::pthread_barrier_init(barrier.at(), std::ptr::null(), count) };
    barrier
}

#[test]
fn green_threads_and_os_threads_meet_at_a_barrier() {
    const GREEN: usize = 200;
    const THREADS: usize = 3;
    let (barrier, first) = (barrier(GREEN + THREADS), Arc::new(AtomicUsize::new(0)));
    let their_first = Arc::clone(&first);
    let meet = move || {
        for _ in 0..2 {
            match unsafe { libc::pthread_barrier_wait(barrier.at()) } {
                libc::PTHREAD_BARRIER_SERIAL_THREAD => drop(first.fetch_add(1, Ordering::SeqCst)),
                done => assert_eq!(done, 0),
            }
        }
    };
    let threads: Vec<_> = (0..THREADS).map(|_| thread::spawn(meet.clone())).collect();
    run((0..GREEN).map(|_| job(meet.clone())).collect());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(their_first.load(Ordering::SeqCst), 2);
}
