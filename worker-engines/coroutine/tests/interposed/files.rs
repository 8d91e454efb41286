//! File locks and fsync: a helper thread waits.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use libc::c_int;

use crate::stage::{errno, job, let_others_wait, lets_others_run, run, wait_until};

fn path() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("unicoro-lock-{}-{number}", std::process::id()))
}

/// Another process (for which record locks are somebody else's) holds a lock until it is told.
fn parks_while_another_process_holds(lock: fn(c_int) -> c_int) {
    let path = path();
    let file = File::options().create(true).truncate(true).read(true).write(true).open(&path);
    let file = file.unwrap();
    let (held_reader, held_writer) = crate::stage::pipe();
    let (free_reader, free_writer) = crate::stage::pipe();
    let is_held = Arc::new(AtomicBool::new(false));
    let holds = Arc::clone(&is_held);
    run(vec![
        job(move || {
            let child = unsafe { libc::fork() };
            if child == 0 {
                let file = File::options().read(true).write(true).open(&path).unwrap();
                let done = lock(file.as_raw_fd());
                unsafe {
                    libc::write(held_writer.as_raw_fd(), [0u8].as_ptr().cast(), 1);
                    libc::read(free_reader.as_raw_fd(), [0u8].as_mut_ptr().cast(), 1);
                    libc::_exit(done);
                }
            }
            let mut byte = [0u8];
            unsafe { libc::read(held_reader.as_raw_fd(), byte.as_mut_ptr().cast(), 1) };
            holds.store(true, Ordering::SeqCst);
            assert_eq!(lock(file.as_raw_fd()), 0, "errno {}", errno());
            let mut status = 0;
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0);
        }),
        // It would never free the lock if the wait for it blocked.
        job(move || {
            wait_until(|| is_held.load(Ordering::SeqCst));
            let_others_wait();
            unsafe { libc::write(free_writer.as_raw_fd(), [0u8].as_ptr().cast(), 1) };
        }),
    ]);
}

fn whole_file() -> libc::flock {
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as _;
    lock
}

#[test]
fn flock_parks_until_another_green_thread_unlocks() {
    let path = path();
    let [first, second] = [(); 2]
        .map(|()| File::options().create(true).truncate(false).write(true).open(&path).unwrap());
    let is_held = Arc::new(AtomicBool::new(false));
    let holder = Arc::clone(&is_held);
    run(vec![
        job(move || unsafe {
            assert_eq!(libc::flock(first.as_raw_fd(), libc::LOCK_EX), 0);
            holder.store(true, Ordering::SeqCst);
            let_others_wait();
            assert_eq!(libc::flock(first.as_raw_fd(), libc::LOCK_UN), 0);
        }),
        job(move || unsafe {
            wait_until(|| is_held.load(Ordering::SeqCst));
            let tried = libc::flock(second.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB);
            assert_eq!((tried, errno()), (-1, libc::EWOULDBLOCK));
            assert_eq!(libc::flock(second.as_raw_fd(), libc::LOCK_EX), 0);
        }),
    ]);
}

#[test]
fn more_green_threads_than_helpers_may_wait_for_a_lock() {
    let path = path();
    File::create(&path).unwrap();
    let inside = Arc::new(AtomicUsize::new(0));
    let jobs = (0..150).map(|_| {
        let (path, inside) = (path.clone(), Arc::clone(&inside));
        job(move || unsafe {
            let file = File::open(path).unwrap();
            assert_eq!(libc::flock(file.as_raw_fd(), libc::LOCK_EX), 0);
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            libc::usleep(100);
            inside.fetch_sub(1, Ordering::SeqCst);
        })
    });
    run(jobs.collect());
}

#[test]
fn record_locks_park() {
    parks_while_another_process_holds(|fd| unsafe {
        let lock = whole_file();
        libc::fcntl(fd, libc::F_SETLKW, &raw const lock)
    });
    parks_while_another_process_holds(|fd| unsafe {
        let lock = whole_file();
        libc::fcntl(fd, libc::F_OFD_SETLKW, &raw const lock)
    });
}

#[test]
fn lockf_parks() {
    parks_while_another_process_holds(|fd| unsafe { libc::lockf(fd, libc::F_LOCK, 0) });
}

#[test]
fn fcntl_passes_everything_else_through() {
    run(vec![job(|| {
        let file = File::open("/proc/self/exe").unwrap();
        let fd = file.as_raw_fd();
        unsafe {
            let copy = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 100);
            assert!(copy >= 100);
            assert_eq!(libc::fcntl(copy, libc::F_GETFD), libc::FD_CLOEXEC);
            assert_eq!(libc::fcntl(copy, libc::F_SETFD, 0), 0);
            assert_eq!(libc::fcntl(copy, libc::F_GETFD), 0);
            assert_eq!(libc::close(copy), 0);
            assert_eq!((libc::fcntl(copy, libc::F_GETFD), errno()), (-1, libc::EBADF));
        }
    })]);
}

#[test]
fn fsync_lets_others_run_and_carries_errno_back() {
    lets_others_run(|| unsafe {
        let file = File::create(path()).unwrap();
        assert_eq!(libc::fsync(file.as_raw_fd()), 0);
    });
    lets_others_run(|| unsafe {
        let file = File::create(path()).unwrap();
        assert_eq!(libc::fdatasync(file.as_raw_fd()), 0);
    });
    run(vec![job(|| assert_eq!((unsafe { libc::fsync(9999) }, errno()), (-1, libc::EBADF)))]);
}
