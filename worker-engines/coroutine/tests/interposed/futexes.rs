//! futex(2) through `syscall`: a wake on any thread wakes who waits.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use libc::{c_int, c_long, timespec};

use crate::stage::{
    errno, job, let_others_wait, lets_others_run, run, syscall_of_a_library, wait_until,
};

const WAIT: c_int = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
const WAIT_UNTIL: c_int = libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG;

fn wait(word: &AtomicU32, operation: c_int, value: u32, time: Option<&timespec>) -> c_long {
    let time = time.map_or(std::ptr::null(), std::ptr::from_ref);
    let syscall = syscall_of_a_library();
    unsafe { syscall(libc::SYS_futex, word.as_ptr(), operation, value, time, 0, u32::MAX) }
}

fn wake(word: &AtomicU32, count: c_int) -> c_long {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, count) }
}

fn now(clock: libc::clockid_t) -> timespec {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time
}

#[test]
fn other_system_calls_pass() {
    let pid = unsafe { libc::syscall(libc::SYS_getpid) };
    assert_eq!(pid, c_long::from(std::process::id()));
    assert_eq!(unsafe { libc::syscall(libc::SYS_close, -1) }, -1);
    assert_eq!(errno(), libc::EBADF);
    // Six arguments: the last of them on the stack.
    let page = unsafe { libc::syscall(libc::SYS_mmap, 0usize, 4096usize, 0, 34, -1, 0usize) };
    assert!(page > 0, "{}", errno());
    assert_eq!(unsafe { libc::syscall(libc::SYS_munmap, page, 4096usize) }, 0);
}

#[test]
fn futex_wait_parks_until_another_green_thread_wakes() {
    let (word, waits) = (Arc::new(AtomicU32::new(1)), Arc::new(AtomicBool::new(false)));
    let (waiter, waker, is_there) = (Arc::clone(&word), word, Arc::clone(&waits));
    run(vec![
        job(move || {
            waits.store(true, Ordering::SeqCst);
            assert_eq!(wait(&waiter, WAIT, 1, None), 0);
        }),
        job(move || {
            wait_until(|| is_there.load(Ordering::SeqCst));
            waker.store(2, Ordering::SeqCst);
            assert_eq!(wake(&waker, 1), 1);
        }),
    ]);
}

#[test]
fn futex_wait_parks_until_another_os_thread_wakes() {
    let word = Arc::new(AtomicU32::new(1));
    lets_others_run(move || {
        let waker = Arc::clone(&word);
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            waker.store(2, Ordering::SeqCst);
            wake(&waker, c_int::MAX);
        });
        while word.load(Ordering::SeqCst) == 1 {
            assert_eq!(wait(&word, WAIT_UNTIL, 1, None), 0);
        }
        thread.join().unwrap();
    });
}

#[test]
fn futex_wake_wakes_no_more_than_asked_for() {
    // Any thread of this process that wakes another word at that moment may wake these too, if both words are
    // of one group (src/words.rs): in vain, as futex(2) allows. But not each time.
    const TRIES: usize = 5;
    let seen: Vec<_> = (0..TRIES).map(|_| woken_by_a_wake_for_two()).collect();
    assert!(seen.contains(&(2, 2)), "{seen:?}");
}

/// Of five who wait: what a wake for two answers, and how many go on.
fn woken_by_a_wake_for_two() -> (c_long, usize) {
    const WAITERS: usize = 5;
    let word = Arc::new(AtomicU32::new(1));
    let (waiting, woken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::new(Mutex::new((0, 0)));
    let mut jobs: Vec<_> = (0..WAITERS)
        .map(|_| {
            let (word, waiting) = (Arc::clone(&word), Arc::clone(&waiting));
            let woken = Arc::clone(&woken);
            job(move || {
                waiting.fetch_add(1, Ordering::SeqCst);
                if wait(&word, WAIT, 1, None) == 0 {
                    woken.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let answer = Arc::clone(&seen);
    jobs.push(job(move || {
        wait_until(|| waiting.load(Ordering::SeqCst) == WAITERS);
        let told = wake(&word, 2);
        // At least so many, whoever has woken them.
        wait_until(|| woken.load(Ordering::SeqCst) >= 2);
        let_others_wait();
        *answer.lock().unwrap() = (told, woken.load(Ordering::SeqCst));
        word.store(2, Ordering::SeqCst);
        wake(&word, c_int::MAX);
    }));
    run(jobs);
    let seen = seen.lock().unwrap();
    *seen
}

#[test]
fn futex_wait_looks_at_the_value_first() {
    run(vec![job(|| {
        let word = AtomicU32::new(2);
        assert_eq!(wait(&word, WAIT, 1, None), -1);
        assert_eq!(errno(), libc::EAGAIN);
    })]);
}

#[test]
fn futex_wait_times_out() {
    lets_others_run(|| {
        let word = AtomicU32::new(1);
        let short = timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        let check = |operation, time: timespec, least| {
            let began = Instant::now();
            assert_eq!(wait(&word, operation, 1, Some(&time)), -1);
            assert_eq!(errno(), libc::ETIMEDOUT);
            assert!(began.elapsed() >= Duration::from_millis(least), "{operation}");
        };
        let in_a_second = |clock| {
            let now = now(clock);
            timespec { tv_sec: now.tv_sec + 1, tv_nsec: now.tv_nsec }
        };
        check(WAIT, short, 20);
        check(WAIT_UNTIL, in_a_second(libc::CLOCK_MONOTONIC), 900);
        let of_realtime = WAIT_UNTIL | libc::FUTEX_CLOCK_REALTIME;
        check(of_realtime, in_a_second(libc::CLOCK_REALTIME), 900);
        // Long past.
        check(WAIT_UNTIL, short, 0);
        let invalid = timespec { tv_sec: 0, tv_nsec: -1 };
        assert_eq!(wait(&word, WAIT, 1, Some(&invalid)), -1);
        assert_eq!(errno(), libc::EINVAL);
    });
}
