//! `unicoro.wsgi_to_asgi`: WSGI applications within an ASGI application.

use crate::support::{Engine, Launch, Server};

fn launch(arguments: &[&str]) -> Launch {
    Launch::new(Engine::Coroutine).args(&["mounted:app"]).args(arguments)
}

fn post(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n"
    )
}

#[test]
fn its_requests_wait_together_in_green_threads() {
    let server = launch(&[]).env("TOGETHER", "200").start();
    server.answers_at_once(200, "/old/meet", "together");
    assert_eq!(server.get("/").text(), "\"new\"");
    server.stop();
}

#[test]
fn its_environ_says_where_it_is_mounted() {
    let server = launch(&["--root-path", "/api"]).start();
    let mut client = server.connect();
    client.send(
        "GET /wsgi/a%20%C3%A9?q=%20 HTTP/1.1\r\nHost: example\r\nX-Two: 1\r\nx-two: 2\r\nA_b: no\r\n\
         Cookie: a=1\r\nCookie: b=2\r\n\r\n",
    );
    let shown = client.response().text();
    for what in [
        r#""SCRIPT_NAME": "/api/wsgi""#,
        r#""PATH_INFO": "/a \u00c3\u00a9""#,
        r#""QUERY_STRING": "q=%20""#,
        r#""HTTP_HOST": "example""#,
        r#""HTTP_X_TWO": "1,2""#,
        r#""HTTP_COOKIE": "a=1; b=2""#,
        r#""REMOTE_ADDR": "127.0.0.1""#,
        r#""SERVER_NAME": "127.0.0.1""#,
        r#""SERVER_PROTOCOL": "HTTP/1.1""#,
        r#""wsgi.url_scheme": "http""#,
    ] {
        assert!(shown.contains(what), "no {what} in {shown}");
    }
    assert!(!shown.contains("A_B"), "{shown}");
    client.send(post("/valid/", 3) + "abc");
    assert_eq!(client.response().text(), "abc");
    assert_eq!(client.get("/valid/").text(), "");
    client.send(post("/old/upload", 2_000_000) + &"x".repeat(2_000_000));
    assert_eq!(client.response().text(), "2000000 of text/plain at /api/old");
    drop(client);
    server.stop();
}

#[test]
fn a_path_has_its_bytes_whatever_they_are() {
    let server = launch(&["--root-path", "/api"]).start();
    let path_info = |path: &str| {
        let shown: serde_json::Value = serde_json::from_str(&server.get(path).text()).unwrap();
        shown["PATH_INFO"].as_str().unwrap().to_owned()
    };
    // Latin-1 and not UTF-8; both; and what stands for what is neither.
    assert_eq!(path_info("/wsgi/caf%E9/%FF"), "/caf\u{e9}/\u{ff}");
    assert_eq!(path_info("/wsgi/%E9%C3%A9%2F"), "/\u{e9}\u{c3}\u{a9}/");
    assert_eq!(path_info("/wsgi/%EF%BF%BD"), "/\u{ef}\u{bf}\u{bd}");
    assert_eq!(path_info("/renamed/%E9"), "/show/new \u{c3}\u{a9}");
    server.stop();
}

#[test]
fn it_answers_as_pep_3333_says() {
    let mut server = launch(&[]).start();
    server.expect_errors();
    assert_eq!(server.get("/wsgi/by_write").text(), "written returned");
    let response = server.get("/wsgi/second_head");
    assert_eq!((response.status, response.text().as_str()), (500, "in its place"));
    assert!(
        server.exchange("GET /wsgi/too_late HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("\r\n\r\nabc")
    );
    server.wait_for_log("ValueError: too late");
    assert_eq!(server.get("/wsgi/no_head").status, 500);
    server.wait_for_log("RuntimeError: the application did not call start_response");
    assert_eq!(server.get("/old/fail").status, 500);
    server.wait_for_log("ValueError: on purpose");
    assert_eq!(server.get("/old/absent").status, 404);
    let mut client = server.waiting_client("/wsgi/closed_late");
    assert_eq!(client.response().text(), "done");
    assert!(!server.notes().contains("closed"));
    server.scratch.write("go-on", "");
    server.wait_for_notes("closed");
    drop(client);
    server.stop();
}

#[test]
fn pieces_go_both_ways_as_they_come() {
    let server = launch(&[]).start();
    let mut client = server.connect();
    client.send("POST /wsgi/slowly_read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("4\r\none\n\r\n");
    server.wait_for_notes("read one");
    client.send("4\r\ntwo\n\r\n0\r\n\r\n");
    assert_eq!(client.response().text(), "2 lines");
    let mut client = server.waiting_client("/wsgi/stream");
    client.text_until("first\r\n");
    server.scratch.write("go-on", "");
    let text = client.text_until("0\r\n\r\n");
    assert!(text.contains(" second"), "{text}");
    server.wait_for_notes("closed");
    drop(client);
    server.stop();
}

#[test]
fn an_application_hears_of_the_end_of_its_client_and_its_request() {
    let mut server = launch(&["--request-timeout", "1"]).start();
    server.expect_errors();
    let mut client = server.waiting_client("/wsgi/without_end");
    client.some_bytes();
    drop(client);
    server.wait_for_notes("closed");
    let mut client = server.connect();
    client.send(post("/wsgi/half_read", 10) + "abc");
    drop(client);
    server.wait_for_notes("OSError: the client has left before the end of its body");
    assert_eq!(server.get("/wsgi/overdue").status, 504);
    server.scratch.write("go-on", "");
    server.wait_for_notes("OSError: the request has been cancelled");
    server.stop();
}

#[test]
fn a_request_that_is_cancelled_as_its_application_begins_to_wait_ends() {
    let server = launch(&[]).start();
    for (number, path) in ["/without_end", "/read_lazily"].into_iter().enumerate() {
        assert_eq!(server.get(&format!("/cancelled{path}")).status, 204);
        server.wait_for_notes(&"closed\n".repeat(number + 1));
    }
    server.stop();
}

#[test]
fn one_can_stand_alone() {
    let server = Server::start(Engine::Coroutine, "mounted:alone", &[]);
    assert!(server.get("/show").text().contains(r#""PATH_INFO": "/show""#));
    server.stop();
}
