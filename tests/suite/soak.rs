//! The suite's long mode: `SUITE_LONG=1`, for `SUITE_LONG` seconds if that is more (ten minutes:
//! `SUITE_LONG=600`). Mixed load: views of the matrix, clients that leave at any point, requests
//! that are overdue, workers that are recycled.
//!
//! Every answer must carry its request's own token, nothing may hang, and the memory of a worker
//! must be flat after the first minute (with less time: after a third of it).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::backing;
use crate::client::{Client, get_and_close, get_request};
use crate::processes;
use crate::server::{Engine, Launch, Server};

/// What requests wait in. Not those that must come in pairs, or that block the worker (grpcio), or
/// that need a name server.
const VIEWS: &[&str] = &[
    "time_sleep",
    "socket_blocking",
    "socket_with_timeout",
    "socket_times_out",
    "socket_accept",
    "socket_send_to_a_full_buffer",
    "tls_blocking",
    "tls_with_timeout",
    "with_urllib",
    "with_requests",
    "with_httpx",
    "with_pycurl",
    "with_select",
    "select_times_out",
    "with_poll",
    "with_epoll",
    "with_selectors",
    "with_pipe",
    "lock",
    "lock_times_out",
    "recursive_lock",
    "one_lock_for_all",
    "condition",
    "event",
    "event_times_out",
    "semaphore",
    "barrier",
    "queue_get",
    "queue_get_times_out",
    "simple_queue",
    "subprocess_run",
    "subprocess_communicate",
    "subprocess_wait",
    "thread_join",
    "thread_pool",
    "asyncio_sleep",
    "asyncio_streams",
    "asyncio_to_thread",
    "flock",
    "lockf",
    "sqlite_lock",
    "with_psycopg2",
    "with_psycopg3",
    "with_pymysql",
    "with_redis",
];
const CLIENTS: u64 = 12;
/// The worker may grow by this in the flat part: allocators keep what bursts have needed.
const GROWTH: f64 = 1.10;
const GROWTH_KIB: f64 = 8192.0;

/// What the clients share.
#[derive(Default)]
struct Tally {
    next_token: AtomicU32,
    answered: AtomicUsize,
    left: AtomicUsize,
    overdue: AtomicUsize,
}

#[test]
fn soak() {
    let Ok(long) = std::env::var("SUITE_LONG") else {
        println!("skipped: SUITE_LONG=1 (or a number of seconds) turns it on");
        return;
    };
    let seconds = long.parse().unwrap_or(0).max(60);
    let end = Instant::now() + Duration::from_secs(seconds);
    let steady = start(&[]);
    let recycled = start(&["--workers", "2", "--max-requests", "300", "--request-timeout", "2"]);
    let tally = Arc::new(Tally::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let address = [steady.address, recycled.address][(number % 2) as usize];
            let tally = Arc::clone(&tally);
            let is_recycled = number % 2 == 1;
            thread::spawn(move || Visitor::new(address, number, is_recycled, &tally).come(end))
        })
        .collect();
    let memory = watch_memory(&steady, end, seconds, &clients);
    for client in clients {
        client.join().expect("no answer was wrong, and none was missing");
    }
    let Tally { answered, left, overdue, .. } = &*tally;
    println!("{answered:?} answered, {left:?} left, {overdue:?} overdue; memory {memory:?} KiB");
    assert_flat(&memory);
    steady.stop();
    recycled.stop();
}

fn start(arguments: &[&str]) -> Server {
    let launch = backing::with_upstream(Launch::new(Engine::Coroutine))
        .env("DATABASE_URL", backing::database_url())
        .env("MARIADB", backing::mariadb())
        .env("REDIS", backing::redis());
    let server = launch.args(arguments).args(&["matrix"]).start();
    assert_eq!(server.get("/time_sleep?token=1&for=0").text(), "1");
    server
}

/// The worker's memory, from the time on from which it must be flat.
fn watch_memory<T>(
    server: &Server,
    end: Instant,
    seconds: u64,
    clients: &[thread::JoinHandle<T>],
) -> Vec<u64> {
    let worker = server.worker_pid();
    let pause = Duration::from_secs(seconds.div_ceil(60).max(2));
    let flat_from = Instant::now() + Duration::from_secs((seconds / 3).min(60));
    let mut memory = Vec::new();
    while Instant::now() + pause < end && !clients.iter().any(thread::JoinHandle::is_finished) {
        thread::sleep(pause); // samples, not a condition
        if Instant::now() >= flat_from {
            memory.push(processes::status_number(worker, "VmRSS"));
        }
    }
    memory
}

fn assert_flat(memory: &[u64]) {
    let third = memory.len() / 3;
    assert!(third > 0, "too few samples: {memory:?}");
    let median = |part: &[u64]| {
        let mut sorted = part.to_vec();
        sorted.sort_unstable();
        sorted[sorted.len() / 2] as f64
    };
    let (first, last) = (median(&memory[..third]), median(&memory[memory.len() - third..]));
    assert!(last <= first * GROWTH + GROWTH_KIB, "from {first} to {last} KiB: {memory:?}");
}

/// One client that comes again and again.
struct Visitor<'a> {
    address: SocketAddr,
    chance: u64,
    is_recycled: bool,
    tally: &'a Tally,
}

impl<'a> Visitor<'a> {
    fn new(address: SocketAddr, seed: u64, is_recycled: bool, tally: &'a Tally) -> Visitor<'a> {
        Visitor {
            address,
            chance: (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            is_recycled,
            tally,
        }
    }

    fn come(mut self, end: Instant) {
        while Instant::now() < end {
            match self.below(20) {
                0 => self.leave(),
                1 if self.is_recycled => self.overstay(),
                _ => self.ask(),
            }
        }
    }

    /// xorshift: as random as clients are.
    fn below(&mut self, limit: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % limit
    }

    fn request(&mut self) -> (String, String) {
        let token = self.tally.next_token.fetch_add(1, Ordering::Relaxed).to_string();
        let view = VIEWS[self.below(VIEWS.len() as u64) as usize];
        let seconds = 0.01 * (1 + self.below(20)) as f64;
        (format!("/{view}?token={token}&for={seconds:.2}"), token)
    }

    fn ask(&mut self) {
        let mut client = Client::connect(self.address);
        // Sometimes a second one on the same connection, if the server has not said that it closes.
        for _ in 0..=self.below(2) {
            let (path, token) = self.request();
            client.send(get_request(&path));
            let response = client.response();
            let is_last = response.says_close();
            let answer = (response.status, response.text());
            assert_eq!(answer, (200, token), "{path}");
            self.tally.answered.fetch_add(1, Ordering::Relaxed);
            if is_last {
                break;
            }
        }
    }

    /// Goes away at any point: within the head, before the answer, or without reading it all.
    fn leave(&mut self) {
        let (path, _) = self.request();
        let whole = get_request(&path).into_bytes();
        let mut client = Client::connect(self.address);
        let cut = self.below(whole.len() as u64 * 2) as usize;
        client.send(&whole[..cut.min(whole.len())]);
        thread::sleep(Duration::from_millis(self.below(100)));
        drop(client);
        self.tally.left.fetch_add(1, Ordering::Relaxed);
    }

    /// A request that takes longer than it may.
    fn overstay(&mut self) {
        let views = ["time_sleep", "event_times_out", "socket_times_out", "poll_times_out"];
        let view = views[self.below(views.len() as u64) as usize];
        let mut client = Client::connect(self.address);
        client.send(get_and_close(&format!("/{view}?token=0&for=30")));
        assert_eq!(client.response().status, 504, "{view}");
        self.tally.overdue.fetch_add(1, Ordering::Relaxed);
    }
}
