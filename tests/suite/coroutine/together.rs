//! Answers that leave together wait for nobody: neither for the next request, nor for a client that does
//! not read.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::client::{exchange_over, get_and_close, get_request};
use crate::support::processes::status_number;
use crate::support::wait::{self, PATIENCE};
use crate::support::{Client, Engine, Launch, Server};

/// A server that serves one request at a time, and is busy with one until [`open`]: all others stand in
/// line meanwhile. No request that computes lets others run.
fn shut() -> (Server, Client) {
    const ALONE: [&str; 6] =
        ["--requests-in-progress", "1", "--carriers", "1", "--switch-interval", "0"];
    let server = Server::start(Engine::Coroutine, "together", &ALONE);
    // Only what is short is held: the first ones are not.
    for _ in 0..100 {
        assert_eq!(server.get("/soon").text(), "soon");
    }
    let gate = server.waiting_client("/gate");
    server.wait_for_notes("shut");
    (server, gate)
}

fn open(server: &Server, gate: &mut Client) {
    fs::write(server.scratch.path().join("open"), "").unwrap();
    assert_eq!(gate.response().text(), "open");
}

#[test]
fn an_answer_does_not_wait_for_the_next_request_that_keeps_the_gil() {
    let (server, mut gate) = shut();
    let mut soon = server.connect();
    soon.send(get_request("/soon"));
    let mut keeper = server.waiting_client("/keeps_the_gil");
    open(&server, &mut gate);
    assert_eq!(soon.response().text(), "soon");
    let came = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let ended: f64 = keeper.response().text().parse().unwrap();
    assert!(came < ended, "{}", came - ended);
    server.stop();
}

#[test]
fn an_answer_does_not_wait_for_its_own_close() {
    let (server, mut gate) = shut();
    let mut soon = server.connect();
    soon.send(get_request("/closes_slowly"));
    let mut next = server.waiting_client("/soon");
    open(&server, &mut gate);
    assert_eq!(soon.response().text(), "soon");
    assert!(!server.notes().contains("closed"));
    assert_eq!(next.response().text(), "soon");
    server.stop();
}

#[test]
fn answers_to_clients_that_do_not_read_are_whole_and_in_order() {
    const REQUESTS: usize = 600;
    let server = Server::start(Engine::Coroutine, "together", &[]);
    let mut clients: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for client in &mut clients {
        let requests: String =
            (0..REQUESTS).map(|n| get_request(&format!("/numbered?{n}"))).collect();
        client.send(requests);
    }
    for client in clients.iter_mut().rev() {
        for n in 0..REQUESTS {
            let text = client.response().text();
            let number = format!("{n} ");
            assert_eq!(text, number.repeat(12_000 / number.len()), "{n}");
        }
        assert_eq!(client.get("/soon").text(), "soon");
    }
    server.stop();
}

/// What clients read at last that have sent one numbered request, two, three, and `then` something, and
/// take no answer before all have sent everything. A unix socket has room for a few answers, and one of
/// the clients has sent what there is no room for.
fn taken_late(then: &str) -> Vec<String> {
    const MOST: usize = 30;
    let arguments = ["-b", "unix:app.sock", "--keep-alive", "1", "together"];
    let server = Launch::new(Engine::Coroutine).args(&arguments).start_unbound();
    let socket = server.scratch.file("app.sock");
    let connect = || UnixStream::connect(&socket).ok();
    let mut clients: Vec<UnixStream> =
        (0..MOST).map(|_| wait::until("the unix socket", PATIENCE, connect)).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        let requests: String = (0..=n).map(|n| get_request(&format!("/numbered?{n}"))).collect();
        client.write_all(format!("{requests}{then}").as_bytes()).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    let read = |mut client: UnixStream| {
        let mut text = String::new();
        client.read_to_string(&mut text).expect("the end of the connection");
        text
    };
    let mut clients = clients.into_iter();
    // Its connection is closed a second after its one answer: nobody makes progress any more.
    let first = clients.next().map(read);
    let readers = clients.map(|client| thread::spawn(move || read(client)));
    let readers: Vec<_> = readers.collect();
    let others = readers.into_iter().map(|reader| reader.join().unwrap());
    let answers = first.into_iter().chain(others).collect();
    server.stop();
    answers
}

#[test]
fn who_takes_an_answer_late_has_all_of_them_and_is_kept_no_longer_than_others() {
    for (n, answers) in taken_late("").iter().enumerate() {
        assert_eq!(answers.matches("200 OK").count(), n + 1);
        assert!(answers.ends_with(&format!(" {n} ")), "{n}");
    }
}

#[test]
fn an_answer_is_whole_however_the_request_goes_on() {
    let spoilt =
        "POST /numbered?last HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    for (n, answers) in taken_late(spoilt).iter().enumerate() {
        assert_eq!(answers.matches("last ").count(), 12_000 / "last ".len(), "{n}");
    }
}

/// How many answers to `/numbered` a unix socket has room for whose client does not read.
fn room() -> usize {
    const LENGTH: usize = 12_000 + 150;
    let (writer, _reader) = UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    let mut sent = 0;
    while (&writer).write(&[0; LENGTH]).is_ok_and(|count| count == LENGTH) {
        sent += 1;
    }
    sent
}

#[test]
fn clients_that_have_said_all_and_do_not_read_cost_no_threads() {
    const CLIENTS: usize = 40;
    let arguments = ["-b", "unix:app.sock", "--carriers", "1", "together"];
    let server = Launch::new(Engine::Coroutine).args(&arguments).start_unbound();
    let socket = server.scratch.file("app.sock");
    let connect = || UnixStream::connect(&socket).ok();
    let mut clients: Vec<UnixStream> =
        (0..CLIENTS).map(|_| wait::until("the unix socket", PATIENCE, connect)).collect();
    // The last answer is one too many.
    let requests = room() + 1;
    let asked = get_request("/numbered_and_noted?1").repeat(requests);
    for client in &mut clients {
        client.write_all(asked.as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    let all = CLIENTS * requests;
    wait::until_true("all are answered", || server.notes().lines().count() == all);
    exchange_over(&socket, get_and_close("/soon"));
    let threads = status_number(server.worker_pid(), "Threads");
    assert!(threads < 20, "{threads} threads");
    for mut client in clients {
        let mut text = String::new();
        client.read_to_string(&mut text).expect("the end of the connection");
        assert_eq!(text.matches("200 OK").count(), requests);
        assert!(text.ends_with(&"1 ".repeat(6_000)));
    }
    server.stop();
}

#[test]
fn an_answer_is_sent_before_the_process_ends() {
    for way in [
        "os._exit",
        "os.abort",
        "os.execv",
        "os.execve",
        "execvp",
        "execvpe",
        "fexecve",
        "_exit",
        "_Exit",
        "exit",
        "quick_exit",
    ] {
        let (mut server, mut gate) = shut();
        let mut soon = server.connect();
        soon.send(get_request("/soon"));
        let _last = server.waiting_client(&format!("/ends?{way}"));
        open(&server, &mut gate);
        let answer = soon.response_or_close();
        assert_eq!(answer.map(|answer| answer.text()).as_deref(), Some("soon"), "{way}");
        server.expect_errors();
        server.stop();
    }
}
