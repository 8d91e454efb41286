//! WebSockets of ASGI applications: their messages, refusals, and how they end. What bounds them is in
//! `lasting`.

use tungstenite::Message;

use crate::support::client::get_and_close;
use crate::support::websocket::{Peer, frame, handshake};
use crate::support::{Client, Engine, Response, Server};

fn start(arguments: &[&str]) -> Server {
    Server::start(Engine::Coroutine, "speaking", arguments)
}

fn ask(server: &Server, path: &str) -> (Response, Client) {
    let mut client = server.connect();
    client.send(handshake(path, &[]));
    (client.response(), client)
}

#[test]
fn messages_come_and_go_as_text_and_as_bytes() {
    let server = start(&["--access-logfile", "-"]);
    let mut peer = Peer::connect(&server, "/echo", &[]);
    peer.send_text("Grüße");
    assert_eq!(peer.text(), "Grüße");
    peer.send_bytes(vec![0, 255]);
    assert_eq!(peer.bytes(), [0, 255]);
    // In pieces, and empty.
    peer.send_raw(&[frame(0x01, b"one "), frame(0x00, b"and "), frame(0x80, b"two")].concat());
    peer.send_text("");
    assert_eq!((peer.text(), peer.text()), ("one and two".into(), String::new()));
    // Larger than what a socket holds.
    let large = vec![7; 5 << 20];
    peer.send_bytes(large.clone());
    assert!(peer.bytes() == large);
    // Without end in between: more than what one task may do in a row.
    for number in 0..1000 {
        peer.send_text(&number.to_string());
    }
    for number in 0..1000 {
        assert_eq!(peer.text(), number.to_string());
    }
    assert_eq!(peer.close(4000, "done"), (4000, "done".into()));
    server.wait_for_notes("websocket.disconnect 4000 done\n");
    server.wait_for_access("GET /echo HTTP/1.1\" 101 0 ");
    server.stop();
}

#[test]
fn the_scope_is_that_of_a_websocket() {
    let server = start(&[]);
    let lines = ["Sec-WebSocket-Protocol: one, two"];
    let mut peer = Peer::connect(&server, "/show_scope", &lines);
    let field = |name| peer.answer.header(name).unwrap_or("none").to_owned();
    assert_eq!(field("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!((field("sec-websocket-protocol"), field("x-room")), ("two".into(), "7".into()));
    let scope = peer.text();
    for part in [
        r#""type": "websocket""#,
        r#""asgi": {"version": "3.0", "spec_version": "2.5"}"#,
        r#""http_version": "1.1""#,
        r#""scheme": "ws""#,
        r#""path": "/show_scope""#,
        r#""raw_path": "/show_scope""#,
        r#""query_string": """#,
        r#""root_path": """#,
        r#"["host", "test"], ["upgrade", "websocket"]"#,
        r#""client": "127.0.0.1""#,
        r#""server": "127.0.0.1""#,
        r#""subprotocols": ["one", "two"]"#,
        r#""state": {}"#,
        r#""extensions": {"websocket.http.response": {}}"#,
    ] {
        assert!(scope.contains(part), "{part}: {scope}");
    }
    assert!(!scope.contains(r#""method""#), "{scope}");
    assert_eq!(peer.bytes(), b"\x00\xff");
    // It has returned.
    assert_eq!(peer.closed(), (1000, String::new()));
    for said in ["X-Forwarded-Proto: https", "X-Forwarded-Proto: wss"] {
        let mut peer =
            Peer::connect(&server, "/show_scope", &["Sec-WebSocket-Protocol: one, two", said]);
        assert!(peer.text().contains(r#""scheme": "wss""#), "{said}");
    }
    server.stop();
}

#[test]
fn one_that_is_not_accepted_is_answered_in_http() {
    let server = start(&["--access-logfile", "-"]);
    let (refused, _) = ask(&server, "/refuse");
    assert_eq!(refused.status, 403);
    assert!(refused.says_close());
    server.wait_for_notes("{'type': 'websocket.disconnect', 'code': 1006, 'reason': ''}");
    server.wait_for_access("GET /refuse HTTP/1.1\" 403 ");
    let (denied, mut client) = ask(&server, "/deny");
    assert_eq!((denied.status, denied.text().as_str()), (401, "who are you?"));
    assert_eq!(denied.header("content-type"), Some("text/plain"));
    server.wait_for_notes("websocket.disconnect");
    // It is an answer like any other.
    assert_eq!(client.get("/").text(), "http");
    server.stop();
}

#[test]
fn one_whose_application_fails_before_it_is_accepted_gets_500() {
    let mut server = start(&[]);
    server.expect_errors();
    assert_eq!(ask(&server, "/fail_early").0.status, 500);
    server.wait_for_log("ValueError: before it was accepted");
    assert_eq!(ask(&server, "/say_nothing").0.status, 500);
    server.wait_for_log("GET /say_nothing: the application returned without a response");
    server.stop();
}

#[test]
fn how_the_application_ends_is_how_the_connection_is_closed() {
    let mut server = start(&[]);
    server.expect_errors();
    let mut peer = Peer::connect(&server, "/fail", &[]);
    assert_eq!((peer.text(), peer.closed()), ("soon".into(), (1011, String::new())));
    server.wait_for_log("Error handling the WebSocket GET /fail\n");
    server.wait_for_log("ValueError: a fault of the application");
    let mut peer = Peer::connect(&server, "/leave", &[]);
    assert_eq!((peer.text(), peer.closed()), ("bye".into(), (1000, String::new())));
    server.stop();
}

#[test]
fn an_application_that_has_closed_it_may_go_on_without_the_connection() {
    let server = start(&["--access-logfile", "-"]);
    let mut peer = Peer::connect(&server, "/close", &[]);
    peer.send_text("now");
    assert_eq!(peer.closed(), (4001, "enough".into()));
    server.wait_for_notes("{'type': 'websocket.disconnect', 'code': 4001, 'reason': 'enough'}");
    server.wait_for_notes(
        "Unexpected ASGI message 'websocket.send', after sending 'websocket.close'",
    );
    server.wait_for_access("GET /close HTTP/1.1\" 101 0 ");
    assert!(!server.notes().contains("goes on"));
    server.scratch.write("go-on", "");
    server.wait_for_notes("goes on");
    server.stop();
}

#[test]
fn a_client_that_leaves_is_heard_of_and_sending_to_it_raises() {
    let server = start(&[]);
    // With a code, without one, and without a word.
    assert_eq!(Peer::connect(&server, "/wait", &[]).close(3000, "off").0, 3000);
    server.wait_for_notes(
        "websocket.disconnect 3000 off\nOSError: the WebSocket is closed: 3000 off\n",
    );
    let mut peer = Peer::connect(&server, "/wait", &[]);
    peer.socket.close(None).unwrap();
    server.wait_for_notes("websocket.disconnect 1005\n");
    drop(peer);
    drop(Peer::connect(&server, "/wait", &[]));
    server.wait_for_notes("websocket.disconnect 1006\n");
    // Before it was answered.
    let mut client = server.connect();
    client.send(handshake("/hear_before_accept", &[]));
    server.wait_for_notes("offered");
    drop(client);
    server.wait_for_notes("{'type': 'websocket.disconnect', 'code': 1006, 'reason': ''}");
    // The exception that it was left to is no fault.
    assert!(!server.log().contains("Error handling"), "{}", server.log());
    server.stop();
}

#[test]
fn what_breaks_the_protocol_of_asgi_raises_and_harms_nothing() {
    let server = start(&[]);
    let mut peer = Peer::connect(&server, "/misuse", &[]);
    let said = peer.text();
    let said: Vec<&str> = said.lines().collect();
    let begins = [
        "RuntimeError: Expected ASGI message 'websocket.accept', 'websocket.close' or",
        "ValueError: the application chose the subprotocol \"unheard-of\"",
        "TypeError: ",
        "RuntimeError: Expected ASGI message 'websocket.send' or 'websocket.close', but got",
        "ValueError: a websocket.send has no bytes and no text",
        "TypeError: a message is str or bytes",
        "ValueError: the close code 1005 may not be sent",
        "TypeError: the code of a websocket.close is 1000, another of RFC 6455's or 3000 to 4999, not int: 70000",
        "TypeError: 'reason' of an ASGI message is a str, not int: 7",
    ];
    assert_eq!(said.len(), begins.len(), "{said:?}");
    for (line, begin) in said.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
    assert_eq!(peer.closed().0, 1000);
    server.stop();
}

#[test]
fn a_handshake_that_breaks_a_rule_is_refused_without_the_application() {
    let server = start(&[]);
    let answer = |replaced: &str, with: &str| {
        let mut client = server.connect();
        client.send(handshake("/echo", &[]).replace(replaced, with));
        client.response()
    };
    let old = answer("Version: 13", "Version: 8");
    assert_eq!((old.status, old.header("sec-websocket-version")), (426, Some("13")));
    assert!(old.says_close());
    assert_eq!(answer("dGhlIHNhbXBsZSBub25jZQ==", "short").status, 400);
    // These are ordinary requests.
    assert_eq!(answer("Upgrade: websocket", "Upgrade: h2c").text(), "http");
    assert_eq!(answer("Connection: Upgrade", "Connection: keep-alive").text(), "http");
    assert!(server.exchange(get_and_close("/")).ends_with("http"));
    server.stop();
}

#[test]
fn what_comes_around_the_handshake_is_received() {
    let server = start(&[]);
    // In one piece with it, which no client may do, and while a task receives already.
    for path in ["/echo", "/accept_while_receiving"] {
        let mut client = server.connect();
        client.send([handshake(path, &[]).into_bytes(), frame(0x81, b"early")].concat());
        let answer = client.response();
        assert_eq!(answer.status, 101);
        let mut peer = Peer::continuing(client, answer);
        assert_eq!(peer.text(), "early", "{path}");
        peer.close(1000, "");
    }
    let mut peer = Peer::connect(&server, "/accept_while_receiving", &[]);
    peer.send_text("soon");
    assert_eq!(peer.text(), "soon");
    peer.send_text("and again");
    assert_eq!(peer.closed().0, 1000);
    server.stop();
}

#[test]
fn a_wait_that_is_given_up_loses_no_message() {
    let server = start(&[]);
    let mut peer = Peer::connect(&server, "/give_up_receiving", &[]);
    server.wait_for_notes("gave up");
    peer.send_text("here");
    assert_eq!(peer.text(), "here True");
    server.stop();
}

#[test]
fn messages_of_which_tasks_were_cancelled_come_in_their_order() {
    let server = start(&[]);
    let mut peer = Peer::connect(&server, "/give_up_two", &[]);
    for text in ["one", "two", "three"] {
        peer.send_text(text);
    }
    server.scratch.write("go-on", "");
    assert_eq!(peer.text(), "one two three");
    server.stop();
}

#[test]
fn tasks_that_send_at_once_send_each_message_whole() {
    let server = start(&[]);
    let mut peer = Peer::connect(&server, "/send_from_many", &[]);
    peer.send_text("go on");
    let mut counts = [0; 8];
    for _ in 0..160 {
        let text = peer.text();
        let number = text.as_bytes()[0];
        assert!(text.bytes().all(|byte| byte == number), "{text}");
        let digit = usize::from(number - b'0');
        assert_eq!(text.len(), 1000 * (digit + 1) + counts[digit]);
        counts[digit] += 1;
    }
    assert_eq!(peer.text(), "all sent, go on");
    server.stop();
}

#[test]
fn a_message_that_was_prepared_is_the_same_for_all() {
    let server = start(&[]);
    let offer = ["Sec-WebSocket-Extensions: permessage-deflate"];
    let mut peers: Vec<Peer> = [&[][..], &offer, &[]]
        .into_iter()
        .map(|lines| Peer::connect(&server, "/talk", lines))
        .collect();
    assert!(peers[1].answer.header("sec-websocket-extensions").unwrap().contains("deflate"));
    peers[0].send_text("for all");
    for peer in &mut peers {
        assert_eq!(peer.text(), "for all");
    }
    server.stop();
}

#[test]
fn a_ping_is_answered_while_the_application_is_elsewhere() {
    let server = start(&[]);
    let mut peer = Peer::connect(&server, "/elsewhere", &[]);
    server.wait_for_notes("elsewhere");
    peer.send_text("unread");
    peer.send_raw(&frame(0x89, b"there?"));
    assert_eq!(peer.control(), Message::Pong(b"there?".as_slice().into()));
    server.scratch.write("go-on", "");
    assert_eq!(peer.text(), "unread");
    peer.send_text("more");
    assert_eq!(peer.text(), "more");
    assert_eq!(peer.close(1000, "").0, 1000);
    server.stop();
}
