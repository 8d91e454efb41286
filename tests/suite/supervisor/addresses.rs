//! Where a server listens: unix sockets, several addresses, and beside other servers.

use std::collections::HashSet;

use crate::support::client::{exchange_over, free_addresses, get, wait_for_listener};
use crate::support::{Launch, Server, wait};

each_of! { Sync, Coroutine, Gunicorn; fn unix_socket_serves_and_is_removed(engine) {
    let launch = Launch::new(engine).args(&["-b", "unix:app.sock", "-p", "app.pid", "environ_dump"]);
    let server = launch.start_unbound();
    let socket = server.scratch.file("app.sock");
    let answer = exchange_over(&socket, "GET / HTTP/1.0\r\nHost: site.example\r\n\r\n");
    assert!(answer.contains("\nREMOTE_ADDR ''\n"), "{answer}");
    assert!(answer.contains("\nSERVER_NAME 'site.example'\n"), "{answer}");
    assert!(answer.contains("\nSERVER_PORT '80'\n"), "{answer}");

    let pid_file = server.scratch.file("app.pid");
    assert_eq!(server.scratch.read("app.pid").trim(), server.pid().to_string());
    server.signal(nix::sys::signal::Signal::SIGTERM);
    wait::until_true("the files to be removed", || !socket.exists() && !pid_file.exists());
    server.end_of_stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn several_addresses_are_served(engine) {
    let addresses: [_; 2] = free_addresses();
    let binds = addresses.map(|address| address.to_string());
    let launch = Launch::new(engine).args(&["-b", &binds[0], "-b", &binds[1], "hello"]);
    let server = launch.start_unbound();
    for address in addresses {
        wait_for_listener(address);
        assert_eq!(get(address, "/").status, 200);
    }
    server.stop();
}}

each_of! { Sync, Coroutine, Gthread, Gunicorn; fn with_reuse_port_two_servers_listen_on_an_address(engine) {
    let [address] = free_addresses();
    let bind = address.to_string();
    let start = || {
        let launch = Launch::new(engine).args(&["-b", &bind, "--reuse-port", "-w", "2", "pid"]);
        launch.start_unbound()
    };
    let servers = [start(), start()];
    wait_for_listener(address);
    let mut answers = HashSet::<u32>::new();
    wait::until_true("both servers to answer", || {
        answers.insert(get(address, "/").text().parse().unwrap());
        let answers = |server: &Server| server.worker_pids().iter().any(|pid| answers.contains(pid));
        servers.iter().all(answers)
    });
    servers.into_iter().for_each(Server::stop);
}}
