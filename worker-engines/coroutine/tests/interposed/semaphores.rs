//! Semaphores: a post anywhere wakes one who waits.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libc::{c_int, sem_t, timespec};

use crate::stage::{errno, job, let_others_wait, run, run_within, wait_until};

struct Semaphore(UnsafeCell<sem_t>);

unsafe impl Send for Semaphore {}
unsafe impl Sync for Semaphore {}

impl Semaphore {
    fn new(value: u32) -> Arc<Self> {
        let semaphore = Arc::new(Self(UnsafeCell::new(unsafe { std::mem::zeroed() })));
        assert_eq!(unsafe { libc::sem_init(semaphore.at(), 0, value) }, 0);
        semaphore
    }

    fn at(&self) -> *mut sem_t {
        self.0.get()
    }

    fn post(&self) {
        assert_eq!(unsafe { libc::sem_post(self.at()) }, 0);
    }

    fn wait(&self) {
        assert_eq!(unsafe { libc::sem_wait(self.at()) }, 0);
    }

    fn wait_for(&self, millis: i64) -> c_int {
        let until = after(libc::CLOCK_REALTIME, millis);
        unsafe { libc::sem_timedwait(self.at(), &raw const until) }
    }
}

fn after(clock: libc::clockid_t, millis: i64) -> timespec {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_nsec += millis % 1000 * 1_000_000;
    time.tv_sec += millis / 1000 + time.tv_nsec / 1_000_000_000;
    time.tv_nsec %= 1_000_000_000;
    time
}

unsafe extern "C" {
    fn sem_clockwait(
        semaphore: *mut sem_t,
        clock: libc::clockid_t,
        until: *const timespec,
    ) -> c_int;
}

#[test]
fn sem_wait_parks_until_another_green_thread_posts() {
    let semaphore = Semaphore::new(0);
    let poster = Arc::clone(&semaphore);
    run(vec![
        job(move || semaphore.wait()),
        job(move || {
            let_others_wait();
            poster.post();
        }),
    ]);
}

#[test]
fn the_timed_waits_park_and_end_with_etimedout() {
    let timed = || {
        assert_eq!((Semaphore::new(0).wait_for(200), errno()), (-1, libc::ETIMEDOUT));
    };
    let clocked = || unsafe {
        let until = after(libc::CLOCK_MONOTONIC, 200);
        let semaphore = Semaphore::new(0);
        let done = sem_clockwait(semaphore.at(), libc::CLOCK_MONOTONIC, &raw const until);
        assert_eq!((done, errno()), (-1, libc::ETIMEDOUT));
    };
    let jobs = (0..15).flat_map(|_| [job(timed), job(clocked)]);
    run_within(Duration::from_secs(4), jobs.collect());
}

#[test]
fn a_post_by_an_os_thread_wakes_one() {
    let semaphore = Semaphore::new(0);
    let woken = Arc::new(AtomicUsize::new(0));
    let mut jobs: Vec<_> = (0..3)
        .map(|_| {
            let (semaphore, woken) = (Arc::clone(&semaphore), Arc::clone(&woken));
            job(move || {
                semaphore.wait();
                woken.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    jobs.push(job(move || {
        let_others_wait();
        for round in 1..=3 {
            let poster = Arc::clone(&semaphore);
            let thread = std::thread::spawn(move || poster.post());
            wait_until(|| woken.load(Ordering::SeqCst) >= round);
            let_others_wait();
            assert_eq!(woken.load(Ordering::SeqCst), round);
            thread.join().unwrap();
        }
    }));
    run(jobs);
}

#[test]
fn a_post_in_a_signal_handler_wakes() {
    static TARGET: AtomicPtr<sem_t> = AtomicPtr::new(std::ptr::null_mut());
    extern "C" fn handler(_signal: c_int) {
        unsafe { libc::sem_post(TARGET.load(Ordering::SeqCst)) };
    }
    let semaphore = Semaphore::new(0);
    TARGET.store(semaphore.at(), Ordering::SeqCst);
    unsafe { libc::signal(libc::SIGUSR2, handler as *const () as usize) };
    run(vec![
        job(move || semaphore.wait()),
        job(|| {
            let_others_wait();
            // A green thread that raises a signal sends it to the process: an OS thread takes it.
            assert_eq!(unsafe { libc::raise(libc::SIGUSR2) }, 0);
        }),
    ]);
}

#[test]
fn a_post_and_a_deadline_that_end_together_lose_nothing() {
    // The post comes when the first's deadline has passed and it has not run yet: either it takes
    // the semaphore or the second does.
    for _ in 0..20 {
        let semaphore = Semaphore::new(0);
        let through = Arc::new(AtomicUsize::new(0));
        let (timed, waiter, poster) =
            (Arc::clone(&semaphore), Arc::clone(&semaphore), Arc::clone(&semaphore));
        let (first, second, third) =
            (Arc::clone(&through), Arc::clone(&through), Arc::clone(&through));
        run(vec![
            job(move || {
                first.fetch_add(usize::from(timed.wait_for(10) == 0), Ordering::SeqCst);
            }),
            job(move || {
                waiter.wait();
                second.fetch_add(1, Ordering::SeqCst);
            }),
            job(move || {
                let until = std::time::Instant::now() + Duration::from_millis(10);
                while std::time::Instant::now() < until {}
                poster.post();
                wait_until(|| third.load(Ordering::SeqCst) == 1);
                // If the first has taken it, the second still waits.
                poster.post();
            }),
        ]);
        let left = through.load(Ordering::SeqCst);
        assert!(left == 1 || left == 2);
    }
}

#[test]
fn a_semaphore_shared_with_a_child_process_is_seen() {
    let memory = unsafe {
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0)
    };
    assert_eq!(unsafe { libc::sem_init(memory.cast(), 1, 0) }, 0);
    let address = memory as usize;
    run(vec![
        job(move || assert_eq!(unsafe { libc::sem_wait(address as *mut sem_t) }, 0)),
        job(move || {
            let_others_wait();
            let child = unsafe { libc::fork() };
            if child == 0 {
                unsafe {
                    libc::sem_post(address as *mut sem_t);
                    libc::_exit(0);
                }
            }
            let mut status = 0;
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        }),
    ]);
}

#[test]
fn sem_post_gives_to_who_has_waited_longest() {
    const ROUNDS: usize = 20;
    // One job takes it again at once, always: the other has its turn all the same.
    let (semaphore, turns) = (Semaphore::new(1), Arc::new(AtomicUsize::new(0)));
    let (theirs, their_turns) = (Arc::clone(&semaphore), Arc::clone(&turns));
    run(vec![
        job(move || {
            let began = Instant::now();
            while turns.load(Ordering::SeqCst) < ROUNDS {
                assert!(began.elapsed() < Duration::from_secs(20), "the other has no turn");
                if unsafe { libc::sem_trywait(semaphore.at()) } != 0 {
                    semaphore.wait();
                }
                let_others_wait();
                semaphore.post();
            }
        }),
        job(move || {
            for _ in 0..ROUNDS {
                theirs.wait();
                their_turns.fetch_add(1, Ordering::SeqCst);
                theirs.post();
            }
        }),
    ]);
}
