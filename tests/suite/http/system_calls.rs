//! System calls are most of a small request's cost: they are counted with strace.

use std::collections::HashSet;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::client::get_and_close;
use crate::support::{Engine, Launch, Server, processes, wait};

const REQUESTS: usize = 20;

/// strace attached to a worker and all its threads.
struct Trace<'a> {
    strace: Child,
    server: &'a Server,
}

impl Trace<'_> {
    fn attach(server: &Server) -> Trace<'_> {
        let log = std::fs::File::create(server.scratch.file("strace-says")).unwrap();
        let strace = Command::new("strace")
            .args(["-f", "-s", "40", "-p", &server.worker_pid().to_string()])
            .args(["-e", "trace=read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,sendfile"])
            .arg("-o")
            .arg(server.scratch.file("trace"))
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("strace is installed by tests/setup");
        wait::until_true("strace to attach", || {
            server.scratch.read("strace-says").contains("attached")
        });
        Trace { strace, server }
    }

    /// The traced calls so far.
    fn calls(&self) -> Vec<String> {
        self.server.scratch.read("trace").lines().map(str::to_owned).collect()
    }

    /// The traced calls, once strace has let go.
    fn finish(mut self) -> Vec<String> {
        processes::signal(self.strace.id(), Signal::SIGINT);
        self.strace.wait().unwrap();
        self.calls()
    }
}

/// The file descriptor that a line of strace is about: `123  writev(9, ...`.
fn descriptor(line: &str) -> Option<&str> {
    line.split_once('(')?.1.split([',', ')']).next()
}

fn is_call(line: &str, names: &[&str]) -> bool {
    let call = line.split_whitespace().nth(1).and_then(|word| word.split('(').next());
    call.is_some_and(|call| names.contains(&call))
}

/// All sends and receives on the sockets that responses went out on.
fn traffic(calls: &[String]) -> (usize, usize) {
    let sends = ["write", "writev", "sendto", "sendmsg", "sendfile"];
    let receives = ["read", "readv", "recvfrom", "recvmsg"];
    let of_response = |line: &&String| line.contains("HTTP/1.1 200") && is_call(line, &sends);
    let sockets: HashSet<_> =
        calls.iter().filter(of_response).filter_map(|line| descriptor(line)).collect();
    let on_socket = |line: &&String| descriptor(line).is_some_and(|fd| sockets.contains(fd));
    let count = |names| calls.iter().filter(on_socket).filter(|line| is_call(line, names)).count();
    (count(&sends), count(&receives))
}

fn each_response_is_one_send(engine: Engine, app: &str, text: &str) {
    let server = Server::start(engine, app, &[]);
    assert_eq!(server.get("/").status, 200);
    let trace = Trace::attach(&server);
    for _ in 0..REQUESTS {
        assert_eq!(server.get("/").text(), text);
    }
    let calls = trace.finish();
    assert_eq!(traffic(&calls).0, REQUESTS, "{calls:#?}");
    server.stop();
}

each_of! { Sync, Coroutine; fn small_response_is_one_send(engine) {
    each_response_is_one_send(engine, "hello", "Hello, world!");
}}

// Django's response without a Content-Length is an object that iterates a list.
each_of! { Sync, Gthread, Coroutine; fn small_response_that_iterates_a_list_is_one_send(engine) {
    each_response_is_one_send(engine, "django_app", "Hello from Django");
}}

/// What a traced call has returned, of those with this name.
fn results(calls: &[String], name: &str) -> Vec<usize> {
    let is_end =
        |line: &&String| is_call(line, &[name]) || line.contains(&format!("{name} resumed>"));
    let result = |line: &String| line.rsplit_once(" = ")?.1.parse().ok();
    calls.iter().filter(is_end).filter_map(result).collect()
}

each_of! { Sync, Gthread, Coroutine; fn a_file_goes_to_the_client_by_sendfile(engine) {
    const SIZE: usize = 300_000;
    let launch = Launch::new(engine).args(&["file_wrapper"]);
    let content = launch.scratch.fill("file", SIZE);
    let server = launch.start();
    let trace = Trace::attach(&server);
    assert!(server.get("/whole").body == content);
    // The client may have it all before the last call has returned.
    wait::until_true("all of it to go by sendfile", || {
        results(&trace.calls(), "sendfile").iter().sum::<usize>() == SIZE
    });
    let calls = trace.finish();
    let sent: usize = ["sendto", "sendmsg"].iter().flat_map(|name| results(&calls, name)).sum();
    assert!(sent < 1000, "the head alone is sent otherwise: {calls:#?}");
    server.stop();
}}

#[test]
fn kept_connection_costs_one_receive_and_one_send_a_request() {
    let server = Server::start(Engine::Coroutine, "hello", &[]);
    let mut client = server.connect();
    client.get("/");
    let trace = Trace::attach(&server);
    for _ in 0..REQUESTS {
        client.get("/");
    }
    let calls = trace.finish();
    let (sends, receives) = traffic(&calls);
    assert_eq!(sends, REQUESTS, "{calls:#?}");
    assert!(receives <= REQUESTS + 2, "{receives} receives: {calls:#?}");
    client.send(get_and_close("/"));
    client.response();
    server.stop();
}
