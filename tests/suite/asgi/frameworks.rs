//! Frameworks as their users use them.

use crate::support::client::get_and_close;
use crate::support::{Client, Engine, Server};

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
