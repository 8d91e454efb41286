//! A crowd of clients that come again and again, at random, and what became of their questions.
//!
//! `SUITE_LONG=1` lets them come for ten minutes, another number for so many seconds.
//! `SUITE_VIEWS=numpy,lxml` lets them ask only views whose names begin so.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Client, Response, Server};

/// How long `SUITE_LONG` says; nothing when the run is a short one.
pub fn long() -> Option<Duration> {
    let long = std::env::var("SUITE_LONG").ok()?;
    Some(Duration::from_secs(match long.parse().unwrap_or(0) {
        0 | 1 => 600,
        seconds => seconds,
    }))
}

/// Whether `SUITE_VIEWS` has this view asked.
pub fn is_wanted(view: &str) -> bool {
    let wanted = std::env::var("SUITE_VIEWS").unwrap_or_default();
    wanted.split(',').any(|start| view.starts_with(start))
}

/// As random as clients are: xorshift.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    pub fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len() as u64) as usize]
    }
}

/// What its visitors share; they keep a `Tally` of each view, or of several.
pub struct Crowd<Tally> {
    address: SocketAddr,
    end: Instant,
    /// Nobody comes any more.
    is_over: AtomicBool,
    next_token: AtomicU64,
    tallies: Mutex<BTreeMap<String, Tally>>,
}

impl<Tally: Default + Send> Crowd<Tally> {
    pub fn new(server: &Server, time: Duration, first_token: u64) -> Crowd<Tally> {
        Crowd {
            address: server.address,
            end: Instant::now() + time,
            is_over: AtomicBool::new(false),
            next_token: AtomicU64::new(first_token),
            tallies: Mutex::default(),
        }
    }

    /// So many visitors ask and ask, until the time is over or somebody gives up.
    pub fn come(&self, visitors: u64, seed: u64, ask: impl Fn(&mut Visitor) + Sync) {
        thread::scope(|scope| {
            for number in 0..visitors {
                let mut visitor = Visitor { chance: Chance::new(seed + number), kept: None };
                let ask = &ask;
                scope.spawn(move || {
                    while Instant::now() < self.end && !self.is_over.load(Ordering::Relaxed) {
                        ask(&mut visitor);
                    }
                });
            }
        });
    }

    /// After a hang, those who hang too are enough to see why.
    pub fn give_up(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// One question's own.
    pub fn token(&self) -> String {
        self.next_token.fetch_add(1, Ordering::Relaxed).to_string()
    }

    pub fn count(&self, name: &str, count: impl FnOnce(&mut Tally)) {
        count(self.tallies().entry(name.to_owned()).or_default());
    }

    pub fn tallies(&self) -> MutexGuard<'_, BTreeMap<String, Tally>> {
        self.tallies.lock().unwrap()
    }
}

/// One client that comes again and again.
pub struct Visitor {
    pub chance: Chance,
    kept: Option<Client>,
}

impl Visitor {
    /// The connection that it has kept, or a new one.
    pub fn client(&mut self, address: SocketAddr) -> Client {
        self.kept.take().unwrap_or_else(|| Client::connect(address))
    }

    /// Mostly keeps the connection that this answer has come on, if the server does.
    pub fn leave(&mut self, client: Client, response: &Response) {
        if !response.says_close() && self.chance.below(4) != 0 {
            self.kept = Some(client);
        }
    }
}
