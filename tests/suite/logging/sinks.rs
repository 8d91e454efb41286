//! Where the logs and figures go besides files: syslog, statsd, JSON, and a pipe that nobody reads.

use std::net::UdpSocket;

use crate::support::{Launch, Server, wait};

/// Datagrams on a port of its own.
pub struct Collector(UdpSocket);

impl Collector {
    pub fn new() -> Collector {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(wait::PATIENCE)).unwrap();
        Collector(socket)
    }

    pub fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Reads until one contains `text`.
    pub fn wait_for(&self, text: &str) -> String {
        self.read_until(text, |_| ())
    }

    /// The same; `see` sees all that came before.
    pub fn read_until(&self, text: &str, mut see: impl FnMut(&str)) -> String {
        loop {
            let mut buffer = [0; 4096];
            let length = wait::uninterrupted(|| self.0.recv(&mut buffer))
                .unwrap_or_else(|_| panic!("no {text:?} came"));
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if message.contains(text) {
                return message;
            }
            see(&message);
        }
    }
}

each_of! { Sync, Coroutine, Gthread; fn both_logs_go_to_syslog(engine) {
    let collector = Collector::new();
    let to = format!("udp://{}", collector.address());
    let arguments = ["--log-syslog", "--log-syslog-to", &to, "--log-syslog-facility", "local0"];
    let server = Server::start(engine, "hello", &arguments);
    assert_eq!(server.get("/where").status, 200);
    assert!(collector.wait_for("Listening at").starts_with("<134>"));
    let access = collector.wait_for("/where");
    assert!(access.contains(" unicoro.hello.access["), "{access}");
    server.stop();
}}

each_of! { Sync, Coroutine, Gthread, Gunicorn; fn figures_have_gunicorns_names(engine) {
    let collector = Collector::new();
    let address = collector.address();
    let arguments = ["--statsd-host", &address, "--statsd-prefix", "site"];
    let server = Server::start(engine, "hello", &arguments);
    assert_eq!(server.get("/").status, 200);
    // One datagram or several.
    collector.wait_for("site.gunicorn.request.duration:");
    assert_eq!(server.get("/").status, 200);
    collector.wait_for("site.gunicorn.requests:1|c|@1.0");
    assert_eq!(server.get("/").status, 200);
    collector.wait_for("site.gunicorn.request.status.200:1|c|@1.0");
    server.stop();
}}

each_of! { Coroutine; fn the_queue_is_measured(engine) {
    let collector = Collector::new();
    let address = collector.address();
    let server =
        Server::start(engine, "hello", &["--statsd-host", &address, "--enable-backlog-metric"]);
    collector.wait_for("gunicorn.backlog:0|h");
    server.stop();
}}

each_of! { Sync, Coroutine, Gthread; fn the_access_log_can_be_json(engine) {
    let server = Server::start(engine, "hello", &["--access-log-json"]);
    assert_eq!(server.get("/%0a?\"").status, 200);
    let line = wait::until("an access-log line", wait::PATIENCE, || {
        server.scratch.read("stdout").split_once('\n').map(|(line, _)| line.to_owned())
    });
    assert!(line.starts_with("{\"time\":\""), "{line}");
    assert!(line.contains(r#""path":"/\u000a","query":"\"""#), "{line}");
    assert!(line.contains("\"status\":200,"), "{line}");
    server.stop();
}}

each_of! { Sync, Coroutine, Gthread; fn a_log_that_nobody_reads_delays_no_request(engine) {
    let launch = Launch::new(engine);
    let fifo = launch.scratch.file("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    // Open for reading as well, so that it can be opened; and then never read.
    let reader = std::fs::File::options().read(true).write(true).open(&fifo).unwrap();
    let mut server =
        launch.args(&["--access-logfile", fifo.to_str().unwrap(), "hello"]).start();
    server.expect_errors();
    // A pipe holds 64 KiB: some hundred lines.
    let path = format!("/{}", "x".repeat(2000));
    for _ in 0..300 {
        assert_eq!(server.get(&path).status, 200);
    }
    server.wait_for_log("takes no more lines");
    drop(reader);
    server.stop();
}}
