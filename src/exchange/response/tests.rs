use std::io::Read;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use unicoro_contract::BlockingWaiter;

use super::*;
use crate::http::{Manner, Version};

const GET: RequestFacts = RequestFacts {
    version: Version::Http11,
    is_head: false,
    keep_alive: true,
    takes_trailers: false,
    manner: Manner::Gunicorn,
};

/// A response and its client.
fn connected(continue_due: Option<Arc<AtomicBool>>) -> (Response, UnixStream) {
    let (ours, client) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    client.set_nonblocking(true).unwrap();
    let stream = Arc::new(Stream::new(ours.into(), 0, &BlockingWaiter));
    let tempo = Tempo { idle: None, min_rate: 0 };
    (Response::new(stream, Instant::now(), GET, tempo, continue_due), client)
}

fn begun() -> (Response, UnixStream) {
    let (mut response, client) = connected(None);
    begin(&mut response, "200 OK");
    (response, client)
}

fn begin(response: &mut Response, status_line: &str) {
    response.begin(status_line.into(), Fields::default()).unwrap();
}

fn fields(name: &str, value: &str) -> Fields {
    let mut fields = Fields::default();
    push(&mut fields, name, value);
    fields
}

fn push(fields: &mut Fields, name: &str, value: &str) {
    let append = |text: &str, bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(text.as_bytes());
        Ok::<(), ()>(())
    };
    fields.push(|bytes| append(name, bytes), |bytes| append(value, bytes)).unwrap();
}

/// What the client has been sent.
fn sent(client: &mut UnixStream) -> String {
    let mut bytes = [0; 4096];
    let count = client.read(&mut bytes).unwrap_or(0);
    String::from_utf8(bytes[..count].to_vec()).unwrap()
}

#[test]
fn a_head_waits_for_the_first_piece() {
    let (mut response, mut client) = begun();
    assert_eq!(sent(&mut client), "");
    response.send(b"abc").unwrap();
    let first = sent(&mut client);
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n") && first.ends_with("\r\n\r\n3\r\nabc\r\n"));
    assert_eq!(response.end(), None);
    response.send_rest().unwrap();
    assert_eq!(sent(&mut client), "0\r\n\r\n");
    assert_eq!((response.fate(), response.answer().body_sent), (Fate::Kept, 3));
}

#[test]
fn a_short_body_leaves_with_its_head_at_the_end() {
    let (mut response, mut client) = begun();
    response.add(b"abc");
    assert_eq!((response.end(), response.has_left()), (None, false));
    assert_eq!(sent(&mut client), "");
    response.send_rest().unwrap();
    assert!(sent(&mut client).ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
}

#[test]
fn a_head_that_has_not_left_can_be_replaced() {
    let (mut response, mut client) = begun();
    begin(&mut response, "404 Not Found");
    response.send(b"").unwrap();
    assert!(sent(&mut client).starts_with("HTTP/1.1 404 Not Found\r\n"));
    assert_eq!(response.answer().status, 404);
}

#[test]
fn a_failure_is_told_where_nothing_has_left() {
    let (mut response, mut client) = begun();
    response.refuse(500, "");
    response.send_rest().unwrap();
    assert!(sent(&mut client).starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
    assert_eq!(response.answer().status_line(), b"500 Internal Server Error");
    assert_eq!(response.fate(), Fate::Closed);
}

#[test]
fn a_response_that_has_begun_to_leave_is_cut_off() {
    let (mut response, mut client) = begun();
    response.send(b"abc").unwrap();
    sent(&mut client);
    response.refuse(500, "");
    response.send_rest().unwrap();
    assert_eq!((sent(&mut client).as_str(), response.answer().status), ("", 200));
    assert_eq!(response.fate(), Fate::Closed);
}

#[test]
fn nothing_follows_what_could_not_be_sent() {
    let (mut response, client) = begun();
    client.shutdown(Shutdown::Both).unwrap();
    response.send(b"abc").unwrap_err();
    assert_eq!(response.breakage(), Some(Breakage::Left));
    response.add(b"def");
    assert_eq!((response.end(), response.has_rest()), (None, false));
    response.send(b"def").unwrap_err();
    response.refuse(500, "");
    response.send_rest().unwrap_err();
    assert_eq!((response.fate(), response.answer().status), (Fate::Dropped, 200));
}

#[test]
fn an_overdue_request_has_one_answer() {
    for is_short in [true, false] {
        let (mut response, mut client) = begun();
        assert!(response.stream.take_response());
        if is_short {
            response.add(b"abc");
            response.end();
            response.send_rest().unwrap_err();
        } else {
            response.send(b"abc").unwrap_err();
        }
        assert_eq!(sent(&mut client), "");
        assert_eq!((response.answer().status, response.answer().body_sent), (OVERDUE, 0));
        assert_eq!(response.fate(), Fate::Dropped);
    }
}

#[test]
fn who_waits_for_100_continue_is_not_kept() {
    let (mut response, mut client) = connected(Some(Arc::new(AtomicBool::new(true))));
    begin(&mut response, "200 OK");
    response.end();
    response.send_rest().unwrap();
    assert!(sent(&mut client).contains("\r\nConnection: close\r\n"));
    assert_eq!(response.fate(), Fate::Closed);
}

#[test]
fn a_socket_that_the_application_has_taken_is_handed_over() {
    let (mut response, _client) = begun();
    response.end();
    assert_eq!(response.fate(), Fate::Kept);
    response.stream.share().unwrap();
    assert_eq!(response.fate(), Fate::HandedOver);
}

#[test]
fn hints_come_before_the_head_only() {
    let (mut response, mut client) = connected(None);
    let hints = fields("Link", "</a>");
    response.send_hints(&hints).unwrap().unwrap();
    assert_eq!(sent(&mut client), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    begin(&mut response, "200 OK");
    response.send(b"").unwrap();
    sent(&mut client);
    response.send_hints(&hints).unwrap().unwrap();
    assert_eq!(sent(&mut client), "");
}

#[test]
fn a_length_that_is_not_kept_is_told() {
    let short = WrongLength::Short { missing: 1 };
    for (body, wrong) in [("ab", Some(short)), ("abc", None), ("abcd", Some(WrongLength::Long))] {
        let (mut response, _client) = connected(None);
        response.begin("200 OK".into(), fields("Content-Length", "3")).unwrap();
        response.send(body.as_bytes()).unwrap();
        assert_eq!(response.end(), wrong);
    }
}

#[test]
fn a_long_head_leaves_at_once_and_what_was_not_sent_was_not_taken() {
    let (mut response, mut client) = connected(None);
    response.begin(b"200 OK".to_vec(), fields("x-long", &"y".repeat(2 * HELD))).unwrap();
    // False is for a client that takes no more, and no other: nothing else tells of room.
    let mut is_taken = response.send_now(b"abc").unwrap();
    let mut taken = String::new();
    while !is_taken {
        let some = sent(&mut client);
        assert!(!some.is_empty(), "it was not sent: {} of it", taken.len());
        taken += &some;
        is_taken = response.send_more(false).unwrap();
    }
    std::iter::from_fn(|| Some(sent(&mut client)).filter(|some| !some.is_empty()))
        .for_each(|some| taken += &some);
    assert!(taken.ends_with("\r\n\r\n3\r\nabc\r\n"), "{}", taken.len());
}

#[test]
fn what_ends_is_held_only_if_its_connection_is_kept() {
    let length = || fields("Content-Length", "3");
    let (mut response, _client) = connected(None);
    response.begin("200 OK".into(), length()).unwrap();
    assert!(response.ends_with(b"abc") && !response.ends_with(b"ab"));
    // The application wants no other request, or nobody knows where it would begin.
    let (mut response, _client) = connected(None);
    let mut closing = length();
    push(&mut closing, "Connection", "close");
    response.begin("200 OK".into(), closing).unwrap();
    assert!(!response.ends_with(b"abc"));
    let (mut response, _client) = connected(Some(Arc::new(AtomicBool::new(true))));
    response.begin("200 OK".into(), length()).unwrap();
    assert!(!response.ends_with(b"abc"));
}
