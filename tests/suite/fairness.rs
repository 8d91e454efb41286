//! Nobody starves: a request that computes gives way, and ten thousand fit in one worker's memory.
//! The margins are wide, for busy machines; benches/preemption and benches/in_progress measure.

use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::client::{Client, get_request};
use crate::processes;
use crate::server::{Engine, Launch, Server};
use crate::wait;

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
