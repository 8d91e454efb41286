//! The environ of a request, as far as it does not depend on its connection's objects.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use criterion::{Criterion, criterion_group, criterion_main};
use pyo3::Python;
use unicoro::exchange::Place;
use unicoro::http::{Limits, parse};
use unicoro::python::{self, Environ, ServerFacts};
use unicoro_contract::SocketAddress;

const SHORT: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost:8000\r\n\r\n";
const BROWSER: &[u8] =
    b"GET /hello?a=b HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: Mozilla/5.0 \
    (X11; Linux x86_64) AppleWebKit/537.36\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef\r\nConnection: keep-alive\r\n\r\n";

fn environ(criterion: &mut Criterion) {
    python::start(&[]).unwrap();
    let ends = SocketAddress::Ip("127.0.0.1:8000".parse().unwrap());
    let facts = ServerFacts { multithread: true, multiprocess: false };
    python::main_thread(|| {
        Python::attach(|py| {
            let environ = Environ::new(py, facts).unwrap();
            for (name, request) in [("short", SHORT), ("browser", BROWSER)] {
                let head = parse(request, &Limits::default()).unwrap();
                let place = Place {
                    client: &ends,
                    local: &ends,
                    proxy: None,
                    is_https: false,
                    script_name: "",
                    path: head.target.path,
                };
                criterion.bench_function(&format!("environ/{name}"), |bencher| {
                    bencher.iter(|| drop(environ.build(py, &head, &place).unwrap()));
                });
            }
        });
    });
}

criterion_group!(benches, environ);
criterion_main!(benches);
