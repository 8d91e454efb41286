//! What is seen under our engine, beside what is seen under gunicorn's nearest.

use std::fmt::Debug;

use crate::support::{Engine, Server};

/// Runs `look` under both and compares what it saw.
pub fn compare<Seen: PartialEq + Debug>(engine: Engine, look: impl Fn(Engine) -> Seen) {
    let (found, expected) = (look(engine), look(engine.kin()));
    assert_eq!(found, expected, "unicoro on the left, gunicorn on the right");
}

/// The answer without what may differ: the lines of its head, and its body.
pub fn answer(server: &Server, request: &[u8]) -> (Vec<String>, Vec<u8>) {
    let mut client = server.connect();
    client.send(request);
    let bytes = client.bytes_to_the_end();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    (lines(&head), unchunked(&head, &bytes[end..]))
}

/// The lines that must be the same.
pub fn lines(answer: &str) -> Vec<String> {
    let may_differ = |line: &&str| line.starts_with("Server: ") || line.starts_with("Date: ");
    answer.lines().filter(|line| !may_differ(line)).map(str::to_owned).collect()
}

/// How a body is cut into chunks is no part of it; that it ends properly is.
fn unchunked(head: &str, body: &[u8]) -> Vec<u8> {
    if !head.contains("\r\nTransfer-Encoding: chunked\r\n") {
        return body.to_vec();
    }
    let (mut data, mut rest) = (Vec::new(), body);
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        data.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
        if size == 0 {
            data.extend_from_slice(b"(ended)");
        }
    }
    data
}
