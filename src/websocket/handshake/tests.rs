//! Which requests are accepted as WebSockets, and with which bytes.

use super::*;
use crate::http::{Limits, parse};

const LINES: [&str; 4] = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

fn request(request_line: &str, lines: &[&str]) -> Vec<u8> {
    format!("{request_line}\r\nHost: x\r\n{}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

/// A good request with the line that begins as `line` does replaced, or with one more.
fn with(line: &str) -> Vec<u8> {
    let name = line.split(':').next().unwrap();
    let mut lines: Vec<&str> = LINES.into_iter().filter(|kept| !kept.starts_with(name)).collect();
    lines.push(line);
    request("GET /chat HTTP/1.1", &lines)
}

fn found<T>(head: &[u8], look: impl Fn(Result<Option<Upgrade>, Refusal>) -> T) -> T {
    look(Upgrade::of(&parse(head, &Limits::default()).unwrap()))
}

fn is_ordinary(head: &[u8]) -> bool {
    found(head, |upgrade| upgrade.unwrap().is_none())
}

fn refused(head: &[u8]) -> (u16, &'static str) {
    let refusal = found(head, |upgrade| upgrade.unwrap_err());
    (refusal.status, refusal.rule)
}

/// The answer, with these given by the application.
fn answered(head: &[u8], subprotocol: Option<&str>, fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    found(head, |upgrade| {
        let upgrade = upgrade.unwrap().unwrap();
        let agreed = upgrade.negotiate(&Policy::default());
        let mut out = Vec::new();
        upgrade.answer(subprotocol, agreed.as_ref(), fields.clone(), "DATE", &mut out).unwrap();
        String::from_utf8(out).unwrap()
    })
}

#[test]
fn the_example_of_the_rfc_is_accepted() {
    // RFC 6455, 1.3.
    let answer = answered(&request("GET /chat HTTP/1.1", &LINES), None, &[]);
    assert_eq!(
        answer,
        "HTTP/1.1 101 Switching Protocols\r\nServer: unicoro\r\nDate: DATE\r\n\
         Connection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    );
}

#[test]
fn names_and_options_come_in_any_case_and_among_others() {
    assert!(!is_ordinary(&with("Connection: keep-alive, upgrade")));
    assert!(!is_ordinary(&with("Upgrade: h2c, WebSocket")));
}

#[test]
fn other_requests_are_ordinary() {
    // RFC 9110, 7.8: a server may ignore Upgrade.
    assert!(is_ordinary(&request("POST /chat HTTP/1.1", &LINES)));
    assert!(is_ordinary(&request("GET /chat HTTP/1.0", &LINES)));
    assert!(is_ordinary(&with("Upgrade: h2c")));
    assert!(is_ordinary(&with("Upgrade: websocket2")));
    assert!(is_ordinary(&with("Connection: keep-alive")));
    assert!(is_ordinary(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
}

#[test]
fn the_key_is_16_bytes_in_base64() {
    // RFC 6455, 4.2.1.
    for bad in [
        "",
        "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZSE=",
        "dGhlIHNhbXBsZSBub25j!Q==",
        "dGhlIHNhbXBsZSBub25jZXMgbG9uZw==",
    ] {
        let head = with(&format!("Sec-WebSocket-Key: {bad}"));
        assert_eq!(refused(&head), (400, "websocket-key"), "{bad}");
    }
    assert_eq!(refused(&request("GET / HTTP/1.1", &LINES[..2])), (400, "websocket-version"));
    let without = [LINES[0], LINES[1], LINES[3]];
    assert_eq!(refused(&request("GET / HTTP/1.1", &without)), (400, "websocket-key"));
    let twice = [LINES[0], LINES[1], LINES[2], LINES[2], LINES[3]];
    assert_eq!(refused(&request("GET / HTTP/1.1", &twice)), (400, "websocket-key"));
}

#[test]
fn other_versions_are_told_which_is_spoken() {
    // RFC 6455, 4.4.
    for version in ["12", "8", "013", "13, 8", "x"] {
        let head = with(&format!("Sec-WebSocket-Version: {version}"));
        let refusal = found(&head, |upgrade| upgrade.unwrap_err());
        assert_eq!((refusal.status, refusal.rule), (426, "websocket-version"), "{version}");
        let told = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")];
        assert_eq!(refusal.fields(), told);
    }
}

#[test]
fn a_body_is_refused() {
    assert_eq!(refused(&with("Content-Length: 1")), (400, "websocket-body"));
    assert_eq!(refused(&with("Transfer-Encoding: chunked")), (400, "websocket-body"));
    assert!(!is_ordinary(&with("Content-Length: 0")));
}

#[test]
fn one_of_the_offered_subprotocols_may_be_chosen() {
    // RFC 6455, 4.2.2, 5.5; the field may be split over lines.
    let mut lines = LINES.to_vec();
    lines.extend(["Sec-WebSocket-Protocol: soap, wamp", "Sec-WebSocket-Protocol: chat.v2"]);
    let head = request("GET / HTTP/1.1", &lines);
    found(&head, |upgrade| {
        let upgrade = upgrade.unwrap().unwrap();
        assert_eq!(upgrade.subprotocols, ["soap", "wamp", "chat.v2"]);
        let mut out = Vec::new();
        let answer = upgrade.answer(Some("so"), None, [].into_iter(), "DATE", &mut out);
        assert_eq!(answer, Err(AnswerError::Subprotocol("so".to_owned())));
        assert!(out.is_empty());
    });
    assert!(answered(&head, Some("wamp"), &[]).contains("\r\nSec-WebSocket-Protocol: wamp\r\n"));
    assert!(!answered(&head, None, &[]).contains("Protocol:"));
    assert_eq!(refused(&with("Sec-WebSocket-Protocol: a b")), (400, "websocket-protocol"));
}

#[test]
fn an_offer_of_compression_is_answered() {
    let head = with("Sec-WebSocket-Extensions: foo, permessage-deflate; client_max_window_bits");
    let answer = answered(&head, None, &[]);
    let line = "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                client_no_context_takeover\r\n";
    assert!(answer.contains(line), "{answer}");
    assert!(!answered(&with("Sec-WebSocket-Extensions: foo"), None, &[]).contains("Extensions"));
    let malformed = with("Sec-WebSocket-Extensions: permessage-deflate;");
    assert_eq!(refused(&malformed), (400, "websocket-extensions"));
}

#[test]
fn the_applications_fields_stand_behind_and_replace_nothing() {
    let answer = answered(
        &request("GET / HTTP/1.1", &LINES),
        None,
        &[
            ("Set-Cookie", "a=b"),
            ("sec-websocket-accept", "x"),
            ("Sec-WebSocket-Extensions", "foo"),
            ("Upgrade", "h2c"),
            ("Connection", "close"),
            ("Content-Length", "3"),
        ],
    );
    assert!(answer.contains("\r\nSet-Cookie: a=b\r\n"));
    for name in ["foo", "h2c", "close", "Content-Length", ": x\r\n"] {
        assert!(!answer.contains(name), "{answer}");
    }
}

#[test]
fn a_field_cannot_split_the_answer() {
    let head = request("GET / HTTP/1.1", &LINES);
    found(&head, |upgrade| {
        let fields = [(&b"X"[..], &b"a\r\nSet-Cookie: b"[..])].into_iter();
        let mut out = Vec::new();
        let answer = upgrade.unwrap().unwrap().answer(None, None, fields, "DATE", &mut out);
        assert!(matches!(answer, Err(AnswerError::Field(ResponseError::FieldValue(_)))));
        assert!(out.is_empty());
    });
}

#[test]
fn base64_is_padded() {
    // RFC 4648, 10.
    for (bytes, text) in [
        (&b""[..], &b""[..]),
        (b"f", b"Zg=="),
        (b"fo", b"Zm8="),
        (b"foo", b"Zm9v"),
        (b"foob", b"Zm9vYg=="),
        (b"\xff\xff\xff", b"////"),
    ] {
        assert_eq!(base64(bytes), text);
    }
}
