//! Code written for gevent and eventlet, as it is, under `-k coroutine`.

use std::collections::HashSet;
use std::thread;

use crate::support::{Engine, Launch, Server, wait};

fn start() -> Server {
    Server::start(Engine::Coroutine, "gevent_code", &[])
}

/// `clients` at once, each of which asks `requests` times and must get its own token back.
fn with_tokens(
    server: &Server,
    clients: usize,
    requests: usize,
    path: &str,
    expected: fn(&str) -> String,
) {
    thread::scope(|scope| {
        for client in 0..clients {
            scope.spawn(move || {
                let mut connection = server.connect();
                for request in 0..requests {
                    let token = format!("{client}-{request}");
                    let response = connection.get(&format!("{path}?{token}"));
                    assert_eq!((response.status, response.text()), (200, expected(&token)));
                }
            });
        }
    });
}

fn three_jobs(token: &str) -> String {
    format!("{token}.0 {token}.1 {token}.2")
}

#[test]
fn patching_does_nothing_and_says_so_once() {
    let server = start();
    assert_eq!(server.get("/origins").text(), "time socket _thread None");
    let log = server.log();
    for module in ["gevent.monkey", "psycogreen.gevent"] {
        let lines = log.lines().filter(|line| line.contains(&format!("{module}.patch_")));
        assert_eq!(lines.count(), 1, "{module}: {log}");
    }
    server.stop();
}

#[test]
fn patching_in_the_configuration_file_does_nothing() {
    let launch = Launch::new(Engine::Coroutine);
    let file = launch.scratch.file("gunicorn.conf.py");
    let text = "import gevent.pool, gevent.threadpool\n\
                from gevent import monkey\nmonkey.patch_all()\n\
                def post_fork(server, worker):\n    \
                    import psycogreen.gevent\n    psycogreen.gevent.patch_psycopg()\n";
    std::fs::write(&file, text).unwrap();
    let server = launch.args(&["-c".into(), file.into_os_string()]).args(&["gevent_code"]).start();
    assert_eq!(server.get("/origins").text(), "time socket _thread None");
    with_tokens(&server, 20, 2, "/hub", three_jobs);
    with_tokens(&server, 20, 2, "/shared", str::to_owned);
    with_tokens(&server, 20, 2, "/executor_at_import", three_jobs);
    assert_eq!(server.log().matches("patch_all() does nothing").count(), 1);
    server.stop();
}

#[test]
fn patching_is_left_to_other_engines() {
    let server = Server::start(Engine::Sync, "gevent_code", &[]);
    let origins = server.get("/origins").text();
    assert!(origins.starts_with("gevent.hub gevent._socket3"), "{origins}");
    server.stop();
}

#[test]
fn greenlets_of_200_requests_at_once_take_turns() {
    let server = start();
    with_tokens(&server, 200, 5, "/hub", three_jobs);
    server.stop();
}

#[test]
fn gevent_within_a_request_works() {
    let server = start();
    for (path, answer) in [
        ("/sleep", "slept"),
        ("/pool", "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]"),
        ("/timeout", "timed out"),
        ("/own_queue", "item"),
        ("/own_local", "[0, 1, 2]"),
        ("/tasks", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"),
        ("/result", "given 2 False"),
        ("/raised", "raised in a greenlet"),
        ("/switched", "20"),
        ("/switched?keep", "20"),
        ("/deep", "middle"),
        ("/threadpool", "True ['0', '1', '2']"),
        ("/executor", "[0, 1, 4]"),
        ("/look_up", "127.0.0.1"),
        ("/stream_server", "ECHO"),
        ("/imap", "[1, 2, 3] [1, 2, 3]"),
        ("/queues", "shut down True"),
        ("/child", "['beside', 'printed'] 3 5"),
    ] {
        server.answers_at_once(20, path, answer);
    }
    // gevent prints the traceback of a greenlet that fails.
    let mut server = server;
    server.expect_errors();
    server.stop();
}

#[test]
fn requests_share_events_queues_semaphores_and_pools() {
    let server = start();
    let mut clients = server.waiting_clients(50, "/wait_for_event");
    wait::until_true("all to wait", || server.notes().lines().count() == 50);
    assert_eq!(server.get("/set_event").text(), "done");
    for client in &mut clients {
        assert_eq!(client.response().text(), "set");
    }

    let mut clients = server.waiting_clients(30, "/wait_for_item");
    wait::until_true("all to wait", || server.notes().lines().count() == 80);
    for number in 0..30 {
        assert_eq!(server.get(&format!("/put_item?{number}")).text(), "done");
    }
    let items: HashSet<String> =
        clients.iter_mut().map(|client| client.response().text()).collect();
    assert_eq!(items.len(), 30, "{items:?}");

    for response in server.at_once(100, "/guarded") {
        assert!(["1", "2"].contains(&response.text().as_str()), "{}", response.text());
    }
    with_tokens(&server, 50, 4, "/shared", str::to_owned);
    server.stop();
}

/// What a request makes is gevent's own until another one comes, and those that wait already are woken.
#[test]
fn requests_share_what_the_first_of_them_has_made() {
    for maker in ["event", "linked", "queue", "semaphore", "plainly"] {
        let server = start();
        let path = |what: &str| format!("/wait_for_what?{what}");
        let mut clients = vec![server.waiting_client(&path(maker))];
        wait::until_true("the maker to wait", || server.notes().lines().count() == 1);
        for what in ["event", "linked", "queue", "semaphore"] {
            clients.extend(server.waiting_clients(5, &path(what)));
        }
        wait::until_true("all to wait", || server.notes().lines().count() == 21);
        assert_eq!(server.get("/give_what_is_awaited").text(), "given");
        for client in &mut clients {
            assert_eq!(client.response().text(), "True", "{maker} first");
        }
        server.stop();
    }
}

/// Made while the application was imported or by the request that came first.
#[test]
fn requests_share_thread_pools() {
    let server = start();
    for path in [
        "/thread_pool_at_import",
        "/thread_pool_in_a_request",
        "/executor_at_import",
        "/executor_by_the_standard_library",
    ] {
        with_tokens(&server, 20, 2, path, three_jobs);
    }
    server.answers_at_once(20, "/raised_in_threads", "[True, True, True]");
    assert_eq!(server.get("/thread_pool_in_a_child").text(), "7");
    assert_eq!(server.get("/end_thread_pools").text(), "0 0");
    // gevent prints the tracebacks of tasks that fail.
    let mut server = server;
    server.expect_errors();
    server.stop();
}

#[test]
fn another_threads_greenlet_cannot_be_switched_to() {
    let server = start();
    assert!(server.get("/elsewhere").text().to_lowercase().contains("different thread"));
    server.stop();
}

#[test]
fn greenlets_left_at_the_end_of_a_request_run_on() {
    let server = start();
    for _ in 0..20 {
        assert_eq!(server.get("/leave_unfinished").text(), "left");
    }
    wait::until_true("all to finish", || server.notes().matches("finished").count() == 20);
    server.answers_at_once(20, "/endless", "left");
    with_tokens(&server, 20, 2, "/hub", three_jobs);
    server.stop();
}

#[test]
fn green_workers_that_retire_take_their_hubs_along() {
    let server = start();
    let descriptors =
        || -> usize { server.get("/counts").text().split(' ').next().unwrap().parse().unwrap() };
    let before = descriptors();
    // Two descriptors are a hub's. On a busy machine some requests come when others are over.
    let few = before + 2 * 4;
    with_tokens(&server, 50, 1, "/hub", three_jobs);
    assert!(descriptors() > few);
    server.answers_at_once(50, "/switched?keep", "20");
    // A green worker ends when it has been idle for ten seconds.
    wait::until_true("the hubs to be closed", || descriptors() <= few);
    with_tokens(&server, 50, 1, "/hub", three_jobs);
    server.stop();
}

#[test]
fn sqlalchemys_bridge_to_asyncio_works() {
    let server = start();
    with_tokens(&server, 50, 3, "/bridge", str::to_owned);
    server.stop();
}

#[test]
fn deadline_ends_a_wait_in_the_hub() {
    let mut server = Server::start(Engine::Coroutine, "gevent_code", &["--request-timeout", "1"]);
    assert_eq!(server.get("/wait_long").status, 504);
    with_tokens(&server, 20, 1, "/hub", three_jobs);
    server.expect_errors();
    server.stop();
}

#[test]
fn eventlet_code_works() {
    let server = Server::start(Engine::Coroutine, "eventlet_code", &[]);
    with_tokens(&server, 50, 3, "/", |token| format!("time {}", three_jobs(token)));
    let log = server.log();
    assert_eq!(log.matches("eventlet.patcher.monkey_patch() does nothing").count(), 1, "{log}");
    server.stop();
}
