//! Settings about processes: background, titles, sockets of one's own, development.

use crate::support::client::{free_addresses, get, wait_for_listener};
use crate::support::{Daemon, Engine, Launch, Server, wait};

fn title(pid: u32) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    text.split('\0').next().unwrap_or_default().to_owned()
}

each_of! { Sync, Coroutine; fn a_daemon_has_left_its_starter(engine) {
    let launch = Launch::new(engine);
    let mut server =
        launch.args(&["-D", "-p", "pid", "--log-file", "log", "-n", "site", "hello"]).start();
    assert_eq!(server.get("/").status, 200);
    let daemon = Daemon::of(&mut server, "pid");
    assert_eq!(title(daemon.pid), "unicoro: master [site]");
    let workers = daemon.workers();
    assert_eq!(workers.len(), 1);
    assert_eq!(title(workers[0]), "unicoro: worker [site]");
    daemon.stop();
    assert!(server.scratch.read("log").contains("Shutting down: Master"));
    assert!(!server.scratch.file("pid").exists());
}}

each_of! { Sync, Coroutine, Gthread; fn with_reuse_port_each_worker_listens_itself(engine) {
    let [address] = free_addresses();
    let bind = address.to_string();
    let server = Launch::new(engine)
        .args(&["-b", &bind, "--reuse-port", "-w", "2", "hello"])
        .start_unbound();
    wait_for_listener(address);
    for _ in 0..20 {
        assert_eq!(get(address, "/").status, 200);
    }
    server.stop();
}}

each_of! { Sync, Coroutine, Gthread; fn a_changed_file_is_served_and_a_broken_one_is_shown(engine) {
    let launch = Launch::new(engine);
    let version = |text: &str| {
        format!(
            "def app(environ, start_response):\n    start_response('200 OK', [])\n    \
             return [b'{text}']\n"
        )
    };
    launch.scratch.write("site_app.py", &version("one"));
    let mut server = launch.args(&["--reload", "site_app:app"]).start();
    server.expect_errors();
    assert_eq!(server.get("/").text(), "one");
    let becomes = |text: &str| {
        wait::until_true(&format!("{text:?} to be served"), || {
            server.get("/").text().contains(text)
        });
    };
    server.scratch.write("site_app.py", &version("second"));
    becomes("second");
    server.scratch.write("site_app.py", "import no_such_module\n");
    becomes("ModuleNotFoundError: No module named 'no_such_module'");
    server.scratch.write("site_app.py", &version("mended"));
    becomes("mended");
    server.stop();
}}

/// Before anybody has looked at the files for the first time.
#[test]
fn a_file_that_is_mended_while_it_fails_to_load_is_served() {
    let launch = Launch::new(Engine::Coroutine).args(&["--reload", "site_app:app"]);
    let text = "def app(environ, start_response):\n    start_response('200 OK', [])\n    \
                return [b'mended']\n";
    let broken = format!("open(__file__, 'w').write({text:?})\nimport no_such_module\n");
    launch.scratch.write("site_app.py", &broken);
    let mut server = launch.start();
    server.expect_errors();
    wait::until_true("the mended file to be served", || server.get("/").text() == "mended");
    server.stop();
}

each_of! { Sync, Gunicorn; fn pythons_logging_is_set_up_from_a_dict(engine) {
    let launch = Launch::new(engine);
    launch.scratch.write(
        "gunicorn.conf.py",
        "logconfig_dict = {'formatters': {'short': {'format': 'SAID %(message)s'}}, 'handlers': \
         {'console': {'class': 'logging.StreamHandler', 'formatter': 'short'}, 'error_console': \
         {'class': 'logging.StreamHandler', 'formatter': 'short'}}}\n",
    );
    let text = "import logging\nlogging.getLogger('site').warning('hello')\n\
                def app(environ, start_response):\n    start_response('200 OK', [])\n    return []\n";
    launch.scratch.write("talking.py", text);
    let server = launch.args(&["talking:app"]).start();
    assert_eq!(server.get("/").status, 200);
    server.wait_for_log("SAID hello");
    server.stop();
}}

each_of! { Sync; fn what_has_no_effect_is_said_once_and_what_is_refused_names_another_way(engine) {
    let server = Server::start(engine, "hello", &["--worker-tmp-dir", "/dev/shm"]);
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.log().matches("worker_tmp_dir").count(), 1, "{}", server.log());
    server.stop();
    let mut server = Server::start(engine, "hello", &["--protocol", "uwsgi"]);
    assert_eq!(server.exit_code(), 1);
    assert!(server.log().contains("proxy_pass"), "{}", server.log());
}}

each_of! { Sync, Gthread, Coroutine, GunicornSync;
fn spew_prints_each_line_of_python_that_runs(engine) {
    let launch = Launch::new(engine).env("PYTHONUNBUFFERED", "1").args(&["--spew", "spewed:app"]);
    launch.scratch.write(
        "spewed.py",
        "import threading\n\n\ndef work():\n    return 'work'\n\n\n\
         def app(environ, start_response):\n    thread = threading.Thread(target=work)\n    \
         thread.start()\n    thread.join()\n    start_response('200 OK', [])\n    return []\n",
    );
    let server = launch.start();
    // Twice, as with another green thread or thread.
    for _ in 0..2 {
        assert_eq!(server.get("/").status, 200);
    }
    let printed = server.scratch.read("stdout");
    let count = |line: &str| printed.lines().filter(|printed| *printed == line).count();
    assert_eq!(count("spewed:1: import threading"), 1, "{printed}");
    assert_eq!(count("spewed:11:     thread.join()"), 2, "{printed}");
    // gunicorn: not the threads that the application starts.
    assert_eq!(count("spewed:5:     return 'work'"), if engine.is_gunicorn() { 0 } else { 2 });
    server.stop();
}}
