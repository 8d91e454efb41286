//! What the environ offers beyond PEP 3333: early hints, the client's socket, and whether it has
//! left.

use crate::support::client::{get_and_close, get_request};
use crate::support::processes::open_sockets;
use crate::support::{Client, Engine, Server, wait};

each_of! { Sync, Gthread, Coroutine; fn an_app_can_ask_whether_its_client_has_left(engine) {
    let server = Server::start(engine, "hostile", &[]);
    let mut client = server.connect();
    client.send(get_request("/until_left"));
    server.wait_for_notes("began");
    drop(client);
    server.wait_for_notes("left");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn a_stream_can_ask_while_it_waits_and_ends_at_a_yield(engine) {
    let server = Server::start(engine, "hostile", &[]);
    let mut client = server.connect();
    client.send(get_request("/events"));
    wait::until_true("an event", || String::from_utf8_lossy(&client.some_bytes()).contains("first"));
    drop(client);
    server.wait_for_notes("noticed while waiting\nGeneratorExit\n");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine, Gunicorn; fn early_hints_come_before_the_response(engine) {
    let server = Server::start(engine, "hostile:application", &[]);
    let answer = server.exchange(get_and_close("/hints"));
    assert_eq!(answer.matches("HTTP/1.1 103 Early Hints\r\n").count(), 3, "{answer}");
    assert!(answer.contains("\r\nLink: </c.css>\r\nX-Mixed: caf"), "{answer}");
    let last = answer.rfind("103 Early Hints").unwrap();
    assert!(last < answer.find("200 OK").unwrap() && answer.ends_with("\r\n\r\nok"), "{answer}");
    let old = server.exchange("GET /hints HTTP/1.0\r\n\r\n");
    assert!(old.starts_with("HTTP/1.") && old.contains(" 200 OK\r\n") && !old.contains("103"));
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn a_hint_cannot_split_the_response(engine) {
    let server = Server::start(engine, "hostile", &[]);
    assert_eq!(server.get("/bad_hint").text(), "refused");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine, Gunicorn; fn an_app_may_speak_another_protocol_on_the_socket(engine) {
    let server = Server::start(engine, "hostile", &[]);
    let mut client = server.connect();
    client.send(get_request("/take_socket"));
    assert_eq!(client.response_to_head().status, 101);
    for word in ["one", "two"] {
        client.send(word);
        assert_eq!(client.some_bytes(), word.to_uppercase().as_bytes());
    }
    client.finish_sending();
    assert!(client.is_closed());
    assert!(!server.log().contains("StopIteration"), "{}", server.log());
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn what_comes_ahead_of_the_answer_is_on_the_socket(engine) {
    let server = Server::start(engine, "hostile", &[]);
    let mut client = server.connect();
    client.send(get_request("/take_socket") + "ahead");
    assert_eq!(client.response_to_head().status, 101);
    client.finish_sending();
    assert_eq!(client.bytes_to_the_end(), b"AHEAD");

    let mut client = server.connect();
    client.send(get_request("/take_file") + "one\ntw");
    assert_eq!(client.some_bytes(), b"ONE\n");
    client.send("o\n");
    client.finish_sending();
    assert_eq!(client.bytes_to_the_end(), b"TWO\n");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn a_socket_that_the_app_keeps_outlives_the_request(engine) {
    let server = Server::start(engine, "hostile", &[]);
    let mut client = server.connect();
    // A body that nobody reads: the server would part.
    client.send("POST /keep_socket HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n");
    assert_eq!(client.response().text(), "kept");
    server.scratch.write("go-on", "");
    assert_eq!(client.bytes_to_the_end(), b"more");
    server.stop();
}}

each_of! { Coroutine; fn many_may_speak_another_protocol_at_once(engine) {
    let server = Server::start(engine, "hostile", &[]);
    let mut clients: Vec<Client> = (0..50).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(get_request("/take_socket"));
        assert_eq!(client.response_to_head().status, 101);
    }
    for client in &mut clients {
        client.send("x");
        assert_eq!(client.some_bytes(), b"X");
    }
    drop(clients);
    server.stop();
}}

/// What comes of what an application has kept of a request, if it uses it in another.
const KEPT: [(&str, &str); 9] = [
    ("strongly=start_response", OVER),
    ("strongly=write", OVER),
    ("strongly=wsgi.early_hints", "None"),
    ("strongly=unicoro.client_disconnected", "True"),
    ("strongly=gunicorn.socket", "the request is over"),
    ("strongly=environ", "[None, True, b'', 'the request is over']"),
    // A method can be referred to weakly; it may be gone, but not be another request's.
    ("weakly=write", "gone"),
    ("weakly=wsgi.early_hints", "gone"),
    ("weakly=unicoro.client_disconnected", "gone"),
];
const OVER: &str = "this request is over";

each_of! { Sync, Gthread, Coroutine; fn what_an_application_keeps_of_a_request_leads_to_no_other_client(engine) {
    let server = Server::start(engine, "hostile", &[]);
    for (kept, comes_of_it) in KEPT {
        // The second time with what the first request may have left for it.
        for _ in 0..2 {
            assert_eq!(server.get(&format!("/keep?{kept}")).text(), "kept", "{kept}");
            let response = server.get("/use_kept");
            assert_eq!((response.status, response.text().as_str()), (200, comes_of_it), "{kept}");
        }
    }
    server.stop();
}}

each_of! { Gthread, Coroutine; fn nor_to_another_request_on_its_connection(engine) {
    let server = Server::start(engine, "hostile", &[]);
    // Behind a proxy these are two clients.
    let mut client = server.connect();
    for (kept, comes_of_it) in KEPT {
        for _ in 0..2 {
            assert_eq!(client.get(&format!("/keep?{kept}")).text(), "kept", "{kept}");
            let response = client.get("/use_kept");
            assert_eq!((response.status, response.text().as_str()), (200, comes_of_it), "{kept}");
        }
    }
    server.stop();
}}

/// A thread of the application's waits for the client in the middle of `way` when its request ends: it takes
/// nothing with it.
fn leaves_nothing_open(engine: Engine, way: &str, headers: &str) {
    let mut server = Server::start(engine, "hostile", &[]);
    let worker = server.worker_pid();
    assert_eq!(server.get("/hello").text(), "hello");
    let open = || open_sockets(worker);
    let before = open();
    // More than one: that of the client before may have been open still.
    for times in 1..=3 {
        let wait_for = |note| {
            wait::until_true(note, || server.notes().matches(note).count() == times);
        };
        let mut client = server.connect();
        client.keep_little();
        client.send(format!("POST /{way} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"));
        wait_for("left");
        drop(client);
        wait_for("ended");
    }
    wait::until_true("no socket is left open", || open() <= before);
    server.expect_errors();
    server.stop();
}

each_of! { Sync, Gthread, Coroutine; fn a_response_written_beyond_its_request_leaves_no_socket_open(engine) {
    leaves_nothing_open(engine, "written_beyond", "");
}}

each_of! { Sync, Gthread, Coroutine; fn hints_given_beyond_their_request_leave_no_socket_open(engine) {
    leaves_nothing_open(engine, "hinted_beyond", "");
}}

each_of! { Sync, Gthread, Coroutine; fn a_body_read_beyond_its_request_leaves_no_socket_open(engine) {
    leaves_nothing_open(engine, "read_beyond", "Content-Length: 10\r\n");
}}

each_of! { Gthread, Coroutine; fn a_buffer_of_the_applications_keeps_no_body_from_others(engine) {
    let server = Server::start(engine, "hostile", &[]);
    let mut first = server.waiting_client("/read_into");
    server.wait_for_notes("asked");
    assert_eq!(server.get("/read").text(), "read 0");
    server.scratch.write("go-on", "");
    assert_eq!(first.response().text(), "read 0");
    server.stop();
}}

#[test]
fn what_many_requests_at_once_were_given_is_not_kept_for_good() {
    let server = Server::start(Engine::Coroutine, "hostile", &[]);
    let clients = server.waiting_clients(150, "/wait_for_go_on");
    wait::until_true("all wait", || server.notes().matches("waits").count() == clients.len());
    server.scratch.write("go-on", "");
    for mut client in clients {
        assert_eq!(client.response().text(), "gone on");
    }
    let kept: usize = server.get("/count_hints").text().parse().unwrap();
    assert!(kept <= 65, "{kept}");
    server.stop();
}
