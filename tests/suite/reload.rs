//! HUP: new code without a lost request, and no harm from a bad deploy.

use std::os::unix::fs::symlink;

use nix::sys::signal::Signal;

use crate::load::Load;
use crate::processes;
use crate::server::{Engine, Launch, Server};
use crate::wait;

fn version(text: &str) -> String {
    format!(
        "from notes import plain\n\n\ndef application(environ, start_response):\n    \
             return plain(start_response, {text:?})\n"
    )
}

fn start(engine: Engine, arguments: &[&str]) -> Server {
    let launch = Launch::new(engine).args(arguments).args(&["deployed"]);
    launch.scratch.write("deployed.py", &version("one"));
    let server = launch.start();
    assert_eq!(server.get("/").text(), "one");
    server
}

fn wait_for_version(server: &Server, text: &str) {
    wait::until_true("the new code to serve", || server.get("/").text() == text);
}

each_of! { Sync, Coroutine; fn reload_serves_new_code_and_drops_no_request(engine) {
    let server = start(engine, &["--workers", "2"]);
    let load = Load::start(server.address, 4, "/");
    for text in ["two", "three"] {
        server.scratch.write("deployed.py", &version(text));
        server.signal(Signal::SIGHUP);
        wait_for_version(&server, text);
        load.wait_for_answers(50);
    }
    load.finish_without_loss();
    wait::until_true("the old workers to end", || server.worker_pids().len() == 2);
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

    server.scratch.write("deployed.py", &version("mended"));
    server.signal(Signal::SIGHUP);
    wait_for_version(&server, "mended");
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
    wait::until_true("three new workers", || {
        let pids = server.worker_pids();
        pids.len() == 3 && !pids.contains(&old)
    });
    assert_eq!(server.get("/").status, 200);
    server.stop();
}}

each_of! { Coroutine; fn reload_lets_old_requests_finish(engine) {
    let server = Server::start(engine, "blocking", &[]);
    let old = server.worker_pid();
    let mut clients = crate::client::waiting_clients(server.address, 10, "/until_file");
    wait::until_true("all to wait", || server.notes().lines().count() == 10);
    server.signal(Signal::SIGHUP);
    wait::until_true("a new worker", || server.worker_pids().iter().any(|&pid| pid != old));
    server.scratch.write("go-on", "");
    assert!(clients.iter_mut().all(|client| client.response().text() == "went on"));
    wait::until_true("the old worker to end", || !server.worker_pids().contains(&old));
    assert_eq!(server.get("/short_sleep").text(), "slept");
    server.stop();
}}

/// A server that was started by `cd current && ...`, where `current` is a link to the first of two
/// releases.
fn start_behind_a_link(engine: Engine) -> Server {
    let launch = Launch::new(engine);
    for release in ["1", "2"] {
        let code = format!(
            "def application(environ, start_response):\n    start_response('200 OK', [])\n    \
             return [b'{release}']\n"
        );
        std::fs::create_dir(launch.scratch.file(release)).unwrap();
        launch.scratch.write(&format!("{release}/released.py"), &code);
    }
    symlink("1", launch.scratch.file("current")).unwrap();
    let pid = launch.scratch.file("pid").display().to_string();
    let words =
        |_: &_| ["bash", "-c", "cd current && exec \"$@\"", "bash"].map(String::from).to_vec();
    launch.args(&["-p", &pid, "released"]).inside_of(words).start()
}

fn switch_the_link(server: &Server) {
    symlink("2", server.scratch.file("next")).unwrap();
    std::fs::rename(server.scratch.file("next"), server.scratch.file("current")).unwrap();
}

each_of! { Sync, Coroutine, Gunicorn; fn a_release_behind_a_link_is_served_after_a_reload(engine) {
    let server = start_behind_a_link(engine);
    assert_eq!(server.get("/").text(), "1");
    switch_the_link(&server);
    server.signal(Signal::SIGHUP);
    wait::until_true("the new release", || server.get("/").text() == "2");
    server.stop();
}}

each_of! { Sync, Coroutine; fn a_release_behind_a_link_is_served_by_the_next_master(engine) {
    let server = start_behind_a_link(engine);
    assert_eq!(server.get("/").text(), "1");
    switch_the_link(&server);
    server.signal(Signal::SIGUSR2);
    server.wait_for_log("a new master starts");
    wait::until_true("the next master", || server.scratch.file("pid.2").exists());
    let next: u32 = server.scratch.read("pid.2").trim().parse().unwrap();
    wait::until_true("its worker", || !processes::children(next).is_empty());
    server.signal(Signal::SIGTERM);
    wait::until_true("the new release", || server.get("/").text() == "2");
    processes::signal(next, Signal::SIGTERM);
    server.end_of_stop();
}}
