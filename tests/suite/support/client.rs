//! An HTTP client of raw bytes: it sends what the test wrote and reads one response by its framing.
//!
//! It never repairs, retries or follows anything: what the server did is what the test sees.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::RcvBuf;

use crate::support::wait::{self, PATIENCE};

/// A head or a body longer than this is a server gone mad.
const LONGEST_RESPONSE: usize = 64 << 20;

pub struct Client {
    stream: TcpStream,
    /// Bytes that came after what was last read: the start of the next response.
    rest: Vec<u8>,
}

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub reason: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, rest: Vec::new() }
    }

    /// Its kernel keeps little of what comes, and tells the server of each read. One that may keep megabytes says
    /// nothing until a sixteenth of that is free (Linux, `__tcp_select_window`).
    pub fn keep_little(&self) {
        setsockopt(&self.stream, RcvBuf, &(64 * 1024)).unwrap();
    }

    /// Its socket, and what has come behind what was read.
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.rest)
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server takes the request");
    }

    /// `send` to a server that may have answered and closed the connection already.
    pub fn send_while_open(&mut self, bytes: impl AsRef<[u8]>) {
        if let Err(error) = self.stream.write_all(bytes.as_ref()) {
            let is_closed = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
            assert!(is_closed.contains(&error.kind()), "{error}");
        }
    }

    /// Says that no more bytes will come, and still reads.
    pub fn finish_sending(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// A GET on this connection, which stays open if the server likes.
    pub fn get(&mut self, path: &str) -> Response {
        self.send(get_request(path));
        self.response()
    }

    /// One whole response to anything but HEAD.
    pub fn response(&mut self) -> Response {
        self.read_response(false).expect("an answer, not the end of the connection")
    }

    /// One response without a body, whatever its headers say.
    pub fn response_to_head(&mut self) -> Response {
        self.read_response(true).expect("an answer, not the end of the connection")
    }

    /// A response, or nothing when the server closed or reset the connection instead.
    pub fn response_or_close(&mut self) -> Option<Response> {
        self.read_response(false)
    }

    /// Reads until at least one byte is there and returns all that has come.
    pub fn some_bytes(&mut self) -> Vec<u8> {
        if self.rest.is_empty() {
            self.fill();
        }
        std::mem::take(&mut self.rest)
    }

    /// All that has come once this text is in it; if the server closes before, the test fails.
    #[track_caller]
    pub fn text_until(&mut self, text: &str) -> String {
        while find(&self.rest, text.as_bytes()).is_none() {
            assert!(self.fill(), "{text:?} did not come, but {:?}", self.rest_as_text());
        }
        String::from_utf8_lossy(&self.some_bytes()).into_owned()
    }

    /// Whether a chunked body comes to its end without its last chunk.
    pub fn ends_cut_off(mut self) -> bool {
        !self.bytes_to_the_end().ends_with(b"0\r\n\r\n")
    }

    /// Reads once, at most `count` bytes; nothing at the end of the stream or after a reset.
    pub fn at_most(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let taken = wait::uninterrupted(|| self.stream.read(&mut bytes)).unwrap_or(0);
        bytes.truncate(taken);
        bytes
    }

    /// Everything until the server closes.
    pub fn bytes_to_the_end(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.rest)
    }

    /// Whether the server has closed, waiting for it if need be; more bytes mean no.
    pub fn is_closed(&mut self) -> bool {
        self.rest.is_empty() && !self.fill()
    }

    /// Whether nothing comes for this long: for rules that say "not yet".
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let mut byte = [0_u8; 1];
        let outcome = self.stream.peek(&mut byte);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        self.rest.is_empty()
            && outcome.is_err_and(|error| {
                matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
            })
    }

    fn read_response(&mut self, is_head: bool) -> Option<Response> {
        let head_end = loop {
            if let Some(at) = find(&self.rest, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill() {
                let rest = String::from_utf8_lossy(&self.rest);
                assert!(rest.is_empty(), "closed inside a response head: {rest:?}");
                return None;
            }
        };
        let head: Vec<u8> = self.rest.drain(..head_end).collect();
        let mut response = Response::from_head(&head);
        if !is_head && !matches!(response.status, 100..=199 | 204 | 304) {
            response.body = self.read_body(&response);
        }
        Some(response)
    }

    fn read_body(&mut self, response: &Response) -> Vec<u8> {
        if response.header("transfer-encoding") == Some("chunked") {
            return self.read_chunks();
        }
        match response.header("content-length") {
            Some(length) => self.take(length.parse().expect("Content-Length is a number")),
            None => self.bytes_to_the_end(),
        }
    }

    fn read_chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = self.take_line();
            let size = usize::from_str_radix(&line, 16).expect("a chunk's size");
            let chunk = self.take(size);
            assert_eq!(self.take_line(), "", "a chunk ends with CRLF");
            if size == 0 {
                return body;
            }
            body.extend(chunk);
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        while self.rest.len() < count {
            assert!(self.fill(), "closed after {} of {count} bytes of a body", self.rest.len());
        }
        self.rest.drain(..count).collect()
    }

    fn take_line(&mut self) -> String {
        let end = loop {
            if let Some(at) = find(&self.rest, b"\r\n") {
                break at + 2;
            }
            assert!(self.fill(), "closed inside a chunked body");
        };
        let line: Vec<u8> = self.rest.drain(..end).collect();
        String::from_utf8_lossy(&line[..end - 2]).into_owned()
    }

    /// Reads once; false at the end of the stream or after a reset.
    fn fill(&mut self) -> bool {
        assert!(self.rest.len() < LONGEST_RESPONSE, "no end of the response in sight");
        let mut chunk = [0_u8; 65536];
        match wait::uninterrupted(|| self.stream.read(&mut chunk)) {
            Ok(0) => false,
            Ok(count) => {
                self.rest.extend_from_slice(&chunk[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("no more bytes came: {error}; so far {:?}", self.rest_as_text()),
        }
    }

    fn rest_as_text(&self) -> String {
        String::from_utf8_lossy(&self.rest[..self.rest.len().min(500)]).into_owned()
    }
}

impl Response {
    fn from_head(head: &[u8]) -> Response {
        let head = String::from_utf8_lossy(head).into_owned();
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let mut parts = status_line.splitn(3, ' ');
        let version = parts.next().unwrap_or_default();
        assert!(version.starts_with("HTTP/1."), "not a status line: {status_line:?}");
        let status = parts.next().and_then(|code| code.parse().ok()).expect("a status code");
        let reason = parts.next().unwrap_or_default().to_owned();
        let headers = lines
            .take_while(|line| !line.is_empty())
            .map(|line| line.split_once(':').expect("a header has a colon"))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Response { status, reason, headers, body: Vec::new() }
    }

    /// The value of the only header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} comes twice: {:?}", self.headers);
        value
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the server said that it will close the connection.
    pub fn says_close(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// A GET on a connection of its own.
pub fn get(address: SocketAddr, path: &str) -> Response {
    let mut client = Client::connect(address);
    client.send(get_and_close(path));
    client.response()
}

/// The bytes of a GET that leaves the connection open.
pub fn get_request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

/// The bytes of a GET that asks the server to close.
pub fn get_and_close(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
}

/// Addresses that nobody listens on, for servers that bind by themselves.
pub fn free_addresses<const COUNT: usize>() -> [SocketAddr; COUNT] {
    // All are taken before one is free again.
    let taken = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    taken.map(|listener| listener.local_addr().unwrap())
}

pub fn wait_for_listener(address: SocketAddr) {
    let listens = || TcpStream::connect(address).is_ok();
    wait::until_true(&format!("somebody to listen on {address}"), listens);
}

/// Everything that comes over a unix socket in answer to a request, once somebody listens there.
pub fn exchange_over(socket: &Path, request: impl AsRef<[u8]>) -> String {
    let connect = || UnixStream::connect(socket).ok();
    let mut stream = wait::until("the unix socket", PATIENCE, connect);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_ref()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
