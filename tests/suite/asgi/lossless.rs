//! Workers and servers come and go under an ASGI application, and no request is lost. `SUITE_LONG` makes
//! the rounds a hundred.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Engine, Launch, Load, Server, load, wait};

const APP: &str = "asynchronous:with_lifespan";

/// New and kept connections, of which half are answered at once and half after a wait in the loop.
fn loads(server: &Server) -> [Load; 2] {
    let waiting = Load::start_mixed(server.address, 12, "/own_context?1");
    [Load::start_mixed(server.address, 12, "/"), waiting]
}

#[test]
fn reloads_lose_no_request() {
    let server = Server::start(Engine::Coroutine, APP, &["--workers", "2"]);
    let loads = loads(&server);
    for _ in 0..load::rounds(5) {
        loads.iter().for_each(|load| load.wait_for_answers(24));
        server.reload();
    }
    loads.into_iter().for_each(Load::finish_without_loss);
    server.stop();
}

#[test]
fn recyclings_lose_no_request() {
    let arguments = ["--workers", "2", "--max-requests", "300"];
    let server = Server::start(Engine::Coroutine, APP, &arguments);
    let loads = loads(&server);
    wait::until("the recyclings", Duration::from_secs(600), || {
        let count = server.log().matches("max_requests reached").count();
        (count >= load::rounds(3)).then_some(())
    });
    loads.into_iter().for_each(Load::finish_without_loss);
    server.stop();
}

#[test]
fn stops_lose_no_request() {
    for _ in 0..load::rounds(3) {
        let launch = Launch::new(Engine::Coroutine);
        let server = launch.args(&["--workers", "2", APP]).start_by_itself();
        let loads = loads(&server);
        loads.iter().for_each(|load| load.wait_for_answers(50));
        server.signal(Signal::SIGTERM);
        server.end_of_stop();
        loads.into_iter().for_each(Load::finish_refused);
    }
}
