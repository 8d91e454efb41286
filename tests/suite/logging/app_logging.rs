//! Python's loggers that an application finds under gunicorn: `gunicorn.error` and
//! `gunicorn.access`.

use nix::sys::signal::Signal;

use crate::logging::sample::{APP, ask, launch};
use crate::support::{Collector, Launch, Server, wait};

/// As Flask applications do that want their records in gunicorn's log.
const BORROWING: &str = r#"
import logging
gunicorn = logging.getLogger("gunicorn.error")
log = logging.getLogger("site")
log.handlers = gunicorn.handlers
log.setLevel(gunicorn.level)


def app(environ, start_response):
    log.warning("a %s", "warning")
    log.info("only with more words")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("divided")
    gunicorn.error("a caf\N{LATIN SMALL LETTER E WITH ACUTE}")
    access = logging.getLogger("gunicorn.access")
    access.info("an access of my own")
    known = [(each.level, each.propagate, len(each.handlers)) for each in (gunicorn, access)]
    start_response("200 OK", [])
    return [repr(known).encode()]
"#;

fn borrowing(launch: Launch) -> Server {
    launch.scratch.write("borrowing.py", BORROWING);
    launch.args(&["borrowing:app"]).start()
}

each_of! { Sync, Gthread, Coroutine, Gunicorn, GunicornSync;
fn an_applications_records_go_where_gunicorns_handlers_lead(engine) {
    let files = ["--error-logfile", "errors", "--access-logfile", "accesses"];
    let server = borrowing(Launch::new(engine).args(&files).args(&["--log-level", "warning"]));
    assert_eq!(server.get("/").text(), "[(30, False, 1), (20, False, 1)]");
    wait::until_true("the access log", || server.scratch.read("accesses").contains("GET /"));
    let errors = server.scratch.read("errors");
    // [2026-11-21 13:10:00 +0000] [4711] [WARNING] a warning
    let lines: Vec<&str> = errors.lines().map(|line| {
        let is_record = line.starts_with("[2") && line.matches("] [").count() == 2;
        if is_record { line.splitn(3, "] [").last().unwrap() } else { line }
    }).collect();
    assert_eq!(lines[..3], [
        "WARNING] a warning", "ERROR] divided", "Traceback (most recent call last):"
    ], "{errors}");
    assert_eq!(lines[lines.len() - 2..], [
        "ZeroDivisionError: division by zero", "ERROR] a caf\u{e9}"
    ], "{errors}");
    assert!(server.scratch.read("accesses").starts_with("an access of my own\n"));
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn without_an_access_log_its_logger_is_silent(engine) {
    let mut server = borrowing(Launch::new(engine));
    server.expect_errors();
    assert_eq!(server.get("/").text(), "[(20, False, 1), (20, False, 0)]");
    server.wait_for_log("[INFO] only with more words");
    assert!(!server.log().contains("of my own"), "{}", server.log());
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn with_loglevel_critical_errors_are_not_logged(engine) {
    let server = borrowing(Launch::new(engine).args(&["--log-level", "critical"]));
    assert_eq!(server.get("/").text(), "[(50, False, 1), (20, False, 0)]");
    assert_eq!(server.log(), "");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn an_applications_records_go_to_syslog_too(engine) {
    let collector = Collector::new();
    let to = format!("udp://{}", collector.address());
    let mut server = borrowing(Launch::new(engine).args(&["--log-syslog", "--log-syslog-to", &to]));
    server.expect_errors();
    assert_eq!(server.get("/").text(), "[(20, False, 2), (20, False, 1)]");
    let record = collector.wait_for("a warning");
    assert!(record.starts_with("<12>") && record.contains(".error"), "{record}");
    let record = collector.wait_for("an access of my own");
    assert!(record.starts_with("<14>") && record.contains(".access"), "{record}");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn logconfig_may_take_the_handlers_away(engine) {
    let launch = Launch::new(engine);
    launch.scratch.write(
        "gunicorn.conf.py",
        "logconfig_dict = {'handlers': {'own': {'class': 'logging.FileHandler', 'filename': 'own'}, \
         'console': {'class': 'logging.StreamHandler'}, 'error_console': {'class': \
         'logging.StreamHandler'}}, 'formatters': {}, 'loggers': {'gunicorn.error': {'handlers': \
         ['own'], 'level': 'ERROR', 'propagate': False}}}\n",
    );
    let mut server = borrowing(launch);
    server.expect_errors();
    assert!(server.get("/").text().starts_with("[(40, False, 1), "));
    assert!(server.scratch.read("own").ends_with("\na caf\u{e9}\n"));
    assert!(!server.log().contains("a caf"), "{}", server.log());
    server.stop();
}}

each_of! { Sync, Gunicorn; fn a_hook_finds_the_loggers_as_well(engine) {
    let launch = Launch::new(engine).args(&["hello"]);
    launch.scratch.write(
        "gunicorn.conf.py",
        "import logging\n\n\ndef when_ready(server):\n    \
         logging.getLogger('gunicorn.error').warning('from %s', 'a hook')\n    \
         server.log.error_log.info('and by its attribute')\n",
    );
    let server = launch.start();
    assert_eq!(server.get("/").status, 200);
    assert!(server.log().contains("[WARNING] from a hook\n"), "{}", server.log());
    assert!(server.log().contains("[INFO] and by its attribute\n"), "{}", server.log());
    server.stop();
}}

// gunicorn: its own logs are Python's, so logging is there always.
each_of! { Sync, Coroutine; fn an_application_that_does_not_log_does_not_pay_for_it(engine) {
    let launch = Launch::new(engine).args(&["frugal:app"]);
    launch.scratch.write(
        "frugal.py",
        "import sys\n\n\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    \
         return [str('logging' in sys.modules).encode()]\n",
    );
    let server = launch.start();
    assert_eq!(server.get("/").text(), "False");
    server.stop();
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
