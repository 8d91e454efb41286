//! A request's input that another request reads, and goes on reading when its own is over.

use crate::support::Server;

const POST: &str = "Host: test\r\nContent-Length: 10\r\n\r\nhalf";

each_of! { Gthread, Coroutine; fn who_reads_anothers_input_disturbs_nobody(engine) {
    let server = Server::start(engine, "lent_input", &[]);
    let mut reader = server.waiting_client("/read_lent");
    let mut lender = server.connect();
    lender.send(format!("POST /lend HTTP/1.1\r\n{POST}"));
    assert_eq!(lender.response().text(), "lent");
    server.wait_for_notes("reads");
    // Its place is another's now, who waits for its own body.
    drop(lender);
    let mut other = server.connect();
    other.send(format!("POST /body HTTP/1.1\r\n{POST}"));
    server.wait_for_notes("waits");
    let answer = reader.response().text();
    assert!(answer.starts_with("failed") || answer.starts_with("read "), "{answer}");
    other.send("whole!");
    assert_eq!(other.response().text(), "read 10");
    server.stop();
}}
