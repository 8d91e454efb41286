//! What bounds WebSockets of ASGI applications, and their end with the worker's.

use std::time::Duration;

use nix::sys::signal::Signal;
use tungstenite::Message;

use crate::support::websocket::{Peer, frame, handshake};
use crate::support::{Engine, Server, processes, wait};

fn start(arguments: &[&str]) -> Server {
    Server::start(Engine::Coroutine, "speaking", arguments)
}

#[test]
fn a_client_that_breaks_a_rule_is_told_which() {
    let server = start(&["--websocket-max-message-size", "1000"]);
    let told = |bytes: &[u8]| {
        let mut peer = Peer::connect(&server, "/wait", &[]);
        peer.send_raw(bytes);
        peer.closed()
    };
    assert_eq!(told(b"\x81\x01x").0, 1002);
    assert_eq!(told(&frame(0x81, b"\xff")).0, 1007);
    // Announced, and never sent.
    assert_eq!(told(b"\x82\xff\0\0\0\0\x40\0\0\0keys"), (1009, "the message is too big".into()));
    server.wait_for_notes("websocket.disconnect 1009 the message is too big\n");
    // What came before it is answered first.
    let mut peer = Peer::connect(&server, "/echo", &[]);
    peer.send_raw(&[frame(0x81, b"one"), frame(0x81, b"two"), frame(0x83, b"")].concat());
    assert_eq!((peer.text(), peer.text()), ("one".into(), "two".into()));
    assert_eq!(peer.closed().0, 1002);
    server.stop();
}

#[test]
fn a_client_that_answers_no_ping_is_given_up_and_one_that_does_is_kept() {
    let server = start(&["--websocket-ping-interval", "0.2", "--websocket-ping-timeout", "0.5"]);
    let dead = Peer::connect(&server, "/wait", &[]);
    let mut alive = Peer::connect(&server, "/echo", &[]);
    alive.answer_pings_until(|| server.notes().contains("websocket.disconnect"));
    server.wait_for_notes("websocket.disconnect 1006 no answer to a ping\n");
    alive.send_text("alive");
    while let Message::Ping(_) = alive.next().unwrap() {}
    drop((dead, alive));
    server.stop();
}

#[test]
fn a_client_that_is_gone_takes_no_place_whatever_the_application_does() {
    let gone = "websocket.disconnect 1006";
    let pings = ["--websocket-ping-interval", "0.2", "--websocket-ping-timeout", "0.5"];
    type End = fn(Peer) -> Option<Peer>;
    let ends: [(&[&str], End, &str); 3] = [
        (&[], |_| None, gone),
        (&pings, Some, "websocket.disconnect 1006 no answer to a ping"),
        (
            &[],
            |mut peer| {
                assert_eq!(peer.close(3000, "off").0, 3000);
                Some(peer)
            },
            "websocket.disconnect 3000 off",
        ),
    ];
    for (arguments, end, said) in ends {
        let server = start(&[&["--worker-connections", "1"][..], arguments].concat());
        let mut peer = Peer::connect(&server, "/look_later", &[]);
        server.wait_for_notes("elsewhere");
        peer.send_text("one");
        peer.send_text("two");
        let peer = end(peer);
        assert_eq!(server.get("/").text(), "http");
        server.scratch.write("go-on", "");
        server.wait_for_notes(&format!("elsewhere\none\ntwo\n{said}\n"));
        drop(peer);
        server.stop();
    }
}

#[test]
fn a_client_that_does_not_read_is_waited_for_and_then_given_up() {
    let server = start(&["--client-send-timeout", "1"]);
    let pid = server.worker_pid();
    let mut beside = Peer::connect(&server, "/echo", &[]);
    beside.send_text("the application is loaded");
    assert_eq!(beside.text(), "the application is loaded");
    let before = processes::status_number(pid, "VmRSS");
    let peer = Peer::connect(&server, "/flood", &[]);
    server.wait_for_notes("sent 1.");
    beside.send_text("beside it");
    assert_eq!(beside.text(), "beside it");
    let why = "1006 the client took nothing for client_send_timeout";
    server.wait_for_notes(&format!("flood ended: the WebSocket is closed: {why}, True\n"));
    let grown = processes::status_number(pid, "VmRSS").saturating_sub(before);
    assert!(grown < 20 << 10, "{grown} KiB");
    drop((peer, beside));
    server.stop();
}

#[test]
fn what_is_sent_at_once_or_given_up_waits_with_the_application_and_not_in_memory() {
    let server = start(&[]);
    let mut peer = Peer::connect(&server, "/flood_at_once", &[]);
    server.wait_for_notes("grown ");
    let grown: u64 = server.notes()["grown ".len()..].trim().parse().unwrap();
    assert!(grown < 15 << 10, "{grown} KiB");
    for _ in 0..50 {
        assert_eq!(peer.bytes().len(), 1_000_000);
    }
    assert_eq!(peer.text(), "end");
    assert_eq!(peer.closed().0, 1000);
    server.stop();
}

#[test]
fn a_client_that_reads_again_gets_all_that_was_sent() {
    let server = start(&[]);
    let mut peer = Peer::connect(&server, "/flood", &[]);
    server.wait_for_notes("sent 1.");
    // The application waits: nothing is sent any more.
    let mut count = server.notes().matches("sent ").count();
    wait::until_true("it waits", || {
        let before = std::mem::replace(&mut count, server.notes().matches("sent ").count());
        std::thread::sleep(Duration::from_millis(200));
        before == count
    });
    for _ in 0..2 * count {
        assert_eq!(peer.bytes().len(), 65536);
    }
    assert_eq!(peer.close(1000, "").0, 1000);
    server.wait_for_notes("flood ended: the WebSocket is closed: 1000, True\n");
    server.stop();
}

#[test]
fn a_client_that_floods_is_held_back() {
    let server = start(&["--websocket-queue", "100K"]);
    let pid = server.worker_pid();
    let mut peer = Peer::connect(&server, "/elsewhere", &[]);
    server.wait_for_notes("elsewhere");
    let before = processes::status_number(pid, "VmRSS");
    let message = frame(0x82, &[7; 10_000]);
    let sent = {
        use std::io::Write;
        let stream = peer.socket.get_mut();
        stream.set_nonblocking(true).unwrap();
        let (mut sent, mut tries) = (0, 0);
        while tries < 20 && sent < 64 << 20 {
            match stream.write(&message[sent % message.len()..]) {
                Ok(count) => (sent, tries) = (sent + count, 0),
                Err(_) => {
                    std::thread::sleep(Duration::from_millis(10));
                    tries += 1;
                }
            }
        }
        stream.set_nonblocking(false).unwrap();
        sent
    };
    assert!(sent < 32 << 20, "{sent} bytes were taken that nobody has received");
    let grown = processes::status_number(pid, "VmRSS").saturating_sub(before);
    assert!(grown < 10 << 10, "{grown} KiB");
    server.scratch.write("go-on", "");
    for _ in 0..sent / message.len() {
        assert_eq!(peer.bytes().len(), 10_000);
    }
    drop(peer);
    server.stop();
}

#[test]
fn a_deadline_is_for_the_handshake_and_not_for_what_comes_behind_it() {
    let server = start(&["--request-timeout", "1"]);
    let mut peer = Peer::connect(&server, "/slow", &[]);
    assert_eq!((peer.text(), peer.text()), ("first".into(), "second".into()));
    assert_eq!(peer.closed().0, 1000);
    assert!(!server.log().contains("request_timeout"), "{}", server.log());
    let mut client = server.connect();
    client.send(handshake("/never_accept", &[]));
    assert_eq!(client.response().status, 504);
    server.wait_for_log("GET /never_accept has exceeded request_timeout (1 s); its client got 504");
    server.stop();
}

#[test]
fn a_stop_closes_all_with_1001_and_the_lifespan_ends_behind_them() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = start(&[]);
        let mut peers = ["/wait", "/echo", "/never_reading"].map(|path| match path {
            "/never_reading" => Peer::connect(&server, "/elsewhere", &[]),
            path => Peer::connect(&server, path, &[]),
        });
        server.scratch.write("go-on", "");
        server.signal(signal);
        for peer in &mut peers {
            assert_eq!(peer.closed().0, 1001, "{signal}");
        }
        server.wait_for_log("3 WebSockets are closed with 1001: the worker ends");
        server.wait_for_notes("shutdown");
        if signal == Signal::SIGTERM {
            let notes = server.notes();
            assert_eq!(notes.matches("websocket.disconnect 1001\n").count(), 3, "{notes}");
            assert!(notes.ends_with("shutdown\n"), "{notes}");
        }
        server.end_of_stop();
    }
}

#[test]
fn a_replaced_worker_keeps_its_own_for_the_grace() {
    let server = start(&["--long-connection-grace", "3"]);
    let old = server.worker_pid();
    let mut kept = Peer::connect(&server, "/echo", &[]);
    server.signal(Signal::SIGHUP);
    server.wait_for_log("1 WebSocket is open; it may go on for 3 s");
    kept.send_text("still there");
    assert_eq!(kept.text(), "still there");
    assert!(server.wait_for_workers(2).contains(&old));
    let mut new = Peer::connect(&server, "/echo", &[]);
    assert_eq!(kept.closed().0, 1001);
    server.wait_for_workers_without(old, 1);
    new.send_text("at the new one");
    assert_eq!(new.text(), "at the new one");
    drop(new);
    server.stop();
}

#[test]
fn many_idle_ones_cost_little() {
    const MANY: usize = 1000;
    let server = start(&["--worker-connections", "2000"]);
    let pid = server.worker_pid();
    let warm: Vec<Peer> = (0..50).map(|_| Peer::connect(&server, "/echo", &[])).collect();
    let before = processes::status_number(pid, "VmRSS");
    let mut peers: Vec<Peer> = (0..MANY).map(|_| Peer::connect(&server, "/echo", &[])).collect();
    let each = (processes::status_number(pid, "VmRSS") - before) * 1024 / MANY as u64;
    for peer in peers.iter_mut().step_by(100) {
        peer.send_text("there");
        assert_eq!(peer.text(), "there");
    }
    assert!(each < 30 << 10, "{each} bytes each");
    drop((peers, warm));
    server.stop();
}
