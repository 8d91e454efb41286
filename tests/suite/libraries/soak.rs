//! Mixed load, only with `SUITE_LONG`: all views of the matrix, clients that leave at any point,
//! requests that are overdue, workers that are recycled.
//!
//! Every answer must carry its request's own token, nothing may hang, and the memory of a worker
//! must be flat after the first minute (with less time: after a third of it).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::libraries::crowd::{self, Chance};
use crate::libraries::matrix;
use crate::support::client::{get_and_close, get_request};
use crate::support::{Client, Server, processes};

const CLIENTS: u64 = 12;
/// The view that needs a second request.
const PAIRED: &str = "queue_between_requests";
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

impl Tally {
    /// A token of one's own, and the next one.
    fn tokens(&self) -> u32 {
        self.next_token.fetch_add(2, Ordering::Relaxed)
    }
}

#[test]
fn soak() {
    let Some(long) = crowd::long() else {
        println!("skipped: SUITE_LONG=1 turns it on, for ten minutes");
        return;
    };
    let time = long.max(Duration::from_secs(60));
    let end = Instant::now() + time;
    let steady = start(&[]);
    let recycled = start(&["--workers", "2", "--max-requests", "300", "--request-timeout", "5"]);
    let tally = Arc::new(Tally::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let address = [steady.address, recycled.address][(number % 2) as usize];
            let tally = Arc::clone(&tally);
            let is_recycled = number % 2 == 1;
            thread::spawn(move || Visitor::new(address, number, is_recycled, &tally).come(end))
        })
        .collect();
    let memory = watch_memory(&steady, end, time, &clients);
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
    // Else glibc keeps for each OS thread's arena what the thread's largest allocation took: up to
    // 6 MiB here, sixteen times. It would look like a leak for twenty minutes.
    let mut launch = matrix::launch(matrix::VIEWS).env("MALLOC_ARENA_MAX", "1");
    if nix::unistd::geteuid().is_root() {
        launch = matrix::with_names(launch);
    }
    let server = launch.args(arguments).args(&["matrix"]).start();
    assert_eq!(server.get("/time_sleep?token=1&for=0").text(), "1");
    server
}

/// The worker's memory, from the time on from which it must be flat.
fn watch_memory<T>(
    server: &Server,
    end: Instant,
    time: Duration,
    clients: &[thread::JoinHandle<T>],
) -> Vec<u64> {
    let worker = server.worker_pid();
    let pause = (time / 60).max(Duration::from_secs(2));
    let flat_from = Instant::now() + (time / 3).min(Duration::from_secs(60));
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
    chance: Chance,
    is_recycled: bool,
    tally: &'a Tally,
}

impl<'a> Visitor<'a> {
    fn new(address: SocketAddr, seed: u64, is_recycled: bool, tally: &'a Tally) -> Visitor<'a> {
        Visitor { address, chance: Chance::new(seed), is_recycled, tally }
    }

    fn come(mut self, end: Instant) {
        while Instant::now() < end {
            match self.chance.below(20) {
                0 => self.leave(),
                1 if self.is_recycled => self.overstay(),
                1 => self.ask_as_a_pair(),
                _ => self.ask(),
            }
        }
    }

    /// One that needs no partner; name look-ups where they can be had.
    fn view(&mut self) -> &'static str {
        let names = if nix::unistd::geteuid().is_root() { "getaddrinfo" } else { "time_sleep" };
        let views: Vec<_> =
            matrix::VIEWS.iter().copied().filter(|view| *view != PAIRED).chain([names]).collect();
        self.chance.one_of::<&str>(&views)
    }

    fn path(&mut self, view: &str, token: u32) -> String {
        let seconds = 0.01 * (1 + self.chance.below(20)) as f64;
        format!("/{view}?token={token}&for={seconds:.2}")
    }

    fn ask(&mut self) {
        let view = self.view();
        let mut client = Client::connect(self.address);
        let token = self.tally.tokens();
        self.put(&mut client, view, token);
        let goes_on = self.expect(&mut client, view, token);
        // Sometimes a second one on the same connection, if the server has not said that it closes.
        if goes_on && self.chance.below(2) == 0 {
            let (view, token) = (self.view(), self.tally.tokens());
            self.put(&mut client, view, token);
            self.expect(&mut client, view, token);
        }
    }

    /// Two requests that wait for each other: the server must have one worker.
    fn ask_as_a_pair(&mut self) {
        let view = PAIRED;
        let token = self.tally.tokens();
        let mut clients = [token, token + 1].map(|token| {
            let mut client = Client::connect(self.address);
            self.put(&mut client, view, token);
            (client, token)
        });
        for (client, token) in &mut clients {
            self.expect(client, view, *token);
        }
    }

    fn put(&mut self, client: &mut Client, view: &str, token: u32) {
        client.send(get_request(&self.path(view, token)));
    }

    /// Whether another request may follow on the connection.
    fn expect(&self, client: &mut Client, view: &str, token: u32) -> bool {
        let response = client.response();
        assert_eq!((response.status, response.text()), (200, token.to_string()), "{view}");
        self.tally.answered.fetch_add(1, Ordering::Relaxed);
        !response.says_close()
    }

    /// Goes away at any point: within the head, before the answer, or without reading it all.
    fn leave(&mut self) {
        let (view, token) = (self.view(), self.tally.tokens());
        let whole = get_request(&self.path(view, token)).into_bytes();
        let mut client = Client::connect(self.address);
        let cut = self.chance.below(whole.len() as u64 * 2) as usize;
        client.send(&whole[..cut.min(whole.len())]);
        thread::sleep(Duration::from_millis(self.chance.below(100)));
        drop(client);
        self.tally.left.fetch_add(1, Ordering::Relaxed);
    }

    /// A request that takes longer than it may.
    fn overstay(&mut self) {
        let views = ["time_sleep", "lock_times_out", "socket_times_out", "computes"];
        let view = self.chance.one_of(&views);
        let mut client = Client::connect(self.address);
        client.send(get_and_close(&format!("/{view}?token=0&for=30")));
        assert_eq!(client.response().status, 504, "{view}");
        self.tally.overdue.fetch_add(1, Ordering::Relaxed);
    }
}
