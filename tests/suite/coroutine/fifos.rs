//! The two ends of a FIFO, opened by two requests of one worker.

use crate::support::{Engine, Server};

each_of! { Gthread, Coroutine, Gunicorn; fn a_reader_and_a_writer_meet(engine) {
    let server = Server::start(engine, "fifos", &[]);
    for way in ["os", "io", "c"] {
        for (first, second) in [("read", "write"), ("write", "read")] {
            let fifo = format!("{way}-{first}");
            let mut one = server.waiting_client(&format!("/{first}_{way}?{fifo}"));
            server.wait_for_notes(&format!("{first}_{way} {fifo}"));
            let mut other = server.waiting_client(&format!("/{second}_{way}?{fifo}"));
            let answers = [one.response().text(), other.response().text()];
            assert!(answers.contains(&"through".to_owned()), "{way}: {answers:?}");
        }
    }
    server.stop();
}}

/// More of either kind than any team of helpers for other waits has.
#[test]
fn many_writers_that_wait_keep_no_reader_out() {
    const MANY: usize = 80;
    let server = Server::start(Engine::Coroutine, "fifos", &[]);
    let open = |view: &str| {
        server.waiting_for_each((0..MANY).map(|number| format!("/{view}_os?many-{number}")))
    };
    let writers = open("write");
    for number in 0..MANY {
        server.wait_for_notes(&format!("write_os many-{number}\n"));
    }
    let mut all = open("read");
    all.extend(writers);
    for client in &mut all {
        assert_eq!(client.response().status, 200);
    }
    server.stop();
}

each_of! { Gthread, Coroutine, Gunicorn; fn others_are_answered_beside_one_whose_other_end_never_comes(engine) {
    let mut server = Server::start(engine, "fifos", &["--graceful-timeout", "1"]);
    let _alone = server.waiting_client("/read_os?alone");
    server.wait_for_notes("read_os alone");
    for _ in 0..10 {
        assert_eq!(server.get("/hello").text(), "hello");
    }
    // The request is cut off at the stop, which is said in the log.
    server.expect_errors();
    if engine == Engine::Gunicorn {
        server.signal(nix::sys::signal::Signal::SIGKILL);
    } else {
        server.stop();
    }
}}
