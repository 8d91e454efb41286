//! HUP: new code without a lost request, and no harm from a bad deploy.

use nix::sys::signal::Signal;

use crate::support::{Engine, Launch, Load, Server, answering, wait};

fn start(engine: Engine, arguments: &[&str]) -> Server {
    let launch = Launch::new(engine).args(arguments).args(&["deployed"]);
    launch.scratch.write("deployed.py", &answering("one"));
    let server = launch.start();
    assert_eq!(server.get("/").text(), "one");
    server
}

each_of! { Sync, Coroutine; fn reload_serves_new_code_and_drops_no_request(engine) {
    let server = start(engine, &["--workers", "2"]);
    let load = Load::start(server.address, 4, "/");
    for text in ["two", "three"] {
        server.scratch.write("deployed.py", &answering(text));
        server.signal(Signal::SIGHUP);
        server.wait_for_text(text);
        load.wait_for_answers(50);
    }
    load.finish_without_loss();
    server.wait_for_workers(2);
    server.stop();
}}

each_of! { Sync, Coroutine; fn failed_reload_keeps_old_workers(engine) {
    let mut server = start(engine, &[]);
    let worker = server.worker_pid();
    let load = Load::start(server.address, 2, "/");
    server.scratch.write("deployed.py", "def application(environ start_response):\n");
    server.signal(Signal::SIGHUP);
    server.wait_for_log("SyntaxError");
    load.wait_for_answers(50);
    assert_eq!(server.get("/").text(), "one");
    wait::until_true("only the old worker to be left", || server.worker_pids() == [worker]);

    server.scratch.write("deployed.py", &answering("mended"));
    server.signal(Signal::SIGHUP);
    server.wait_for_text("mended");
    load.finish_without_loss();
    server.expect_errors();
    server.stop();
}}

each_of! { Sync, Coroutine; fn reload_with_a_broken_config_keeps_old_workers(engine) {
    let launch = Launch::new(engine).args(&["hello"]);
    launch.scratch.write("gunicorn.conf.py", "workers = 1\n");
    let mut server = launch.start();
    assert_eq!(server.get("/").status, 200);
    server.scratch.write("gunicorn.conf.py", "workers = 'many'\n");
    server.signal(Signal::SIGHUP);
    server.wait_for_log("many");
    assert_eq!(server.get("/").status, 200);
    server.expect_errors();
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn reload_reads_the_config_file_again(engine) {
    let launch = Launch::new(engine).args(&["hello"]);
    launch.scratch.write("gunicorn.conf.py", "workers = 1\n");
    let server = launch.start();
    assert_eq!(server.get("/").status, 200);
    server.scratch.write("gunicorn.conf.py", "workers = 3\n");
    let old = server.worker_pid();
    server.signal(Signal::SIGHUP);
    server.wait_for_workers_without(old, 3);
    assert_eq!(server.get("/").status, 200);
    server.stop();
}}

each_of! { Sync, Coroutine; fn a_reload_names_what_only_a_restart_takes_over(engine) {
    let launch = Launch::new(engine).args(&["hello"]);
    launch.scratch.write("gunicorn.conf.py", "workers = 1\n");
    let server = launch.start();
    assert_eq!(server.get("/").status, 200);
    server.scratch.write("gunicorn.conf.py", "workers = 2\nbacklog = 9\npreload_app = True\n");
    server.signal(Signal::SIGHUP);
    server.wait_for_log("Reload done: generation 2 serves");
    let named = "only a restart takes over: preload_app, backlog\n";
    // Still so at the next one, unless it is taken back.
    server.signal(Signal::SIGHUP);
    server.wait_for_log("Reload done: generation 3 serves");
    assert_eq!(server.log().matches(named).count(), 2, "{}", server.log());
    server.scratch.write("gunicorn.conf.py", "workers = 2\n");
    server.signal(Signal::SIGHUP);
    server.wait_for_log("Reload done: generation 4 serves");
    assert_eq!(server.log().matches("only a restart").count(), 2);
    server.stop();
}}

each_of! { Coroutine; fn reload_lets_old_requests_finish(engine) {
    let server = Server::start(engine, "blocking", &[]);
    let old = server.worker_pid();
    let mut clients = server.waiting_clients(10, "/until_file");
    wait::until_true("all to wait", || server.notes().lines().count() == 10);
    server.signal(Signal::SIGHUP);
    wait::until_true("a new worker", || server.worker_pids().iter().any(|&pid| pid != old));
    server.scratch.write("go-on", "");
    assert!(clients.iter_mut().all(|client| client.response().text() == "went on"));
    wait::until_true("the old worker to end", || !server.worker_pids().contains(&old));
    assert_eq!(server.get("/short_sleep").text(), "slept");
    server.stop();
}}
