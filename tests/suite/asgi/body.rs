//! Bodies: in pieces, as fast as the other side takes them, and clients that leave.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Engine, Server, wait};

fn start(arguments: &[&str]) -> Server {
    Server::start(Engine::Coroutine, "asynchronous", arguments)
}

fn upload(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n")
}

#[test]
fn a_body_comes_as_it_was_sent() {
    let server = start(&[]);
    let mut client = server.connect();
    client.send(upload("/count", 3) + "abc");
    assert_eq!(client.response().text(), "3 in one");
    client.send(upload("/count", 3_000_000));
    client.send("x".repeat(3_000_000));
    assert_eq!(client.response().text(), "3000000 in pieces");
    client.send("POST /count HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assert!(client.response().text().starts_with("5 in "));
    client.send(
        "POST /count HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(client.response_to_head().status, 100);
    client.send("ab");
    assert_eq!(client.response().text(), "2 in one");
    // One that nobody reads stands in nobody's way.
    client.send(upload("/", 3) + "abc");
    assert_eq!(client.response().text(), "Hello, world!");
    assert_eq!(client.get("/").text(), "Hello, world!");
    server.stop();
}

#[test]
fn a_body_that_is_not_read_is_not_received() {
    const LENGTH: usize = 64_000_000;
    let server = start(&[]);
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.write_all(upload("/read_late", LENGTH).as_bytes()).unwrap();
    server.wait_for_notes("not reading");
    socket.set_nonblocking(true).unwrap();
    let piece = vec![b'x'; 1 << 20];
    let mut sent = 0;
    wait::until_true("the server to take no more", || match socket.write(&piece) {
        Ok(count) => {
            sent += count;
            assert!(sent < LENGTH / 2, "{sent} bytes were taken that nobody reads");
            false
        }
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    });
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.scratch.write("go-on", "");
    socket.set_nonblocking(false).unwrap();
    socket.write_all(&vec![b'x'; LENGTH - sent]).unwrap();
    let mut answer = String::new();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    while !answer.contains("pieces") {
        let mut some = [0; 1000];
        let count = std::io::Read::read(&mut socket, &mut some).unwrap();
        assert!(count > 0, "{answer}");
        answer += &String::from_utf8_lossy(&some[..count]);
    }
    assert!(answer.contains(&format!("{LENGTH} in pieces")), "{answer}");
    drop(socket);
    server.stop();
}

#[test]
fn a_client_that_does_not_take_its_answer_holds_send_up() {
    let server = start(&[]);
    let mut client = server.connect();
    client.send("GET /flood HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let mut before = String::new();
    wait::until("send to wait", wait::PATIENCE, || {
        std::thread::sleep(Duration::from_millis(200));
        let notes = server.notes();
        let stands = !notes.is_empty() && notes == before;
        before = notes;
        stands.then_some(())
    });
    assert!(!before.contains("sent 500."), "it was sent to nobody");
    assert_eq!(server.get("/").text(), "Hello, world!");
    assert_eq!(client.response().body.len(), 100_000_000);
    server.stop();
}

#[test]
fn what_is_sent_at_once_or_given_up_waits_with_the_application_and_not_in_memory() {
    for (path, length) in [("/flood_at_once", 100_000_003), ("/give_up_sending", 0)] {
        let server = start(&[]);
        let mut client = server.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
        server.wait_for_notes("grown ");
        let grown: u64 = server.notes()["grown ".len()..].trim().parse().unwrap();
        assert!(grown < 30 << 10, "{path}: {grown} KiB");
        let body = client.response().body;
        assert!(body.ends_with(b"end") && (length == 0 || body.len() == length), "{}", body.len());
        // Each piece is whole, and in its turn.
        let pieces = body.chunks(1_000_000).take(length / 1_000_000).enumerate();
        let is_in_order = |(number, piece): (usize, &[u8])| {
            piece.iter().all(|byte| usize::from(byte - b'0') == number % 10)
        };
        assert!(pieces.into_iter().all(is_in_order));
        server.stop();
    }
}

#[test]
fn a_client_that_takes_nothing_is_given_up_though_nobody_waits_for_it() {
    let server = start(&["--client-send-timeout", "1"]);
    let client = server.waiting_client("/cancel_unbegun_send");
    server.wait_for_notes("it was given up");
    drop(client);
    server.stop();
}

#[test]
fn a_head_waits_for_nobody() {
    let server = start(&["--request-timeout", "5"]);
    assert!(
        server
            .exchange(
                "GET /start_in_others_turn HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
            )
            .ends_with("begun")
    );
    server.stop();
}

#[test]
fn nothing_but_the_answer_comes_behind_its_start() {
    let server = start(&[]);
    let mut client = server.connect();
    client.send(
        "POST /read_behind_start HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
    );
    client.send("ab");
    assert_eq!(client.response().text(), "begun ab");
    server.stop();
}

#[test]
fn others_have_their_turn_while_a_client_keeps_up() {
    let server = start(&[]);
    assert!(server.get("/give_others_turns").text().ends_with("it ran"));
    server.stop();
}

#[test]
fn a_client_that_has_nothing_more_to_send_gets_its_answer() {
    let server = start(&[]);
    let mut client = server.connect();
    client.send("GET /sleep HTTP/1.1\r\nHost: test\r\n\r\n");
    client.finish_sending();
    assert_eq!(client.response().text(), "slept");
    server.stop();
}

#[test]
fn a_large_piece_arrives_in_order() {
    let server = start(&[]);
    let body = server.get("/large").body;
    assert_eq!(body.len(), 20_000_000);
    let numbers = body.chunks(8).enumerate();
    assert!(numbers.into_iter().all(|(number, text)| text == format!("{number:08}").as_bytes()));
    server.stop();
}

#[test]
fn a_receive_that_is_cancelled_before_it_is_awaited_loses_nothing() {
    let server = start(&[]);
    let mut client = server.connect();
    client.send(upload("/cancel_receive", 3) + "abc");
    assert_eq!(client.response().text(), "abc");
    server.stop();
}

#[test]
fn an_application_hears_that_its_client_has_left() {
    let server = start(&[]);
    let client = server.waiting_client("/wait_for_end");
    server.wait_for_notes("waiting");
    drop(client);
    server.wait_for_notes("http.disconnect");
    let mut client = server.connect();
    client.send(upload("/count", 10) + "abc");
    drop(client);
    server.wait_for_notes("left in the body");
    server.stop();
}

#[test]
fn to_send_to_a_client_that_has_left_raises_an_os_error() {
    let server = start(&[]);
    let mut client = server.waiting_client("/send_for_ever");
    assert!(!client.some_bytes().is_empty());
    drop(client);
    server.wait_for_notes("OSError: BrokenPipeError");
    assert_eq!(server.get("/").text(), "Hello, world!");
    // Nobody's fault but the client's: no error in the log.
    server.stop();
}

#[test]
fn a_malformed_body_is_the_clients_fault() {
    for path in ["/count", "/answer_whatever_comes"] {
        let server = start(&["--limit-request-body", "10"]);
        let chunks = "Host: test\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n";
        let answer = server.exchange(format!("POST {path} HTTP/1.1\r\n{chunks}"));
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let answer = server.exchange(upload(path, 11));
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        let chunks = "Transfer-Encoding: chunked\r\n\r\nb\r\nhello hello\r\n";
        let answer = server.exchange(format!("POST {path} HTTP/1.1\r\nHost: test\r\n{chunks}"));
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        server.stop();
    }
}

#[test]
fn an_application_cannot_answer_a_client_that_was_refused() {
    let server = start(&["--client-body-timeout", "1"]);
    let answer = server.exchange(upload("/answer_whatever_comes", 10) + "abc");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    server.wait_for_notes("could not answer");
    // What it raised then is no error: the client's fault is in the log.
    server.stop();
}

#[test]
fn a_client_that_pauses_in_its_body_is_given_up() {
    let server = start(&["--client-body-timeout", "1"]);
    let answer = server.exchange(upload("/count", 10) + "abc");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    server.stop();
}

#[test]
fn a_wait_for_the_body_that_is_given_up_loses_nothing() {
    let server = start(&[]);
    let mut client = server.connect();
    client.send(upload("/wait_for_receive", 3));
    server.wait_for_notes("gave up");
    client.send("abc");
    assert_eq!(client.response().text(), "abc True");
    server.stop();
}
