//! Nobody starves: a request that computes gives way, and ten thousand fit in one worker's memory.
//! The margins are wide, for busy machines; benches/preemption and benches/in_progress measure.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::support::client::get_request;
use crate::support::{Client, Engine, Launch, Server, processes, wait};

/// Beside a request that computes for two seconds, others that sleep 10 ms are answered within a
/// fraction of that.
#[test]
fn computing_request_gives_way_to_others() {
    let server = Server::start(Engine::Coroutine, "blocking", &[]);
    assert_eq!(server.get("/nap").text(), "slept");
    let mut computing = server.connect();
    computing.send(get_request("/compute_long"));
    let mut worst = Duration::ZERO;
    let mut clients: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    let mut rounds = 0;
    while computing.is_silent_for(Duration::from_millis(1)) {
        let began = Instant::now();
        for client in &mut clients {
            client.send(get_request("/nap"));
        }
        for client in &mut clients {
            assert_eq!(client.response().text(), "slept");
        }
        worst = worst.max(began.elapsed());
        rounds += 1;
    }
    assert_eq!(computing.response().text(), "computed");
    assert!(rounds >= 5, "only {rounds} rounds beside a request that computes");
    assert!(worst < Duration::from_secs(1), "the worst round took {worst:?}");
    server.stop();
}

/// One test for each way of computing in C without the GIL, from the standard library.
macro_rules! c_without_the_gil {
    ($($kind:ident: $amount:literal),+ $(,)?) => {
        mod light_request_is_answered_before_c_ends {
            $(
                #[test]
                fn $kind() {
                    super::light_request_is_answered_before_c_ends(stringify!($kind), $amount);
                }
            )+
        }
        mod light_requests_are_quick_beside_four_in_c {
            $(
                #[test]
                fn $kind() {
                    super::light_requests_are_quick_beside_four_in_c(stringify!($kind), $amount);
                }
            )+
        }
    };
}

/// Those in C fight for a lock all the time, which is free again in a moment: they do not come back to
/// the scheduler for it.
macro_rules! that_fight_for {
    ($($kind:ident),+ $(,)?) => {
        mod light_requests_are_quick_beside_four_that_fight_for {
            $(
                #[test]
                fn $kind() {
                    let server = crate::coroutine::locks::start_in_c();
                    let path = concat!("/c/fight_for_", stringify!($kind), "?3000000");
                    let (light, answer) = (("/c/rest?2000", "0"), "0");
                    let latencies = super::beside_four(&server, light, (path, answer));
                    // Seen: 4 ms; 85 where each comes back.
                    let half = latencies[latencies.len() / 2];
                    assert!(half < Duration::from_millis(25), "half of {path} takes {half:?}");
                    server.stop();
                }
            )+
            use std::time::Duration;
        }
    };
}

that_fight_for! { mutexes, rwlocks, spin_locks, locks_that_yield, futexes }

// With how much of it measuring begins.
c_without_the_gil! { hashing: 100_000, compressing: 500_000, querying: 500_000 }

/// Whatever the machine's speed: those that come while C computes have their answers before it ends.
fn light_request_is_answered_before_c_ends(kind: &str, amount: u64) {
    const LIGHT: usize = 10;
    let server = Server::start(Engine::Coroutine, "computing", &[]);
    let path = long_enough(&server, kind, amount);
    let mut computing = server.connect();
    let before = server.notes().len();
    computing.send(get_request(&path));
    wait::until_true("the computation to begin", || server.notes().len() > before);
    let mut light = server.connect();
    for number in 0..LIGHT {
        assert_eq!(light.get("/light").text(), "light");
        let is_computing = computing.is_silent_for(Duration::from_millis(1));
        assert!(is_computing, "{path} had ended when the light request {number} was answered");
    }
    assert_eq!(computing.response().text(), kind);
    server.stop();
}

/// More that compute than there are processors, and ten clients that come again and again.
fn light_requests_are_quick_beside_four_in_c(kind: &str, amount: u64) {
    /// benches/beside_computing measures 10 to 50 ms; 230 where SQLite came back for each allocation.
    const P99: Duration = Duration::from_millis(150);
    let server = Server::start(Engine::Coroutine, "computing", &[]);
    let path = long_enough(&server, kind, amount);
    let latencies = beside_four(&server, ("/light", "light"), (&path, kind));
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
    println!("{kind}: {} light, p50 {:?}, p99 {:?}", latencies.len(), at(50), at(99));
    assert!(at(99) < P99, "{kind}: the p99 of {} is {:?}", latencies.len(), at(99));
    server.stop();
}

/// How long ten clients of a light view wait while four requests compute, in order of time. A view is a
/// path and its answer.
fn beside_four(server: &Server, light: (&str, &str), heavy: (&str, &str)) -> Vec<Duration> {
    const COMPUTING: usize = 4;
    const LIGHT: usize = 10;
    let mut computing: Vec<Client> = (0..COMPUTING).map(|_| server.connect()).collect();
    for client in &mut computing {
        client.send(get_request(heavy.0));
    }
    let is_over = AtomicBool::new(false);
    let mut latencies: Vec<Duration> = thread::scope(|scope| {
        let come = || latencies_of(server, light, &is_over);
        let visitors: Vec<_> = (0..LIGHT).map(|_| scope.spawn(come)).collect();
        for client in &mut computing {
            assert_eq!(client.response().text(), heavy.1);
        }
        is_over.store(true, Ordering::Relaxed);
        visitors.into_iter().flat_map(|visitor| visitor.join().unwrap()).collect()
    });
    latencies.sort_unstable();
    latencies
}

fn latencies_of(
    server: &Server,
    (path, answer): (&str, &str),
    is_over: &AtomicBool,
) -> Vec<Duration> {
    let mut client = server.connect();
    let mut latencies = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let began = Instant::now();
        assert_eq!(client.get(path).text(), answer);
        latencies.push(began.elapsed());
    }
    latencies
}

/// The path of a computation that takes seconds on this machine, in one call.
fn long_enough(server: &Server, kind: &str, mut amount: u64) -> String {
    const WANTED: Duration = Duration::from_millis(1500);
    const MOST: u64 = 500_000_000;
    loop {
        let path = format!("/{kind}?{amount}");
        let began = Instant::now();
        assert_eq!(server.get(&path).text(), kind);
        let took = began.elapsed();
        if took >= WANTED {
            return path;
        }
        let factor = 1.3 * WANTED.as_secs_f64() / took.as_secs_f64();
        amount = (amount as f64 * factor.clamp(1.3, 8.0)) as u64;
        assert!(amount < MOST, "{path} takes {took:?} only");
    }
}

/// A green thread's memory: two thousand requests in progress, each in a sleep.
#[test]
fn requests_in_progress_cost_little_memory() {
    const REQUESTS: u32 = 2000;
    const MOST_KIB: u64 = 80; // the bench's limit is 40; a debug build has deeper stacks
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let wanted = u64::from(REQUESTS) + 500;
    assert!(hard >= wanted, "ulimit -Hn is {hard}");
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(wanted), hard).unwrap();
    let launch = Launch::new(Engine::Coroutine).args(&["--worker-connections", "2100"]);
    let server = launch.args(&["blocking"]).start();
    assert_eq!(server.get("/nap").text(), "slept");
    let worker = server.worker_pid();
    let mut clients: Vec<Client> = (0..REQUESTS).map(|_| server.connect()).collect();
    let before = processes::status_number(worker, "VmRSS");
    let began = Instant::now();
    for client in &mut clients {
        client.send(get_request("/long_poll"));
    }
    wait::until_true("all to be in progress", || {
        server.get("/count_waiting").text() == REQUESTS.to_string()
    });
    let used = processes::status_number(worker, "VmRSS") - before;
    assert_eq!(server.get("/set_event").text(), "done");
    for client in &mut clients {
        assert_eq!(client.response().text(), "set");
    }
    println!("{} KiB a request, {:?} in all", used / u64::from(REQUESTS), began.elapsed());
    assert!(used / u64::from(REQUESTS) <= MOST_KIB, "{used} KiB for {REQUESTS} requests");
    server.stop();
}
