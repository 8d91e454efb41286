//! A descriptor that ends while green threads wait for it: they hear `EBADF`, and never touch the
//! file that has its number next.

use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use crate::stage::{errno, job, let_others_wait, run, socket_pair};

fn recv(fd: RawFd) -> isize {
    unsafe { libc::recv(fd, [0u8; 8].as_mut_ptr().cast(), 8, 0) }
}

/// Under a number that nobody else is given in the moment between its close and its reuse: the
/// kernel hands out the lowest that are free.
fn pair() -> (RawFd, OwnedFd) {
    static NEXT: AtomicI32 = AtomicI32::new(600);
    let (ours, theirs) = socket_pair(libc::SOCK_STREAM);
    let high = NEXT.fetch_add(1, Ordering::SeqCst);
    assert_eq!(unsafe { libc::dup2(ours.as_raw_fd(), high) }, high);
    (high, theirs)
}

/// One waits in recv for `fd`; another ends the descriptor by `end`.
fn wait_ends_with_ebadf(fd: RawFd, theirs: OwnedFd, end: impl FnOnce(RawFd) + Send + 'static) {
    run(vec![
        job(move || {
            assert_eq!((recv(fd), errno()), (-1, libc::EBADF));
            drop(theirs);
        }),
        job(move || {
            let_others_wait();
            end(fd);
        }),
    ]);
}

fn close(fd: RawFd) {
    assert_eq!(unsafe { libc::close(fd) }, 0);
}

/// Puts a socket with bytes to read under a number that was just freed.
fn reuse(fd: RawFd) -> (OwnedFd, OwnedFd) {
    let (ours, theirs) = socket_pair(libc::SOCK_STREAM);
    assert_eq!(unsafe { libc::send(theirs.as_raw_fd(), c"secret".as_ptr().cast(), 6, 0) }, 6);
    let number = ours.into_raw_fd();
    if number != fd {
        unsafe {
            libc::syscall(libc::SYS_dup3, number, fd, 0);
            libc::syscall(libc::SYS_close, number);
        }
    }
    (unsafe { OwnedFd::from_raw_fd(fd) }, theirs)
}

#[test]
fn close_by_another_green_thread_ends_a_wait() {
    let (fd, theirs) = pair();
    wait_ends_with_ebadf(fd, theirs, close);
}

#[test]
fn close_and_reuse_of_the_number_never_reads_the_other_file() {
    let (fd, theirs) = pair();
    wait_ends_with_ebadf(fd, theirs, |fd| {
        close(fd);
        let (ours, _theirs) = reuse(fd);
        assert_eq!(recv(ours.as_raw_fd()), 6);
    });
}

#[test]
fn close_and_reuse_after_the_wake_never_reads_the_other_file() {
    // The waiter is woken by its bytes, and before it runs the number belongs to another file.
    let (fd, theirs) = pair();
    let (gate_ours, gate_theirs) = socket_pair(libc::SOCK_STREAM);
    run(vec![
        job(move || {
            // Woken in the same turn, but first.
            assert_eq!(recv(gate_ours.as_raw_fd()), 1);
            close(fd);
            let (ours, _theirs) = reuse(fd);
            let_others_wait();
            assert_eq!(recv(ours.as_raw_fd()), 6);
        }),
        job(move || assert_eq!((recv(fd), errno()), (-1, libc::EBADF))),
        job(move || {
            let_others_wait();
            for fd in [gate_theirs.as_raw_fd(), theirs.as_raw_fd()] {
                assert_eq!(unsafe { libc::send(fd, c"x".as_ptr().cast(), 1, 0) }, 1);
            }
            let_others_wait();
        }),
    ]);
}

#[test]
fn close_by_another_os_thread_ends_a_wait() {
    let (fd, theirs) = pair();
    wait_ends_with_ebadf(fd, theirs, |fd| {
        let other = std::thread::spawn(move || close(fd));
        let_others_wait();
        other.join().unwrap();
    });
}

#[test]
fn close_and_reuse_by_another_os_thread_ends_a_wait() {
    let (fd, theirs) = pair();
    wait_ends_with_ebadf(fd, theirs, |fd| {
        let other = std::thread::spawn(move || {
            close(fd);
            reuse(fd)
        });
        let_others_wait();
        drop(other.join().unwrap());
    });
}

#[test]
fn dup2_and_dup3_over_a_descriptor_end_a_wait() {
    for call in [
        (|old, new| unsafe { libc::dup2(old, new) }) as fn(RawFd, RawFd) -> RawFd,
        |old, new| unsafe { libc::dup3(old, new, libc::O_CLOEXEC) },
    ] {
        let (fd, theirs) = pair();
        wait_ends_with_ebadf(fd, theirs, move |fd| {
            let (other, _theirs) = socket_pair(libc::SOCK_STREAM);
            assert_eq!(call(other.as_raw_fd(), fd), fd);
            let_others_wait();
            close(fd);
        });
    }
}

#[test]
fn close_range_ends_a_wait() {
    let (fd, theirs) = pair();
    let high = 1000;
    assert_eq!(unsafe { libc::dup2(fd, high) }, high);
    close(fd);
    wait_ends_with_ebadf(high, theirs, |fd| {
        let fd = fd.cast_unsigned();
        assert_eq!(unsafe { libc::close_range(fd, fd + 10, 0) }, 0);
    });
}

#[test]
fn close_of_one_of_two_numbers_ends_only_its_own_waits() {
    let (fd, theirs) = pair();
    let (other, _) = (unsafe { libc::dup(fd) }, ());
    run(vec![
        job(move || assert_eq!((recv(fd), errno()), (-1, libc::EBADF))),
        job(move || {
            assert_eq!(recv(other), 3);
            close(other);
        }),
        job(move || {
            let_others_wait();
            close(fd);
            let_others_wait();
            assert_eq!(unsafe { libc::send(theirs.as_raw_fd(), c"abc".as_ptr().cast(), 3, 0) }, 3);
        }),
    ]);
}

#[test]
fn poll_reports_a_closed_descriptor_as_pollnval() {
    let (fd, theirs) = pair();
    let (other, their_other) = socket_pair(libc::SOCK_STREAM);
    run(vec![
        job(move || {
            let mut set = [fd, other.as_raw_fd()].map(|fd| libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            });
            assert_eq!(unsafe { libc::poll(set.as_mut_ptr(), 2, -1) }, 1);
            assert_eq!([set[0].revents, set[1].revents], [libc::POLLNVAL, 0]);
            drop((theirs, their_other));
        }),
        job(move || {
            let_others_wait();
            close(fd);
            let (ours, _theirs) = reuse(fd);
            let_others_wait();
            drop(ours);
        }),
    ]);
}

#[test]
fn select_and_epoll_wait_report_a_closed_descriptor_as_ebadf() {
    let (fd, theirs) = pair();
    let epoll = unsafe { libc::epoll_create1(0) };
    run(vec![
        job(move || unsafe {
            let mut read: libc::fd_set = std::mem::zeroed();
            libc::FD_SET(fd, &raw mut read);
            let none = std::ptr::null_mut();
            let done = libc::select(fd + 1, &raw mut read, none, none, std::ptr::null_mut());
            assert_eq!((done, errno()), (-1, libc::EBADF));
        }),
        job(move || unsafe {
            let mut event: libc::epoll_event = std::mem::zeroed();
            let done = libc::epoll_wait(epoll, &raw mut event, 1, -1);
            assert_eq!((done, errno()), (-1, libc::EBADF));
        }),
        job(move || {
            let_others_wait();
            close(fd);
            close(epoll);
            drop(theirs);
        }),
    ]);
}

#[test]
fn a_child_that_closes_inherited_descriptors_disturbs_no_wait() {
    let (ours, theirs) = socket_pair(libc::SOCK_STREAM);
    let fd = ours.as_raw_fd();
    run(vec![
        job(move || {
            assert_eq!(recv(ours.as_raw_fd()), 3);
        }),
        job(move || {
            let_others_wait();
            // By fork, and by vfork as subprocess does it, in our memory.
            let child = unsafe { libc::fork() };
            if child == 0 {
                unsafe {
                    libc::close(fd);
                    libc::_exit(0);
                }
            }
            let mut status = 0;
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            let child = unsafe { vforked_close(fd) };
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            let_others_wait();
            assert_eq!(unsafe { libc::send(theirs.as_raw_fd(), c"abc".as_ptr().cast(), 3, 0) }, 3);
        }),
    ]);
}

/// The child shares our memory, and we wait until it has ended: what vfork(2) does, with a stack of
/// the child's own, which Rust needs.
unsafe fn vforked_close(fd: RawFd) -> libc::pid_t {
    extern "C" fn child(fd: *mut libc::c_void) -> libc::c_int {
        unsafe { libc::close(fd as usize as RawFd) }
    }
    let mut stack = vec![0u8; 64 * 1024];
    let top = unsafe { stack.as_mut_ptr().add(stack.len()) }.cast();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    unsafe { libc::clone(child, top, flags, fd as usize as *mut _) }
}
