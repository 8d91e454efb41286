//! poll, select, epoll and their variants.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use libc::{c_int, pollfd};

use crate::stage::{
    errno, job, let_others_wait, owned, pipe, raise_descriptor_limit, run, run_within, socket_pair,
};

fn stream() -> (OwnedFd, OwnedFd) {
    socket_pair(libc::SOCK_STREAM)
}

fn feed(fd: &OwnedFd) {
    assert_eq!(unsafe { libc::write(fd.as_raw_fd(), c"x".as_ptr().cast(), 1) }, 1);
}

/// One green thread asks for a silent socket, without end; another feeds it.
fn parks_until_fed(ask: fn(RawFd) -> c_int) {
    let (ours, theirs) = stream();
    run(vec![
        job(move || assert_eq!(ask(ours.as_raw_fd()), 1, "errno {}", errno())),
        job(move || {
            let_others_wait();
            feed(&theirs);
            let_others_wait();
        }),
    ]);
}

/// Ten green threads ask for silent sockets, for 200 ms.
fn times_out_beside_others(ask: fn(RawFd) -> c_int) {
    let jobs = (0..30).map(|_| {
        let (ours, theirs) = stream();
        job(move || {
            let began = Instant::now();
            assert_eq!(ask(ours.as_raw_fd()), 0);
            assert!(began.elapsed() >= Duration::from_millis(200));
            drop(theirs);
        })
    });
    run_within(Duration::from_secs(4), jobs.collect());
}

static SHORT: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 200_000_000 };

fn one(fd: RawFd, events: i16) -> pollfd {
    pollfd { fd, events, revents: 0 }
}

fn read_set(fd: RawFd) -> libc::fd_set {
    unsafe {
        let mut set: libc::fd_set = std::mem::zeroed();
        libc::FD_SET(fd, &raw mut set);
        set
    }
}

fn epoll_of(fd: RawFd, events: c_int) -> OwnedFd {
    let epoll = owned(unsafe { libc::epoll_create1(0) });
    let mut event = libc::epoll_event { events: events.cast_unsigned(), u64: 1 };
    let (epfd, add) = (epoll.as_raw_fd(), libc::EPOLL_CTL_ADD);
    assert_eq!(unsafe { libc::epoll_ctl(epfd, add, fd, &raw mut event) }, 0);
    epoll
}

fn epoll_wait(epoll: &OwnedFd, timeout: c_int) -> c_int {
    let mut events = [unsafe { std::mem::zeroed::<libc::epoll_event>() }; 4];
    unsafe { libc::epoll_wait(epoll.as_raw_fd(), events.as_mut_ptr(), 4, timeout) }
}

unsafe extern "C" {
    fn __poll_chk(fds: *mut pollfd, count: libc::nfds_t, timeout: c_int, room: usize) -> c_int;
}

#[test]
fn poll_parks() {
    parks_until_fed(|fd| unsafe {
        let mut slot = one(fd, libc::POLLIN);
        libc::poll(&raw mut slot, 1, -1)
    });
    times_out_beside_others(|fd| unsafe {
        let mut slot = one(fd, libc::POLLIN);
        libc::poll(&raw mut slot, 1, 200)
    });
    times_out_beside_others(|fd| unsafe {
        let mut slot = one(fd, libc::POLLIN);
        __poll_chk(&raw mut slot, 1, 200, size_of::<pollfd>())
    });
}

#[test]
fn ppoll_parks() {
    let none = std::ptr::null;
    parks_until_fed(|fd| unsafe {
        let mut slot = one(fd, libc::POLLIN);
        libc::ppoll(&raw mut slot, 1, std::ptr::null(), std::ptr::null())
    });
    times_out_beside_others(|fd| unsafe {
        let mut slot = one(fd, libc::POLLIN);
        libc::ppoll(&raw mut slot, 1, &raw const SHORT, std::ptr::null())
    });
    run(vec![job(move || unsafe {
        let wrong = libc::timespec { tv_sec: -1, tv_nsec: 0 };
        let mut slot = one(0, libc::POLLIN);
        let done = libc::ppoll(&raw mut slot, 0, &raw const wrong, none());
        assert_eq!((done, errno()), (-1, libc::EINVAL));
    })]);
}

#[test]
fn select_parks_and_leaves_the_rest_of_the_time() {
    parks_until_fed(|fd| unsafe {
        let (mut set, none) = (read_set(fd), std::ptr::null_mut());
        libc::select(fd + 1, &raw mut set, none, none, std::ptr::null_mut())
    });
    times_out_beside_others(|fd| unsafe {
        let (mut set, none) = (read_set(fd), std::ptr::null_mut());
        let mut time = libc::timeval { tv_sec: 0, tv_usec: 200_000 };
        let found = libc::select(fd + 1, &raw mut set, none, none, &raw mut time);
        assert_eq!((time.tv_sec, time.tv_usec), (0, 0));
        assert!(!libc::FD_ISSET(fd, &raw const set));
        found
    });
}

#[test]
fn pselect_parks() {
    times_out_beside_others(|fd| unsafe {
        let (mut set, none) = (read_set(fd), std::ptr::null_mut());
        libc::pselect(fd + 1, &raw mut set, none, none, &raw const SHORT, std::ptr::null())
    });
}

#[test]
fn select_takes_descriptors_above_fd_setsize_in_larger_sets() {
    raise_descriptor_limit();
    let (ours, theirs) = stream();
    let high = 3000;
    let high = owned(unsafe { libc::dup2(ours.as_raw_fd(), high) });
    run(vec![
        job(move || {
            let fd = high.as_raw_fd();
            let mut words = [0u64; 64];
            words[fd as usize / 64] = 1 << (fd % 64);
            let none = std::ptr::null_mut();
            let set = words.as_mut_ptr().cast();
            let found = unsafe { libc::select(fd + 1, set, none, none, std::ptr::null_mut()) };
            assert_eq!((found, words[fd as usize / 64]), (1, 1 << (fd % 64)));
        }),
        job(move || {
            let_others_wait();
            feed(&theirs);
            let_others_wait();
        }),
    ]);
}

#[test]
fn select_for_exceptions_only_times_out_on_a_socket_that_hangs_up() {
    // A hang-up is no exception to select, and epoll reports it again and again.
    let (ours, theirs) = stream();
    run(vec![job(move || unsafe {
        drop(theirs);
        let (mut set, none) = (read_set(ours.as_raw_fd()), std::ptr::null_mut());
        let mut time = libc::timeval { tv_sec: 0, tv_usec: 100_000 };
        let count = ours.as_raw_fd() + 1;
        assert_eq!(libc::select(count, none, none, &raw mut set, &raw mut time), 0);
    })]);
}

#[test]
fn epoll_wait_parks() {
    parks_until_fed(|fd| epoll_wait(&epoll_of(fd, libc::EPOLLIN), -1));
    times_out_beside_others(|fd| epoll_wait(&epoll_of(fd, libc::EPOLLIN), 200));
    times_out_beside_others(|fd| unsafe {
        let epoll = epoll_of(fd, libc::EPOLLIN);
        let mut event: libc::epoll_event = std::mem::zeroed();
        libc::epoll_pwait(epoll.as_raw_fd(), &raw mut event, 1, 200, std::ptr::null())
    });
}

#[test]
fn a_level_triggered_epoll_set_of_the_application_stays_ready() {
    let (ours, theirs) = stream();
    run(vec![
        job(move || {
            let epoll = epoll_of(ours.as_raw_fd(), libc::EPOLLIN);
            for _ in 0..3 {
                assert_eq!(epoll_wait(&epoll, -1), 1);
            }
            let mut byte = [0u8; 4];
            unsafe { libc::read(ours.as_raw_fd(), byte.as_mut_ptr().cast(), 4) };
            assert_eq!(epoll_wait(&epoll, 20), 0);
        }),
        job(move || {
            let_others_wait();
            feed(&theirs);
            let_others_wait();
        }),
    ]);
}

#[test]
fn an_epoll_descriptor_can_be_polled() {
    parks_until_fed(|fd| {
        let epoll = epoll_of(fd, libc::EPOLLIN);
        let mut slot = one(epoll.as_raw_fd(), libc::POLLIN);
        unsafe { libc::poll(&raw mut slot, 1, -1) }
    });
}

#[test]
fn negative_and_invalid_descriptors_are_as_poll_says() {
    let (ours, theirs) = stream();
    run(vec![job(move || unsafe {
        let mut set = [one(-1, libc::POLLIN), one(ours.as_raw_fd(), libc::POLLIN)];
        assert_eq!(libc::poll(set.as_mut_ptr(), 2, 20), 0);
        let mut set = [one(9999, libc::POLLIN), one(ours.as_raw_fd(), libc::POLLIN)];
        assert_eq!(libc::poll(set.as_mut_ptr(), 2, -1), 1);
        assert_eq!([set[0].revents, set[1].revents], [libc::POLLNVAL, 0]);
        drop(theirs);
    })]);
}

#[test]
fn a_regular_file_in_a_set_delays_nobody() {
    let (ours, theirs) = stream();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    run(vec![
        job(move || unsafe {
            let mut set = [one(file.as_raw_fd(), 0), one(ours.as_raw_fd(), libc::POLLIN)];
            assert_eq!(libc::poll(set.as_mut_ptr(), 2, -1), 1);
        }),
        job(move || {
            let_others_wait();
            feed(&theirs);
            let_others_wait();
        }),
    ]);
}

#[test]
fn a_set_of_a_thousand_descriptors_parks() {
    raise_descriptor_limit();
    let pairs: Vec<_> = (0..1000).map(|_| pipe()).collect();
    run(vec![job(move || {
        let (readers, writers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let mut set: Vec<_> = readers.iter().map(|fd| one(fd.as_raw_fd(), libc::POLLIN)).collect();
        const ROUNDS: u32 = 50;
        let count = set.len() as libc::nfds_t;
        let real = Instant::now();
        for _ in 0..ROUNDS {
            // The kernel writes what is left of it.
            let mut time = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
            let mask = std::ptr::null::<libc::sigset_t>();
            let call = libc::SYS_ppoll;
            unsafe { libc::syscall(call, set.as_mut_ptr(), count, &raw mut time, mask, 0) };
        }
        let real = real.elapsed() / ROUNDS;
        let ours = Instant::now();
        for _ in 0..ROUNDS {
            assert_eq!(unsafe { libc::poll(set.as_mut_ptr(), count, 1) }, 0);
        }
        let ours = ours.elapsed() / ROUNDS;
        println!("a poll of {count} descriptors for 1 ms: {ours:?}; the real one: {real:?}");
        feed(&writers[7]);
        assert_eq!(unsafe { libc::poll(set.as_mut_ptr(), count, -1) }, 1);
    })]);
}

#[test]
fn one_socket_in_the_sets_of_many_wakes_each() {
    let (ours, theirs) = stream();
    let ours = std::sync::Arc::new(ours);
    let mut jobs: Vec<_> = (0..20)
        .map(|_| {
            let ours = std::sync::Arc::clone(&ours);
            job(move || unsafe {
                let mut slot = one(ours.as_raw_fd(), libc::POLLIN);
                assert_eq!(libc::poll(&raw mut slot, 1, -1), 1);
            })
        })
        .collect();
    jobs.push(job(move || {
        let_others_wait();
        feed(&theirs);
        let_others_wait();
    }));
    run(jobs);
}
