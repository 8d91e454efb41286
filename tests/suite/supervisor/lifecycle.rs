//! The end of a server: exit code 0 and nothing left, whenever and however it is asked for.
//!
//! gunicorn runs only the rules about requests: it swallows a stop signal that comes while it boots
//! a worker.

use nix::sys::signal::Signal;

use crate::support::{Engine, Launch, Load, Server, processes, wait};

/// A server that has socket and pid file to leave behind.
fn start_with_files(engine: Engine, app: &str) -> Server {
    let files = ["-b", "unix:app.sock", "-p", "app.pid", "--workers", "2"];
    Launch::new(engine).args(&files).args(&[app]).start()
}

/// Sends the signal and asserts the clean end.
fn ends_cleanly(server: Server, signal: Signal) {
    let files = ["app.sock", "app.pid"].map(|name| server.scratch.file(name));
    server.signal(signal);
    wait::until_true("the supervisor to end and its files to go", || {
        !processes::is_alive(server.pid()) && files.iter().all(|file| !file.exists())
    });
    server.end_of_stop();
}

/// Until the server itself runs, not the shell that starts it, and has prepared for all of them: an
/// interpreter that starts the wheel prepares for SIGINT only.
fn wait_until_prepared(server: &Server) {
    wait::until_true("the server to prepare for signals", || {
        processes::program(server.pid()).is_some_and(|name| name != "bash")
            && STOP_SIGNALS.iter().all(|&signal| processes::has_prepared_for(server.pid(), signal))
    });
}

const STOP_SIGNALS: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT];

each_of! { Sync, Coroutine; fn stop_at_the_very_start_is_clean(engine) {
    for signal in STOP_SIGNALS {
        let server = start_with_files(engine, "hello");
        wait_until_prepared(&server);
        ends_cleanly(server, signal);
    }
}}

each_of! { Sync, Coroutine; fn stop_when_the_first_worker_appears_is_clean(engine) {
    for signal in STOP_SIGNALS {
        let server = start_with_files(engine, "hello");
        wait_until_prepared(&server);
        wait::until_true("a worker", || !server.worker_pids().is_empty());
        ends_cleanly(server, signal);
    }
}}

each_of! { Sync, Coroutine; fn stop_during_a_slow_import_is_clean(engine) {
    for signal in STOP_SIGNALS {
        let server = start_with_files(engine, "slow_import");
        server.wait_for_notes("importing");
        ends_cleanly(server, signal);
    }
}}

/// Starts with these arguments, and ends by each signal while it runs what others wrote.
fn ends_by_the_signal(engine: Engine, arguments: &[&str]) {
    for signal in STOP_SIGNALS {
        let launch = Launch::new(engine).args(arguments);
        launch.scratch.write("slow.conf.py", "import slow_import\n");
        let mut server =
            launch.inside_of(|_| ["prlimit", "--core=0"].map(String::from).to_vec()).start();
        server.wait_for_notes("importing");
        server.signal(signal);
        assert_eq!(server.ending_signal(), Some(signal as i32), "{arguments:?}: {}", server.log());
    }
}

// Whoever asked must not take it for a success. A server that is told to stop has done so.
each_of! { Sync, Coroutine, Gunicorn; fn a_check_that_is_stopped_half_way_ends_by_the_signal(engine) {
    for how in ["--check-config", "--print-config"] {
        ends_by_the_signal(engine, &[how, "slow_import"]);
        ends_by_the_signal(engine, &[how, "-c", "slow.conf.py", "hello"]);
    }
}}

each_of! { Sync, Coroutine, Gunicorn; fn a_start_that_is_stopped_while_the_master_imports_ends_by_the_signal(engine) {
    ends_by_the_signal(engine, &["--preload", "slow_import"]);
    ends_by_the_signal(engine, &["-c", "slow.conf.py", "hello"]);
}}

each_of! { Sync, Coroutine; fn stop_of_an_idle_server_is_clean(engine) {
    for signal in STOP_SIGNALS {
        let server = start_with_files(engine, "hello");
        assert_eq!(server.get("/").status, 200);
        ends_cleanly(server, signal);
    }
}}

each_of! { Sync, Coroutine; fn stop_under_load_is_clean(engine) {
    for signal in STOP_SIGNALS {
        let server = start_with_files(engine, "hello");
        let load = Load::start(server.address, 8, "/");
        load.wait_for_answers(100);
        ends_cleanly(server, signal);
        load.finish();
    }
}}

each_of! { Sync, Coroutine; fn stop_at_any_moment_of_the_start_is_clean(engine) {
    // Not a wait for a condition: the moments are samples of the whole start.
    for milliseconds in (0..240).step_by(20) {
        let server = start_with_files(engine, "hello");
        wait_until_prepared(&server);
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        ends_cleanly(server, Signal::SIGTERM);
    }
}}

each_of! { Sync, Coroutine, Gunicorn; fn term_lets_a_request_finish(engine) {
    let server = Server::start(engine, "blocking", &[]);
    let mut client = server.waiting_client("/until_file");
    server.wait_for_notes("waiting");
    server.signal(Signal::SIGTERM);
    server.scratch.write("go-on", "");
    assert_eq!(client.response().text(), "went on");
    server.end_of_stop();
}}

// As timeout(1) and platforms do: to the group, which is the workers' too, and twice.
each_of! { Sync, Gthread, Coroutine, Gunicorn; fn a_second_term_loses_no_request(engine) {
    let server = Server::start(engine, "blocking", &[]);
    let mut client = server.waiting_client("/long_sleep");
    server.wait_for_notes("sleeping");
    processes::signal_group(server.pid(), Signal::SIGTERM);
    server.wait_for_log("Handling signal: term");
    processes::signal_group(server.pid(), Signal::SIGTERM);
    server.signal(Signal::SIGTERM);
    assert_eq!(client.response().text(), "slept");
    server.end_of_stop();
}}

each_of! { Coroutine; fn term_lets_every_request_finish(engine) {
    let server = Server::start(engine, "blocking", &[]);
    let mut clients = server.waiting_clients(40, "/until_file");
    wait::until_true("all to wait", || server.notes().lines().count() == 40);
    server.signal(Signal::SIGTERM);
    server.scratch.write("go-on", "");
    for client in &mut clients {
        assert_eq!(client.response().text(), "went on");
    }
    server.end_of_stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn graceful_timeout_bounds_the_stop(engine) {
    let mut server = Server::start(engine, "blocking", &["--graceful-timeout", "1"]);
    let mut client = server.waiting_client("/until_file");
    server.wait_for_notes("waiting");
    server.signal(Signal::SIGTERM);
    server.expect_errors(); // a worker had to be killed: worth an error
    server.end_of_stop();
    assert!(client.response_or_close().is_none());
}}

each_of! { Sync, Gthread, Coroutine; fn quick_stop_waits_for_nobody(engine) {
    // As by a terminal, and as by a script's `&`.
    let starts = ["--default-signal=INT,QUIT", "--ignore-signal=INT,QUIT"];
    for (signal, start) in [Signal::SIGINT, Signal::SIGQUIT].into_iter().zip(starts) {
        let launch = Launch::new(engine).args(&["--graceful-timeout", "600", "blocking"]);
        let mut server = launch.inside_of(|_| vec!["env".into(), start.into()]).start();
        let _client = server.waiting_client("/until_file");
        server.wait_for_notes("waiting");
        server.signal(signal);
        server.expect_errors();
        server.end_of_stop();
    }
}}
