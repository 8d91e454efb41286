//! read, recv and their variants.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use libc::{c_int, c_void, iovec, mmsghdr, msghdr};

use crate::stage::{errno, job, let_others_wait, owned, pipe, run, run_within, socket_pair};

/// One green thread is in `call`, another then writes `abc` into the other end.
fn parks_until_fed((ours, theirs): (OwnedFd, OwnedFd), call: fn(RawFd, &mut [u8]) -> isize) {
    let fed = theirs.as_raw_fd();
    run(vec![
        job(move || {
            let mut buf = [0u8; 8];
            assert_eq!(call(ours.as_raw_fd(), &mut buf), 3, "errno {}", errno());
            assert_eq!(&buf[..3], b"abc");
        }),
        job(move || {
            let_others_wait();
            feed(fed, b"abc");
        }),
    ]);
    // Not before: a terminal that hangs up loses what was not read, and what is written to one comes to its
    // other side by a thread of the kernel's.
    drop(theirs);
}

fn feed(fd: RawFd, bytes: &[u8]) {
    let done = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
    assert_eq!(done, bytes.len().cast_signed(), "errno {}", errno());
}

fn stream() -> (OwnedFd, OwnedFd) {
    socket_pair(libc::SOCK_STREAM)
}

fn read(fd: RawFd, buf: &mut [u8]) -> isize {
    unsafe { libc::read(fd, buf.as_mut_ptr().cast(), buf.len()) }
}

fn readv(fd: RawFd, buf: &mut [u8]) -> isize {
    let (first, second) = buf.split_at_mut(1);
    let list = [first, second]
        .map(|part| iovec { iov_base: part.as_mut_ptr().cast(), iov_len: part.len() });
    unsafe { libc::readv(fd, list.as_ptr(), 2) }
}

fn recv(fd: RawFd, buf: &mut [u8]) -> isize {
    recv_with(fd, buf, 0)
}

fn recv_with(fd: RawFd, buf: &mut [u8], flags: c_int) -> isize {
    unsafe { libc::recv(fd, buf.as_mut_ptr().cast(), buf.len(), flags) }
}

fn recvmsg_with(fd: RawFd, buf: &mut [u8], flags: c_int) -> isize {
    let mut part = iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    let mut message: msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    unsafe { libc::recvmsg(fd, &raw mut message, flags) }
}

unsafe extern "C" {
    fn __read_chk(fd: c_int, buf: *mut c_void, count: usize, room: usize) -> isize;
    fn __recv_chk(fd: c_int, buf: *mut c_void, len: usize, room: usize, flags: c_int) -> isize;
}

#[test]
fn read_of_a_socket_parks() {
    parks_until_fed(stream(), read);
}

#[test]
fn read_of_a_pipe_parks() {
    parks_until_fed(pipe(), read);
}

#[test]
fn read_of_a_terminal_parks() {
    let main = owned(unsafe { libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY) });
    let mut name = [0; 64];
    unsafe {
        libc::grantpt(main.as_raw_fd());
        libc::unlockpt(main.as_raw_fd());
        libc::ptsname_r(main.as_raw_fd(), name.as_mut_ptr(), name.len());
    }
    let side = owned(unsafe { libc::open(name.as_ptr(), libc::O_RDWR | libc::O_NOCTTY) });
    unsafe {
        let mut settings: libc::termios = std::mem::zeroed();
        libc::tcgetattr(side.as_raw_fd(), &raw mut settings);
        libc::cfmakeraw(&raw mut settings);
        libc::tcsetattr(side.as_raw_fd(), libc::TCSANOW, &raw const settings);
    }
    parks_until_fed((side, main), read);
}

#[test]
fn read_of_a_fifo_parks() {
    let path = format!("{}/unicoro-fifo-{}\0", std::env::temp_dir().display(), std::process::id());
    let path = path.as_ptr().cast();
    unsafe { libc::unlink(path) };
    assert_eq!(unsafe { libc::mkfifo(path, 0o600) }, 0);
    let reader = owned(unsafe { libc::open(path, libc::O_RDONLY | libc::O_NONBLOCK) });
    let writer = owned(unsafe { libc::open(path, libc::O_WRONLY) });
    unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_SETFL, 0) };
    unsafe { libc::unlink(path) };
    parks_until_fed((reader, writer), read);
}

#[test]
fn read_of_an_eventfd_and_of_a_timerfd_parks() {
    let event = owned(unsafe { libc::eventfd(0, 0) });
    let raiser = event.try_clone().unwrap();
    let timer = owned(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, 0) });
    let after = libc::timespec { tv_sec: 0, tv_nsec: 5_000_000 };
    let once = libc::itimerspec { it_interval: unsafe { std::mem::zeroed() }, it_value: after };
    unsafe { libc::timerfd_settime(timer.as_raw_fd(), 0, &raw const once, std::ptr::null_mut()) };
    run(vec![
        job(move || {
            let mut count = [0u8; 8];
            assert_eq!(read(event.as_raw_fd(), &mut count), 8);
            assert_eq!(u64::from_ne_bytes(count), 7);
        }),
        job(move || {
            let mut count = [0u8; 8];
            assert_eq!(read(timer.as_raw_fd(), &mut count), 8);
            feed(raiser.as_raw_fd(), &7u64.to_ne_bytes());
        }),
    ]);
}

#[test]
fn readv_of_a_socket_and_of_a_pipe_parks() {
    parks_until_fed(stream(), readv);
    parks_until_fed(pipe(), readv);
}

#[test]
fn recv_parks() {
    parks_until_fed(stream(), recv);
    parks_until_fed(socket_pair(libc::SOCK_DGRAM), recv);
    parks_until_fed(socket_pair(libc::SOCK_SEQPACKET), recv);
}

#[test]
fn recvfrom_parks() {
    parks_until_fed(stream(), |fd, buf| unsafe {
        let (none, no_len) = (std::ptr::null_mut(), std::ptr::null_mut());
        libc::recvfrom(fd, buf.as_mut_ptr().cast(), buf.len(), 0, none, no_len)
    });
}

#[test]
fn recvmsg_parks() {
    parks_until_fed(stream(), |fd, buf| recvmsg_with(fd, buf, 0));
}

#[test]
fn recvmmsg_parks_and_counts_messages() {
    let (ours, theirs) = socket_pair(libc::SOCK_DGRAM);
    run(vec![
        job(move || {
            let mut bufs = [[0u8; 8]; 3];
            let mut parts = bufs
                .each_mut()
                .map(|buf| iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() });
            let mut messages = [unsafe { std::mem::zeroed::<mmsghdr>() }; 3];
            for (message, part) in messages.iter_mut().zip(&mut parts) {
                message.msg_hdr.msg_iov = part;
                message.msg_hdr.msg_iovlen = 1;
            }
            let none = std::ptr::null_mut();
            let fd = ours.as_raw_fd();
            let flags = libc::MSG_WAITFORONE;
            let all = unsafe { libc::recvmmsg(fd, messages.as_mut_ptr(), 2, 0, none) };
            assert_eq!((all, messages[0].msg_len, messages[1].msg_len), (2, 1, 2));
            let one = unsafe { libc::recvmmsg(fd, messages.as_mut_ptr(), 3, flags, none) };
            assert_eq!((one, messages[0].msg_len), (1, 3));
        }),
        job(move || {
            for message in [&b"1"[..], b"22", b"333"] {
                let_others_wait();
                feed(theirs.as_raw_fd(), message);
            }
        }),
    ]);
}

#[test]
fn the_fortified_variants_park() {
    parks_until_fed(stream(), |fd, buf| unsafe {
        __read_chk(fd, buf.as_mut_ptr().cast(), buf.len(), buf.len())
    });
    parks_until_fed(stream(), |fd, buf| unsafe {
        __recv_chk(fd, buf.as_mut_ptr().cast(), buf.len(), buf.len(), 0)
    });
}

#[test]
fn waitall_collects_all_on_a_stream() {
    for receive in [recv_with, recvmsg_with] {
        let (ours, theirs) = stream();
        run(vec![
            job(move || {
                let mut buf = [0u8; 6];
                assert_eq!(receive(ours.as_raw_fd(), &mut buf, libc::MSG_WAITALL), 6);
                assert_eq!(&buf, b"abcdef");
                assert_eq!(receive(ours.as_raw_fd(), &mut buf, libc::MSG_WAITALL), 1);
                assert_eq!(buf[0], b'g');
            }),
            job(move || {
                for part in [&b"ab"[..], b"cde", b"fg"] {
                    let_others_wait();
                    feed(theirs.as_raw_fd(), part);
                }
                let_others_wait();
            }),
        ]);
    }
}

#[test]
fn waitall_takes_one_datagram() {
    let (ours, theirs) = socket_pair(libc::SOCK_DGRAM);
    run(vec![
        job(move || {
            let mut buf = [0u8; 8];
            assert_eq!(recv_with(ours.as_raw_fd(), &mut buf, libc::MSG_WAITALL), 2);
        }),
        job(move || feed(theirs.as_raw_fd(), b"ab")),
    ]);
}

#[test]
fn a_peek_leaves_the_bytes_and_a_peek_for_all_waits_for_all() {
    let (ours, theirs) = stream();
    run(vec![
        job(move || {
            let mut buf = [0u8; 4];
            let fd = ours.as_raw_fd();
            assert_eq!(recv_with(fd, &mut buf, libc::MSG_PEEK), 2);
            assert_eq!(recv_with(fd, &mut buf, libc::MSG_PEEK | libc::MSG_WAITALL), 4);
            assert_eq!(recv(fd, &mut buf), 4);
            assert_eq!(&buf, b"abcd");
        }),
        job(move || {
            let_others_wait();
            feed(theirs.as_raw_fd(), b"ab");
            let_others_wait();
            feed(theirs.as_raw_fd(), b"cd");
        }),
    ]);
}

#[test]
fn dontwait_and_nonblocking_get_eagain_at_once() {
    let (ours, theirs) = stream();
    let (reader, writer) = pipe();
    run(vec![job(move || {
        let mut buf = [0u8; 4];
        assert_eq!((recv_with(ours.as_raw_fd(), &mut buf, libc::MSG_DONTWAIT), errno()), EAGAIN);
        assert_eq!((recv_with(ours.as_raw_fd(), &mut buf, libc::MSG_ERRQUEUE), errno()), EAGAIN);
        for fd in [ours.as_raw_fd(), reader.as_raw_fd()] {
            unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) };
            assert_eq!((read(fd, &mut buf), errno()), EAGAIN);
            assert_eq!((readv(fd, &mut buf), errno()), EAGAIN);
        }
        drop((theirs, writer));
    })]);
}

const EAGAIN: (isize, i32) = (-1, libc::EAGAIN);

#[test]
fn a_receive_timeout_ends_with_eagain_and_lets_others_run() {
    let jobs = (0..30).map(|_| {
        let (ours, theirs) = stream();
        job(move || {
            let time = libc::timeval { tv_sec: 0, tv_usec: 200_000 };
            set_timeout(ours.as_raw_fd(), libc::SO_RCVTIMEO, time);
            let began = Instant::now();
            let mut buf = [0u8; 4];
            assert_eq!((recv(ours.as_raw_fd(), &mut buf), errno()), EAGAIN);
            assert!(began.elapsed() >= Duration::from_millis(200));
            drop(theirs);
        })
    });
    run_within(Duration::from_secs(4), jobs.collect());
}

pub fn set_timeout(fd: RawFd, option: c_int, time: libc::timeval) {
    let len = size_of::<libc::timeval>() as libc::socklen_t;
    let value = (&raw const time).cast();
    assert_eq!(unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, option, value, len) }, 0);
}

#[test]
fn a_read_of_nothing_never_waits() {
    let (ours, theirs) = stream();
    run(vec![job(move || {
        assert_eq!(read(ours.as_raw_fd(), &mut []), 0);
        drop(theirs);
    })]);
}

#[test]
fn each_of_several_readers_gets_its_message() {
    let (ours, theirs) = socket_pair(libc::SOCK_DGRAM);
    let mut jobs: Vec<_> = (0..5)
        .map(|_| {
            let ours = ours.try_clone().unwrap();
            job(move || assert_eq!(recv(ours.as_raw_fd(), &mut [0; 4]), 1))
        })
        .collect();
    // And five that share one number.
    let shared = std::sync::Arc::new(ours);
    for _ in 0..5 {
        let shared = std::sync::Arc::clone(&shared);
        jobs.push(job(move || assert_eq!(recv(shared.as_raw_fd(), &mut [0; 4]), 1)));
    }
    jobs.push(job(move || {
        let_others_wait();
        for _ in 0..10 {
            feed(theirs.as_raw_fd(), b"x");
        }
    }));
    run(jobs);
}

#[test]
fn a_reader_and_a_writer_may_wait_for_one_socket() {
    let (ours, theirs) = stream();
    let ours = std::sync::Arc::new(ours);
    let writer = std::sync::Arc::clone(&ours);
    const MUCH: usize = 4 << 20;
    run(vec![
        job(move || assert_eq!(recv(ours.as_raw_fd(), &mut [0; 4]), 3)),
        job(move || {
            let much = vec![7u8; MUCH];
            let sent = unsafe { libc::send(writer.as_raw_fd(), much.as_ptr().cast(), MUCH, 0) };
            assert_eq!(sent, MUCH.cast_signed());
        }),
        job(move || {
            let_others_wait();
            feed(theirs.as_raw_fd(), b"abc");
            let mut buf = vec![0u8; MUCH];
            assert_eq!(
                recv_with(theirs.as_raw_fd(), &mut buf, libc::MSG_WAITALL),
                MUCH.cast_signed()
            );
        }),
    ]);
}

#[test]
fn a_shutdown_by_another_green_thread_ends_the_wait() {
    let (ours, theirs) = stream();
    let ours = std::sync::Arc::new(ours);
    let other = std::sync::Arc::clone(&ours);
    run(vec![
        job(move || assert_eq!(recv(ours.as_raw_fd(), &mut [0; 4]), 0)),
        job(move || {
            let_others_wait();
            assert_eq!(unsafe { libc::shutdown(other.as_raw_fd(), libc::SHUT_RDWR) }, 0);
            drop(theirs);
        }),
    ]);
}
