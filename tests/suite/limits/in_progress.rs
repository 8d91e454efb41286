//! `requests_in_progress`: as many run at once, and the others wait for their turn; and what a
//! worker with as many clients as it may have does to those that ask again and again.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::client::get_request;
use crate::support::{Client, Engine, Launch, Server, backing, processes, wait};

/// The server with a bound of `most`, and as many requests that wait for the file "go-on".
fn busy(engine: Engine, most: &str, arguments: &[&str]) -> (Server, Vec<Client>) {
    let bound = ["--requests-in-progress", most];
    let server = Server::start(engine, "in_progress", &[&bound, arguments].concat());
    let most = most.parse().unwrap();
    let clients = server.waiting_clients(most, "/until_file?first");
    wait::until_true("as many as may be", || server.notes().lines().count() == most);
    (server, clients)
}

/// A client that has sent a request for which there is no room, and its number as the query.
fn one_more(server: &Server, number: usize) -> Client {
    server.waiting_client(&format!("/until_file?{number}"))
}

each_of! { Gthread, Coroutine; fn as_many_are_in_progress_as_may_be_and_the_others_wait_in_order(engine) {
    let (server, mut first) = busy(engine, "1", &[]);
    let mut more: Vec<Client> = (0..8).map(|number| one_more(&server, number)).collect();
    assert!(more[0].is_silent_for(Duration::from_millis(300)));
    assert_eq!(server.notes(), "first\n");
    server.scratch.write("go-on", "");
    assert_eq!(first[0].response().text(), "first");
    for (number, client) in more.iter_mut().enumerate() {
        assert_eq!(client.response().text(), number.to_string());
    }
    assert_eq!(server.notes(), "first\n0\n1\n2\n3\n4\n5\n6\n7\n");
    assert_eq!(server.get("/most").text(), "1");
    server.stop();
}}

each_of! { Gthread, Coroutine; fn idle_connections_are_not_in_progress(engine) {
    let server = Server::start(engine, "in_progress", &["--requests-in-progress", "3"]);
    let mut idle: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    for client in &mut idle {
        assert!(!client.get("/most").says_close());
    }
    let mut clients = server.waiting_clients(9, "/until_file?x");
    wait::until_true("three in progress", || server.notes().lines().count() == 3);
    server.scratch.write("go-on", "");
    assert!(clients.iter_mut().all(|client| client.response().text() == "x"));
    assert_eq!(server.get("/most").text(), "3");
    server.stop();
}}

each_of! { Coroutine; fn who_waits_for_his_turn_has_no_green_thread(engine) {
    let (server, mut first) = busy(engine, "2", &[]);
    let maps = format!("/proc/{}/maps", server.worker_pid());
    let mappings = || std::fs::read_to_string(&maps).unwrap().lines().count();
    let before = mappings();
    let mut more: Vec<Client> = (0..200).map(|number| one_more(&server, number)).collect();
    server.wait_for_log("requests_in_progress (2) reached");
    // A stack and its guard are two.
    let grown = mappings() - before.min(mappings());
    assert!(grown < 200, "{grown} mappings more");
    server.scratch.write("go-on", "");
    assert!(first.iter_mut().chain(&mut more).all(|client| client.response().status == 200));
    server.stop();
}}

each_of! { Gthread, Coroutine; fn who_waits_for_his_turn_is_served_at_a_graceful_stop(engine) {
    let (server, mut first) = busy(engine, "1", &[]);
    let mut more: Vec<Client> = (0..4).map(|number| one_more(&server, number)).collect();
    // All have been taken in: what follows them is idle.
    assert!(more[3].is_silent_for(Duration::from_millis(300)));
    server.signal(Signal::SIGTERM);
    server.wait_for_log("term");
    server.scratch.write("go-on", "");
    assert_eq!(first[0].response().text(), "first");
    for (number, client) in more.iter_mut().enumerate() {
        assert_eq!(client.response().text(), number.to_string());
    }
    server.end_of_stop();
}}

each_of! { Coroutine, Gthread; fn a_worker_that_is_replaced_serves_who_waits_for_his_turn(engine) {
    let (server, mut first) = busy(engine, "1", &["--max-requests", "2"]);
    let mut more: Vec<Client> = (0..8).map(|number| one_more(&server, number)).collect();
    server.scratch.write("go-on", "");
    assert_eq!(first[0].response().text(), "first");
    for (number, client) in more.iter_mut().enumerate() {
        assert_eq!(client.response().text(), number.to_string());
    }
    server.wait_for_log("max_requests reached");
    server.stop();
}}

each_of! { Coroutine, Gthread; fn who_leaves_while_he_waits_for_his_turn_delays_nobody(engine) {
    let (server, mut first) = busy(engine, "1", &[]);
    let left: Vec<Client> = (0..4).map(|number| one_more(&server, number)).collect();
    drop(left);
    let mut last = one_more(&server, 4);
    server.scratch.write("go-on", "");
    assert_eq!(first[0].response().text(), "first");
    assert_eq!(last.response().text(), "4");
    server.stop();
}}

each_of! { Coroutine; fn what_an_answered_request_leaves_to_go_on_takes_no_place(engine) {
    let (server, mut first) = busy(engine, "2", &[]);
    server.scratch.write("go-on", "");
    assert!(first.iter_mut().all(|client| client.response().text() == "first"));
    for number in 0..5 {
        assert_eq!(server.get(&format!("/leave_a_greenlet?{number}")).text(), number.to_string());
    }
    let mut clients = server.waiting_clients(9, "/sleep?0.1");
    assert!(clients.iter_mut().all(|client| client.response().status == 200));
    assert_eq!(server.get("/most").text(), "2");
    server.stop();
}}

each_of! { Coroutine; fn the_deadline_begins_with_the_turn(engine) {
    let bound = ["--requests-in-progress", "1", "--request-timeout", "5"];
    let server = Server::start(engine, "in_progress", &bound);
    let mut clients = server.waiting_clients(7, "/sleep?1");
    assert!(clients.iter_mut().all(|client| client.response().status == 200));
    server.stop();
}}

each_of! { Coroutine, Gthread; fn half_a_body_keeps_no_place_that_others_wait_for(engine) {
    let bound = ["--requests-in-progress", "2"];
    let server = Server::start(engine, "in_progress", &bound);
    let half = "POST /read HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf";
    let mut slow: Vec<Client> = (0..10).map(|_| server.connect()).collect();
    slow.iter_mut().for_each(|client| client.send(half));
    wait::until_true("both places to be taken", || server.notes().lines().count() == 2);
    for _ in 0..3 {
        assert_eq!(server.get("/sleep?0").text(), "slept");
    }
    server.wait_for_log("it stalled");
    drop(slow);
    server.stop();
}}

/// What 200 clients that keep their connections and pause for `pause` have got for `rounds` requests
/// each, but for what is right.
fn visit(address: SocketAddr, request: &str, pause: Duration, rounds: usize) -> Vec<String> {
    let wrong = Mutex::new(Vec::new());
    let visitor = || {
        let mut client = None;
        for _ in 0..rounds {
            let kept: &mut Client = client.get_or_insert_with(|| Client::connect(address));
            kept.send_while_open(request);
            match kept.response_or_close() {
                Some(response) if response.status == 200 && !response.says_close() => {}
                Some(response) => {
                    client = None;
                    if response.status != 200 {
                        wrong.lock().unwrap().push(response.status.to_string());
                    }
                }
                None => {
                    client = None;
                    wrong.lock().unwrap().push("closed".to_owned());
                }
            }
            thread::sleep(pause); // what these clients are about
        }
    };
    thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(visitor);
        }
    });
    wrong.into_inner().unwrap()
}

const PAUSE: Duration = Duration::from_millis(400);

each_of! { Gthread, Coroutine, Gunicorn; fn a_full_worker_breaks_no_request_of_clients_that_pause(engine) {
    let server = Server::start(engine, "in_progress", &["--worker-connections", "80"]);
    let request = "POST /sleep?0.1 HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nbody";
    assert_eq!(visit(server.address, request, PAUSE, 5), [""; 0]);
    assert_eq!(visit(server.address, request, 3 * PAUSE, 3), [""; 0]);
    server.stop();
}}

each_of! { Sync; fn who_has_sent_his_request_is_not_closed_for_another(engine) {
    let server = Server::start(engine, "in_progress", &["--worker-connections", "2"]);
    let mut early = server.connect();
    early.send("GET /sleep?0 HTTP/1.1\r\n");
    assert!(early.is_silent_for(Duration::from_millis(600)), "long enough to be closed for another");
    let mut busy = server.waiting_client("/until_file?busy");
    server.wait_for_notes("busy");
    early.send("Host: test\r\n\r\n");
    let mut half = server.connect();
    half.send("GET / HT");
    let mut last = server.waiting_client("/sleep?0");
    server.scratch.write("go-on", "");
    assert_eq!(busy.response().text(), "busy");
    assert_eq!(early.response().text(), "slept");
    assert_eq!(last.response().text(), "slept");
    drop(half);
    server.stop();
}}

/// Django's own connections, one for each thread, are kept for a minute.
#[test]
fn a_database_role_with_a_limit_is_enough_for_any_number_of_clients() {
    let server = Launch::new(Engine::Coroutine)
        .env("DATABASE_URL", backing::database_url())
        .env("CONN_MAX_AGE", "60")
        .args(&["--requests-in-progress", "80", "limited_django"])
        .start();
    assert_eq!(visit(server.address, &get_request("/"), PAUSE, 5), [""; 0]);
    assert!(processes::is_alive(server.worker_pid()));
    server.stop();
}
