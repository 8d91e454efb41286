//! What a switch costs, and what an interposed call costs where it does nothing. Prints figures;
//! `main` runs on a plain OS thread, the rest in green threads. Run:
//! `cargo bench -p unicoro-coroutine`.
#![allow(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used,
    reason = "every unsafe block here is libc calls on what the bench itself owns"
)]

#[path = "../tests/interposed/stage.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod stage;

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::stage::{job, pipe, run, socket_pair};

const ROUNDS: u32 = 200_000;

fn main() {
    report("pthread_self on an OS thread", time(identify));
    report("poll of nothing, a direct system call", time(poll_directly));
    report("poll of nothing on an OS thread, interposed", time(poll_nothing));
    report("usleep(0) on an OS thread: the real call", time(yield_now));
    report("a mutex locked and unlocked on an OS thread", time_of_a_mutex());
    report("recv of nothing on an OS thread: the real call", {
        let (ours, _theirs) = socket_pair(libc::SOCK_DGRAM);
        time(move || receive_nothing(ours.as_raw_fd()))
    });
    run(vec![job(|| {
        report("pthread_self in a green thread", time(identify));
        report("a mutex locked and unlocked in a green thread", time_of_a_mutex());
        report("poll of nothing in a green thread", time(poll_nothing));
        report("recv of nothing in a green thread", {
            let (ours, _theirs) = socket_pair(libc::SOCK_DGRAM);
            time(move || receive_nothing(ours.as_raw_fd()))
        });
        report("usleep(0) in a green thread alone: a yield, a turn", time(yield_now));
    })]);
    for count in [2, 10, 100, 1000] {
        let each = ROUNDS / count;
        let took =
            run((0..count).map(|_| job(move || (0..each).for_each(|_| yield_now()))).collect());
        report(&format!("a yield among {count}"), took / (each * count));
    }
    semaphores();
    wake_ups();
}

/// Two green threads that wake each other.
fn semaphores() {
    let semaphores = Arc::new([semaphore(), semaphore()]);
    let jobs = (0..2).map(|me| {
        let semaphores = Arc::clone(&semaphores);
        job(move || {
            let at = |index: usize| semaphores[index].as_ptr().cast_mut();
            for _ in 0..ROUNDS {
                unsafe {
                    libc::sem_post(at(1 - me));
                    libc::sem_wait(at(me));
                }
            }
        })
    });
    let took = run(jobs.collect());
    report("a park and a wake-up: ping-pong of semaphores, each way", took / (2 * ROUNDS));
}

fn semaphore() -> Box<[libc::sem_t; 1]> {
    let mut semaphore = Box::new([unsafe { std::mem::zeroed() }]);
    unsafe { libc::sem_init(semaphore.as_mut_ptr(), 0, 0) };
    semaphore
}

/// The same through descriptors: with epoll, and the calls themselves.
fn wake_ups() {
    let rounds = ROUNDS / 10;
    for (name, (a, b), (c, d)) in [
        ("sockets", socket_pair(libc::SOCK_STREAM), socket_pair(libc::SOCK_STREAM)),
        ("pipes", pipe(), pipe()),
    ] {
        let took = run(vec![
            job(move || {
                for _ in 0..rounds {
                    move_byte(libc::read, a.as_raw_fd());
                    write_byte(d.as_raw_fd());
                }
            }),
            job(move || {
                for _ in 0..rounds {
                    write_byte(b.as_raw_fd());
                    move_byte(libc::read, c.as_raw_fd());
                }
            }),
        ]);
        report(&format!("a byte through {name}, each way"), took / (2 * rounds));
    }
}

type Read = unsafe extern "C" fn(i32, *mut libc::c_void, usize) -> isize;

fn move_byte(call: Read, fd: i32) {
    assert_eq!(unsafe { call(fd, [0u8; 1].as_mut_ptr().cast(), 1) }, 1);
}

fn write_byte(fd: i32) {
    assert_eq!(unsafe { libc::write(fd, [0u8; 1].as_ptr().cast(), 1) }, 1);
}

fn poll_directly() {
    unsafe { libc::syscall(libc::SYS_poll, std::ptr::null::<libc::pollfd>(), 0, 0) };
}

fn poll_nothing() {
    unsafe { libc::poll(std::ptr::null_mut(), 0, 0) };
}

fn receive_nothing(fd: i32) {
    unsafe { libc::recv(fd, std::ptr::null_mut(), 0, libc::MSG_DONTWAIT) };
}

fn identify() {
    std::hint::black_box(unsafe { libc::pthread_self() });
}

fn time_of_a_mutex() -> Duration {
    let mutex = std::cell::UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER);
    time(|| unsafe {
        libc::pthread_mutex_lock(mutex.get());
        libc::pthread_mutex_unlock(mutex.get());
    })
}

fn yield_now() {
    unsafe { libc::usleep(0) };
}

fn time(body: impl Fn()) -> Duration {
    let began = Instant::now();
    (0..ROUNDS).for_each(|_| body());
    began.elapsed() / ROUNDS
}

fn report(what: &str, cost: Duration) {
    println!("{:>8} ns  {what}", cost.as_nanos());
}
