//! Large bodies pass through: what a worker holds of them does not grow with their size.
//!
//! `SUITE_LARGE=2048` moves that many MiB a client instead of 16.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::thread;

use crate::support::{Client, Engine, Launch, Server, processes};

const MIB: usize = 1 << 20;
const WAYS: [&str; 4] = ["/up", "/up in chunks", "/down", "/file"];

fn size() -> usize {
    std::env::var("SUITE_LARGE").map_or(16, |mib| mib.parse::<usize>().unwrap()) * MIB
}

fn start(engine: Engine, arguments: &[&str]) -> Server {
    let launch = Launch::new(engine).args(arguments).args(&["large"]);
    File::create(launch.scratch.file("file")).unwrap().set_len(size() as u64).unwrap();
    launch.start()
}

/// One client that sends or takes a body of `size`, and keeps none of it.
fn transfer(address: SocketAddr, way: &str, size: usize) {
    let mut client = Client::connect(address);
    if !way.starts_with("/up") {
        client.send(format!("GET {way}?{size} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        assert_eq!(client.response_to_head().status, 200);
        let mut left = size;
        while left > 0 {
            let count = client.some_bytes().len();
            assert!(count > 0, "{left} bytes are missing");
            left = left.checked_sub(count).expect("no more than promised");
        }
        return;
    }
    let is_chunked = way.ends_with("chunks");
    let framing = if is_chunked {
        "Transfer-Encoding: chunked".into()
    } else {
        format!("Content-Length: {size}")
    };
    client.send(format!("POST /up HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{framing}\r\n\r\n"));
    let piece = vec![b'x'; MIB];
    let chunk = [format!("{MIB:x}\r\n").as_bytes(), &piece, b"\r\n"].concat();
    for _ in 0..size / MIB {
        client.send(if is_chunked { &chunk } else { &piece });
    }
    if is_chunked {
        client.send("0\r\n\r\n");
    }
    assert_eq!(client.response().text(), size.to_string());
}

/// KiB by which the worker grows, at its peak, while that many clients do the same.
fn growth(server: &Server, way: &str, clients: usize) -> u64 {
    let worker = server.worker_pid();
    let before = processes::status_number(worker, "VmRSS");
    fs::write(format!("/proc/{worker}/clear_refs"), "5").unwrap(); // the peak begins anew: proc(5)
    let run = || transfer(server.address, way, size());
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(run);
        }
    });
    let grown = processes::status_number(worker, "VmHWM").saturating_sub(before);
    eprintln!("{:?} {way}: {clients} x {} MiB, {grown} KiB more", server.engine, size() / MIB);
    grown
}

each_of! { Sync, Gthread, Coroutine; fn a_large_body_takes_no_memory(engine) {
    let server = start(engine, &[]);
    transfer(server.address, "/up", MIB); // what is made once is not the body's
    for way in WAYS {
        assert!(growth(&server, way, 1) < 16 * 1024, "{way}");
    }
    server.stop();
}}

each_of! { Gthread, Coroutine; fn fifty_large_bodies_at_once_take_little_memory(engine) {
    let threads: &[&str] = if engine == Engine::Gthread { &["--threads=60"] } else { &[] };
    let server = start(engine, threads);
    transfer(server.address, "/up", MIB);
    for way in WAYS {
        assert!(growth(&server, way, 50) < 100 * 1024, "{way}");
    }
    server.stop();
}}
