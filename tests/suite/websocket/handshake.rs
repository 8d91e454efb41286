//! From a request to a WebSocket, or to a plain answer.

use crate::support::websocket::{Peer, handshake};
use crate::support::{Engine, Server};

each_of! { Sync, Gthread, Coroutine;
fn what_asks_for_a_websocket_may_be_accepted_or_answered_plainly(engine) {
    let server = Server::start(engine, "talking", &["--access-logfile", "-"]);
    let ask = |path: &str, lines: &[&str]| {
        let mut client = server.connect();
        client.send(handshake(path, lines));
        (client.response(), client)
    };
    assert_eq!(server.get("/offered").text(), "False");
    assert_eq!(ask("/offered", &[]).0.text(), "True");
    let (plain, mut client) = ask("/plain", &[]);
    assert_eq!((plain.status, plain.text().as_str()), (200, "plain"));
    if engine != Engine::Sync {
        assert_eq!(client.get("/plain").text(), "plain", "the connection lives on");
    }
    drop(client);

    let lines = ["Sec-WebSocket-Protocol: one, two"];
    let mut peer = Peer::connect(&server, "/accepted", &lines);
    let field = |name| peer.answer.header(name).unwrap_or("none").to_owned();
    assert_eq!(field("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!((field("sec-websocket-protocol"), field("x-room")), ("two".into(), "7".into()));
    assert_eq!(peer.text(), "two False None");
    assert_eq!(peer.bytes(), b"\x00\xff");
    // What the view returns goes nowhere.
    assert_eq!(peer.closed(), (1000, String::new()));
    server.wait_for_access("GET /accepted HTTP/1.1\" 101 0 ");
    server.stop();
}
}

each_of! { Sync, Gthread, Coroutine;
fn a_broken_handshake_is_refused_when_it_is_accepted(engine) {
    let server = Server::start(engine, "talking", &[]);
    let answer = |replaced: &str, with: &str, path| {
        let mut client = server.connect();
        client.send(handshake(path, &[]).replace(replaced, with));
        client.response()
    };
    let old = answer("Version: 13", "Version: 8", "/echo");
    assert_eq!((old.status, old.header("upgrade")), (426, Some("websocket")));
    assert_eq!(old.header("sec-websocket-version"), Some("13"));
    assert!(old.says_close());
    assert_eq!(answer("dGhlIHNhbXBsZSBub25jZQ==", "short", "/echo").status, 400);
    // Whoever does not use it need not know.
    assert_eq!(answer("Version: 13", "Version: 8", "/plain").status, 200);
    assert_eq!(answer("Upgrade: websocket", "Upgrade: h2c", "/offered").text(), "False");
    server.stop();
}
}

each_of! { Sync, Gthread, Coroutine;
fn a_view_that_catches_a_refusal_has_no_say_any_more(engine) {
    let server = Server::start(engine, "talking", &["--access-logfile", "-"]);
    let answer = |path: &str| {
        let mut client = server.connect();
        client.send(handshake(path, &[]).replace("Version: 13", "Version: 8"));
        (client.response(), client)
    };
    for path in ["/caught", "/caught_late"] {
        let (refused, mut client) = answer(path);
        assert!(client.is_closed(), "{path}: more comes behind it");
        assert_eq!((refused.status, refused.header("sec-websocket-version")), (426, Some("13")));
        assert!(!refused.text().contains("of the view"), "{refused:?}");
    }
    // But what has left stays.
    let (answered, _client) = answer("/caught_too_late");
    assert_eq!((answered.status, answered.text().as_str()), (200, "of the view'"));
    server.wait_for_notes("caught 1006 Only version 13 of WebSocket is spoken here.\n");
    server.wait_for_access("GET /caught HTTP/1.1\" 426 ");
    server.stop();
}
}

each_of! { Gthread, Coroutine;
fn whoever_uses_it_first_accepts_it_for_all(engine) {
    let server = Server::start(engine, "talking", &[]);
    for _ in 0..20 {
        let mut peer = Peer::connect(&server, "/used_at_once", &[]);
        for _ in 0..8 {
            assert_eq!(peer.text(), "sent");
        }
        assert_eq!(peer.text(), "raised: []");
    }
    server.stop();
}
}

each_of! { Gthread, Coroutine;
fn code_that_yields_the_fields_of_a_response_may_speak(engine) {
    let server = Server::start(engine, "talking", &[]);
    for path in ["/used_within_start_response", "/used_within_early_hints"] {
        let mut peer = Peer::connect(&server, path, &[]);
        assert_eq!(peer.text(), "between fields");
        assert_eq!(peer.closed().0, 1000);
    }
    server.stop();
}
}
