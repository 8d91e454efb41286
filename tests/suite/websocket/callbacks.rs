//! `ws.serve`: connections that are left to callbacks, and cost nobody's thread between messages.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tungstenite::Message;

use crate::support::websocket::{Peer, frame, handshake};
use crate::support::{Engine, Server, wait};

/// Waits until so many views have ended.
fn views_ended(server: &Server, count: usize) {
    let have = || server.notes().matches("body closed").count() == count;
    wait::until_true("views to end", have);
}

each_of! { Sync, Gthread, Coroutine;
fn each_message_is_called_for_and_then_the_end(engine) {
    let server = Server::start(engine, "called", &["--access-logfile", "-"]);
    let mut peer = Peer::connect(&server, "/echo", &[]);
    // The view has ended, and its request with it.
    server.wait_for_notes("body closed\n");
    server.wait_for_access("GET /echo HTTP/1.1\" 101 0 ");
    for size in [0, 1, 126, 65_536, 1 << 20] {
        peer.send_bytes(vec![7; size]);
        assert!(peer.bytes() == vec![7; size], "{size}");
    }
    let many: Vec<String> = (0..100).map(|number| format!("number {number}")).collect();
    let frames: Vec<u8> = many.iter().flat_map(|text| frame(0x81, text.as_bytes())).collect();
    peer.send_raw(&frames);
    for text in &many {
        assert_eq!(&peer.text(), text);
    }
    peer.send_raw(&frame(0x89, b"there?"));
    assert_eq!(peer.control(), Message::Pong(b"there?".as_slice().into()));
    // What came before the close is called for first.
    peer.send_text("last");
    assert_eq!(peer.text(), "last");
    assert_eq!(peer.close(1000, "bye"), (1000, "bye".into()));
    server.wait_for_notes("ended with 1000 bye\n");

    let mut peer = Peer::connect(&server, "/without_end", &[]);
    assert_eq!(peer.answer.header("x-room"), Some("7"));
    assert_eq!(peer.text(), "hello");
    peer.send_text("x");
    assert_eq!(peer.text(), "x");
    assert_eq!(peer.close(1000, "").0, 1000);
    let mut peer = Peer::connect(&server, "/said", &[]);
    let raised = "TypeError TypeError none RuntimeError RuntimeError RuntimeError";
    assert_eq!(peer.text(), raised);
    assert_eq!(server.notes().matches("ended with").count(), 1, "{}", server.notes());
    drop(peer);
    server.stop();
}
}

each_of! { Sync, Gthread, Coroutine;
fn the_end_is_called_for_once_whatever_it_is(engine) {
    let mut server = Server::start(engine, "called", &[]);
    let ended = |bytes: &[u8]| {
        let mut peer = Peer::connect(&server, "/echo", &[]);
        peer.send_raw(bytes);
        peer.closed().0
    };
    assert_eq!(ended(&frame(0x83, b"")), 1002);
    server.wait_for_notes("ended with 1002");
    assert_eq!(ended(&frame(0x81, b"close")), 4001);
    server.wait_for_notes("ended with 4001 enough\n");
    // That the connection is closed is no fault.
    assert_eq!(ended(&frame(0x81, b"late")), 1000);
    server.wait_for_notes("ended with 1000\n");
    // Gone, with half a message.
    let mut peer = Peer::connect(&server, "/echo", &[]);
    peer.send_raw(&frame(0x81, b"whole")[..7]);
    drop(peer);
    server.wait_for_notes("ended with 1006\n");

    server.expect_errors();
    let ended = |path: &str, text: &str| {
        let mut peer = Peer::connect(&server, path, &[]);
        peer.send_text(text);
        peer.closed().0
    };
    assert_eq!(ended("/echo", "fail"), 1011);
    server.wait_for_log("Error handling the WebSocket GET /echo");
    server.wait_for_log("ValueError: a fault of the callback");
    assert_eq!(ended("/view_fails", "unheard"), 1011);
    server.wait_for_log("ValueError: a fault of the view");
    assert_eq!(ended("/end_fails", "close"), 4001);
    server.wait_for_log("ValueError: a fault of the end");
    wait::until_true("both ends", || server.notes().matches("ended with 1011\n").count() == 2);
    assert_eq!(server.notes().matches("ended with").count(), 6, "{}", server.notes());
    server.stop();
}
}

each_of! { Gthread, Coroutine;
fn a_thread_may_send_and_close_while_a_connection_is_left(engine) {
    let server = Server::start(engine, "called", &["--websocket-queue", "1000"]);
    let mut peer = Peer::connect(&server, "/closed_elsewhere", &[]);
    peer.send_text("x");
    assert_eq!(peer.text(), "x");
    std::fs::write(server.scratch.file("go"), "").unwrap();
    // Called for before the client has answered.
    server.wait_for_notes("ended with 4002\n");
    assert_eq!(peer.closed().0, 4002);

    let mut peer = Peer::connect(&server, "/flooded", &[]);
    for _ in 0..200 {
        assert_eq!(peer.bytes().len(), 65_536);
    }
    server.wait_for_notes("sent 200\n");
    peer.send_text("beside it");
    assert_eq!(peer.text(), "beside it");

    let mut room: Vec<Peer> = (0..5).map(|_| Peer::connect(&server, "/room", &[])).collect();
    views_ended(&server, 7);
    room[0].send_text("all");
    for member in &mut room {
        assert_eq!(member.text(), "all");
    }
    drop(room);
    server.stop();
}
}

each_of! { Gthread, Coroutine;
fn the_messages_of_one_socket_are_called_for_one_by_one_and_those_of_others_beside_them(engine) {
    let server = Server::start(engine, "called", &["--threads", "4"]);
    let mut peers: Vec<Peer> = (0..3).map(|_| Peer::connect(&server, "/slow", &[])).collect();
    for (number, peer) in peers.iter_mut().enumerate() {
        peer.send_raw(&frame(0x81, number.to_string().as_bytes()).repeat(20));
    }
    let mut beside = 0;
    for (number, peer) in peers.iter_mut().enumerate() {
        for _ in 0..20 {
            let text = peer.text();
            let mut words = text.split(' ');
            assert_eq!(words.next(), Some(number.to_string().as_str()));
            assert_eq!(words.next(), Some("1"), "{text}");
            beside += usize::from(words.next() == Some("True"));
        }
    }
    assert!(beside > 0, "none ran beside another");
    drop(peers);
    server.stop();
}
}

each_of! { Sync, Gthread, Coroutine;
fn idle_connections_take_no_thread_and_count_as_clients(engine) {
    let arguments = ["--threads", "2", "--worker-connections", "21", "--keep-alive", "1"];
    let server = Server::start(engine, "called", &arguments);
    let mut peers: Vec<Peer> = (0..20).map(|_| Peer::connect(&server, "/echo", &[])).collect();
    views_ended(&server, 20);
    let threads: usize = server.get("/threads").text().parse().unwrap();
    assert!(threads < 8, "{threads}");
    peers.push(Peer::connect(&server, "/echo", &[]));
    // Full: and none of these is evicted for another, however long it is idle.
    let mut waits = server.connect();
    waits.send("GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(waits.is_silent_for(Duration::from_secs(1)));
    for peer in &mut peers {
        peer.send_text("here");
        assert_eq!(peer.text(), "here");
    }
    drop(peers);
    server.stop();
}
}

each_of! { Sync, Gthread, Coroutine;
fn a_client_that_stays_behind_its_close_is_parted_with(engine) {
    let server = Server::start(engine, "called", &[]);
    let mut client = server.connect();
    client.send(handshake("/echo", &[]));
    assert_eq!(client.response_to_head().status, 101);
    client.send(frame(0x81, b"close"));
    // Its close frame, and then the end, although nothing is said and nothing closed on this side.
    assert!(client.bytes_to_the_end().ends_with(b"enough"));
    server.wait_for_notes("ended with 4001 enough\n");
    server.stop();
}
}

#[test]
fn one_client_of_sync_that_goes_on_and_on_keeps_nobody_out() {
    let server = Server::start(Engine::Sync, "called", &["--timeout", "3"]);
    let worker = server.worker_pid();
    let mut busy = Peer::connect(&server, "/slow", &[]);
    let frames: Vec<u8> = (0..300).flat_map(|_| frame(0x81, b"again")).collect();
    busy.send_raw(&frames);
    assert_eq!(busy.text(), "again 1 False");
    assert_eq!(server.get("/plain").status, 200);
    // Long beyond the timeout: each of its 300 messages takes 20 ms.
    for _ in 1..300 {
        assert_eq!(busy.text(), "again 1 False");
    }
    assert_eq!(server.worker_pid(), worker);
    drop(busy);
    server.stop();
}

each_of! { Sync, Gthread, Coroutine;
fn a_stop_closes_what_was_left_with_1001(engine) {
    let server = Server::start(engine, "called", &[]);
    let mut peers: Vec<Peer> = (0..3).map(|_| Peer::connect(&server, "/echo", &[])).collect();
    views_ended(&server, 3);
    server.signal(Signal::SIGTERM);
    for peer in &mut peers {
        assert_eq!(peer.closed().0, 1001);
    }
    server.wait_for_log("3 WebSockets are closed with 1001: the worker ends");
    wait::until_true("the ends", || server.notes().matches("ended with 1001\n").count() == 3);
    server.end_of_stop();
}
}

each_of! { Sync, Gthread, Coroutine;
fn a_replaced_worker_keeps_what_was_left_for_the_grace(engine) {
    let arguments = ["--long-connection-grace", "2", "--max-requests", "2"];
    let server = Server::start(engine, "called", &arguments);
    let old = server.worker_pid();
    let mut kept = Peer::connect(&server, "/echo", &[]);
    // The second request: asks for a successor. A message is none.
    for _ in 0..5 {
        kept.send_text("x");
        assert_eq!(kept.text(), "x");
    }
    assert_eq!(server.get("/plain").text(), "plain");
    server.wait_for_log("1 WebSocket is open; it may go on for 2 s");
    kept.send_text("still there");
    assert_eq!(kept.text(), "still there");
    assert_eq!(kept.closed().0, 1001);
    server.wait_for_notes("ended with 1001\n");
    server.wait_for_workers_without(old, 1);
    server.stop();
}
}

each_of! { Sync, Gthread, Coroutine;
fn pings_find_out_who_has_gone_while_nobody_waits_for_it(engine) {
    let pings = ["--websocket-ping-interval", "0.2", "--websocket-ping-timeout", "0.5"];
    let server = Server::start(engine, "called", &pings);
    let dead = Peer::connect(&server, "/echo", &[]);
    server.wait_for_notes("ended with 1006 no answer to a ping\n");
    drop(dead);
    server.stop();
}
}

each_of! { Sync, Gthread, Coroutine;
fn what_is_untaken_at_the_end_keeps_nobody_and_comes_whole(engine) {
    let arguments = ["--threads", "1", "--websocket-queue", "64M"];
    let server = Server::start(engine, "called", &arguments);
    let mut peer = Peer::connect(&server, "/left_sending", &[]);
    // More than the kernel holds.
    peer.wait_for_some();
    peer.send_text("close");
    server.wait_for_notes("ended with 4001 enough\n");
    assert_eq!(server.get("/plain").text(), "plain");
    assert!(peer.bytes() == vec![b'x'; 32 << 20]);
    assert_eq!(peer.closed().0, 4001);
    server.stop();
}
}

#[test]
fn pings_are_answered_on_sync_while_a_view_receives_on_another_connection() {
    let server = Server::start(Engine::Sync, "called", &[]);
    let mut left = Peer::connect(&server, "/echo", &[]);
    server.wait_for_notes("body closed\n");
    let mut waits = Peer::connect(&server, "/waits", &[]);
    server.wait_for_notes("waits\n");
    left.send_raw(&frame(0x89, b"there?"));
    assert_eq!(left.control(), Message::Pong(b"there?".as_slice().into()));
    assert_eq!(waits.close(1000, "").0, 1000);
    drop(left);
    server.stop();
}

#[test]
fn the_deadline_of_a_callback_does_not_count_what_its_client_has_still_to_take() {
    let arguments = ["--request-timeout", "1", "--websocket-queue", "64M"];
    let server = Server::start(Engine::Coroutine, "called", &arguments);
    let mut peer = Peer::connect(&server, "/left_sending", &[]);
    peer.wait_for_some();
    peer.send_text("close");
    server.wait_for_notes("ended with 4001 enough\n");
    // The deadline passes.
    std::thread::sleep(Duration::from_millis(1500));
    assert!(peer.bytes() == vec![b'x'; 32 << 20]);
    assert_eq!(peer.closed().0, 4001);
    assert!(!server.log().contains("request_timeout"), "{}", server.log());
    server.stop();
}

#[test]
fn a_callback_that_swallows_the_exception_is_named() {
    let server = Server::start(Engine::Coroutine, "called", &["--request-timeout", "1"]);
    let mut peer = Peer::connect(&server, "/echo", &[]);
    peer.send_text("swallow");
    assert_eq!(peer.closed().0, 1011);
    server.wait_for_log("GET /echo: the application has swallowed unicoro.RequestTimeout");
    server.wait_for_notes("ended with 1011\n");
    server.stop();
}

#[test]
fn a_callback_has_as_long_as_a_request_and_the_connection_as_long_as_it_likes() {
    let mut server = Server::start(Engine::Coroutine, "called", &["--request-timeout", "1"]);
    let mut peer = Peer::connect(&server, "/echo", &[]);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1500) {
        peer.send_text("x");
        assert_eq!(peer.text(), "x");
        std::thread::sleep(Duration::from_millis(50));
    }
    peer.send_text("sleep");
    server.expect_errors();
    assert_eq!(peer.closed().0, 1011);
    server.wait_for_log(
        "GET /echo has exceeded request_timeout (1 s) in a callback of its WebSocket",
    );
    server.wait_for_notes("ended with 1011\n");
    assert!(!server.notes().contains("slept to the end"));
    server.stop();
}
