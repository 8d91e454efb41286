//! open and fopen of a FIFO: its other end is opened by another green thread, or never.

use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use libc::{c_char, c_int};

use crate::stage::{errno, job, let_others_wait, run, wait_until};

unsafe extern "C" {
    fn __open_2(path: *const c_char, flags: c_int) -> c_int;
    fn __open64_2(path: *const c_char, flags: c_int) -> c_int;
    fn __openat_2(dir: c_int, path: *const c_char, flags: c_int) -> c_int;
    fn __openat64_2(dir: c_int, path: *const c_char, flags: c_int) -> c_int;
    fn fopen64(path: *const c_char, mode: *const c_char) -> *mut libc::FILE;
}

fn path() -> CString {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("unicoro-open-{}-{number}", std::process::id());
    CString::new(std::env::temp_dir().join(name).into_os_string().into_encoded_bytes()).unwrap()
}

fn fifo() -> CString {
    let path = path();
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    path
}

type Open = fn(&CStr, c_int) -> c_int;

const WAYS: [Open; 8] = [
    |path, flags| unsafe { libc::open(path.as_ptr(), flags) },
    |path, flags| unsafe { libc::open64(path.as_ptr(), flags) },
    |path, flags| unsafe { libc::openat(libc::AT_FDCWD, path.as_ptr(), flags) },
    |path, flags| unsafe { libc::openat64(libc::AT_FDCWD, path.as_ptr(), flags) },
    |path, flags| unsafe { __open_2(path.as_ptr(), flags) },
    |path, flags| unsafe { __open64_2(path.as_ptr(), flags) },
    |path, flags| unsafe { __openat_2(libc::AT_FDCWD, path.as_ptr(), flags) },
    |path, flags| unsafe { __openat64_2(libc::AT_FDCWD, path.as_ptr(), flags) },
];

/// Two green threads open the ends of a FIFO, the first of these first; a byte goes through.
fn meet(first: impl FnOnce(&CStr) + Send + 'static, second: impl FnOnce(&CStr) + Send + 'static) {
    let path = Arc::new(fifo());
    let begun = Arc::new(AtomicBool::new(false));
    let (its_path, has_begun) = (Arc::clone(&path), Arc::clone(&begun));
    run(vec![
        job(move || {
            has_begun.store(true, Ordering::SeqCst);
            first(&its_path);
        }),
        job(move || {
            wait_until(|| begun.load(Ordering::SeqCst));
            let_others_wait();
            second(&path);
        }),
    ]);
}

fn reads(open: Open) -> impl FnOnce(&CStr) + Send + 'static {
    move |path| unsafe {
        let fd = open(path, libc::O_RDONLY);
        assert!(fd >= 0, "errno {}", errno());
        let mut byte = [0u8];
        assert_eq!(libc::read(fd, byte.as_mut_ptr().cast(), 1), 1);
        assert_eq!(libc::fcntl(fd, libc::F_GETFL) & libc::O_NONBLOCK, 0);
        libc::close(fd);
    }
}

fn writes(open: Open) -> impl FnOnce(&CStr) + Send + 'static {
    move |path| unsafe {
        let fd = open(path, libc::O_WRONLY);
        assert!(fd >= 0, "errno {}", errno());
        assert_eq!(libc::write(fd, [1u8].as_ptr().cast(), 1), 1);
        assert_eq!(libc::fcntl(fd, libc::F_GETFL) & libc::O_NONBLOCK, 0);
        libc::close(fd);
    }
}

#[test]
fn a_reader_and_a_writer_of_a_fifo_meet_whoever_comes_first() {
    for open in WAYS {
        meet(reads(open), writes(open));
        meet(writes(open), reads(open));
    }
}

type OpenStream = unsafe extern "C" fn(*const c_char, *const c_char) -> *mut libc::FILE;

/// A byte read from a stream's descriptor: what fread reads waits in glibc.
fn reads_stream(open: OpenStream) -> impl FnOnce(&CStr) + Send + 'static {
    move |path| unsafe {
        let file = open(path.as_ptr(), c"r".as_ptr());
        assert!(!file.is_null(), "errno {}", errno());
        let mut byte = [0u8];
        assert_eq!(libc::read(libc::fileno(file), byte.as_mut_ptr().cast(), 1), 1);
        libc::fclose(file);
    }
}

#[test]
fn streams_and_creat_meet_too() {
    let creat: Open = |path, _| unsafe { libc::creat(path.as_ptr(), 0o600) };
    let creat64: Open = |path, _| unsafe { libc::creat64(path.as_ptr(), 0o600) };
    meet(reads_stream(libc::fopen), writes(creat));
    meet(writes(creat), reads_stream(libc::fopen));
    meet(reads_stream(fopen64), writes(creat64));
    meet(writes(creat64), reads_stream(fopen64));
}

#[test]
fn more_openers_than_helpers_find_their_writers() {
    let path = Arc::new(fifo());
    let opened = Arc::new(AtomicUsize::new(0));
    let readers = (0..80).map(|_| {
        let (path, opened) = (Arc::clone(&path), Arc::clone(&opened));
        job(move || unsafe {
            let fd = libc::open(path.as_ptr(), libc::O_RDONLY);
            assert!(fd >= 0, "errno {}", errno());
            opened.fetch_add(1, Ordering::SeqCst);
            libc::close(fd);
        })
    });
    let mut jobs: Vec<_> = readers.collect();
    let (path, seen) = (Arc::clone(&path), Arc::clone(&opened));
    jobs.push(job(move || unsafe {
        let_others_wait();
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY);
        assert!(fd >= 0, "errno {}", errno());
        wait_until(|| seen.load(Ordering::SeqCst) == 80);
        libc::close(fd);
    }));
    run(jobs);
}

#[test]
fn regular_files_open_as_ever() {
    run(vec![job(|| unsafe {
        let path = path();
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_APPEND;
        let old = libc::umask(0);
        let fd = libc::open(path.as_ptr(), flags, 0o640 as libc::c_uint);
        libc::umask(old);
        assert!(fd >= 0, "errno {}", errno());
        let mut stat: libc::stat = std::mem::zeroed();
        libc::fstat(fd, &raw mut stat);
        assert_eq!(stat.st_mode & 0o777, 0o640);
        assert_eq!(
            libc::fcntl(fd, libc::F_GETFL) & (libc::O_APPEND | libc::O_NONBLOCK),
            libc::O_APPEND
        );
        libc::close(fd);
        // Again, now that it is there.
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_APPEND);
        assert_eq!(
            libc::fcntl(fd, libc::F_GETFL) & (libc::O_APPEND | libc::O_NONBLOCK),
            libc::O_APPEND
        );
        libc::close(fd);
        let failed = libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, 0o600);
        assert_eq!((failed, errno()), (-1, libc::EEXIST));
        assert_eq!((libc::open(c"/no/such".as_ptr(), libc::O_RDONLY), errno()), (-1, libc::ENOENT));
        // valgrind would report the address, which is the kernel's to refuse.
        if std::env::var_os("INTERPOSED_UNTIMED").is_none() {
            let nowhere = libc::open(std::ptr::null(), libc::O_RDONLY);
            assert_eq!((nowhere, errno()), (-1, libc::EFAULT));
        }
    })]);
}

#[test]
fn a_fifo_opened_without_waiting_does_not_wait() {
    run(vec![job(|| unsafe {
        let path = fifo();
        let none = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_NONBLOCK);
        assert_eq!((none, errno()), (-1, libc::ENXIO));
        for flags in [libc::O_RDONLY | libc::O_NONBLOCK, libc::O_RDWR, libc::O_PATH] {
            let fd = libc::open(path.as_ptr(), flags);
            assert!(fd >= 0, "errno {}", errno());
            libc::close(fd);
        }
    })]);
}

/// Another process has a lease on a file, and gives it up when it is told that somebody opens it.
#[test]
fn the_opener_of_a_leased_file_lets_others_run() {
    let path = Arc::new(path());
    std::fs::write(path.to_str().unwrap(), "leased").unwrap();
    let (held_reader, held_writer) = crate::stage::pipe();
    let (free_reader, free_writer) = crate::stage::pipe();
    let is_held = Arc::new(AtomicBool::new(false));
    let holds = Arc::clone(&is_held);
    use std::os::fd::AsRawFd;
    run(vec![
        job(move || unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::signal(libc::SIGIO, libc::SIG_IGN);
                let fd = libc::open(path.as_ptr(), libc::O_RDONLY);
                let leased = libc::fcntl(fd, libc::F_SETLEASE, libc::F_WRLCK);
                libc::write(held_writer.as_raw_fd(), [0u8].as_ptr().cast(), 1);
                libc::read(free_reader.as_raw_fd(), [0u8].as_mut_ptr().cast(), 1);
                libc::fcntl(fd, libc::F_SETLEASE, libc::F_UNLCK);
                libc::_exit(leased);
            }
            libc::read(held_reader.as_raw_fd(), [0u8].as_mut_ptr().cast(), 1);
            holds.store(true, Ordering::SeqCst);
            let fd = libc::open(path.as_ptr(), libc::O_RDWR);
            assert!(fd >= 0, "errno {}", errno());
            libc::close(fd);
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            assert_eq!(status, 0, "no lease could be had");
        }),
        job(move || {
            wait_until(|| is_held.load(Ordering::SeqCst));
            let_others_wait();
            unsafe { libc::write(free_writer.as_raw_fd(), [0u8].as_ptr().cast(), 1) };
        }),
    ]);
}
