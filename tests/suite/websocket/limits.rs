//! What a client may do, and what becomes of one that does more.

use std::io::{Read, Write};
use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress};
use tungstenite::Message;

use crate::support::websocket::{Peer, frame};
use crate::support::{Engine, Server, processes, wait};

each_of! { Sync, Gthread, Coroutine;
fn a_client_that_breaks_a_rule_is_told_which(engine) {
    let server = Server::start(engine, "talking", &["--websocket-max-message-size", "1000"]);
    let told = |bytes: &[u8]| {
        let mut peer = Peer::connect(&server, "/waits", &[]);
        peer.send_raw(bytes);
        peer.closed()
    };
    // Unmasked; a reserved opcode; a fragmented ping; text that is none; a close code that is none.
    assert_eq!(told(b"\x81\x01x").0, 1002);
    assert_eq!(told(&frame(0x83, b"")).0, 1002);
    assert_eq!(told(&frame(0x09, b"")).0, 1002);
    assert_eq!(told(&frame(0x81, b"\xff")).0, 1007);
    assert_eq!(told(&frame(0x88, b"\x03\xed")).0, 1002);
    // As soon as it is announced: 1 GiB of which nothing comes, and the last of many fragments.
    assert_eq!(told(b"\x82\xff\0\0\0\0\x40\0\0\0keys").0, 1009);
    let pieces = [frame(0x02, &[0; 600]), frame(0x00, &[0; 401])].concat();
    assert_eq!(told(&pieces), (1009, "the message is too big".into()));
    server.wait_for_notes("waits ended with 1009 the message is too big\n");
    server.stop();
}
}

#[test]
fn what_came_before_a_broken_rule_is_answered_first() {
    let server = Server::start(Engine::Coroutine, "talking", &[]);
    let mut peer = Peer::connect(&server, "/echo", &[]);
    peer.send_raw(&[frame(0x81, b"one"), frame(0x81, b"two"), frame(0x83, b"")].concat());
    assert_eq!((peer.text(), peer.text()), ("one".into(), "two".into()));
    assert_eq!(peer.closed().0, 1002);
    server.stop();
}

#[test]
fn what_a_bomb_inflates_to_takes_no_memory() {
    let arguments = ["--websocket-max-message-size", "1M"];
    let server = Server::start(Engine::Coroutine, "talking", &arguments);
    let pid = server.worker_pid();
    let offer = ["Sec-WebSocket-Extensions: permessage-deflate"];
    // 200 MB of nothing, in 200 KB.
    let mut bomb = Vec::with_capacity(1 << 20);
    let mut deflate = Compress::new(Compression::best(), false);
    let zeros = vec![0; 1 << 20];
    for _ in 0..200 {
        deflate.compress_vec(&zeros, &mut bomb, FlushCompress::Sync).unwrap();
    }
    let before = processes::status_number(pid, "VmRSS");
    for _ in 0..4 {
        let mut peer = Peer::connect(&server, "/waits", &offer);
        peer.send_raw(&frame(0xc2, &bomb));
        assert_eq!(peer.closed().0, 1009);
    }
    let grown = processes::status_number(pid, "VmRSS").saturating_sub(before);
    assert!(grown < 40 << 10, "{grown} KiB");
    server.stop();
}

each_of! { Gthread, Coroutine;
fn a_ping_is_answered_while_the_application_is_elsewhere(engine) {
    let server = Server::start(engine, "talking", &[]);
    let mut peer = Peer::connect(&server, "/elsewhere", &[]);
    server.wait_for_notes("elsewhere");
    peer.send_text("unread");
    peer.send_raw(&frame(0x89, b"there?"));
    assert_eq!(peer.control(), Message::Pong(b"there?".as_slice().into()));
    // A close too, and what came before it is still received.
    std::fs::write(server.scratch.file("go"), "").unwrap();
    assert_eq!(peer.text(), "unread");
    peer.send_text("more");
    assert_eq!(peer.text(), "more");
    assert_eq!(peer.close(1000, "").0, 1000);
    server.stop();
}
}

each_of! { Gthread, Coroutine;
fn a_client_that_does_not_answer_pings_is_given_up_and_one_that_does_is_kept(engine) {
    let pings = ["--websocket-ping-interval", "0.2", "--websocket-ping-timeout", "0.5"];
    let server = Server::start(engine, "talking", &pings);
    // As after a cut cable: the connection is there, and nobody answers.
    let dead = Peer::connect(&server, "/waits", &[]);
    let mut alive = Peer::connect(&server, "/echo", &[]);
    alive.answer_pings_until(|| server.notes().contains("waits ended"));
    assert_eq!(server.notes(), "waits ended with 1006 no answer to a ping\n");
    alive.send_text("alive");
    while let Message::Ping(_) = alive.next().unwrap() {}
    drop(dead);
    drop(alive);
    server.stop();
}
}

#[test]
fn who_may_be_silent_for_ever_is_pinged_again_and_again() {
    let pings = ["--websocket-ping-interval", "0.2", "--websocket-ping-timeout", "0"];
    let server = Server::start(Engine::Coroutine, "talking", &pings);
    let mut silent = Peer::connect(&server, "/waits", &[]);
    let stream = silent.socket.get_mut();
    stream.set_read_timeout(Some(wait::PATIENCE)).unwrap();
    // Raw, so that nothing is answered.
    let mut pings = [0; 6];
    stream.read_exact(&mut pings).unwrap();
    assert_eq!(pings, *b"\x89\0\x89\0\x89\0");
    drop(silent);
    server.stop();
}

each_of! { Gthread, Coroutine;
fn a_client_that_does_not_read_costs_a_bounded_queue_and_is_given_up(engine) {
    let server = Server::start(engine, "talking", &["--client-send-timeout", "1"]);
    let pid = server.worker_pid();
    let mut reader = Peer::connect(&server, "/echo", &[]);
    let before = processes::status_number(pid, "VmRSS");
    let peer = Peer::connect(&server, "/floods", &[]);
    reader.send_text("beside it");
    assert_eq!(reader.text(), "beside it");
    let note = "floods ended with 1006 the client took nothing for client_send_timeout, True\n";
    server.wait_for_notes(note);
    let grown = processes::status_number(pid, "VmRSS").saturating_sub(before);
    assert!(grown < 20 << 10, "{grown} KiB");
    drop(peer);
    drop(reader);
    server.stop();
}
}

#[test]
fn a_flood_of_pings_costs_no_memory_and_holds_nobody_up() {
    let server = Server::start(Engine::Coroutine, "talking", &["--client-send-timeout", "2"]);
    let pid = server.worker_pid();
    let mut beside = Peer::connect(&server, "/echo", &[]);
    let before = processes::status_number(pid, "VmRSS");
    let mut peers: Vec<Peer> = ["/waits", "/elsewhere"]
        .into_iter()
        .map(|path| Peer::connect(&server, path, &[]))
        .collect();
    let pings = frame(0x89, &[7; 125]).repeat(1000);
    for peer in &mut peers {
        // Nobody reads the answers, so at some point nothing more is taken.
        let stream = peer.socket.get_mut();
        stream.set_nonblocking(true).unwrap();
        let mut sent = 0;
        while let Ok(more) = stream.write(&pings)
            && sent < 64 << 20
        {
            sent += more;
        }
        stream.set_nonblocking(false).unwrap();
    }
    beside.send_text("beside it");
    assert_eq!(beside.text(), "beside it");
    server.wait_for_notes("waits ended with 1006 the client took nothing for client_send_timeout");
    let grown = processes::status_number(pid, "VmRSS").saturating_sub(before);
    assert!(grown < 20 << 10, "{grown} KiB");
    drop(peers);
    std::fs::write(server.scratch.file("go"), "").unwrap();
    drop(beside);
    server.stop();
}

#[test]
fn a_request_that_became_a_websocket_has_no_deadline_any_more() {
    let server = Server::start(Engine::Coroutine, "talking", &["--request-timeout", "1"]);
    let mut peer = Peer::connect(&server, "/slow", &[]);
    assert_eq!((peer.text(), peer.text()), ("first".into(), "second".into()));
    assert_eq!(peer.closed().0, 1000);
    assert!(!server.log().contains("request_timeout"), "{}", server.log());
    server.stop();
}

#[test]
fn a_client_that_takes_the_rest_by_and_by_is_not_waited_for_for_ever() {
    let arguments = ["--client-send-timeout", "1", "--websocket-queue", "64M"];
    let arguments = [&arguments[..], &["--access-logfile", "-"]].concat();
    let server = Server::start(Engine::Coroutine, "talking", &arguments);
    let mut peer = Peer::connect(&server, "/leaves_much", &[]);
    let stream = peer.socket.get_mut();
    // Enough at a time to show that it is there.
    let (mut piece, mut taken) = (vec![0; 256 << 10], 0);
    while let Ok(count) = stream.read(&mut piece)
        && count > 0
    {
        taken += count;
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(taken < 512 << 16, "all of it: {taken} bytes");
    server.wait_for_access("GET /leaves_much HTTP/1.1\" 101 ");
    drop(peer);
    server.stop();
}

each_of! { Sync, Gthread, Coroutine;
fn what_a_view_has_left_untaken_keeps_nobody_and_comes_whole(engine) {
    let arguments = ["--threads", "1", "--websocket-queue", "64M"];
    let server = Server::start(engine, "talking", &arguments);
    let mut peer = Peer::connect(&server, "/left_sending", &[]);
    // More than the kernel holds.
    peer.wait_for_some();
    peer.send_text("go");
    assert_eq!(server.get("/plain").text(), "plain");
    assert!(peer.bytes() == vec![b'x'; 32 << 20]);
    assert_eq!(peer.closed().0, 1000);
    server.stop();
}
}

each_of! { Sync, Gthread, Coroutine;
fn a_client_that_takes_nothing_of_the_rest_is_given_up(engine) {
    let arguments = ["--client-send-timeout", "1", "--worker-connections", "1"];
    let arguments = [&arguments[..], &["--websocket-queue", "64M"]].concat();
    let server = Server::start(engine, "talking", &arguments);
    let mut peer = Peer::connect(&server, "/left_sending", &[]);
    peer.wait_for_some();
    peer.send_text("go");
    // There is room for another client only then.
    assert_eq!(server.get("/plain").text(), "plain");
    assert!(peer.is_broken_off());
    server.stop();
}
}
