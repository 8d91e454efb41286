//! Logs that go through Python's logging, because the configuration, a hook or the application asks
//! for it: line for line what gunicorn writes with the same files.

use std::io::{Read, Write};
use std::net::TcpListener;

use nix::sys::signal::Signal;

use crate::support::comparison::compare;
use crate::support::{Collector, Engine, Launch, Server, wait};

pub const APP: &str = r#"
def app(environ, start_response):
    if environ["PATH_INFO"] == "/boom":
        raise ValueError("no")
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Out", "o")])
    return [b"hello"]
"#;

/// What a config file says of the line, without times.
pub const FORMAT: &str = "access_log_format = '%(h)s %(l)s %(u)s \"%(r)s\" %(m)s %(U)s %(q)s %(H)s %(s)s %(b)s \
    %(B)s %(f)s %(a)s %(T)s %({X-In}i)s %({content-type}o)s %({request_method}e)s'\n";

/// `conf` as gunicorn.conf.py, and the application above as `said:app`; `more` comes before it.
pub fn launch(engine: Engine, conf: &str, more: &str) -> Launch {
    let launch = Launch::new(engine).args(&["said:app"]);
    launch.scratch.write("gunicorn.conf.py", conf);
    launch.scratch.write("said.py", &format!("{more}\n{APP}"));
    launch
}

/// Three requests: plain, with fields, and one that the application fails at.
pub fn ask(server: &mut Server) {
    server.expect_errors();
    assert_eq!(server.get("/health").status, 200);
    let request = "GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\nX-In: i\"n\r\nReferer: http://r/\r\n\
                   User-Agent: suite/1\r\nAuthorization: Basic YWxhZGRpbjpzZXNhbWU=\r\n\
                   Connection: close\r\n\r\n";
    assert!(server.exchange(request).starts_with("HTTP/1.1 200"));
    assert_eq!(server.get("/boom").status, 500);
}

/// The lines of a file once there are as many, those that contain `text`, sorted: threads write them.
pub fn lines(server: &Server, file: &str, text: &str, count: usize) -> Vec<String> {
    wait::until(&format!("{count} lines of {text:?} in {file}"), wait::PATIENCE, || {
        let content = server.scratch.read(file);
        // gunicorn has no path for a request that the application failed at.
        let shown = |line: &str| line.replace("GET None", "GET /boom");
        let mut found: Vec<String> =
            content.lines().filter(|line| line.contains(text)).map(shown).collect();
        found.sort();
        (found.len() >= count && content.ends_with('\n')).then_some(found)
    })
}

pub const DICT: &str = "logconfig_dict = {'version': 1, 'formatters': {'named': {'format': \
    '%(name)s|%(levelname)s|%(message)s'}}, 'handlers': {'console': {'class': \
    'logging.StreamHandler'}, 'error_console': {'class': 'logging.StreamHandler'}, 'own': \
    {'class': 'logging.FileHandler', 'filename': 'own', 'formatter': 'named'}}, 'loggers': \
    {'gunicorn.access': {'handlers': ['own'], 'level': 'INFO', 'propagate': False}, \
    'gunicorn.error': {'handlers': ['own'], 'level': 'INFO', 'propagate': False}}}\n";

each_of! { Sync, Gthread, Coroutine; fn a_logconfig_dict_that_names_the_loggers_gets_each_line(engine) {
    compare(engine, |engine| {
        let mut server = launch(engine, &format!("{FORMAT}{DICT}"), "").start();
        ask(&mut server);
        let accesses = lines(&server, "own", "gunicorn.access|", 3);
        let errors = lines(&server, "own", "gunicorn.error|ERROR|", 1);
        let content = server.scratch.read("own");
        assert!(content.contains("\nTraceback (most recent call last):\n"), "{content}");
        assert!(content.contains("gunicorn.error|INFO|Booting worker with pid"), "{content}");
        let errors: Vec<_> = errors.iter().map(|line| line.replace("GET /boom", "/boom")).collect();
        server.stop();
        (accesses, errors)
    });
}}

each_of! { Sync, Coroutine; fn a_logconfig_without_loggers_has_gunicorns(engine) {
    compare(engine, |engine| {
        let conf = "logconfig_dict = {'formatters': {'generic': {'format': '%(name)s|%(message)s'}}}\n";
        let mut server = launch(engine, &format!("{FORMAT}{conf}"), "").start();
        ask(&mut server);
        let found = lines(&server, "stdout", "gunicorn.access|", 6);
        server.stop();
        found
    });
}}

const INI: &str = "[loggers]\nkeys=root,access\n[handlers]\nkeys=own\n[formatters]\nkeys=named\n\
    [logger_root]\nlevel=INFO\nhandlers=own\n[logger_access]\nlevel=INFO\nhandlers=own\n\
    qualname=gunicorn.access\npropagate=0\n[handler_own]\nclass=FileHandler\n\
    args=('own',)\nformatter=named\n[formatter_named]\nformat=%(name)s|%(message)s\n";

each_of! { Sync, Coroutine; fn a_logconfig_file_and_its_json_do_the_same(engine) {
    for (name, text) in [
        ("logconfig", INI.to_owned()),
        ("logconfig_json", DICT.replace("logconfig_dict = ", "").replace('\'', "\"")
            .replace("False", "false")),
    ] {
        compare(engine, |engine| {
            let launch = launch(engine, &format!("{FORMAT}{name} = 'setup'\n"), "");
            launch.scratch.write("setup", &text);
            let mut server = launch.start();
            ask(&mut server);
            let found = lines(&server, "own", "gunicorn.access|", 3);
            server.stop();
            found
        });
    }
}}

/// A filter that drops health checks and marks what is left.
const FILTER: &str = r#"
import logging

class Quiet(logging.Filter):
    def filter(self, record):
        record.args["a"] = type(record.args).__name__[:0] + "masked"
        return record.args["U"] != "/health"
"#;
const ADD: &str = "logging.getLogger('gunicorn.access').addFilter(Quiet())";

each_of! { Sync, Gthread, Coroutine; fn a_filter_on_the_access_log_is_asked_wherever_it_was_added(engine) {
    let log = format!("accesslog = '-'\n{FORMAT}{FILTER}\n");
    for (conf, app) in [
        (format!("{log}{ADD}\n"), String::new()),
        (format!("{log}def post_fork(server, worker):\n    {ADD}\n"), String::new()),
        (format!("{log}def when_ready(server):\n    {ADD}\n"), String::new()),
        (format!("accesslog = '-'\n{FORMAT}"), format!("{FILTER}\n{ADD}\n")),
        // Of the handler, not of the logger; and a formatter.
        (log.clone(), "import logging\nfrom __config__ import Quiet\nhandler = \
            logging.getLogger('gunicorn.access').handlers[0]\nhandler.addFilter(Quiet())\n\
            handler.setFormatter(logging.Formatter('formatted %(message)s'))\n".to_owned()),
    ] {
        compare(engine, |engine| {
            // gunicorn has its config file's names in no module.
            let app = if engine.is_gunicorn() {
                app.replace("from __config__ import Quiet", FILTER)
            } else {
                app.clone()
            };
            let mut server = launch(engine, &conf, &app).start();
            ask(&mut server);
            let found = lines(&server, "stdout", " ", 2);
            server.stop();
            found
        });
    }
}}

each_of! { Sync, Gthread, Coroutine; fn a_filter_that_a_request_adds_is_asked_from_then_on(engine) {
    let launch = Launch::new(engine).args(&["late:app", "--access-logfile", "-"]);
    launch.scratch.write("late.py", &format!(
        "{FILTER}\nfrom hello import app as hello\n\n\ndef app(environ, start_response):\n    \
         if environ['PATH_INFO'] == '/add':\n        {ADD}\n    \
         return hello(environ, start_response)\n"
    ));
    let server = launch.args(&["--access-logformat", "%(U)s"]).start();
    for path in ["/health", "/add", "/health", "/last"] {
        assert_eq!(server.get(path).status, 200);
    }
    assert_eq!(lines(&server, "stdout", "/", 3), ["/add", "/health", "/last"]);
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn an_access_record_has_gunicorns_shape(engine) {
    let noting = "import logging\n\n\nclass Noting(logging.Handler):\n    def emit(self, record):\n        \
        args = record.args\n        kinds = sorted((key, type(value).__name__) for key, value in \
        args.items() if not key.startswith('{'))\n        headers = sorted(key for key in args if \
        key.endswith('i') and key.startswith('{'))\n        text = repr((record.name, \
        record.levelname, record.msg, isinstance(args, dict), args['none'], \
        args['{X-In}i'], args['{request_method}e'], args['{x-out}o'], args['f'], kinds, headers))\n        \
        open('shape', 'a').write(text + '\\n')\n\n\n\
        logging.getLogger('gunicorn.access').addHandler(Noting())\n";
    compare(engine, |engine| {
        let mut server = launch(engine, &format!("accesslog = '-'\n{FORMAT}"), noting).start();
        ask(&mut server);
        let mut found = lines(&server, "shape", "http://r/", 1);
        server.stop();
        found.truncate(1);
        found
    });
}}

const CLASS: &str = r#"
from gunicorn.glogging import Logger

class Ours(Logger):
    def setup(self, cfg):
        super().setup(cfg)
        self.error_log.info("set up with %s", cfg.accesslog)

    def now(self):
        return "[now]"

    def atoms(self, resp, req, environ, request_time):
        found = super().atoms(resp, req, environ, request_time)
        found["mine"] = "%s-%s" % (req.path, resp.status.split()[0])
        return found

    def access(self, resp, req, environ, request_time):
        if req.path != "/health":
            super().access(resp, req, environ, request_time)

    def reopen_files(self):
        super().reopen_files()
        open("reopened", "a").write("reopened\n")

    def info(self, msg, *args, **kwargs):
        super().info("via info: " + msg, *args, **kwargs)
"#;

each_of! { Sync, Gthread, Coroutine; fn a_logger_class_writes_both_logs(engine) {
    let settings = "accesslog = 'accesses'\nerrorlog = 'errors'\naccess_log_format = \
        '%(h)s %(t)s \"%(r)s\" %(s)s %(B)s %(a)s %(mine)s'\n";
    for class in [
        format!("{CLASS}\nlogger_class = Ours\n"), "logger_class = 'ours.Ours'\n".to_owned(),
    ] {
        compare(engine, |engine| {
            let launch = launch(engine, &format!("{settings}{class}"), "");
            launch.scratch.write("ours.py", CLASS);
            let mut server = launch.start();
            ask(&mut server);
            let accesses = lines(&server, "accesses", "GET", 2);
            lines(&server, "errors", "[INFO] via info: Listening at", 1);
            lines(&server, "errors", "[INFO] via info: Booting worker", 1);
            lines(&server, "errors", "[INFO] set up with accesses", 1);
            lines(&server, "errors", "[ERROR] Error handling request", 1);
            lines(&server, "errors", "ValueError: no", 1);
            // logrotate.
            for file in ["accesses", "errors"] {
                server.scratch.rename(file, &format!("{file}.1"));
            }
            server.signal(Signal::SIGUSR1);
            lines(&server, "reopened", "reopened", 2);
            assert_eq!(server.get("/after").status, 200);
            let after = lines(&server, "accesses", "GET", 1);
            server.stop();
            (accesses, after)
        });
    }
}}

each_of! { Sync; fn a_logger_class_that_cannot_be_had_is_an_error_at_the_start(engine) {
    let launch = Launch::new(engine).args(&["--logger-class", "nowhere.Logger", "hello"]);
    let mut server = launch.start();
    assert_eq!(server.exit_code(), 1);
    let log = server.log();
    assert!(log.contains("logger_class = nowhere.Logger") && log.contains("nowhere"), "{log}");
}}

each_of! { Sync, Gthread, Coroutine; fn files_of_a_logconfig_are_reopened(engine) {
    let mut server = launch(engine, &format!("access_log_format = '%(U)s'\n{DICT}"), "").start();
    ask(&mut server);
    lines(&server, "own", "gunicorn.access|", 3);
    server.scratch.rename("own", "old");
    server.signal(Signal::SIGUSR1);
    wait::until_true("a new file", || {
        assert_eq!(server.get("/x").status, 200);
        server.scratch.read("own").contains("gunicorn.access|INFO|/x")
    });
    server.signal(Signal::SIGHUP);
    lines(&server, "own", "gunicorn.error|INFO|", 2);
    server.stop();
}}

each_of! { Gthread, Coroutine; fn a_handler_that_waits_stops_no_other_request(engine) {
    let waiting = "import logging, os, time\n\n\nclass Waiting(logging.Handler):\n    def emit(self, \
        record):\n        if record.args['U'] == '/slow':\n            open('waits', 'w').write('x\\n')\n            \
        while not os.path.exists('go'):\n                time.sleep(0.01)\n        \
        open('done', 'a').write(record.args['U'] + '\\n')\n\n\n\
        logging.getLogger('gunicorn.access').addHandler(Waiting())\n";
    let server = launch(engine, "accesslog = '-'\n", waiting).start();
    // Answered before its line is written.
    assert_eq!(server.get("/slow").status, 200);
    wait::until_true("the handler", || server.scratch.file("waits").exists());
    for _ in 0..5 {
        assert_eq!(server.get("/fast").status, 200);
    }
    server.scratch.write("go", "");
    let done = lines(&server, "done", "/", 6);
    assert_eq!(done.iter().filter(|line| *line == "/fast").count(), 5);
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn a_handler_that_raises_loses_no_request(engine) {
    let raising = "import logging\n\n\nclass Raising(logging.Filter):\n    def filter(self, record):\n        \
        raise SystemExit('at ' + record.name)\n\n\n\
        logging.getLogger('gunicorn.access').addFilter(Raising())\n\
        logging.getLogger('gunicorn.error').addFilter(Raising())\n";
    let mut server = launch(engine, "accesslog = '-'\n", raising).start();
    server.expect_errors();
    let mut client = server.connect();
    for _ in 0..3 {
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(client.response().status, 200);
        if engine == Engine::Sync { client = server.connect(); }
    }
    server.wait_for_log("at gunicorn.access");
    assert_eq!(server.get("/boom").status, 500);
    server.wait_for_log("ValueError: no");
    server.stop();
}}

each_of! { Sync, Coroutine; fn syslog_hears_what_the_settings_say_of_it(engine) {
    let collector = Collector::new();
    let to = format!("udp://{}", collector.address());
    let conf = format!("accesslog = '-'\nsyslog = True\nsyslog_addr = '{to}'\n\
        access_log_format = 'line of %(U)s'\n");
    let server = launch(engine, &conf, &format!("{FILTER}\n{ADD}\n")).start();
    for path in ["/health", "/seen"] {
        assert_eq!(server.get(path).status, 200);
    }
    let message = collector.wait_for("line of ");
    assert!(message.contains(".access") && message.contains("/seen"), "{message}");
    assert_eq!(lines(&server, "stdout", "line of", 1), ["line of /seen"]);
    server.stop();

    let conf = format!("{conf}disable_redirect_access_to_syslog = True\n");
    let server = launch(engine, &conf, &format!("{FILTER}\n{ADD}\n")).start();
    assert_eq!(server.get("/kept").status, 200);
    assert_eq!(lines(&server, "stdout", "line of", 1), ["line of /kept"]);
    server.signal(Signal::SIGHUP);
    assert!(!collector.wait_for("Hang up").contains("line of"));
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn refused_requests_are_logged_too(engine) {
    let server = launch(engine, &format!("access_log_format = '%(r)s %(s)s'\n{DICT}"), "").start();
    assert!(server.exchange("GET /r HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").contains(" 400 "));
    assert!(lines(&server, "own", "gunicorn.access|", 1)[0].ends_with(" 400"));
    lines(&server, "own", "gunicorn.error|INFO|refused a request", 1);
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn what_differs_is_said_in_one_line(engine) {
    let server = launch(engine, DICT, "").start();
    assert_eq!(server.get("/").status, 200);
    assert_eq!(lines(&server, "own", "Python's logging writes", 1).len(), 1);
    server.stop();
    // Nothing that gunicorn.* is about: the server's own logs stay.
    let conf = "accesslog = '-'\nlogconfig_dict = {'loggers': {'site': {'level': 'INFO'}}}\n";
    let server = launch(engine, conf, "").start();
    assert_eq!(server.get("/").status, 200);
    lines(&server, "stdout", "GET /", 1);
    assert!(!server.log().contains("Python's logging writes"), "{}", server.log());
    server.stop();
}}

each_of! { Gthread, Coroutine; fn an_http_handler_waits_as_its_request_does(engine) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let handler = format!(
        "import logging.handlers\nlogging.getLogger('gunicorn.access').addHandler(\
         logging.handlers.HTTPHandler('{}', '/'))\n", listener.local_addr().unwrap()
    );
    let server = launch(engine, "accesslog = '-'\n", &handler).start();
    assert_eq!(server.get("/first").status, 200);
    // It has connected, and waits for an answer that does not come.
    let (mut held, _) = listener.accept().unwrap();
    for _ in 0..5 {
        assert_eq!(server.get("/meanwhile").status, 200);
    }
    for number in 0..6 {
        let mut request = [0; 4096];
        wait::uninterrupted(|| held.read(&mut request)).unwrap();
        held.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        if number < 5 { held = listener.accept().unwrap().0; }
    }
    assert_eq!(lines(&server, "stdout", "GET /", 6).len(), 6);
    server.stop();
}}

each_of! { Sync; fn a_worker_that_hangs_has_its_last_words_in_errorlog(engine) {
    let hanging = "import ctypes\n\n\ndef hang(environ, start_response):\n    \
        ctypes.PyDLL(None).sleep(60)\n\n\n";
    let launch = Launch::new(engine).args(&["--timeout", "1", "hanging:hang"]);
    launch.scratch.write("gunicorn.conf.py", DICT);
    launch.scratch.write("hanging.py", hanging);
    let mut server = launch.start();
    server.expect_errors();
    let mut client = server.connect();
    client.send("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n");
    lines(&server, "own", "gunicorn.error|CRITICAL|WORKER TIMEOUT", 1);
    server.wait_for_log("Where this worker was");
    drop(client);
    server.stop();
}}

each_of! { Sync, Coroutine; fn a_reload_with_a_logconfig_that_fails_keeps_the_logs(engine) {
    let conf = format!("access_log_format = '%(U)s'\n{DICT}");
    let mut server = launch(engine, &conf, "").start();
    server.expect_errors();
    assert_eq!(server.get("/before").status, 200);
    server.scratch.write("gunicorn.conf.py", &conf.replace("logging.FileHandler", "logging.NoHandler"));
    server.signal(Signal::SIGHUP);
    lines(&server, "own", "gunicorn.error|ERROR|", 1);
    assert_eq!(server.get("/after").status, 200);
    assert_eq!(lines(&server, "own", "gunicorn.access|INFO|/after", 1).len(), 1);
    server.scratch.write("gunicorn.conf.py", &conf.replace("access_log_format = '", "access_log_format = 'new "));
    server.signal(Signal::SIGHUP);
    wait::until_true("the new generation", || {
        assert_eq!(server.get("/new").status, 200);
        server.scratch.read("own").contains("new /new")
    });
    assert_eq!(lines(&server, "own", "Hang up", 2).len(), 2);
    server.stop();
}}

each_of! { Sync, Coroutine; fn a_filter_leaves_the_json_of_the_access_log_as_it_is(engine) {
    let conf = "access_log_json = True\n";
    let server = launch(engine, conf, &format!("{FILTER}\n{ADD}\n")).start();
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.get("/%0a?\"").status, 200);
    let found = lines(&server, "stdout", "{", 1);
    assert!(found.len() == 1 && found[0].starts_with("{\"time\":\""), "{found:?}");
    assert!(found[0].contains(r#""method":"GET","target":"/%0a?\"","path":"/\u000a","query":"\"""#), "{found:?}");
    assert!(found[0].contains("\"status\":200,\"bytes\":5,"), "{found:?}");
    server.stop();
}}

each_of! { Sync, Coroutine; fn what_a_client_sends_forges_no_line(engine) {
    let conf = format!("access_log_format = 'start %(U)s %({{x-in}}i)s end'\n{DICT}");
    let server = launch(engine, &conf, "").start();
    server.exchange("GET /%0aforged%22 HTTP/1.0\r\nX-In: a\"b\tc\r\n\r\n");
    let found = lines(&server, "own", "start", 1);
    assert_eq!(found, [r#"gunicorn.access|INFO|start /\nforged\" a\"b\tc end"#]);
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn captured_output_and_a_logconfig_go_together(engine) {
    compare(engine, |engine| {
        let conf = "capture_output = True\nerrorlog = 'errors'\naccess_log_format = '%(m)s %(U)s'\n\
            logconfig_dict = {'root': {'handlers': ['console'], 'level': 'INFO'}, 'loggers': \
            {'gunicorn.access': {'handlers': ['console'], 'propagate': False}}, 'formatters': \
            {'generic': {'format': 'by %(name)s: %(message)s'}}}\n";
        let printing = "import logging\nprint('printed', flush=True)\n\
            logging.getLogger('site').info('logged')\n";
        let mut server = launch(engine, conf, printing).start();
        ask(&mut server);
        let found = lines(&server, "errors", "by gunicorn.access", 3);
        let others = [lines(&server, "errors", "printed", 1), lines(&server, "errors", "by site", 1)];
        // Its handler was left alone.
        lines(&server, "errors", "[ERROR] Error handling request", 1);
        server.stop();
        (found, others)
    });
}}

// gunicorn: its errors are silenced too.
each_of! { Sync, Coroutine; fn an_application_that_disables_all_loggers_keeps_the_servers_errors(engine) {
    let disabling = "import logging.config\nlogging.config.dictConfig({'version': 1})\n";
    let mut server = launch(engine, "accesslog = '-'\n", disabling).start();
    ask(&mut server);
    server.wait_for_log("[ERROR] Error handling request GET /boom");
    assert_eq!(server.scratch.read("stdout"), "");
    server.stop();
}}

each_of! { Sync, Coroutine; fn a_hooks_log_goes_where_the_servers_goes(engine) {
    compare(engine, |engine| {
        let hooks = "def post_fork(server, worker):\n    server.log.info('of %s', 'post_fork')\n    \
            worker.log.log('warning', 'of %(what)s', {'what': 'a worker'})\n";
        let mut server = launch(engine, &format!("{DICT}{hooks}"), "").start();
        ask(&mut server);
        let found = lines(&server, "own", "|of ", 2);
        server.stop();
        found
    });
}}

each_of! { Sync, Gthread, Coroutine; fn a_handler_of_the_error_log_that_waits_holds_nothing_up(engine) {
    let waiting = "import logging, os, time\n\n\nclass Waiting(logging.Handler):\n    def emit(self, \
        record):\n        while 'refused a' in record.getMessage() and not os.path.exists('go'):\n            \
        time.sleep(0.01)\n\n\nlogging.getLogger('gunicorn.error').handlers = [Waiting()]\n";
    let server = launch(engine, "accesslog = '-'\n", waiting).start();
    for _ in 0..5 {
        let answer = server.exchange("GET /r HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
        assert!(answer.contains(" 400 "), "{answer}");
    }
    assert_eq!(server.get("/").status, 200);
    server.signal(Signal::SIGTERM);
    // What it has not come to, the server writes itself: all but the first.
    wait::until_true("the records", || server.log().matches("refused a request").count() == 4);
    server.scratch.write("go", "");
    server.end_of_stop();
}}

each_of! { Sync, Coroutine; fn a_logconfig_needs_no_config_file_and_follows_chdir(engine) {
    compare(engine, |engine| {
        let launch = Launch::new(engine).args(&["--log-config", "setup", "--chdir", "sub", "said:app"]);
        std::fs::create_dir(launch.scratch.file("sub")).unwrap();
        launch.scratch.write("sub/setup", INI);
        launch.scratch.write("sub/said.py", APP);
        let launch = launch.args(&["--access-logformat", "%(m)s %(U)s %(s)s"]);
        let mut server = launch.start();
        ask(&mut server);
        let found = lines(&server, "sub/own", "gunicorn.access|", 3);
        server.stop();
        found
    });
}}

each_of! { Sync, Gthread, Coroutine, Gunicorn; fn an_applications_own_log_files_are_reopened(engine) {
    let logging = "import logging\nlog = logging.getLogger('site')\nlog.setLevel('INFO')\n\
        log.addHandler(logging.FileHandler('site'))\n\n\ndef log_and_answer(environ, start_response):\n    \
        log.info(environ['PATH_INFO'])\n    return app(environ, start_response)\n";
    let launch = Launch::new(engine).args(&["said:log_and_answer"]);
    launch.scratch.write("said.py", &format!("{logging}\n{APP}"));
    let server = launch.start();
    assert_eq!(server.get("/before").status, 200);
    server.scratch.rename("site", "old");
    server.signal(Signal::SIGUSR1);
    wait::until_true("a new file", || {
        assert_eq!(server.get("/after").status, 200);
        server.scratch.read("site").starts_with("/after\n")
    });
    server.stop();
}}

each_of! { Sync; fn a_config_file_that_needs_gunicorn_says_so(engine) {
    let mut server = launch(engine, "from gunicorn.nowhere import Logger\n", "").start();
    assert_eq!(server.exit_code(), 1);
    assert!(server.log().contains("install gunicorn beside unicoro"), "{}", server.log());
}}
