//! The stress: everything that an application does at once, with a deadline that it often misses.
//!
//! 64 clients ask random views of tests/apps/stress: pooled and shared connections of drivers, locks
//! of Python and of a C library, a buffered writer, OS threads that import modules, forks. Each
//! question has a number of its own and each answer must carry it. An answer may also be 504, or an
//! error that the driver raised about a connection, no more of them than deadlines may have broken.
//! Nobody waits in vain, no worker dies, and the pools end whole.
//!
//! `SUITE_LONG=1` takes ten minutes, another number so many seconds; `SUITE_VIEWS=psycopg,c_` asks
//! only views whose names begin so.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::libraries::pools::Pool;
use crate::support::client::get_request;
use crate::support::compiler::compile_for;
use crate::support::wait::{self, PATIENCE};
use crate::support::{Client, Engine, Launch, Server, backing};

const CLIENTS: u64 = 64;
/// In CI, where it shows that the stress itself works.
const SHORT: u64 = 10;
/// In seconds.
const DEADLINE: &str = "0.3";
/// How long a question may hold or wait for something, in seconds: nearly always, and sometimes.
const USUAL: f64 = 0.02;
const OVERLONG: f64 = 0.6;
/// One question of so many is overlong.
const OVERLONG_IN: u64 = 60;
/// One that keeps a lock for others is shorter than the deadline, and makes those late who come after.
const LONG: f64 = 0.15;

#[test]
fn stress() {
    let seconds = match std::env::var("SUITE_LONG").map(|long| long.parse().unwrap_or(0)) {
        Err(_) => SHORT,
        Ok(0 | 1) => 600,
        Ok(seconds) => seconds,
    };
    let server = launch().args(&["--request-timeout", DEADLINE, "stress"]).start();
    let views = View::all(&server);
    let worker = server.worker_pid();
    let stress = Stress::new(&server, Duration::from_secs(seconds));
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let visitor = Visitor::new(&stress, &views, number);
            scope.spawn(move || visitor.come());
        }
    });
    stress.judge(&views);
    views.iter().for_each(|view| answers_alone(&server, view));
    for pool in Pool::all(&server) {
        pool.expect_whole();
    }
    assert_eq!(server.worker_pid(), worker, "no worker dies");
    let complaints = server.complaints();
    let others: Vec<_> = complaints.iter().filter(|line| !is_about_a_deadline(line)).collect();
    assert!(others.is_empty(), "{others:#?}");
    server.stop();
}

/// Each view works at the end: no wake-up was lost, no lock stays locked. A shared connection that was
/// broken off says so once, and on a busy machine a few may be late.
fn answers_alone(server: &Server, view: &View) {
    wait::until_true(&format!("{} to answer once more", view.name), || {
        let response = server.get(&format!("/{}?token=999999999&for=0.01", view.name));
        response.status == 200 && response.text() == "999999999"
    });
}

/// The server to be, with all that its views need.
fn launch() -> Launch {
    let launch = backing::with_upstream(Launch::new(Engine::Coroutine))
        .env("DRIVER", "stress")
        .env("DATABASE_URL", backing::database_url())
        .env("MARIADB", backing::mariadb())
        .env("REDIS", backing::redis());
    let library = compile_for(&launch.scratch, &["cc", "-D_GNU_SOURCE"], "stress/locks.c");
    launch.env("STRESS_LOCKS", library)
}

fn is_about_a_deadline(line: &str) -> bool {
    line.contains("has exceeded request_timeout")
        // A driver's error about its broken connection took the exception's place.
        || line.contains("the application has swallowed unicoro.RequestTimeout")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// A connection that one request has at a time.
    Pool,
    /// A connection that several have at once: each of them may see it break.
    Shared,
    /// Nothing that may fail.
    Plain,
}

struct View {
    name: String,
    about: About,
}

impl View {
    fn all(server: &Server) -> Vec<View> {
        let listed = server.get("/views").text();
        let view = |line: &str| {
            let (name, about) = line.split_once(' ').expect("a name, and what it is about");
            let about = match about {
                "pool" => About::Pool,
                "shared" => About::Shared,
                "plain" => About::Plain,
                other => panic!("a view is about {other:?}"),
            };
            View { name: name.to_owned(), about }
        };
        let wanted = std::env::var("SUITE_VIEWS").unwrap_or_default();
        let is_wanted = |view: &View| wanted.split(',').any(|start| view.name.starts_with(start));
        listed.lines().map(view).filter(is_wanted).collect()
    }

    /// Errors that one overdue request may leave to others.
    fn victims(&self) -> usize {
        match self.about {
            About::Pool => 1,
            About::Shared => CLIENTS as usize,
            About::Plain => 0,
        }
    }

    /// What belongs together: the views of one pool.
    fn group(&self) -> &str {
        self.name.split('.').next().expect("a first part")
    }
}

/// What has become of the questions to one group of views.
#[derive(Default, Debug)]
struct Tally {
    answered: usize,
    overdue: usize,
    errors: Vec<String>,
    faults: Vec<String>,
}

struct Stress {
    address: SocketAddr,
    end: Instant,
    /// Nobody comes any more.
    is_over: AtomicBool,
    next_token: AtomicU64,
    tallies: Mutex<BTreeMap<String, Tally>>,
}

impl Stress {
    fn new(server: &Server, time: Duration) -> Stress {
        Stress {
            address: server.address,
            end: Instant::now() + time,
            is_over: AtomicBool::new(false),
            next_token: AtomicU64::new(1),
            tallies: Mutex::default(),
        }
    }

    fn count(&self, view: &View, count: impl FnOnce(&mut Tally)) {
        let mut tallies = self.tallies.lock().unwrap();
        count(tallies.entry(view.group().to_owned()).or_default());
    }

    fn judge(&self, views: &[View]) {
        let tallies = self.tallies.lock().unwrap();
        let mut faults = Vec::new();
        for (group, tally) in &*tallies {
            let Tally { answered, overdue, errors, .. } = tally;
            println!(
                "{group:24} {answered:7} answered {overdue:5} overdue {:5} errors",
                errors.len()
            );
            faults.extend(&tally.faults);
        }
        assert!(
            faults.is_empty(),
            "{} faults: {:#?}",
            faults.len(),
            &faults[..faults.len().min(30)]
        );
        for view in views {
            let Some(tally) = tallies.get(view.group()) else { continue };
            let (most, errors) = (tally.overdue * view.victims(), &tally.errors);
            assert!(errors.len() <= most, "{}: at most {most} of {errors:#?}", view.group());
        }
    }
}

/// One client that comes again and again.
struct Visitor<'a> {
    stress: &'a Stress,
    views: &'a [View],
    chance: u64,
    kept: Option<Client>,
}

impl<'a> Visitor<'a> {
    fn new(stress: &'a Stress, views: &'a [View], seed: u64) -> Visitor<'a> {
        let chance = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Visitor { stress, views, chance, kept: None }
    }

    fn come(mut self) {
        // After a hang, those who hang too are enough to see why.
        while Instant::now() < self.stress.end && !self.stress.is_over.load(Ordering::Relaxed) {
            let view = &self.views[self.below(self.views.len() as u64) as usize];
            self.ask(view);
        }
    }

    /// xorshift: as random as clients are.
    fn below(&mut self, limit: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % limit
    }

    fn ask(&mut self, view: &View) {
        let token = self.stress.next_token.fetch_add(1, Ordering::Relaxed).to_string();
        let seconds = match self.below(OVERLONG_IN) {
            0 if view.about == About::Plain => LONG,
            0 => OVERLONG,
            _ => USUAL * self.below(100) as f64 / 100.0,
        };
        let mut client = self.kept.take().unwrap_or_else(|| Client::connect(self.stress.address));
        client.send(get_request(&format!("/{}?token={token}&for={seconds}", view.name)));
        let fault = |what: &str| {
            let fault = format!("{} {token} {seconds}: {what}", view.name);
            self.stress.count(view, |tally| tally.faults.push(fault));
            self.stress.is_over.store(true, Ordering::Relaxed);
        };
        if client.is_silent_for(PATIENCE) {
            return fault("hangs");
        }
        let Some(response) = client.response_or_close() else {
            return fault("closed without an answer");
        };
        let text = response.text();
        self.stress.count(view, |tally| match response.status {
            200 if text == token => tally.answered += 1,
            504 => tally.overdue += 1,
            500 if is_of_its_driver(view, &text) => tally.errors.push(text),
            status => {
                tally.faults.push(format!("{} {token} {seconds}: {status} {text}", view.name))
            }
        });
        if !response.says_close() && self.below(4) != 0 {
            self.kept = Some(client);
        }
    }
}

/// Whether this is an error that the view's driver raises.
fn is_of_its_driver(view: &View, error: &str) -> bool {
    let driver = view.group().split('-').next().expect("a first part");
    let module = error.split('.').next().expect("a first part");
    let own = match driver {
        "psycopg2" => &["psycopg2"][..],
        "psycopg3" => &["psycopg", "psycopg_pool"],
        "pymysql" => &["pymysql"],
        "redis" => &["redis"],
        // FullPoolError: whoever was overdue while it waited for urllib3's pool puts back what it
        // has not taken.
        "requests" => &["requests", "urllib3"],
        _ => &[],
    };
    own.contains(&module)
}
