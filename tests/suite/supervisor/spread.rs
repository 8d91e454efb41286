//! Clients that stay are spread evenly over the workers, and nobody waits for a worker that does not come.

use std::collections::HashMap;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::client::{Client, free_addresses, get_request, wait_for_listener};
use crate::support::{Engine, Launch, Server, processes, wait};

/// How clients come.
#[derive(Clone, Copy, Debug)]
enum Coming {
    /// All connect before the first asks.
    First,
    /// Each asks as soon as it is connected, and reads later.
    Asking,
    /// Each has its answer before the next connects.
    Served,
}

/// A server whose clients stay.
fn start(engine: Engine, workers: usize) -> Server {
    let workers = workers.to_string();
    let arguments = ["--keep-alive", "60", "--workers", &workers, "pid"];
    let server = Launch::new(engine).args(&arguments).start();
    wait_for_all(&server, workers.parse().unwrap(), &[]);
    server
}

/// Waits until so many workers serve, and none of the former ones; they have no client then.
fn wait_for_all(server: &Server, workers: usize, former: &[u32]) -> Vec<u32> {
    let mut clients = HashMap::<u32, Vec<Client>>::new();
    let alive = wait::until("all to serve", wait::PATIENCE, || {
        let mut client = server.connect();
        let by = client.get("/").text().parse().unwrap();
        clients.entry(by).or_default().push(client);
        let alive = server.worker_pids();
        let serves = |pid| clients.contains_key(pid) && !former.contains(pid);
        (alive.len() == workers && alive.iter().all(serves)).then_some(alive)
    });
    clients.retain(|worker, _| alive.contains(worker));
    part(server, clients.into_values().flatten().collect());
    alive
}

/// The clients leave, and their workers have seen it.
fn part(server: &Server, clients: Vec<Client>) {
    let sockets = || server.worker_pids().into_iter().map(processes::open_sockets).sum::<usize>();
    let others = sockets() - clients.len();
    drop(clients);
    wait::until_true("the clients to have left", || sockets() <= others);
}

/// Clients that stay, and how many each worker has.
fn come(server: &Server, count: usize, coming: Coming) -> (Vec<Client>, HashMap<String, usize>) {
    let mut served = HashMap::new();
    let mut note = |client: &mut Client| *served.entry(client.response().text()).or_default() += 1;
    let connect = |_| {
        let mut client = server.connect();
        if !matches!(coming, Coming::First) {
            client.send(get_request("/"));
        }
        if matches!(coming, Coming::Served) {
            note(&mut client);
        }
        client
    };
    let mut clients: Vec<_> = (0..count).map(connect).collect();
    if matches!(coming, Coming::First) {
        clients.iter_mut().for_each(|client| client.send(get_request("/")));
    }
    if !matches!(coming, Coming::Served) {
        clients.iter_mut().for_each(&mut note);
    }
    (clients, served)
}

const CLIENTS: usize = 64;

/// A worker that the machine leaves no time is not waited for: so most rounds count, not each.
fn are_spread_evenly(server: &Server, workers: usize, most: usize) {
    const ROUNDS: usize = 7;
    for coming in [Coming::First, Coming::Asking, Coming::Served] {
        let round = |_| {
            let (clients, served) = come(server, CLIENTS, coming);
            part(server, clients);
            if served.len() == workers { *served.values().max().unwrap() } else { CLIENTS }
        };
        let mut fullest: Vec<_> = (0..ROUNDS).map(round).collect();
        fullest.sort_unstable();
        println!("{coming:?}: {fullest:?}");
        assert!(fullest[ROUNDS / 2] <= most, "{coming:?}: the fullest had {fullest:?}");
    }
}

each_of! { Gthread, Coroutine; fn clients_that_stay_are_spread_evenly_over_two_workers(engine) {
    let server = start(engine, 2);
    // 10 % more than the half.
    are_spread_evenly(&server, 2, 35);
    server.stop();
}}

each_of! { Gthread, Coroutine; fn with_reuse_port_clients_are_spread_evenly_too(engine) {
    let [address] = free_addresses();
    let bind = address.to_string();
    let arguments = ["-b", &bind, "--reuse-port", "--keep-alive", "60", "--workers", "2", "pid"];
    let mut server = Launch::new(engine).args(&arguments).start_unbound();
    server.address = address;
    wait_for_listener(address);
    wait_for_all(&server, 2, &[]);
    are_spread_evenly(&server, 2, 35);
    server.stop();
}}

each_of! { Gthread, Coroutine; fn clients_that_stay_are_spread_evenly_over_four_workers(engine) {
    let server = start(engine, 4);
    are_spread_evenly(&server, 4, 19);
    server.stop();
}}

each_of! { Gthread, Coroutine; fn a_worker_that_was_replaced_is_given_as_many_as_the_others_have(engine) {
    let mut server = start(engine, 2);
    let elders = server.worker_pids();
    let (_first, served) = come(&server, 32, Coming::Served);
    let at_first = served[&elders[1].to_string()];
    processes::signal(elders[0], Signal::SIGKILL);
    server.wait_for_workers_without(elders[0], 2);
    wait_for_all(&server, 2, &elders[..1]);
    // Where each worker got every other one, the elder would have 48 of 80 at last.
    let (mut by_the_elder, mut more) = (at_first, Vec::new());
    let is_even = (0..4).any(|_| {
        let (clients, served) = come(&server, 16, Coming::Served);
        more.extend(clients);
        by_the_elder += served.get(&elders[1].to_string()).unwrap_or(&0);
        by_the_elder <= (at_first + more.len()) * 55 / 100
    });
    assert!(is_even, "the elder has {by_the_elder} of {}", at_first + more.len());
    server.expect_errors();
    server.stop();
}}

each_of! { Gthread, Coroutine; fn nobody_is_left_to_a_worker_that_is_stopped(engine) {
    let server = start(engine, 2);
    let workers = server.worker_pids();
    processes::signal(workers[0], Signal::SIGSTOP);
    // Until then it may be the one whom the kernel tells of a client.
    wait::until_true("the worker to be stopped", || processes::is_stopped(workers[0]));
    let (_clients, served) = come(&server, 32, Coming::Served);
    processes::signal(workers[0], Signal::SIGCONT);
    assert_eq!(served, HashMap::from([(workers[1].to_string(), 32)]));
    server.stop();
}}

each_of! { Gthread, Coroutine; fn nobody_is_left_to_a_worker_without_descriptors(engine) {
    let mut server = start(engine, 2);
    let workers = server.worker_pids();
    let process = workers[0].to_string();
    let limited = Command::new("prlimit").args(["--pid", &process, "--nofile=8:"]).status();
    assert!(limited.unwrap().success());
    let (_clients, served) = come(&server, 32, Coming::Asking);
    assert_eq!(served, HashMap::from([(workers[1].to_string(), 32)]));
    server.expect_errors();
    server.stop();
}}

each_of! { Gthread, Coroutine; fn all_places_of_all_workers_can_be_had(engine) {
    let arguments = ["--keep-alive", "60", "--workers", "2", "--worker-connections", "16", "pid"];
    let server = Launch::new(engine).args(&arguments).start();
    wait_for_all(&server, 2, &[]);
    let (mut clients, served) = come(&server, 32, Coming::Served);
    assert!(served.values().all(|count| *count == 16), "{served:?}");
    assert!(clients.iter_mut().all(|client| client.get("/").status == 200));
    server.stop();
}}

each_of! { Gthread, Coroutine; fn workers_of_before_a_reload_do_not_count(engine) {
    let server = start(engine, 2);
    let former = server.worker_pids();
    let (_clients, _) = come(&server, 32, Coming::Served);
    server.signal(Signal::SIGHUP);
    wait_for_all(&server, 2, &former);
    are_spread_evenly(&server, 2, 35);
    server.stop();
}}
