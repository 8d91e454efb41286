//! start_response: called late, called again with exc_info, and the head that it makes.

use crate::support::Server;

each_of! { Sync, Coroutine, Gunicorn; fn generator_may_call_start_response_late(engine) {
    let server = Server::start(engine, "writing", &[]);
    let response = server.get("/late_start");
    assert_eq!((response.status, response.reason.as_str()), (201, "Created"));
    assert_eq!((response.header("x-late"), response.text().as_str()), (Some("yes"), "late"));
    server.stop();
}}

each_of! { Sync, Coroutine; fn empty_item_may_come_before_start_response(engine) {
    let server = Server::start(engine, "writing", &[]);
    let response = server.get("/late_start_after_empty");
    assert_eq!((response.status, response.text().as_str()), (201, "late"));
    server.stop();
}}

each_of! { Sync, Coroutine; fn exc_info_replaces_a_head_not_yet_sent(engine) {
    let server = Server::start(engine, "exc_info", &[]);
    let response = server.get("/before_head");
    assert_eq!((response.status, response.text().as_str()), (503, "sorry"));
    assert_eq!(response.header("x-try"), Some("second"));
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn exc_info_after_the_head_ends_the_connection(engine) {
    let mut server = Server::start(engine, "exc_info", &[]);
    let answer = server.exchange("GET /after_head HTTP/1.1\r\nHost: test\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\nthe start"), "{answer}");
    server.wait_for_log("found out late");
    assert_eq!(server.get("/before_head").status, 503);
    server.expect_errors();
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn head_is_sent_as_the_app_gave_it(engine) {
    let server = Server::start(engine, "writing", &[]);
    let answer = {
        let mut client = server.connect();
        client.send("GET /headers HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        client.bytes_to_the_end()
    };
    let expected = b"X-Second: 2\r\nx-first: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
                     X-Latin: caf\xe9\r\nContent-Length: 0\r\n\r\n";
    assert!(answer.starts_with(b"HTTP/1.1 299 Very Well\r\n"));
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.ends_with(expected), "{text}");
    server.stop();
}}
