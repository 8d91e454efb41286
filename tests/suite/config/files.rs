//! Config files as gunicorn's users write them (tests/configs), each under gunicorn and here: what
//! can be seen from outside is the same. Where it is not, on purpose, the test says so.

use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;

use crate::support::client::exchange_over;
use crate::support::comparison::{answer, compare};
use crate::support::{Daemon, Engine, Launch, Server, comparison, processes, repository, wait};

fn launch(engine: Engine, config: &str) -> Launch {
    let path = repository().join("tests/configs").join(config);
    // gunicorn swallows a TERM that comes while a worker boots, and waits for that one to the end.
    Launch::new(engine).args(&["-c".into(), path]).args(&["--graceful-timeout", "3"])
}

fn request(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n{fields}\r\n")
}

/// The answer's head, and its body as text.
fn answered(server: &Server, target: &str, fields: &str) -> (Vec<String>, String) {
    let (head, body) = answer(server, request(target, fields).as_bytes());
    (head, String::from_utf8(body).unwrap())
}

/// The names in the scratch directory but for what the harness has there.
fn files(server: &Server) -> Vec<String> {
    let entries = std::fs::read_dir(server.scratch.path()).unwrap().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !["stdout", "stderr", "notes"].contains(&name.as_str()));
    names.sort();
    names
}

/// Stops either server, and tells its exit code.
fn term(mut server: Server) -> (i32, Vec<String>) {
    server.signal(Signal::SIGTERM);
    let code = server.exit_code();
    (code, files(&server))
}

each_of! { Sync, Gthread, Coroutine; fn values_may_be_computed(engine) {
    compare(engine, |engine| {
        let launch = launch(engine, "counts.conf.py");
        let server = launch.env("APP_ENVIRONMENT", "production").start();
        let long = format!("/{}?q", "x".repeat(6000));
        let answers =
            [answered(&server, "/a%20b", "X-Tell: me\r\n"), answered(&server, &long, "")];
        server.wait_for_workers(3);
        wait::until_true("the access log", || {
            server.scratch.read("accesses").lines().count() == 2
        });
        let accesses = server.scratch.read("accesses");
        // loglevel is warning: a healthy run says nothing.
        let log = server.log();
        (answers, accesses, log, term(server))
    });
}}

/// The notes of the master in their order, and those of each worker.
fn notes_by_process(server: &Server) -> (Vec<String>, Vec<String>) {
    let notes = server.notes();
    let (master, mut workers): (Vec<_>, Vec<_>) =
        notes.lines().map(str::to_owned).partition(|line| line.starts_with("master"));
    // A stable sort: the order within a worker stays.
    workers.sort_by_key(|line| line.split(' ').next().map(str::to_owned));
    (master, workers)
}

fn start_with_every_hook(engine: Engine) -> Server {
    // A worker hears INT, also where a script's `&` has started the tests.
    let words = ["env", "--default-signal=INT"].map(str::to_owned);
    let launch = launch(engine, "every_hook.conf.py").args(&["configured:app"]);
    let server = launch.inside_of(|_| words.to_vec()).start();
    assert_eq!(server.get("/").status, 200);
    // The hook comes after the answer.
    server.wait_for_notes("post_request");
    server
}

each_of! { Sync, Gthread, Coroutine; fn hooks_see_what_gunicorns_see(engine) {
    compare(engine, |engine| {
        let server = start_with_every_hook(engine);
        let answers = answered(&server, "/a%20b?c=d", "X-Tell: me\r\nX-Tell: more\r\n");
        server.wait_for_notes("post_request pre_request /a b");
        let said = ["[INFO] on_starting is at 1\n", "[WARNING] post_fork of 1\n"];
        assert!(said.iter().all(|said| server.log().contains(said)), "{}", server.log());
        server.signal(Signal::SIGTTIN);
        server.wait_for_notes("2 post_worker_init");
        server.signal(Signal::SIGTTOU);
        server.wait_for_notes("child_exit 1");
        server.signal(Signal::SIGTERM);
        server.wait_for_notes("master on_exit");
        let (mut master, workers) = notes_by_process(&server);
        // gunicorn's master does not always wait for a child_exit before its on_exit.
        master.retain(|line| !line.starts_with("master child_exit 2"));
        (answers, master, workers, files(&server))
    });
}}

each_of! { Sync, Gthread, Coroutine; fn hooks_of_a_reload_come_as_under_gunicorn(engine) {
    compare(engine, |engine| {
        let server = start_with_every_hook(engine);
        server.signal(Signal::SIGHUP);
        server.wait_for_notes("child_exit 1");
        server.wait_for_notes("2 post_worker_init");
        let notes = notes_by_process(&server);
        server.stop();
        notes
    });
}}

each_of! { Sync, Gthread, Coroutine; fn hooks_of_signals_come_as_under_gunicorn(engine) {
    for (signal, hook) in [(Signal::SIGABRT, "1 worker_abort"), (Signal::SIGINT, "1 worker_int")] {
        // gunicorn: its gthread worker does not always end by them.
        let [found, expected] = [engine, Engine::GunicornSync].map(|engine| {
            let mut server = start_with_every_hook(engine);
            server.expect_errors();
            processes::signal(server.worker_pid(), signal);
            server.wait_for_notes("child_exit 1");
            let (_, workers) = notes_by_process(&server);
            assert!(workers.iter().any(|line| line == hook), "{workers:?}");
            server.stop();
            let hooks = workers.iter().filter_map(|line| line.strip_prefix("1 "));
            let names = hooks.map(|line| line.split(' ').next().unwrap().to_owned());
            names.collect::<Vec<_>>()
        });
        assert_eq!(found, expected);
    }
}}

each_of! { Sync, Gthread, Coroutine; fn hooks_may_keep_files_for_each_worker(engine) {
    compare(engine, |engine| {
        let server = launch(engine, "prometheus.conf.py").args(&["configured:app"]).start();
        let answers = answered(&server, "/", "");
        let figures = |name: &str| {
            let files = std::fs::read_dir(server.scratch.file(name)).into_iter().flatten();
            files.flatten().count()
        };
        wait::until_true("a file for each worker", || figures("figures") == 2);
        let worker = server.worker_pids()[0];
        processes::signal(worker, Signal::SIGKILL);
        let gone = server.scratch.file(&format!("figures/counter_{worker}.db"));
        wait::until_true("the killed worker's to go", || !gone.exists());
        wait::until_true("its successor's", || figures("figures") == 2);
        let before = files(&server);
        let (code, mut after) = term(server);
        after.retain(|name| !name.starts_with("figures"));
        (answers, before, code, after)
    });
}}

each_of! { Sync, Gthread, Coroutine; fn a_daemon_leaves_the_same_files(engine) {
    compare(engine, |engine| {
        let launch = launch(engine, "background.conf.py").args(&["configured:app"]);
        let mut server = launch.start_unbound();
        let daemon = Daemon::of(&mut server, "site.pid");
        let socket = server.scratch.file("site.sock");
        let answer = comparison::lines(&exchange_over(&socket, request("/print", "")));
        // gunicorn's hear no TERM before they are ready.
        wait::until_true("both workers", || {
            server.scratch.read("error.log").matches("it hears signals").count() == 2
        });
        wait::until_true("the access log", || {
            server.scratch.read("access.log").contains("\"GET /print HTTP/1.1\" 200 ")
        });
        wait::until_true("what the application printed", || {
            server.scratch.read("error.log").contains("printed by the application\n")
        });
        let mode = socket.metadata().unwrap().permissions().mode() & 0o777;
        let text = server.scratch.read("site.pid") == format!("{}\n", daemon.pid);
        let during = files(&server);
        daemon.stop();
        let log = server.scratch.read("error.log");
        let said = ["Listening at: ", "Booting worker with pid: ", "Shutting down: Master"];
        let said = said.map(|text| log.matches(text).count());
        let output = (server.scratch.read("stdout"), server.log());
        (answer, mode, text, during, files(&server), said, output)
    });
}}

each_of! { Sync, Gthread, Coroutine; fn a_file_for_a_server_behind_a_proxy_does_the_same(engine) {
    compare(engine, |engine| {
        let mut server = launch(engine, "proxied.conf.py").args(&["configured:app"]).start();
        server.expect_errors(); // a request that is refused, in gunicorn's log
        let many: String = (0..30).map(|number| format!("X-{number}: 1\r\n")).collect();
        let answers = [
            answered(&server, "/mounted/a?b", "X-Client-Scheme: tls\r\nX_Under_Score: 1\r\n"),
            answered(&server, "/mounted", "X-Client-Scheme: none\r\nX-Tell: me\r\n"),
        ];
        // gunicorn: the reason of a refusal is that of another status, and its page differs.
        let refused = answered(&server, "/mounted/", &many).0[0].split(' ').nth(1).map(str::to_owned);
        let records: Vec<String> = ["loaded app", "/mounted/a took less than 60 s"]
            .map(|text| format!("[WARNING] {text}\n"))
            .into_iter()
            .filter(|text| server.log().contains(text))
            .collect();
        (answers, refused, records, term(server).0)
    });
}}

each_of! { Sync, Gthread, Coroutine; fn a_typo_ends_the_start_and_is_named(engine) {
    let look = |engine| {
        let mut server = launch(engine, "typo.conf.py").args(&["configured:app"]).start_unbound();
        let code = server.exit_code();
        let log = server.log();
        assert!(log.contains("graceful_timeout") && log.contains("3O"), "{log}");
        (code, log)
    };
    let ((code, log), (expected, _)) = (look(engine), look(engine.kin()));
    assert_eq!(code, expected);
    // gunicorn: neither file nor line.
    assert!(log.contains("typo.conf.py:5"), "{log}");

    // Without the mistake that ends the start, the other one: gunicorn passes a name over that is no
    // setting; here it is passed over with a word.
    let text = std::fs::read_to_string(repository().join("tests/configs/typo.conf.py")).unwrap();
    let (text, _) = text.split_once("graceful_timeout").unwrap();
    for engine in [engine, engine.kin()] {
        let launch = Launch::new(engine).args(&["configured:app"]);
        launch.scratch.write("gunicorn.conf.py", text);
        let server = launch.start();
        assert_eq!(server.get("/").status, 200);
        let is_named = server.log().contains("worker_clas (gunicorn.conf.py:3): no such setting");
        assert_eq!(is_named, !engine.is_gunicorn(), "{}", server.log());
        server.stop();
    }
}}
