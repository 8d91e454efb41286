//! Where the logs and figures go besides files: syslog, statsd, JSON, and a pipe that nobody reads.

use crate::support::{Collector, Engine, Launch, Server};

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
    let line = server.access_line();
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

// By the wheel above all: for the executable, Rust's runtime opens them too.
each_of! { Sync, Coroutine, Gunicorn; fn a_standard_stream_that_is_closed_is_no_hindrance(engine) {
    for closed in ["2>&-", "1>&-", "0<&- 1>&- 2>&-"] {
        let words = format!("exec \"$@\" {closed}");
        let launch = Launch::new(engine).args(&["--access-logfile", "-", "hello"]);
        let launch = launch.inside_of(|_| ["bash", "-c", &words, "bash"].map(str::to_owned).to_vec());
        let server = launch.start();
        assert_eq!(server.get("/").status, 200, "{closed}");
        let stream = std::fs::read_link(format!("/proc/{}/fd/2", server.worker_pid()));
        let is_closed = !engine.is_gunicorn() && closed.contains("2>&-");
        assert!(!is_closed || stream.unwrap().ends_with("null"));
        server.stop();
    }
}}

#[test]
fn a_standard_stream_that_the_config_file_closes_is_dev_null() {
    let launch = Launch::new(Engine::Sync).args(&["hello"]);
    launch.scratch.write("gunicorn.conf.py", "import os\nos.close(2)\n");
    let server = launch.start();
    assert_eq!(server.get("/").status, 200);
    let stream = std::fs::read_link(format!("/proc/{}/fd/2", server.worker_pid())).unwrap();
    assert!(stream.ends_with("null"), "{stream:?}");
    server.stop();
}
