//! connect and accept.

use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use crate::receive::set_timeout;
use crate::stage::{errno, job, let_others_wait, lets_others_run, owned, run, run_within};

fn accept(fd: RawFd) -> RawFd {
    unsafe { libc::accept(fd, std::ptr::null_mut(), std::ptr::null_mut()) }
}

fn accept4(fd: RawFd) -> RawFd {
    let none = std::ptr::null_mut();
    unsafe { libc::accept4(fd, std::ptr::null_mut(), none, libc::SOCK_CLOEXEC) }
}

#[test]
fn accept_parks_and_connect_arrives() {
    for call in [accept, accept4] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        run(vec![
            job(move || drop(owned(call(listener.as_raw_fd())))),
            job(move || {
                let_others_wait();
                drop(TcpStream::connect(address).unwrap());
            }),
        ]);
    }
}

#[test]
fn an_accept_timeout_ends_with_eagain() {
    let jobs = (0..30).map(|_| {
        job(|| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let time = libc::timeval { tv_sec: 0, tv_usec: 200_000 };
            set_timeout(listener.as_raw_fd(), libc::SO_RCVTIMEO, time);
            assert_eq!((accept(listener.as_raw_fd()), errno()), (-1, libc::EAGAIN));
        })
    });
    run_within(Duration::from_secs(4), jobs.collect());
}

/// A unix listener whose queue holds one, and is full.
fn full_listener() -> (std::os::fd::OwnedFd, std::os::fd::OwnedFd, libc::sockaddr_un) {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("\0unicoro-full-{}-{number}", std::process::id());
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (place, byte) in address.sun_path.iter_mut().zip(name.bytes()) {
        *place = byte as libc::c_char;
    }
    let listener = unix_socket();
    let len = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    assert_eq!(unsafe { libc::bind(listener.as_raw_fd(), (&raw const address).cast(), len) }, 0);
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let first = unix_socket();
    assert_eq!(connect(first.as_raw_fd(), &address), 0);
    (listener, first, address)
}

fn unix_socket() -> std::os::fd::OwnedFd {
    owned(unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) })
}

fn connect(fd: RawFd, address: &libc::sockaddr_un) -> i32 {
    let len = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    unsafe { libc::connect(fd, (&raw const *address).cast(), len) }
}

#[test]
fn connect_parks_while_a_unix_listener_is_full() {
    let (listener, first, address) = full_listener();
    run(vec![
        job(move || {
            assert_eq!(connect(unix_socket().as_raw_fd(), &address), 0, "errno {}", errno());
        }),
        job(move || {
            let_others_wait();
            drop(owned(accept(listener.as_raw_fd())));
            drop(owned(accept(listener.as_raw_fd())));
            drop(first);
        }),
    ]);
}

#[test]
fn a_connect_timeout_on_a_full_unix_listener_ends_with_eagain() {
    let (listener, first, address) = full_listener();
    lets_others_run(move || {
        let socket = unix_socket();
        let time = libc::timeval { tv_sec: 0, tv_usec: 100_000 };
        set_timeout(socket.as_raw_fd(), libc::SO_SNDTIMEO, time);
        let began = Instant::now();
        assert_eq!((connect(socket.as_raw_fd(), &address), errno()), (-1, libc::EAGAIN));
        assert!(began.elapsed() >= Duration::from_millis(100));
        drop((listener, first));
    });
}

#[test]
fn a_connect_timeout_ends_with_einprogress() {
    // A listener whose queue is full drops what more comes: the attempt hangs.
    let listener = owned(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) });
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    let mut len = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    unsafe {
        let name = (&raw mut address).cast();
        assert_eq!(libc::bind(listener.as_raw_fd(), name, len), 0);
        assert_eq!(libc::listen(listener.as_raw_fd(), 0), 0);
        libc::getsockname(listener.as_raw_fd(), name, &raw mut len);
    }
    let attempt = move || {
        let socket = owned(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) });
        let time = libc::timeval { tv_sec: 0, tv_usec: 200_000 };
        set_timeout(socket.as_raw_fd(), libc::SO_SNDTIMEO, time);
        let done = unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), len) };
        let error = errno();
        (socket, done, error)
    };
    lets_others_run(move || {
        let kept: Vec<_> = (0..4).map(|_| attempt()).collect();
        let (_, done, error) = kept.last().unwrap();
        assert_eq!((*done, *error), (-1, libc::EINPROGRESS));
        drop(listener);
    });
}

#[test]
fn a_refused_connect_says_so() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    run(vec![job(move || {
        let error = TcpStream::connect(address).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
    })]);
}
