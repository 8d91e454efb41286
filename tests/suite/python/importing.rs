//! Extension modules that an OS thread imports while green threads switch: a library is visible to
//! the engine before the dynamic linker is done with it.

use std::thread;

use crate::support::{Engine, Launch, Server};

/// Libraries are loaded once in a worker's life, so each round has a new one.
#[test]
fn an_os_thread_may_import_modules_while_requests_switch() {
    const ROUNDS: usize = 8;
    const AT_ONCE: usize = 3;
    let round = || {
        let server = Server::start(Engine::Coroutine, "importing", &[]);
        let worker = server.worker_pid();
        server.answers_at_once(60, "/", "imported");
        assert_eq!(server.worker_pid(), worker);
        server.stop();
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| (0..ROUNDS).for_each(|_| round()));
        }
    });
}

each_of! { Gthread, Coroutine, Gunicorn; fn a_request_may_be_the_first_that_imports_threading(engine) {
    let server = Server::start(engine, "late_threading", &[]);
    assert_eq!(server.get("/").text(), "right");
    server.stop(); // which waits for Python's threads
}}

each_of! { Sync, Gthread, Coroutine, Gunicorn; fn modules_are_found_while_logging_is_imported_first(engine) {
    let server = Server::start(engine, "first_imports", &[]);
    assert_eq!(server.get("/").text(), "logging mailbox");
    server.stop();
}}

each_of! { Sync, Coroutine; fn the_package_knows_its_version(engine) {
    let launch = Launch::new(engine).args(&["versioned"]);
    launch.scratch.write(
        "versioned.py",
        "import unicoro\n\
         def application(environ, start_response):\n    \
             start_response('200 OK', [])\n    \
             return [f'{unicoro.__version__} {unicoro.version_info}'.encode()]\n",
    );
    let server = launch.start();
    let version = env!("CARGO_PKG_VERSION");
    let numbers = version.split('-').next().unwrap().replace('.', ", ");
    assert_eq!(server.get("/").text(), format!("{version} ({numbers})"));
    server.stop();
}}
