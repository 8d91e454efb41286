//! write, send and their variants: a blocking one ends when all is written.

use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use libc::{c_int, iovec, mmsghdr, msghdr};

use crate::receive::set_timeout;
use crate::stage::{errno, job, let_others_wait, pipe, run, run_within, socket_pair};

const MUCH: usize = 2 << 20;

/// One green thread sends more than fits, another takes it out.
fn parks_until_drained(
    (ours, theirs): (OwnedFd, OwnedFd),
    call: impl FnOnce(RawFd, &[u8]) -> isize + Send + 'static,
) {
    run(vec![
        job(move || {
            let bytes: Vec<u8> = (0..MUCH).map(|index| (index % 251) as u8).collect();
            let sent = call(ours.as_raw_fd(), &bytes);
            assert_eq!(sent, MUCH.cast_signed(), "errno {}", errno());
        }),
        job(move || {
            let_others_wait();
            let mut received = vec![0u8; MUCH];
            let mut count = 0;
            while count < MUCH {
                let rest = &mut received[count..];
                let (buf, len) = (rest.as_mut_ptr().cast(), rest.len());
                let step = unsafe { libc::read(theirs.as_raw_fd(), buf, len) };
                assert!(step > 0, "the end after {count} bytes");
                count += step.cast_unsigned();
            }
            assert!(received.iter().enumerate().all(|(index, byte)| *byte == (index % 251) as u8));
        }),
    ]);
}

fn stream() -> (OwnedFd, OwnedFd) {
    socket_pair(libc::SOCK_STREAM)
}

/// The writing end first.
fn drain() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = pipe();
    (writer, reader)
}

fn write(fd: RawFd, bytes: &[u8]) -> isize {
    unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) }
}

fn parts(bytes: &[u8]) -> [iovec; 3] {
    let (first, rest) = bytes.split_at(5);
    let (second, third) = rest.split_at(rest.len() / 2);
    [first, second, third]
        .map(|part| iovec { iov_base: part.as_ptr().cast_mut().cast(), iov_len: part.len() })
}

fn writev(fd: RawFd, bytes: &[u8]) -> isize {
    unsafe { libc::writev(fd, parts(bytes).as_ptr(), 3) }
}

fn sendmsg(fd: RawFd, bytes: &[u8]) -> isize {
    let mut parts = parts(bytes);
    let mut message: msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = 3;
    unsafe { libc::sendmsg(fd, &raw const message, 0) }
}

#[test]
fn write_parks() {
    parks_until_drained(stream(), write);
    parks_until_drained(drain(), write);
}

#[test]
fn writev_parks() {
    parks_until_drained(stream(), writev);
    parks_until_drained(drain(), writev);
}

#[test]
fn write_to_a_fifo_parks() {
    // A fifo does not know RWF_NOWAIT: it is asked by poll, and written in steps.
    let path = format!("{}/unicoro-drain-{}\0", std::env::temp_dir().display(), std::process::id());
    let path = path.as_ptr().cast();
    unsafe { libc::unlink(path) };
    assert_eq!(unsafe { libc::mkfifo(path, 0o600) }, 0);
    for call in [write, writev] {
        let reader =
            crate::stage::owned(unsafe { libc::open(path, libc::O_RDONLY | libc::O_NONBLOCK) });
        let writer = crate::stage::owned(unsafe { libc::open(path, libc::O_WRONLY) });
        unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_SETFL, 0) };
        parks_until_drained((writer, reader), call);
    }
    unsafe { libc::unlink(path) };
}

#[test]
fn send_parks() {
    parks_until_drained(stream(), |fd, bytes| unsafe {
        libc::send(fd, bytes.as_ptr().cast(), bytes.len(), 0)
    });
}

#[test]
fn sendto_parks() {
    parks_until_drained(stream(), |fd, bytes| unsafe {
        libc::sendto(fd, bytes.as_ptr().cast(), bytes.len(), 0, std::ptr::null(), 0)
    });
}

#[test]
fn sendmsg_parks() {
    parks_until_drained(stream(), sendmsg);
}

#[test]
fn sendmmsg_parks() {
    parks_until_drained(stream(), |fd, bytes| {
        let (mut first, mut second) = (parts(&bytes[..1000]), parts(&bytes[1000..]));
        let mut messages = [unsafe { std::mem::zeroed::<mmsghdr>() }; 2];
        for (message, parts) in messages.iter_mut().zip([&mut first, &mut second]) {
            message.msg_hdr.msg_iov = parts.as_mut_ptr();
            message.msg_hdr.msg_iovlen = 3;
        }
        assert_eq!(unsafe { libc::sendmmsg(fd, messages.as_mut_ptr(), 2, 0) }, 2);
        messages.iter().map(|message| message.msg_len as isize).sum()
    });
}

#[test]
fn sendfile_parks() {
    type Sendfile = unsafe extern "C" fn(c_int, c_int, *mut libc::off_t, usize) -> isize;
    for call in [libc::sendfile as Sendfile, libc::sendfile64 as Sendfile] {
        for pair in [stream(), drain()] {
            parks_until_drained(pair, move |fd, bytes| {
                let path = std::env::temp_dir().join(format!("unicoro-{}", std::process::id()));
                std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
                let file = std::fs::File::open(&path).unwrap();
                std::fs::remove_file(&path).unwrap();
                let mut offset = 0;
                let sent = unsafe { call(fd, file.as_raw_fd(), &raw mut offset, bytes.len()) };
                assert_eq!(offset, bytes.len().cast_signed() as libc::off_t);
                sent
            });
        }
    }
}

#[test]
fn a_send_timeout_ends_with_what_was_sent_and_then_with_eagain() {
    let jobs = (0..30).map(|_| {
        let (ours, theirs) = stream();
        job(move || {
            let time = libc::timeval { tv_sec: 0, tv_usec: 200_000 };
            set_timeout(ours.as_raw_fd(), libc::SO_SNDTIMEO, time);
            let bytes = vec![0u8; MUCH];
            let sent = write(ours.as_raw_fd(), &bytes);
            assert!(sent > 0 && sent < MUCH.cast_signed(), "{sent}");
            assert_eq!((write(ours.as_raw_fd(), &bytes), errno()), (-1, libc::EAGAIN));
            drop(theirs);
        })
    });
    // Each waits twice.
    run_within(Duration::from_secs(8), jobs.collect());
}

#[test]
fn a_nonblocking_send_returns_what_fitted() {
    for (ours, theirs) in [stream(), drain()] {
        run(vec![job(move || {
            unsafe { libc::fcntl(ours.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
            let bytes = vec![0u8; MUCH];
            for call in [write, writev] {
                let sent = call(ours.as_raw_fd(), &bytes);
                assert!(sent == -1 || sent < MUCH.cast_signed());
            }
            assert_eq!((write(ours.as_raw_fd(), &bytes), errno()), (-1, libc::EAGAIN));
            drop(theirs);
        })]);
    }
}

#[test]
fn an_error_after_a_part_returns_the_part() {
    let (ours, theirs) = stream();
    run(vec![
        job(move || {
            let bytes = vec![0u8; MUCH];
            let fd = ours.as_raw_fd();
            let (buf, len) = (bytes.as_ptr().cast(), bytes.len());
            let sent = unsafe { libc::send(fd, buf, len, libc::MSG_NOSIGNAL) };
            assert!(sent > 0 && sent < MUCH.cast_signed(), "{sent}");
            let sent = unsafe { libc::send(fd, buf, len, libc::MSG_NOSIGNAL) };
            assert_eq!((sent, errno()), (-1, libc::EPIPE));
        }),
        job(move || {
            let_others_wait();
            drop(theirs);
        }),
    ]);
}
