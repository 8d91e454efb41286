//! Workers and whole servers come and go, and no request is lost: neither one that waits in a
//! listen queue nor one that comes on a kept connection.
//!
//! `SUITE_LONG` makes the rounds a hundred.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::client::{get_and_close, get_request};
use crate::support::load::rounds;
use crate::support::{Engine, Launch, Load, Server, processes, wait};

fn count_in_log(server: &Server, text: &str) -> usize {
    server.log().matches(text).count()
}

each_of! { Sync, Gthread, Coroutine; fn reloads_lose_no_request(engine) {
    let server = Server::start(engine, "hello", &["--workers", "2"]);
    let load = Load::start_mixed(server.address, 24, "/");
    for _ in 0..rounds(5) {
        load.wait_for_answers(24);
        server.reload();
    }
    load.finish_without_loss();
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn recyclings_lose_no_request(engine) {
    let server = Server::start(engine, "hello", &["--workers", "2", "--max-requests", "200"]);
    let load = Load::start_mixed(server.address, 24, "/");
    let goal = rounds(5);
    wait::until("the recyclings", Duration::from_secs(300), || {
        (count_in_log(&server, "max_requests reached") >= goal).then_some(())
    });
    load.finish_without_loss();
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn stops_lose_no_request(engine) {
    for _ in 0..rounds(5) {
        let server = Launch::new(engine).args(&["--workers", "2", "hello"]).start_by_itself();
        let load = Load::start_mixed(server.address, 16, "/");
        load.wait_for_answers(100);
        server.stop();
        load.finish_refused();
    }
}}

each_of! { Sync, Gthread, Coroutine; fn a_stop_answers_who_waits_in_the_queue(engine) {
    let server = Launch::new(engine).args(&["blocking"]).start_by_itself();
    let mut first = server.waiting_client("/until_file");
    server.wait_for_notes("waiting");
    let mut others = server.waiting_clients(20, "/short_sleep");
    server.signal(Signal::SIGTERM);
    server.scratch.write("go-on", "");
    assert_eq!(first.response().text(), "went on");
    for client in &mut others {
        assert_eq!(client.response().text(), "slept");
    }
    server.end_of_stop();
}}

each_of! { Gthread, Coroutine; fn a_stop_answers_the_next_request_of_a_connection_used_just_now(engine) {
    let server = Launch::new(engine).args(&["blocking"]).start_by_itself();
    let mut other = server.waiting_client("/until_file");
    server.wait_for_notes("waiting");
    let mut kept = server.connect();
    assert!(!kept.get("/short_sleep").says_close());
    server.signal(Signal::SIGTERM);
    wait_until_it_drains(&server);
    assert!(kept.get("/short_sleep").says_close());
    assert!(kept.is_closed());
    server.scratch.write("go-on", "");
    assert_eq!(other.response().text(), "went on");
    server.end_of_stop();
}}

each_of! { Gthread, Coroutine; fn a_stop_answers_requests_that_were_pipelined(engine) {
    let server = Launch::new(engine).args(&["blocking"]).start_by_itself();
    let mut client = server.connect();
    client.send(get_request("/until_file") + &get_request("/short_sleep").repeat(3));
    server.wait_for_notes("waiting");
    server.signal(Signal::SIGTERM);
    wait_until_it_drains(&server);
    server.scratch.write("go-on", "");
    assert_eq!(client.response().text(), "went on");
    for is_last in [false, false, true] {
        let response = client.response();
        assert_eq!(response.text(), "slept");
        assert_eq!(response.says_close(), is_last);
    }
    server.end_of_stop();
}}

/// Its listener is closed: it has heard of the stop.
fn wait_until_it_drains(server: &Server) {
    let patience = Duration::from_millis(100);
    wait::until_true("the listener to be closed", || {
        std::net::TcpStream::connect_timeout(&server.address, patience).is_err()
    });
}

each_of! { Sync, Gthread, Coroutine; fn a_stop_gives_the_rest_of_a_head_a_moment(engine) {
    let server = Launch::new(engine).args(&["hello"]).start_by_itself();
    let (mut in_time, mut never) = (server.connect(), server.connect());
    in_time.send("GET / HTTP/1.1\r\nHo");
    never.send("GET / HTTP/1.1\r\nHo");
    assert_eq!(server.get("/").status, 200); // by then it has the halves
    server.signal(Signal::SIGTERM);
    wait_until_it_drains(&server);
    in_time.send("st: test\r\n\r\n");
    assert_eq!(in_time.response().status, 200);
    assert_eq!(never.response().status, 408);
    server.end_of_stop();
}}

each_of! { Sync, Gthread, Coroutine; fn connections_that_send_nothing_do_not_delay_a_stop(engine) {
    let server = Server::start(engine, "hello", &["--keep-alive", "600"]);
    let mut clients: Vec<_> = (0..50).map(|_| server.connect()).collect();
    if engine != Engine::Sync {
        for client in &mut clients {
            client.get("/");
        }
    }
    // Not to wait for anything: the rule is about who has been idle for longer than a second.
    std::thread::sleep(Duration::from_millis(1200));
    let began = Instant::now();
    server.stop();
    // It takes a hundredth of a second. A connection that is waited for takes one.
    assert!(began.elapsed() < Duration::from_millis(800), "{:?}", began.elapsed());
    assert!(clients.iter_mut().all(crate::support::Client::is_closed));
}}

const IMPORT: Duration = Duration::from_secs(4);

each_of! { Sync, Gthread, Coroutine; fn a_reload_of_a_slow_application_delays_nobody(engine) {
    let launch = Launch::new(engine).args(&["--workers", "2", "slow"]);
    let app = |seconds| format!("import time\ntime.sleep({seconds})\nfrom hello import application\n");
    launch.scratch.write("slow.py", &app(0));
    let server = launch.start();
    let load = Load::start_mixed(server.address, 24, "/");
    load.wait_for_answers(200);
    load.tally();
    // As long as the reload will take.
    let began = Instant::now();
    while began.elapsed() < IMPORT {
        load.wait_for_answers(100);
    }
    let normal = load.tally().longest;
    server.scratch.write("slow.py", &app(IMPORT.as_secs()));
    server.reload();
    let meanwhile = load.tally().longest;
    println!("longest answer: {normal:?}, during the reload {meanwhile:?}");
    load.finish_without_loss();
    // 100 ms is promised on a machine that has nothing else to do.
    let more = if std::env::var_os("SUITE_STRICT").is_some() { 100 } else { 1000 };
    assert!(meanwhile < normal + Duration::from_millis(more), "{meanwhile:?}, normally {normal:?}");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn reloads_that_fail_lose_no_request(engine) {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_address = taken.local_addr().unwrap();
    let launch = Launch::new(engine).args(&["deployed"]);
    let good = "from hello import application\n";
    launch.scratch.write("deployed.py", good);
    let config = "workers = 2\nbind = '127.0.0.1:0'\n";
    launch.scratch.write("gunicorn.conf.py", config);
    let mut server = launch.start_where_it_says();
    let load = Load::start_mixed(server.address, 16, "/");
    let bad_deploys = [
        ("deployed.py", "def application(environ start_response):\n".to_owned(), good),
        ("deployed.py", "import no_such_module\n".to_owned(), good),
        ("gunicorn.conf.py", config.replace('2', "'many'"), config),
        ("gunicorn.conf.py", config.replace('=', "= ="), config),
        ("gunicorn.conf.py", config.replace("127.0.0.1:0", &taken_address.to_string()), config),
    ];
    load.wait_for_answers(100);
    for (file, bad, good) in bad_deploys {
        let before = count_in_log(&server, "Reload failed");
        server.scratch.write(file, &bad);
        server.signal(Signal::SIGHUP);
        wait::until_true("the reload to fail", || {
            count_in_log(&server, "Reload failed") > before
        });
        load.wait_for_answers(100);
        server.scratch.write(file, good);
        server.reload();
        load.wait_for_answers(100);
    }
    load.finish_without_loss();
    server.expect_errors();
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn an_upgrade_and_its_roll_back_lose_no_request(engine) {
    let arguments = ["--workers", "2", "-p", "app.pid", "hello"];
    let server = Launch::new(engine).args(&arguments).start_by_itself();
    let load = Load::start_mixed(server.address, 24, "/");
    let new_master = || {
        server.signal(Signal::SIGUSR2);
        let pid = server.pid_in("app.pid.2");
        wait::until_true("its workers", || processes::children(pid).len() == 2);
        load.wait_for_answers(200);
        pid
    };
    for _ in 0..rounds(3) {
        let second = new_master();
        processes::signal(second, Signal::SIGTERM);
        wait::until_true("the roll-back", || server.scratch.pid("app.pid.2").is_none());
        wait::until_true("the end of the new master", || !processes::is_alive(second));
        load.wait_for_answers(100);
    }
    let third = new_master();
    server.signal(Signal::SIGTERM);
    wait::until_true("the upgrade", || server.scratch.pid("app.pid") == Some(third));
    load.wait_for_answers(200);
    load.finish_without_loss();
    processes::signal(third, Signal::SIGTERM);
    server.end_of_stop();
}}

each_of! { Sync, Gthread, Coroutine; fn after_a_kill_a_second_start_has_the_same_addresses(engine) {
    let arguments = ["-w", "2", "-p", "app.pid", "-b", "unix:app.sock", "hello"];
    let server = Launch::new(engine).args(&arguments).start_by_itself();
    let mut kept = server.connect();
    assert_eq!(kept.get("/").status, 200);
    let port = format!("127.0.0.1:{}", server.address.port());
    server.signal(Signal::SIGKILL);
    let killed = Instant::now();
    wait::until_true("the supervisor to end", || !processes::is_alive(server.pid()));
    let mut again = Launch::new(engine)
        .args(&["--chdir", &server.scratch.path().display().to_string()])
        .args(&["-w", "2", "-p", &server.scratch.file("app.pid").display().to_string()])
        .args(&["-b", &format!("unix:{}", server.scratch.file("app.sock").display())])
        .args(&["-b", &port, "hello"])
        .start_unbound();
    wait::until_true("the workers to end", || processes::group_members(server.pid()).is_empty());
    let ended = killed.elapsed();
    assert!(ended < Duration::from_secs(2), "the workers have ended after {ended:?}");
    again.wait_for_log("Listening at");
    let mut client = crate::support::Client::connect(server.address);
    client.send(get_and_close("/"));
    assert_eq!(client.response().status, 200);
    assert_eq!(server.scratch.read("app.pid").trim(), again.pid().to_string());
    again.expect_errors(); // it came while the workers still had the addresses
    again.stop();
}}
