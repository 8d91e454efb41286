//! A request through the application "hello": environ, call, answer. The client's part is in it: it takes
//! the answer from a unix socket.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use unicoro::exchange::{Place, Streams, Unread};
use unicoro::http::{Limits, Manner, RequestFacts, parse};
use unicoro::python::{self, Application, Request, ServerFacts};
use unicoro_contract::{BlockingWaiter, SocketAddress, Stop, Stream, Tempo};

const REQUEST: &[u8] =
    b"GET /hello?a=b HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: Mozilla/5.0 \
    (X11; Linux x86_64) AppleWebKit/537.36\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef\r\nConnection: keep-alive\r\n\r\n";

fn request(criterion: &mut Criterion) {
    let apps = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps");
    python::start(&[]).unwrap();
    python::prepare_path(&[&apps]).unwrap();
    let facts = ServerFacts { multithread: true, multiprocess: false };
    let application = Application::new(
        python::load("hello:app", "auto", "sync", Path::new(".")).unwrap(),
        facts,
        None,
    )
    .unwrap();
    let (ours, mut client) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let stream = Arc::new(Stream::new(ours.into(), 0, &BlockingWaiter));
    let ends = SocketAddress::Ip("127.0.0.1:8000".parse().unwrap());
    let streams = Streams::new(Duration::ZERO, Arc::new(Stop::new().unwrap()));
    let head = parse(REQUEST, &Limits::default()).unwrap();
    let mut serve = || {
        stream.expect_response();
        let served = application.call(Request {
            head: &head,
            place: Place {
                client: &ends,
                local: &ends,
                proxy: None,
                is_https: false,
                script_name: "",
                path: head.target.path,
            },
            stream: &stream,
            unread: Unread::Nothing,
            facts: RequestFacts {
                version: head.version,
                is_head: false,
                keep_alive: true,
                takes_trailers: false,
                manner: Manner::Gunicorn,
            },
            environ_names: &[],
            began: Instant::now(),
            tempo: &Tempo::default(),
            sockets: None,
            streams: &streams,
        });
        assert_ne!(client.read(&mut [0; 4096]).unwrap(), 0);
        served.response.answer().status
    };
    python::main_thread(|| {
        criterion.bench_function("request/hello", |bencher| bencher.iter(&mut serve));
    });
}

criterion_group!(benches, request);
criterion_main!(benches);
