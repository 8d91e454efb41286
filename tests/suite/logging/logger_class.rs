//! An object of `logger_class`: it writes the logs, and hears what gunicorn tells it, as often.

use nix::sys::signal::Signal;

use crate::logging::sample::{FORMAT, ask, launch, lines};
use crate::support::comparison::compare;
use crate::support::{Collector, Daemon, Launch, wait};

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

each_of! { Sync; fn a_config_file_that_needs_gunicorn_says_so(engine) {
    let mut server = launch(engine, "from gunicorn.nowhere import Logger\n", "").start();
    assert_eq!(server.exit_code(), 1);
    assert!(server.log().contains("install gunicorn beside unicoro"), "{}", server.log());
}}

/// Notes who was called, and with which exception at hand.
const HEARING: &str = r#"
import sys
from gunicorn.glogging import Logger

class Hearing(Logger):
    def note(self, *words):
        with open("heard", "a") as file:
            file.write(" ".join(map(str, words)) + "\n")

    def access(self, resp, req, environ, request_time):
        self.note("access", resp.status, req.path)
        super().access(resp, req, environ, request_time)

    def error(self, msg, *args, **kwargs):
        self.note("error", msg % args)

    def exception(self, msg, *args, **kwargs):
        raised = sys.exc_info()[1]
        deepest = raised.__traceback__
        while deepest.tb_next:
            deepest = deepest.tb_next
        self.note("exception", msg % args, type(raised).__name__, deepest.tb_frame.f_code.co_name)
        super().exception(msg, *args, **kwargs)

logger_class = Hearing
"#;

// Without accesslog: what counts requests does not write them.
each_of! { Sync, Gthread, Coroutine; fn it_hears_of_each_request_and_exception(engine) {
    compare(engine, |engine| {
        let mut server = launch(engine, HEARING, "").start();
        ask(&mut server);
        let found = lines(&server, "heard", " ", 4);
        server.stop();
        found
    });
}}

each_of! { Sync, Gthread, Coroutine; fn it_hears_of_hooks_that_raise(engine) {
    compare(engine, |engine| {
        let hook = "def post_request(worker, req, environ, resp):\n    raise KeyError('hook')\n";
        let mut server = launch(engine, &format!("{HEARING}{hook}"), "").start();
        server.expect_errors();
        assert_eq!(server.get("/").status, 200);
        let found = lines(&server, "heard", "exception", 1);
        server.stop();
        found.iter().map(|line| line.ends_with(" KeyError post_request")).collect::<Vec<_>>()
    });
}}

const COUNTING: &str = r#"
from gunicorn.instrument.statsd import Statsd

class Counting(Statsd):
    def access(self, resp, req, environ, request_time):
        super().access(resp, req, environ, request_time)
        self.increment("mine", 1)

logger_class = Counting
statsd_prefix = "site"
"#;

each_of! { Sync, Gthread, Coroutine; fn a_statsd_of_its_own_sends_each_figure_once(engine) {
    compare(engine, |engine| {
        let collector = Collector::new();
        let host = format!("statsd_host = '{}'\n", collector.address());
        let mut server = launch(engine, &format!("{COUNTING}{host}"), "").start();
        ask(&mut server);
        assert_eq!(server.get("/last").status, 200);
        let mut figures = Vec::new();
        for _ in 0..4 {
            // All up to this one.
            collector.read_until("site.mine:1", |message| {
                let name = message.split(':').next().unwrap_or_default();
                if name.contains("request") || name.contains("exception") {
                    figures.extend(message.lines().map(|line| line.split(':').next().unwrap().to_owned()));
                }
            });
        }
        server.stop();
        figures.sort();
        figures
    });
}}

const SETTING_UP: &str = r#"
from gunicorn.glogging import Logger

class SettingUp(Logger):
    def setup(self, cfg):
        super().setup(cfg)
        open("setups", "a").write("set up\n")

logger_class = SettingUp
pidfile = "site.pid"
bind = "unix:site.sock"
errorlog = "errors"
"#;

each_of! { Sync, Coroutine; fn it_is_set_up_once_in_the_background(engine) {
    compare(engine, |engine| {
        // gunicorn's worker hears no TERM before it is ready.
        let ready = "def post_worker_init(worker):\n    open('ready', 'w').close()\n";
        let conf = format!("{SETTING_UP}{ready}");
        let mut server = launch(engine, &conf, "").args(&["-D"]).start_unbound();
        let daemon = Daemon::of(&mut server, "site.pid");
        wait::until_true("the worker", || server.scratch.file("ready").exists());
        lines(&server, "errors", "Booting worker", 1);
        let found = lines(&server, "setups", "set up", 1);
        daemon.stop();
        found
    });
}}

each_of! { Sync; fn one_that_fails_in_the_background_says_so_in_errorlog(engine) {
    let conf = SETTING_UP.replace("open(\"setups\"", "raise ValueError(\"no\") or open(\"setups\"");
    let mut server = launch(engine, &conf, "").args(&["-D"]).start_unbound();
    assert_eq!(server.exit_code(), 0);
    lines(&server, "errors", "ValueError: no", 1);
}}

// gunicorn: HUP keeps the class.
each_of! { Sync, Gthread, Coroutine; fn a_reload_without_it_has_each_line_once(engine) {
    let settings = format!("accesslog = 'accesses'\nerrorlog = 'errors'\n{FORMAT}");
    let class = SETTING_UP.split("pidfile").next().unwrap();
    let adding = class.replace("        open(", "        self.access_log.addHandler(__import__('logging').\
        FileHandler('more'))\n        open(");
    let mut server = launch(engine, &format!("{adding}{settings}"), "").start();
    assert_eq!(server.get("/before").status, 200);
    lines(&server, "accesses", "GET /before", 1);
    let old = server.worker_pid();
    server.scratch.write("gunicorn.conf.py", &settings);
    server.signal(Signal::SIGHUP);
    server.wait_for_workers_without(old, 1);
    assert_eq!(server.get("/last").status, 200);
    ask(&mut server);
    lines(&server, "accesses", "/boom", 1);
    lines(&server, "errors", "[ERROR] Error handling request", 1);
    assert_eq!(lines(&server, "accesses", "GET /last", 1).len(), 1);
    assert_eq!(lines(&server, "errors", "[ERROR] Error handling request", 1).len(), 1);
    assert!(!server.scratch.read("more").contains("/last"));
    server.stop();
}}

each_of! { Sync; fn its_cfg_is_gunicorns(engine) {
    compare(engine, |engine| {
        let showing = "\ndef when_ready(server):\n    cfg = server.cfg\n    values = cfg.is_ssl, \
            cfg.logconfig_dict, cfg.default_proc_name, cfg.sendfile, cfg.statsd_host, \
            cfg.settings['sendfile'].name\n    open('shown', 'a').write(f'{values!r}\\n')\n";
        ["", "sendfile = False\nstatsd_host = 'LocalHost:9'\nproc_name = 'site'\n",
         "statsd_host = 'unix:///tmp/none'\ndefault_proc_name = 'site'\n"].map(|conf| {
            let server = launch(engine, &format!("{conf}{showing}"), "").start();
            assert_eq!(server.get("/").status, 200);
            let found = lines(&server, "shown", "(", 1);
            server.stop();
            found
        })
    });
}}
