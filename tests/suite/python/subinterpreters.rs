//! Sub-interpreters, made and run by requests.

use crate::support::Server;

fn all_wait(server: &Server, paths: &[&str]) {
    let mut clients: Vec<_> =
        paths.iter().flat_map(|path| server.waiting_clients(5, path)).collect();
    for client in &mut clients {
        let response = client.response();
        assert_eq!((response.status, response.text().as_str()), (200, "waited"));
    }
}

each_of! { Coroutine; fn requests_may_wait_in_a_sub_interpreter(engine) {
    let server = Server::start(engine, "subinterpreters", &[]);
    all_wait(&server, &["/sleep", "/plain_sleep", "/sleep"]);
    server.stop();
}}

// It keeps the interpreter lock, so nobody can run: a switch would leave everybody waiting for it.
each_of! { Coroutine; fn a_sub_interpreter_that_keeps_the_lock_is_waited_for(engine) {
    let server = Server::start(engine, "subinterpreters", &[]);
    all_wait(&server, &["/hold", "/plain_sleep", "/sleep"]);
    assert_eq!(server.at_once(1, "/hold")[0].text(), "waited");
    server.stop();
}}
