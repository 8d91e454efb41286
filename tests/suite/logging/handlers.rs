//! Filters and handlers that the configuration, a hook or the application gives the server's
//! loggers: asked as gunicorn's are, and no request waits for them.

use std::io::{Read, Write};
use std::net::TcpListener;

use nix::sys::signal::Signal;

use crate::logging::sample::{FORMAT, ask, launch, lines};
use crate::support::comparison::compare;
use crate::support::{Collector, Engine, Launch, wait};

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
