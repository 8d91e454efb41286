//! Clients that are slow, greedy or gone: each costs a bounded time and a bounded memory, and gets
//! its answer where one can still be sent.

use std::time::{Duration, Instant};

use crate::support::client::{get_and_close, get_request};
use crate::support::{Client, Engine, Launch, Server, wait};

/// A head that promises a body of `length` bytes.
fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n")
}

each_of! { Sync, Gthread, Coroutine; fn half_a_head_gets_408(engine) {
    let server = Server::start(engine, "hostile", &["--client-header-timeout", "1"]);
    let mut client = server.connect();
    client.send("GET /hello HTTP/1.1\r\nHost");
    let began = Instant::now();
    let response = client.response();
    assert_eq!((response.status, response.says_close()), (408, true));
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    assert!(client.is_closed());
    server.wait_for_log("head-timeout");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn a_head_that_drips_does_not_move_its_deadline(engine) {
    let server = Server::start(engine, "hostile", &["--client-header-timeout", "1"]);
    let mut client = server.connect();
    client.send("GET /hello HTTP/1.1\r\n");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) && client.is_silent_for(Duration::from_millis(100)) {
        client.send("A: b\r\n");
    }
    assert_eq!(client.response().status, 408);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn a_silent_connection_is_closed_without_an_answer(engine) {
    let server = Server::start(engine, "hostile", &["--client-header-timeout", "1"]);
    let mut client = server.connect();
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn a_body_that_pauses_gets_408(engine) {
    let server = Server::start(engine, "hostile", &["--client-body-timeout", "1"]);
    let mut client = server.connect();
    client.send(post("/read", 10) + "x");
    assert_eq!(client.response().status, 408);
    assert!(client.is_closed());
    server.wait_for_log("client_body_timeout");
    let mut client = server.connect();
    client.send(post("/read_and_catch", 10) + "x");
    assert_eq!(client.response().text(), "TimeoutError");
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn a_body_below_the_least_rate_gets_408(engine) {
    let arguments = ["--client-body-timeout", "1", "--client-body-min-rate", "1000"];
    let server = Server::start(engine, "hostile", &arguments);
    let mut client = server.connect();
    client.send(post("/read", 100_000));
    while client.is_silent_for(Duration::from_millis(200)) {
        client.send("x");
    }
    assert_eq!(client.response().status, 408);
    server.wait_for_log("client_body_min_rate");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn who_does_not_take_its_response_is_given_up(engine) {
    let server = Server::start(engine, "hostile", &["--client-send-timeout", "1"]);
    let mut client = server.connect();
    client.send(get_request("/big"));
    server.wait_for_log("client_send_timeout");
    drop(client);
    server.stop();
}}

// What it was sent may end within a chunk: nothing that follows could be told from the chunk's data.
each_of! { Sync, Gthread, Coroutine; fn who_was_given_up_is_sent_nothing_more(engine) {
    let server = Server::start(engine, "hostile", &["--client-send-timeout", "1"]);
    let mut client = server.connect();
    client.send(get_request("/write_on"));
    server.wait_for_notes("gave up");
    while !client.is_silent_for(Duration::from_millis(200)) {
        client.some_bytes();
    }
    server.scratch.write("go-on", "");
    assert!(client.is_closed(), "{:?}", String::from_utf8_lossy(&client.some_bytes()));
    server.stop();
}}

/// Takes some of an endless response five times a second, until `is_over` says so.
fn take_slowly(client: &mut Client, mut is_over: impl FnMut() -> bool) {
    while !is_over() {
        client.at_most(64 * 1024);
        std::thread::sleep(Duration::from_millis(200)); // how slow this client is
    }
}

each_of! { Sync, Gthread, Coroutine; fn who_takes_its_response_below_the_least_rate_is_given_up(engine) {
    let arguments = ["--client-send-timeout", "1", "--client-send-min-rate", "1000000"];
    let server = Server::start(engine, "hostile", &arguments);
    let mut client = server.connect();
    client.send(get_request("/flood"));
    let deadline = Instant::now() + wait::PATIENCE;
    take_slowly(&mut client, || {
        assert!(Instant::now() < deadline, "nobody minds");
        server.log().contains("client_send_min_rate")
    });
    drop(client);
    server.stop();
}}

// The kernel tells of room in lumps of up to a megabyte: between two of them a client is not idle.
each_of! { Sync, Gthread, Coroutine; fn who_takes_its_response_slowly_is_waited_for(engine) {
    let server = Server::start(engine, "hostile", &["--client-send-timeout", "1"]);
    let mut client = server.connect();
    client.keep_little();
    client.send(get_request("/flood"));
    let until = Instant::now() + Duration::from_secs(4);
    take_slowly(&mut client, || Instant::now() > until);
    assert!(!server.log().contains("client_send"), "{}", server.log());
    drop(client);
    server.wait_for_log("the client left");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn a_body_beyond_the_limit_gets_413(engine) {
    let server = Server::start(engine, "hostile", &["--limit-request-body", "10"]);
    let answer = |bytes: String| {
        let mut client = server.connect();
        client.send(bytes);
        let response = client.response();
        (response.status, response.says_close())
    };
    let chunked = |chunk: &str| {
        format!(
            "POST /read HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n{chunk}\r\n0\r\n\r\n",
            chunk.len()
        )
    };
    assert_eq!(answer(post("/read", 10) + "0123456789").0, 200);
    assert_eq!(answer(post("/read", 11)), (413, true));
    assert_eq!(answer(chunked("0123456789")).0, 200);
    assert_eq!(answer(chunked("0123456789a")), (413, true));
    server.wait_for_log("body-too-long");
    server.stop();
}}

each_of! { Gthread, Coroutine; fn a_short_unread_body_is_drained_and_a_long_one_closes(engine) {
    let server = Server::start(engine, "hostile", &["--limit-unread-body", "10"]);
    let mut client = server.connect();
    client.send(post("/unread", 10) + "0123456789");
    assert_eq!(client.response().text(), "not read");
    client.send(post("/unread", 11) + "0123456789a");
    assert_eq!(client.response().text(), "not read");
    assert!(client.is_closed());
    server.stop();
}}

#[test]
fn whole_requests_go_before_those_that_stall() {
    let server = Server::start(Engine::Gthread, "hostile", &["--threads", "1"]);
    let mut clients: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(post("/read", 10) + "x");
    }
    let began = Instant::now();
    assert_eq!(server.get("/hello").text(), "hello");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    drop(clients);
    server.stop();
}

/// How promptly a good client is answered while 20 have the answer to `request` and stay.
fn who_has_its_answer_costs_nobody(server: &Server, request: &str, status: u16) {
    let mut clients: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(request);
        assert_eq!(client.response().status, status);
    }
    let began = Instant::now();
    assert_eq!(server.get("/hello").text(), "hello");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

each_of! { Sync, Gthread, Coroutine; fn no_thread_waits_for_who_has_its_answer(engine) {
    let one: &[&str] = if engine == Engine::Gthread { &["--threads", "1"] } else { &[] };
    let server = Server::start(engine, "hostile", one);
    who_has_its_answer_costs_nobody(&server, "no request\r\n\r\n", 400);
    who_has_its_answer_costs_nobody(&server, &post("/unread", 10), 200);
    server.stop();
}}

each_of! { Gthread, Coroutine; fn pipelined_requests_end_at_their_limit(engine) {
    let server = Server::start(engine, "hostile", &["--limit-pipelined-requests", "2"]);
    let mut client = server.connect();
    client.send(get_request("/hello").repeat(5));
    for is_last in [false, false, true] {
        let response = client.response();
        assert_eq!((response.status, response.says_close()), (200, is_last));
    }
    assert!(client.is_closed());
    server.stop();
}}

/// Answers to `hello` while `crowd` holds every connection: each must come within a second.
fn good_clients_are_served(server: &Server, crowd: impl Fn(&mut Client)) {
    let mut clients: Vec<Client> = (0..40).map(|_| server.connect()).collect();
    clients.iter_mut().for_each(&crowd);
    for _ in 0..5 {
        let began = Instant::now();
        assert_eq!(server.get("/hello").text(), "hello");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}

/// A worker that is full after 20 clients.
const SMALL: [&str; 2] = ["--worker-connections", "20"];

each_of! { Sync, Gthread, Coroutine; fn who_holds_connections_makes_room_for_who_asks(engine) {
    let server = Server::start(engine, "hostile", &SMALL);
    good_clients_are_served(&server, |_| {});
    good_clients_are_served(&server, |client| client.send("GET /hello HTTP/1.1\r\nHo"));
    server.stop();
}}

each_of! { Gthread, Coroutine; fn idle_connections_make_room(engine) {
    let server = Server::start(engine, "hostile", &[&SMALL[..], &["--keep-alive", "60"]].concat());
    good_clients_are_served(&server, |client| client.send(get_request("/hello")));
    server.stop();
}}

fn with_few_descriptors(engine: Engine) -> Server {
    let limit = |_: &_| ["prlimit", "--nofile=48"].map(String::from).to_vec();
    Launch::new(engine).args(&["hostile"]).inside_of(limit).start()
}

each_of! { Sync, Gthread, Coroutine; fn no_descriptors_make_room_and_no_flood_in_the_log(engine) {
    const LEAST_OF_A_FLOOD: usize = 1000;
    let mut server = with_few_descriptors(engine);
    server.expect_errors();
    good_clients_are_served(&server, |_| {});
    let complaints = server.complaints().len();
    assert!((1..LEAST_OF_A_FLOOD).contains(&complaints), "{complaints} complaints");
    server.stop();
}}

// Nobody is connected whose leaving would tell the worker that there is room.
each_of! { Sync, Gthread, Coroutine; fn clients_are_accepted_when_the_application_gives_its_descriptors_back(engine) {
    let mut server = with_few_descriptors(engine);
    server.expect_errors();
    assert_eq!(server.get("/have_all_descriptors").text(), "has begun");
    let lacks_one = || server.log().contains("no file descriptor is left");
    let asks = || {
        let mut client = server.connect();
        client.send(get_and_close("/hello"));
        client
    };
    let mut client = asks();
    wait::until_true("no descriptor to be left", || {
        if !client.is_silent_for(Duration::from_millis(1)) {
            client = asks();
        }
        lacks_one()
    });
    server.scratch.write("go-on", "");
    assert_eq!(client.response().text(), "hello");
    server.stop();
}}

each_of! { Gthread, Coroutine; fn clients_that_stall_in_a_request_make_room(engine) {
    let server = Server::start(engine, "hostile", &SMALL);
    good_clients_are_served(&server, |client| client.send(post("/read", 10) + "x"));
    good_clients_are_served(&server, |client| client.send(get_request("/big")));
    server.wait_for_log("it stalled");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn who_leaves_ends_the_iteration_and_close_runs(engine) {
    let server = Server::start(engine, "hostile", &[]);
    let mut client = server.connect();
    client.send(get_request("/endless"));
    assert!(!client.some_bytes().is_empty());
    drop(client);
    server.wait_for_notes("closed");
    server.wait_for_log("the client left before it had the whole response");
    assert_eq!(server.log().matches("the client left").count(), 1);
    server.stop();
}}

// gunicorn counts the line's end as well.
each_of! { Sync, Gthread, Coroutine, Gunicorn; fn a_field_line_may_be_as_long_as_its_limit_with_its_end(engine) {
    const LIMIT: usize = 50;
    let server = Server::start(engine, "hello", &["--limit-request-field_size", "50"]);
    for (length, status) in [(LIMIT, " 200 "), (LIMIT + 1, " 431 ")] {
        let line = format!("X-Long: {}\r\n", "x".repeat(length - "X-Long: \r\n".len()));
        assert_eq!(line.len(), length);
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{line}\r\n");
        let answer = server.exchange(request);
        assert!(answer.lines().next().is_some_and(|first| first.contains(status)), "{answer}");
    }
    server.stop();
}}
