//! `environ["wsgi.websocket"]`: code that was written for gevent-websocket, and greenlets that wait for a WebSocket.

use nix::sys::signal::Signal;

use crate::support::websocket::Peer;
use crate::support::{Engine, Server};

each_of! { Gthread, Coroutine;
fn code_for_gevent_websocket_runs_as_it_is(engine) {
    let server = Server::start(engine, "talking", &[]);
    let mut peer = Peer::connect(&server, "/gevents", &["Origin: http://page"]);
    assert_eq!(peer.text(), "13 /gevents http://page False");
    peer.send_text("text");
    assert_eq!(peer.text(), "text");
    peer.send_bytes(b"bytes".to_vec());
    assert_eq!(peer.bytes(), b"bytes");
    assert_eq!(peer.close(1000, "").0, 1000);
    server.wait_for_notes("None True WebSocketError\n");
    server.stop();
}
}

#[test]
fn greenlets_run_while_another_of_their_request_waits_for_a_message() {
    let server = Server::start(Engine::Coroutine, "gevent_talking", &[]);
    for path in ["/ticks", "/ticks?gevents"] {
        let mut peer = Peer::connect(&server, path, &[]);
        assert_eq!([(); 3].map(|()| peer.text()), ["0", "1", "2"], "{path}");
        peer.send_text("said");
        assert_eq!(peer.text(), "said");
        assert_eq!(peer.closed().0, 1000);
    }
    server.stop();
}

#[test]
fn greenlets_run_while_another_of_their_request_waits_for_a_slow_reader() {
    let server = Server::start(Engine::Coroutine, "gevent_talking", &[]);
    let mut peer = Peer::connect(&server, "/floods", &[]);
    peer.wait_for_some();
    server.wait_for_notes("three beats\n");
    assert!(!server.notes().contains("sent"));
    assert!(peer.bytes() == vec![b'x'; 32 << 20]);
    server.wait_for_notes("sent\n");
    assert_eq!(peer.closed().0, 1000);
    server.stop();
}

#[test]
fn a_greenlet_that_waits_in_vain_takes_no_message_and_is_told_of_the_end() {
    let server = Server::start(Engine::Coroutine, "gevent_talking", &[]);
    let mut peer = Peer::connect(&server, "/timed", &[]);
    assert_eq!(peer.text(), "TimeoutError Timeout GreenletExit");
    for number in 0..100 {
        peer.send_text(&number.to_string());
        assert_eq!(peer.text(), number.to_string());
    }
    let mut left = Peer::connect(&server, "/leaves_one_waiting", &[]);
    assert_eq!(left.closed().0, 1000);
    server.wait_for_notes("closed 1000\n");
    server.signal(Signal::SIGTERM);
    assert_eq!(peer.closed().0, 1001);
    server.end_of_stop();
}
