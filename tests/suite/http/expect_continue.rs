//! Expect: 100-continue is answered when the app first reads, and not before.

use crate::support::Server;

const ASKING: &str = "HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\
                      Connection: close\r\n\r\n";

each_of! { Sync, Coroutine; fn continue_is_sent_once_when_the_app_reads(engine) {
    let server = Server::start(engine, "reading", &[]);
    let mut client = server.connect();
    client.send(format!("POST /read_in_fives {ASKING}"));
    let interim = client.response();
    assert_eq!((interim.status, interim.headers.len()), (100, 0));
    client.send("12345");
    assert_eq!(client.response().text(), "b'12345'");
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Sync, Coroutine; fn continue_is_not_sent_when_the_app_never_reads(engine) {
    let server = Server::start(engine, "reading", &[]);
    let mut client = server.connect();
    client.send(format!("POST /ignore {ASKING}"));
    assert_eq!(client.response().status, 200);
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Coroutine; fn refused_body_ends_the_connection(engine) {
    // The client may send the body or the next request now; the server cannot tell which.
    let server = Server::start(engine, "reading", &[]);
    let mut client = server.connect();
    let asking = ASKING.replace("Connection: close\r\n", "");
    client.send(format!("POST /ignore {asking}"));
    let response = client.response();
    assert_eq!(response.status, 200);
    assert!(response.says_close());
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Sync, Coroutine; fn http_1_0_gets_no_interim_response(engine) {
    let server = Server::start(engine, "reading", &[]);
    let mut client = server.connect();
    client.send(format!("POST /read_all {}12345", ASKING.replace("1.1", "1.0")));
    assert_eq!(client.response().text(), "b'12345'");
    server.stop();
}}

each_of! { Sync, Coroutine; fn body_that_has_come_needs_no_continue(engine) {
    let server = Server::start(engine, "reading", &[]);
    let mut client = server.connect();
    client.send(format!("POST /read_all {ASKING}12345"));
    let mut response = client.response();
    if response.status == 100 {
        response = client.response(); // RFC 9110 10.1.1 lets the server leave it out; it need not
    }
    assert_eq!(response.text(), "b'12345'");
    server.stop();
}}

each_of! { Gthread, Coroutine; fn body_that_has_come_unasked_keeps_the_connection(engine) {
    let server = Server::start(engine, "reading", &[]);
    let mut client = server.connect();
    let asking = ASKING.replace("Connection: close\r\n", "");
    for _ in 0..2 {
        client.send(format!("POST /read_all {asking}12345"));
        let response = client.response();
        assert_eq!((response.text().as_str(), response.says_close()), ("b'12345'", false));
    }
    server.stop();
}}
