//! Server hooks: functions of the config file, called as gunicorn calls them.

use nix::sys::signal::Signal;

use crate::support::client::get;
use crate::support::{Engine, Launch, Server};

/// Notes each call of each hook in `$NOTES`.
const NOTING: &str = r#"
import os
master = os.getpid()
def note(*words):
    place = 'master' if os.getpid() == master else 'worker'
    with open(os.environ['NOTES'], 'a') as notes:
        notes.write(' '.join(map(str, (place, *words))) + '\n')
def on_starting(server): note('on_starting', server.pid == master, server.cfg.workers)
def on_reload(server): note('on_reload')
def when_ready(server): note('when_ready', len(server.LISTENERS))
def pre_fork(server, worker): note('pre_fork', worker.age)
def post_fork(server, worker): note('post_fork', worker.age, worker.pid == os.getpid())
def post_worker_init(worker): note('post_worker_init', callable(worker.wsgi))
def child_exit(server, worker): note('child_exit', worker.age)
def worker_exit(server, worker): note('worker_exit', worker.age)
def worker_int(worker): note('worker_int')
def nworkers_changed(server, new, old): note('nworkers_changed', new, old)
def on_exit(server): note('on_exit')
def pre_request(worker, req): note('pre_request', req.method, req.uri, req.path, req.query)
def post_request(worker, req, environ, resp):
    note('post_request', environ['PATH_INFO'], resp.status, resp.headers != [])
"#;

fn start(engine: Engine, config: &str) -> Server {
    let launch = Launch::new(engine);
    launch.scratch.write("gunicorn.conf.py", config);
    launch.args(&["hello"]).start()
}

each_of! { Sync, Coroutine, Gunicorn; fn hooks_are_called_in_gunicorns_order(engine) {
    let server = start(engine, NOTING);
    assert_eq!(server.get("/a?b").status, 200);
    server.signal(Signal::SIGTERM);
    server.wait_for_notes("on_exit");
    let notes = server.notes();
    let expected = [
        "master nworkers_changed 1 None",
        "master on_starting True 1",
        "master when_ready 1",
        "master pre_fork 1",
        "worker post_fork 1 True",
        "worker post_worker_init True",
        "worker pre_request GET /a?b /a b",
        "worker post_request /a 200 OK True",
        "worker worker_exit 1",
        "master child_exit 1",
        "master on_exit",
    ];
    let notes: Vec<&str> = notes.lines().collect();
    // gunicorn's master waits for no child_exit before on_exit.
    assert_eq!(notes[..9], expected[..9]);
    if !engine.is_gunicorn() {
        assert_eq!(notes, expected);
        server.end_of_stop();
    }
}}

each_of! { Sync, Coroutine, Gthread; fn a_quick_stop_calls_worker_int(engine) {
    let server = start(engine, NOTING);
    assert_eq!(server.get("/").status, 200);
    server.signal(Signal::SIGINT);
    server.wait_for_notes("worker_int");
    server.end_of_stop();
}}

each_of! { Sync, Coroutine; fn a_reload_calls_on_reload_before_new_workers_start(engine) {
    let server = start(engine, NOTING);
    assert_eq!(server.get("/").status, 200);
    server.signal(Signal::SIGHUP);
    server.wait_for_notes("child_exit 1");
    let notes = server.notes();
    let at = |text| notes.find(text).unwrap_or_else(|| panic!("{text}:\n{notes}"));
    assert!(at("on_reload") < at("pre_fork 2"));
    server.stop();
}}

each_of! { Sync; fn a_start_hook_that_raises_ends_the_start(engine) {
    for hook in ["on_starting", "when_ready"] {
        let mut server = start(engine, &format!("def {hook}(server): raise ValueError('no')\n"));
        assert_eq!(server.exit_code(), 1, "{hook}");
        assert!(server.log().contains("ValueError: no"), "{}", server.log());
    }
}}

each_of! { Sync; fn a_worker_hook_that_raises_fails_the_boot_with_3(engine) {
    for hook in ["post_fork(server, worker)", "post_worker_init(worker)"] {
        let mut server = start(engine, &format!("def {hook}: raise ValueError('no')\n"));
        assert_eq!(server.exit_code(), 3, "{hook}");
        assert!(server.log().contains("ValueError: no"), "{}", server.log());
    }
}}

each_of! { Sync, Coroutine; fn pre_request_that_raises_is_answered_with_500(engine) {
    let mut server = start(engine, "def pre_request(worker, req): raise ValueError('no')\n");
    server.expect_errors();
    assert_eq!(server.get("/").status, 500);
    assert!(server.log().contains("ValueError: no"));
    server.stop();
}}

// gunicorn: tells what the application had given before it raised.
each_of! { Sync, Coroutine; fn post_request_is_told_what_the_client_got(engine) {
    let launch = Launch::new(engine);
    launch.scratch.write("gunicorn.conf.py", NOTING);
    let mut server = launch.args(&["closing"]).start();
    server.expect_errors();
    assert_eq!(server.get("/fails_at_once").status, 500);
    server.wait_for_notes("post_request /fails_at_once 500 Internal Server Error False");
    server.stop();
}}

each_of! { Sync, Coroutine; fn post_request_that_raises_harms_no_response(engine) {
    let mut server = start(engine, "def post_request(worker, req): raise ValueError('no')\n");
    server.expect_errors();
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.get("/").status, 200);
    server.stop();
}}

each_of! { Sync, Coroutine; fn a_failed_on_reload_keeps_the_old_workers(engine) {
    let mut server = start(engine, "def on_reload(server): raise ValueError('no')\n");
    server.expect_errors();
    assert_eq!(server.get("/").status, 200);
    let worker = server.worker_pid();
    server.signal(Signal::SIGHUP);
    server.wait_for_log("ValueError: no");
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.worker_pid(), worker);
    server.stop();
}}

each_of! { Coroutine; fn a_worker_that_a_hook_ends_is_replaced(engine) {
    let config = "def post_request(worker, req): worker.alive = req.path != '/end'\n";
    let server = start(engine, config);
    assert_eq!(server.get("/").status, 200);
    let worker = server.worker_pid();
    assert_eq!(server.get("/end").status, 200);
    server.wait_for_workers_without(worker, 1);
    server.stop();
}}

each_of! { Sync; fn a_hook_with_too_few_arguments_is_refused_with_its_line(engine) {
    let mut server = start(engine, "\ndef post_fork(worker): pass\n");
    assert_eq!(server.exit_code(), 1);
    let log = server.log();
    assert!(log.contains("gunicorn.conf.py:2") && log.contains("2 arguments"), "{log}");
}}

each_of! { Sync, Gunicorn; fn threads_that_a_hook_starts_run_in_the_master(engine) {
    let config = r#"
import http.server, threading, os
class Figures(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()
    def log_message(self, *arguments): pass
def when_ready(server):
    figures = http.server.HTTPServer(('127.0.0.1', 0), Figures)
    threading.Thread(target=figures.serve_forever, daemon=True).start()
    with open(os.environ['NOTES'], 'w') as notes: notes.write('port %d\n' % figures.server_port)
"#;
    let server = start(engine, config);
    server.wait_for_notes("\n");
    let port: u16 = server.notes().trim().trim_start_matches("port ").parse().unwrap();
    assert_eq!(get(([127, 0, 0, 1], port).into(), "/").status, 200);
    server.stop();
}}

each_of! { Sync; fn a_number_of_workers_that_a_hook_sets_is_refused_with_a_word(engine) {
    let server = start(engine, "def when_ready(server): server.num_workers = 4\n");
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.worker_pids().len(), 1);
    assert!(server.log().contains("TTIN"), "{}", server.log());
    server.stop();
}}
