//! What the server allocates for a request: this program's allocator counts. CPython's own objects come
//! from CPython's allocators and do not count.
#![allow(unsafe_code, reason = "an allocator is unsafe to write")]
#![allow(clippy::unwrap_used, reason = "this crate is nothing but tests")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro::exchange::{Fate, Place, Streams, Unread};
use unicoro::http::{self, Limits, Manner, RequestFacts};
use unicoro::python::{self, Application, Request, ServerFacts};
use unicoro_contract::{
    BlockingWaiter, Inbox, Received, SocketAddress, Stop, Stream, Tempo, begin_current, end_current,
};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does all of the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as the caller says.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const REQUEST: &[u8] =
    b"GET /hello?a=b HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: Mozilla/5.0 \
    (X11; Linux x86_64) AppleWebKit/537.36\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef\r\nConnection: keep-alive\r\n\r\n";

/// A client that stays, and what serves it.
struct Kept {
    application: Application,
    stream: Arc<Stream>,
    inbox: Inbox,
    client: UnixStream,
    ends: SocketAddress,
    streams: Streams,
}

impl Kept {
    /// Serves a request as a worker does, from its first byte to the last of its answer.
    fn serve(&mut self) {
        self.client.write_all(REQUEST).unwrap();
        assert_eq!(self.stream.receive(&mut self.inbox).unwrap(), Received::Bytes(REQUEST.len()));
        let (limits, began) = (Limits::default(), Instant::now());
        let len = http::scan(self.inbox.as_slice(), &mut 0, &limits).unwrap().unwrap();
        let bytes = self.inbox.take_front(len);
        let head = http::parse(&bytes, &limits).unwrap();
        self.stream.expect_response();
        begin_current(began, |line| *line += head.target.raw, |_| ());
        let served = self.application.call(Request {
            head: &head,
            place: Place {
                client: &self.ends,
                local: &self.ends,
                proxy: None,
                is_https: false,
                script_name: "",
                path: head.target.path,
            },
            stream: &self.stream,
            unread: Unread::Nothing,
            facts: RequestFacts {
                version: head.version,
                is_head: false,
                keep_alive: true,
                takes_trailers: false,
                manner: Manner::Gunicorn,
            },
            environ_names: &[],
            began,
            tempo: &Tempo::default(),
            sockets: None,
            streams: &self.streams,
        });
        end_current();
        assert_eq!(served.response.fate(), Fate::Kept);
        Inbox::recycle(bytes);
        let mut answer = [0; 4096];
        let count = self.client.read(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer[..count].ends_with(b"world!"));
    }
}

#[test]
fn a_request_on_a_kept_connection_allocates_nothing() {
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
    let (ours, client) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let stream = Arc::new(Stream::new(ours.into(), 0, &BlockingWaiter));
    let ends = SocketAddress::Ip("127.0.0.1:8000".parse().unwrap());
    let streams = Streams::new(Duration::ZERO, Arc::new(Stop::new().unwrap()));
    let mut kept = Kept { application, stream, inbox: Inbox::default(), client, ends, streams };
    python::main_thread(|| {
        // What is made once.
        (0..3).for_each(|_| kept.serve());
        // A second may end meanwhile, and its Date with it: then it is counted again.
        let made = (0..3).map(|_| {
            let before = COUNT.get();
            (0..10).for_each(|_| kept.serve());
            COUNT.get() - before
        });
        assert_eq!(made.min(), Some(0), "allocations for ten requests");
    });
}
