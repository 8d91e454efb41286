//! Frameworks as their users use them.

use std::io::Read;
use std::net::Shutdown;

use crate::support::client::get_and_close;
use crate::support::websocket::{Peer, handshake};
use crate::support::{Client, Engine, Response, Server};

fn post(client: &mut Client, path: &str, kind: &str, body: &str) -> (u16, String) {
    let length = body.len();
    client.send(format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
    let response = client.response();
    (response.status, response.text())
}

#[test]
fn fastapi_is_served() {
    let mut server = Server::start(Engine::Coroutine, "fast:app", &[]);
    server.expect_errors();
    let mut client = server.connect();
    let response = client.get("/");
    assert_eq!(response.text(), r#"{"message":"Hello, world!"}"#);
    assert_eq!(response.header("x-middleware"), Some("passed"));
    let json = "application/json";
    let item = post(&mut client, "/items/7", json, r#"{"name": "one", "price": 2}"#);
    assert_eq!(item, (200, r#"{"number":7,"name":"one"}"#.to_owned()));
    assert_eq!(post(&mut client, "/items/x", json, "{}").0, 422);
    for (path, status, text) in [
        ("/sync", 200, r#"{"word":"of the start"}"#),
        ("/stream", 200, "piece 0\npiece 1\npiece 2\n"),
        ("/background", 200, "{}"),
        ("/refused", 418, r#"{"detail":"a teapot"}"#),
        ("/handled", 409, r#"{"fault":"handled"}"#),
        ("/absent", 404, r#"{"detail":"Not Found"}"#),
        ("/fail", 500, "Internal Server Error"),
    ] {
        let response = client.get(path);
        assert_eq!((response.status, response.text().as_str()), (status, text), "{path}");
    }
    // In Python's words, as other servers have them.
    assert!(
        server.exchange(get_and_close("/refused")).starts_with("HTTP/1.1 418 I'm a Teapot\r\n")
    );
    server.wait_for_notes("in the background");
    server.wait_for_log("ValueError: on purpose");
    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nabc\r\n--b--\r\n";
    let upload = post(&mut client, "/upload", "multipart/form-data; boundary=b", form);
    assert_eq!(upload, (200, r#"{"name":"a.txt","size":3}"#.to_owned()));
    server.answers_at_once(50, "/", r#"{"message":"Hello, world!"}"#);
    server.answers_at_once(50, "/sync", r#"{"word":"of the start"}"#);
    drop(client);
    server.stop();
}

#[test]
fn starlette_is_served() {
    let server = Server::start(Engine::Coroutine, "fast:starlette", &[]);
    let mut client = server.connect();
    assert_eq!(client.get("/plain").text(), "GET /plain ");
    assert_eq!(post(&mut client, "/plain", "text/plain", "abc").1, "POST /plain abc");
    assert_eq!(client.get("/absent").status, 404);
    server.stop();
}

#[test]
fn a_client_that_leaves_within_its_body_is_no_error_of_starlettes() {
    let server = Server::start(Engine::Coroutine, "fast:starlette", &[]);
    let mut client = server.connect();
    client.send("POST /plain HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nabc");
    let (mut stream, _) = client.into_parts();
    stream.shutdown(Shutdown::Write).unwrap();
    // It is there to take what Starlette makes of it.
    drop(stream.read_to_end(&mut Vec::new()));
    server.wait_for_log("POST /plain: its body did not come whole, and then: ClientDisconnect");
    server.stop();
}

fn denied(server: &Server, path: &str, lines: &[&str]) -> Response {
    let mut client = server.connect();
    client.send(handshake(path, lines));
    client.response()
}

#[test]
fn fastapis_websockets_are_served() {
    let mut server = Server::start(Engine::Coroutine, "fast:app", &[]);
    server.expect_errors();
    let mut peer = Peer::connect(&server, "/rooms/7?name=Ada", &[]);
    let greeting = r#"{"room":7,"name":"Ada","word":"of the start","client":"127.0.0.1"}"#;
    assert_eq!(peer.text(), greeting);
    peer.send_text(r#"["é", 1]"#);
    assert_eq!(peer.text(), r#"{"said":["é",1]}"#);
    assert_eq!(peer.close(1001, "moved on").0, 1001);
    server.wait_for_notes("room left: 1001 moved on\n");
    let mut peer = Peer::connect(&server, "/words", &[]);
    peer.send_text("word");
    assert_eq!(peer.text(), "WORD");
    assert_eq!(peer.close(1000, "").0, 1000);
    server.wait_for_notes("no more words\nlate: 1006\n");
    // Nobody knows the path; a parameter is none.
    assert_eq!(denied(&server, "/absent", &[]).status, 403);
    assert_eq!(denied(&server, "/rooms/x", &[]).status, 403);
    drop(peer);
    server.stop();
}

#[test]
fn fastapis_exceptions_end_websockets() {
    let mut server = Server::start(Engine::Coroutine, "fast:app", &[]);
    server.expect_errors();
    // Before it is accepted: without the header, with WebSocketException, HTTPException, and a response.
    assert_eq!(denied(&server, "/guarded", &[]).status, 403);
    assert_eq!(denied(&server, "/guarded", &["X-Token: unknown"]).status, 403);
    let outdated = denied(&server, "/guarded", &["X-Token: outdated"]);
    assert_eq!((outdated.status, outdated.text().as_str()), (401, r#"{"detail":"an old token"}"#));
    let paying = denied(&server, "/denied", &[]);
    assert_eq!((paying.status, paying.text().as_str()), (402, r#"{"detail":"not you"}"#));
    // Behind that.
    let lines = ["X-Token: good", "Sec-WebSocket-Protocol: one, two"];
    let mut peer = Peer::connect(&server, "/guarded", &lines);
    assert_eq!(peer.answer.header("sec-websocket-protocol"), Some("two"));
    assert_eq!(peer.answer.header("x-token"), Some("good"));
    assert_eq!(peer.bytes(), b"come in");
    assert_eq!(peer.closed(), (4002, "that was all".into()));
    assert_eq!(Peer::connect(&server, "/handled_ws", &[]).closed(), (4003, "handled".into()));
    let mut peer = Peer::connect(&server, "/failing", &[]);
    peer.send_text("now");
    assert_eq!(peer.closed().0, 1011);
    server.wait_for_log("ValueError: in a WebSocket");
    server.stop();
}

#[test]
fn starlettes_websocket_endpoints_are_served() {
    let mut server = Server::start(Engine::Coroutine, "fast:starlette", &[]);
    server.expect_errors();
    let mut peer = Peer::connect(&server, "/endpoint", &["Sec-WebSocket-Protocol: json"]);
    assert_eq!(peer.answer.header("sec-websocket-protocol"), Some("json"));
    peer.send_text(r#"{"a": 1}"#);
    assert_eq!(peer.text(), r#"{"got":{"a":1}}"#);
    // It is no JSON: the endpoint closes with 1003.
    peer.send_text("{");
    assert_eq!(peer.closed().0, 1003);
    server.wait_for_log("Malformed JSON data received");
    server.stop();
}
