//! What a switch costs, a park and its wake-up, and what an interposed call costs where it does nothing, by
//! criterion. "thread" is a plain OS thread, "green" a green thread; all calls are interposed, because this
//! executable exports them as the binary does, but where the name says "raw".
//! `cargo bench -p unicoro-coroutine --bench switch`.
#![allow(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used,
    reason = "every unsafe block here is libc calls on what the bench itself owns"
)]

#[path = "../tests/interposed/stage.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod stage;

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

use crate::stage::{job, pipe, run, socket_pair};

fn calls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("call");
    group.bench_function("poll/raw", |bencher| bencher.iter(poll_directly));
    both(&mut group, "poll", || poll_nothing);
    both(&mut group, "pthread_self", || identify);
    both(&mut group, "mutex", || {
        let mutex = Mutex(std::cell::UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
        move || lock_and_unlock(&mutex)
    });
    both(&mut group, "recv", || {
        let (ours, theirs) = socket_pair(libc::SOCK_DGRAM);
        move || receive_nothing(&ours, &theirs)
    });
    let (reader, writer) = pipe();
    group.bench_function("read/raw", |bencher| {
        bencher.iter(|| {
            read_nothing(&writer, |fd| unsafe { libc::syscall(libc::SYS_read, fd, 0, 0) })
        });
    });
    drop(reader);
    both(&mut group, "read", || {
        let (reader, writer) = pipe();
        move || {
            read_nothing(&writer, |fd| unsafe { libc::read(fd, std::ptr::null_mut(), 0) } as i64);
            std::hint::black_box(&reader);
        }
    });
    both(&mut group, "usleep", || yield_now);
}

/// The same call on an OS thread, and in a green thread that is alone.
fn both<C: Fn() + Send + 'static>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    make: impl Fn() -> C,
) {
    group.bench_function(format!("{name}/thread"), |bencher| bencher.iter(make()));
    group.bench_function(format!("{name}/green"), |bencher| {
        bencher.iter_custom(|count| alone(make(), count));
    });
}

/// How long `count` calls take in one green thread.
fn alone(body: impl Fn() + Send + 'static, count: u64) -> Duration {
    let (sender, took) = std::sync::mpsc::channel();
    run(vec![job(move || {
        let began = Instant::now();
        (0..count).for_each(|_| body());
        sender.send(began.elapsed()).unwrap();
    })]);
    took.recv().unwrap()
}

fn switches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("switch");
    for threads in [2, 10, 100] {
        group.bench_function(format!("yield_among_{threads}"), |bencher| {
            bencher.iter_custom(|count| yield_among(threads, count));
        });
    }
    group.bench_function("park_and_wake/semaphores", |bencher| bencher.iter_custom(semaphores));
    group.bench_function("park_and_wake/sockets", |bencher| {
        bencher.iter_custom(|count| {
            let kind = libc::SOCK_STREAM;
            to_and_fro(socket_pair(kind), socket_pair(kind), count)
        });
    });
    group.bench_function("park_and_wake/pipes", |bencher| {
        bencher.iter_custom(|count| to_and_fro(pipe(), pipe(), count));
    });
}

/// So many yields, with as many others in line.
fn yield_among(threads: u32, count: u64) -> Duration {
    let each = count.div_ceil(u64::from(threads));
    let jobs = (0..threads).map(|_| job(move || (0..each).for_each(|_| yield_now())));
    let took = run(jobs.collect());
    took.mul_f64(count as f64 / (each * u64::from(threads)) as f64)
}

/// Two green threads that wake each other: so many times there, or back.
fn semaphores(count: u64) -> Duration {
    let semaphores = Arc::new([semaphore(), semaphore()]);
    let jobs = (0..2).map(|me| {
        let semaphores = Arc::clone(&semaphores);
        job(move || {
            let at = |index: usize| semaphores[index].as_ptr().cast_mut();
            for _ in 0..count.div_ceil(2) {
                unsafe {
                    libc::sem_post(at(1 - me));
                    libc::sem_wait(at(me));
                }
            }
        })
    });
    run(jobs.collect())
}

/// The same through descriptors: with epoll, and the calls themselves.
fn to_and_fro((a, b): (OwnedFd, OwnedFd), (c, d): (OwnedFd, OwnedFd), count: u64) -> Duration {
    let each = count.div_ceil(2);
    run(vec![
        job(move || {
            for _ in 0..each {
                move_byte(libc::read, a.as_raw_fd());
                write_byte(d.as_raw_fd());
            }
        }),
        job(move || {
            for _ in 0..each {
                write_byte(b.as_raw_fd());
                move_byte(libc::read, c.as_raw_fd());
            }
        }),
    ])
}

fn semaphore() -> Box<[libc::sem_t; 1]> {
    let mut semaphore = Box::new([unsafe { std::mem::zeroed() }]);
    unsafe { libc::sem_init(semaphore.as_mut_ptr(), 0, 0) };
    semaphore
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

fn receive_nothing(ours: &OwnedFd, theirs: &OwnedFd) {
    std::hint::black_box(theirs);
    unsafe { libc::recv(ours.as_raw_fd(), std::ptr::null_mut(), 0, libc::MSG_DONTWAIT) };
}

/// Of a descriptor that cannot be read: refused, and nobody waits.
fn read_nothing(writer: &OwnedFd, read: impl Fn(i32) -> i64) {
    std::hint::black_box(read(writer.as_raw_fd()));
}

fn identify() {
    std::hint::black_box(unsafe { libc::pthread_self() });
}

struct Mutex(std::cell::UnsafeCell<libc::pthread_mutex_t>);

// Locked by one thread; moved before.
unsafe impl Send for Mutex {}

fn lock_and_unlock(mutex: &Mutex) {
    unsafe {
        libc::pthread_mutex_lock(mutex.0.get());
        libc::pthread_mutex_unlock(mutex.0.get());
    }
}

fn yield_now() {
    unsafe { libc::usleep(0) };
}

criterion_group!(benches, calls, switches);
criterion_main!(benches);
