//! Whatever changes one of the server's loggers is noticed, wherever it happens; and a line that
//! Python's logging writes is the server's own line.

use nix::sys::signal::Signal;

use crate::logging::sample::{APP, DICT, FORMAT, launch, lines};
use crate::support::comparison::compare;
use crate::support::{Engine, Launch, processes, wait};

/// What an application does to `gunicorn.access`, once `/change` is asked for.
const CHANGING: &str = r#"
import io, logging, logging.handlers

class Noting(logging.Handler):
    def emit(self, record):
        with open("noted", "a") as file:
            file.write("noted %s\n" % record.args["U"])

def note(record):
    Noting().emit(record)
    return True

log = logging.getLogger("gunicorn.access")

def change():
    @CHANGE@

def changing(environ, start_response):
    if environ["PATH_INFO"] == "/change":
        change()
    return app(environ, start_response)
"#;

/// The lines of standard output and of the file that the change leads to, after it was made in
/// a request, or before any with `is_early`.
fn seen(engine: Engine, change: &str, is_early: bool) -> (Vec<String>, Vec<String>) {
    let mut app = CHANGING.replace("@CHANGE@", change);
    if is_early {
        app += "\nchange()\n";
    }
    let conf = "accesslog = '-'\naccess_log_format = 'line %(U)s'\n";
    let launch = Launch::new(engine).args(&["said:changing"]);
    launch.scratch.write("gunicorn.conf.py", conf);
    launch.scratch.write("said.py", &format!("{app}\n{}", APP));
    let server = launch.start();
    let asked: &[&str] = if is_early { &["/one", "/two"] } else { &["/one", "/change", "/two"] };
    for path in asked {
        assert_eq!(server.get(path).status, 200);
        if !is_early && *path == "/one" {
            // Written after the answer, as gunicorn's.
            lines(&server, "stdout", "/one", 1);
        }
    }
    // By the end everything is written.
    let scratch = server.scratch.path().to_owned();
    server.signal(Signal::SIGTERM);
    let read = |file: &str| -> Vec<String> {
        let text = std::fs::read_to_string(scratch.join(file)).unwrap_or_default();
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    wait::until_true("the worker's end", || server.worker_pids().is_empty());
    let found = (read("stdout"), read("noted"));
    server.end_of_stop();
    found
}

const CHANGES: [&str; 15] = [
    "logging.disable(logging.INFO)",
    "log.handlers[0].stream = open('noted', 'a')",
    "log.handlers[0].setStream(open('noted', 'a'))",
    "log.handlers[0].emit = note",
    "log.handle = note",
    "log.handlers[0].formatter._style._fmt = 'styled %(message)s'; log.handlers[0].level = 1",
    "log.handlers.append(Noting())",
    "log.handlers.insert(0, Noting())",
    "log.handlers.extend([Noting()])",
    "log.handlers += [Noting()]",
    "log.handlers[:] = [Noting()]",
    "log.handlers[0] = Noting()",
    "log.handlers.clear()",
    "del log.handlers[0]",
    "log.filters.append(note)",
];

each_of! { Sync, Coroutine; fn a_change_in_a_request_is_noticed(engine) {
    for change in CHANGES {
        assert_eq!(seen(engine, change, false), seen(engine.kin(), change, false), "{change}");
    }
}}

each_of! { Sync, Coroutine; fn a_change_at_import_is_noticed(engine) {
    for change in CHANGES.into_iter().chain([
        "log.handlers[0].formatter._style._fmt = 'styled %(message)s'",
        "log.handlers[0].formatter.format = lambda record: 'made'",
    ]) {
        assert_eq!(seen(engine, change, true), seen(engine.kin(), change, true), "{change}");
    }
}}

each_of! { Sync, Gthread, Coroutine; fn a_request_whose_hook_raises_has_its_line(engine) {
    let hook = "def pre_request(worker, req):\n    if req.path == '/boom':\n        raise KeyError('hook')\n";
    for conf in [format!("accesslog = '-'\n{FORMAT}"), format!("{FORMAT}{DICT}")] {
        compare(engine, |engine| {
            let mut server = launch(engine, &format!("{conf}{hook}"), "").start();
            server.expect_errors();
            assert_eq!(server.get("/boom?a=b").status, 500);
            assert_eq!(server.get("/fine").status, 200);
            let file = if conf.contains(DICT) { "own" } else { "stdout" };
            lines(&server, file, "/fine", 1);
            let found = lines(&server, file, "\"GET /boom", 1);
            server.stop();
            found
        });
    }
}}

/// Nothing that a filter does, and what an application does to its environ.
const MEDDLING: &str = r#"
import logging
ADD

def meddling(environ, start_response):
    if environ["PATH_INFO"] == "/popped":
        for name in ("RAW_URI", "REQUEST_METHOD", "SERVER_PROTOCOL"):
            del environ[name]
        environ[5] = 6
    start_response("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    return [b"hello"]
"#;

each_of! { Sync, Gthread, Coroutine; fn a_filter_changes_no_line(engine) {
    let look = |engine: Engine, path: &str, add: &str| {
        let launch = Launch::new(engine).args(&["said:meddling"]);
        let format = r#"access_log_format = '"%(r)s" %(U)s %(q)s %({x-in}i)s %({set-cookie}o)s %(a)s end'"#;
        launch.scratch.write("gunicorn.conf.py", &format!("accesslog = '-'\n{format}\n"));
        launch.scratch.write("said.py", &MEDDLING.replace("ADD", add));
        let server = launch.start();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-In: one\r\nX-In: two\r\n\
            User-Agent: a\\b\"\u{e9}\r\nConnection: close\r\n\r\n");
        assert!(server.exchange(request).starts_with("HTTP/1.1 200"));
        let found = lines(&server, "stdout", "end", 1);
        server.stop();
        found
    };
    let filter = "logging.getLogger('gunicorn.access').addFilter(lambda record: True)";
    for path in ["/plain?c", "/%c3%a9%22%0a", "/popped"] {
        assert_eq!(look(engine, path, filter), look(engine, path, ""), "{path}");
    }
    let lines = |engine| look(engine, "/plain?c", filter)[0].split(" a\\").next().unwrap().to_owned();
    assert_eq!(lines(engine), lines(engine.kin()));
}}

each_of! { Sync, Coroutine; fn a_formatter_of_json_has_the_text(engine) {
    let json = r#"
import json, logging

class Json(logging.Formatter):
    def format(self, record):
        return json.dumps([record.args["U"], record.args["a"], record.args["{x-in}i"], record.args["none"]])
"#;
    let conf = "logconfig_dict = {'formatters': {'generic': {'()': 'shaped.Json'}, 'plain': {}}, \
        'handlers': {'error_console': {'class': 'logging.StreamHandler', 'formatter': 'plain'}, \
        'out': {'class': 'logging.StreamHandler', 'formatter': 'generic', 'stream': 'ext://sys.stdout'}}, \
        'loggers': {'gunicorn.access': {'handlers': ['out'], 'level': 'INFO', 'propagate': False}}, \
        'root': {'handlers': ['error_console']}}\n";
    compare(engine, |engine| {
        let launch = launch(engine, conf, "");
        launch.scratch.write("shaped.py", json);
        let server = launch.start();
        let request = "GET /caf%c3%a9 HTTP/1.1\r\nHost: x\r\nX-In: c:\\x\r\nUser-Agent: \u{e9}\r\n\
            Connection: close\r\n\r\n";
        assert!(server.exchange(request).starts_with("HTTP/1.1 200"));
        let found = lines(&server, "stdout", "[", 1);
        server.stop();
        found
    });
}}

each_of! { Sync, Gthread, Coroutine; fn what_differs_is_said_once_by_all_workers(engine) {
    let adding = "import logging\nlogging.getLogger('gunicorn.access').addFilter(lambda record: True)\n";
    let mut server = launch(engine, "accesslog = '-'\nworkers = 3\n", adding).start();
    // One is told to go, and not by the master.
    server.expect_errors();
    let old = server.wait_for_workers(3);
    server.wait_for_log("Python's logging writes");
    let count = || server.log().matches("Python's logging writes").count();
    processes::signal(old[0], Signal::SIGTERM);
    server.wait_for_workers_without(old[0], 3);
    // It serves when all the others have gone.
    wait::until_true("its boot", || server.log().matches("Booting worker").count() == 4);
    server.signal(Signal::SIGHUP);
    wait::until_true("the reload's", || count() == 2);
    wait::until_true("its boots", || server.log().matches("Booting worker").count() == 7);
    assert_eq!(count(), 2, "{}", server.log());
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn a_record_says_who_has_made_it(engine) {
    let noting = "import logging\n\n\nclass Noting(logging.Handler):\n    def emit(self, record):\n        \
        open('noted', 'a').write(f'{record.name} {record.threadName} {record.module} \
        {record.funcName} end\\n')\n\n\n\
        for name in ('gunicorn.access', 'gunicorn.error'):\n    \
        logging.getLogger(name).addHandler(Noting())\n";
    let server = launch(engine, "accesslog = '-'\n", noting).start();
    assert!(server.exchange("GET /r HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").contains(" 400 "));
    assert_eq!(server.get("/").status, 200);
    let found = lines(&server, "noted", "gunicorn.error", 1);
    assert!(found.iter().any(|line| line.ends_with("unicoro-log loggers emit end")), "{found:?}");
    let found = lines(&server, "noted", "gunicorn.access", 2);
    assert!(found.iter().all(|line| line.ends_with(" loggers access end")), "{found:?}");
    assert!(!server.scratch.read("noted").contains("Dummy"), "{found:?}");
    server.stop();
}}

each_of! { Sync, Coroutine; fn what_changes_no_line_leaves_the_logs_to_the_server(engine) {
    let harmless = "import logging.config, gevent.monkey\nlog = logging.getLogger('gunicorn.error')\n\
        gevent.monkey.patch_all()\nlogging.getLogger('gunicorn')\nsite = logging.getLogger('site')\n\
        site.handlers = log.handlers\nsite.setLevel(log.level)\nlogging.basicConfig(force=True)\n\
        logging.config.dictConfig({'version': 1, 'disable_existing_loggers': False})\n\
        log.isEnabledFor(10)\nlog.addFilter(print)\nlog.removeFilter(print)\n\
        logging.disable(20)\nlogging.disable(0)\nsite.warning('by site')\n";
    let server = launch(engine, "accesslog = '-'\n", harmless).start();
    assert_eq!(server.get("/").status, 200);
    lines(&server, "stdout", "GET /", 1);
    server.wait_for_log("by site");
    assert!(!server.log().contains("Python's logging writes"), "{}", server.log());
    server.stop();
}}
