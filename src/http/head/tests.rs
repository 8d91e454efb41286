//! Which heads are served, and by which rule the others are refused.

use super::*;
use crate::http::scan;

const LIMITS: Limits = Limits { line: 4094, fields: 3, field_size: 8190 };

/// The status and rule with which `head` is refused; `None` when it is served.
fn refused(head: &[u8]) -> Option<(u16, &'static str)> {
    let found = scan(head, &mut 0, &LIMITS).and_then(|length| {
        assert_eq!(length, Some(head.len()), "{}", head.escape_ascii());
        parse(head, &LIMITS)
    });
    let error = found.err()?;
    assert!(error.detail.bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{error}");
    Some((error.status, error.rule))
}

fn served(head: &[u8]) -> Head<'_> {
    parse(head, &LIMITS).unwrap()
}

/// An HTTP/1.1 request with these lines after a good request line and Host.
fn with(lines: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n").into_bytes()
}

#[test]
fn a_head_is_read() {
    let head = served(b"GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\naccept: \t*/* \r\nX-E:\r\n\r\n");
    assert_eq!((head.method, head.version), ("GET", Version::Http11));
    assert_eq!((head.target.path, head.target.query), ("/a%20b", "c=d"));
    let fields: Vec<_> = head.fields.iter().map(|field| (field.name, field.value)).collect();
    assert_eq!(fields, [("Host", &b"x"[..]), ("accept", b"*/*"), ("X-E", b"")]);
    assert_eq!(head.field("ACCEPT"), Some(&b"*/*"[..]));
    assert_eq!(head.field("Range"), None);
    assert_eq!((head.framing, head.keep_alive), (Framing::Empty, true));
}

#[test]
fn one_leading_crlf_is_skipped() {
    assert_eq!(served(b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n").method, "GET");
}

#[test]
fn request_line_has_three_parts_and_single_spaces() {
    for line in [
        "GET",
        "GET /",
        "GET  / HTTP/1.1",
        "GET /\tHTTP/1.1",
        "GET / a HTTP/1.1",
        "GET /\x7f HTTP/1.1",
    ] {
        let head = format!("{line}\r\nHost: x\r\n\r\n");
        assert_eq!(refused(head.as_bytes()), Some((400, "request-line")), "{line}");
    }
    for line in ["GET / HTTP/1.1 ", "GET /  HTTP/1.1", "GET / HTTP/1.1\t", "GET / http/1.1"] {
        let head = format!("{line}\r\nHost: x\r\n\r\n");
        assert_eq!(refused(head.as_bytes()), Some((400, "request-line")), "{line}");
    }
}

#[test]
fn method_is_a_token_in_capitals() {
    for method in ["GET", "M-SEARCH", "VERSION-CONTROL", "PROPFIND", "A12", "ABCDEFGHIJKLMNOPQRST"]
    {
        assert_eq!(refused(format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()), None);
    }
    for method in ["get", "GEt", "GO", "G#T", "ABCDEFGHIJKLMNOPQRSTU"] {
        let head = format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(refused(head.as_bytes()), Some((400, "method")), "{method}");
    }
    for method in ["G(T", "G\x01T", "GET:"] {
        let head = format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(refused(head.as_bytes()), Some((400, "request-line")), "{method}");
    }
}

#[test]
fn other_versions_get_505() {
    for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/9.9"] {
        let head = format!("GET / {version}\r\nHost: x\r\n\r\n");
        assert_eq!(refused(head.as_bytes()), Some((505, "version-unsupported")), "{version}");
    }
    assert_eq!(refused(b"PRI * HTTP/2.0\r\n\r\n"), Some((505, "version-unsupported")));
    for version in ["HTTP/1", "HTTP/11", "HTTQ/1.1", "HTTP/1.10", "HTTP/ 1.1"] {
        let head = format!("GET / {version}\r\nHost: x\r\n\r\n");
        assert_eq!(refused(head.as_bytes()), Some((400, "request-line")), "{version}");
    }
}

#[test]
fn content_type_comes_at_most_once() {
    assert_eq!(refused(&with("Content-Type: a/b")), None);
    let twice = with("Content-Type: a/b\r\ncontent-type: a/b");
    assert_eq!(refused(&twice), Some((400, "content-type-repeated")));
}

#[test]
fn target_is_ascii() {
    for target in ["/\u{e9}", "/?\u{20ac}", "http://h/\u{e9}", "/\u{80}"] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(refused(head.as_bytes()), Some((400, "target")), "{target}");
    }
    let found = refused(b"GET /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(found.map(|(status, _)| status), Some(400));
}

#[test]
fn target_holds_no_control_byte() {
    for byte in (0..=b' ').chain([0x7f, 0x80, 0xff]) {
        let mut head = b"GET /a".to_vec();
        head.push(byte);
        head.extend_from_slice(b"b HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(matches!(refused(&head), Some((400, _))), "{byte:#x}");
    }
}

#[test]
fn value_holds_no_control_byte() {
    // At every position, because httparse checks values in blocks of several sizes.
    for at in 0..80 {
        for byte in (0..b' ').chain([0x7f]).filter(|&byte| byte != b'\t') {
            let mut head = b"GET / HTTP/1.1\r\nHost: x\r\nX: ".to_vec();
            let start = head.len();
            head.extend_from_slice(&[b'v'; 80]);
            head[start + at] = byte;
            head.extend_from_slice(b"\r\n\r\n");
            let rule = if byte == b'\n' { "bare-lf" } else { "field-value" };
            assert_eq!(refused(&head), Some((400, rule)), "{byte:#x} at {at}");
        }
    }
    assert_eq!(served(&with("X: a\tb")).fields[1].value, b"a\tb");
}

#[test]
fn name_is_a_token() {
    for name in ["X Y", "X\x01", "X\u{e9}", "X(", "\"X\"", "X@", "X/Y", "X\0"] {
        assert!(matches!(refused(&with(&format!("{name}: v"))), Some((400, _))), "{name}");
    }
    assert_eq!(refused(&with(": v")), Some((400, "field-name")));
    assert_eq!(refused(&with("novalue")), Some((400, "field-name")));
    assert_eq!(refused(&with("X_Y: v")), None);
}

#[test]
fn no_space_stands_before_the_colon() {
    for line in ["X : v", "X\t: v", "Content-Length : 1"] {
        assert_eq!(refused(&with(line)), Some((400, "space-before-colon")), "{line}");
    }
}

#[test]
fn obs_fold_is_refused() {
    for lines in ["X: a\r\n b", "X: a\r\n\tb", "X:\r\n b", "X: a\r\n  "] {
        assert_eq!(refused(&with(lines)), Some((400, "obs-fold")), "{lines:?}");
    }
    let before_first = b"GET / HTTP/1.1\r\n Host: x\r\n\r\n";
    assert_eq!(refused(before_first), Some((400, "obs-fold")));
}

#[test]
fn bare_cr_is_refused() {
    for head in [
        &b"GET / HTTP/1.1\rHost: x\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\r\n\r\n",
        b"GET / HTTP/1.1\r\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\rX: y\r\n\r\n",
    ] {
        assert!(matches!(refused(head), Some((400, _))), "{}", head.escape_ascii());
    }
}

#[test]
fn host_comes_exactly_once_on_1_1() {
    assert_eq!(refused(b"GET / HTTP/1.1\r\n\r\n"), Some((400, "host-missing")));
    assert_eq!(refused(&with("host: x")), Some((400, "host-repeated")));
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), Some((400, "host")));
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), Some((400, "host")));
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost:\r\n\r\n"), None);
    assert_eq!(refused(b"GET / HTTP/1.0\r\n\r\n"), None);
    let twice = b"GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n";
    assert_eq!(refused(twice), Some((400, "host-repeated")));
}

#[test]
fn absolute_form_still_needs_host() {
    assert_eq!(refused(b"GET http://x/ HTTP/1.1\r\n\r\n"), Some((400, "host-missing")));
    let head = served(b"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_eq!(head.target.authority, Some("a"));
}

#[test]
fn framing_is_judged() {
    assert_eq!(served(&with("Content-Length: 3")).framing, Framing::Length(3));
    assert_eq!(served(&with("Transfer-Encoding: chunked")).framing, Framing::Chunked);
    for (lines, status) in [
        ("content-length: 3\r\nContent-Length: 3", 400),
        ("Content-Length: 3\r\nTRANSFER-ENCODING: chunked", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", 400),
        ("Transfer-Encoding: gzip", 501),
    ] {
        assert_eq!(refused(&with(lines)).map(|(status, _)| status), Some(status), "{lines}");
    }
    let old = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(refused(old), Some((400, "transfer-encoding-on-1.0")));
}

#[test]
fn connection_is_a_list() {
    for (lines, keep_alive) in [
        ("X: y", true),
        ("Connection: close", false),
        ("Connection: close, TE", false),
        ("Connection: TE ,Close", false),
        ("Connection: TE\r\nConnection: close", false),
        ("Connection: keep-alive, close", false),
        ("Connection: closed", true),
        ("Connection: keep-alive", true),
    ] {
        assert_eq!(served(&with(lines)).keep_alive, keep_alive, "{lines}");
    }
}

#[test]
fn http_1_0_closes_unless_asked() {
    assert!(!served(b"GET / HTTP/1.0\r\n\r\n").keep_alive);
    assert!(served(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
    assert!(!served(b"GET / HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n").keep_alive);
}

#[test]
fn expectation_of_100_continue_is_seen() {
    assert!(served(&with("Content-Length: 1\r\nExpect: 100-Continue")).expects_continue);
    assert!(served(&with("Expect: 100-continue\r\nTransfer-Encoding: chunked")).expects_continue);
    assert!(!served(&with("Expect: 100-continue\r\nContent-Length: 0")).expects_continue);
    assert!(!served(&with("Expect: 100-continue")).expects_continue);
    let old = b"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n";
    assert!(!served(old).expects_continue);
}

#[test]
fn other_expectations_get_417() {
    assert_eq!(refused(&with("Expect: x")), Some((417, "expectation")));
    assert_eq!(refused(&with("Expect: 100-continue, x=1")), Some((417, "expectation")));
    assert_eq!(refused(b"GET / HTTP/1.0\r\nExpect: x\r\n\r\n"), None);
}

#[test]
fn field_limit_counts_lines() {
    assert_eq!(refused(&with("a: 1\r\nb: 2")), None);
    assert_eq!(refused(&with("a: 1\r\nb: 2\r\nc: 3")), Some((431, "too-many-fields")));
}

#[test]
fn more_fields_than_the_stack_holds_are_read() {
    for (sent, limit, is_served) in [
        (100, 100, true),
        (101, 100, false),
        (101, 101, true),
        (300, 4000, true),
        (302, 301, false),
    ] {
        let mut head = b"GET / HTTP/1.1\r\nHost: x\r\n".to_vec();
        head.extend(b"a: b\r\n".repeat(sent - 1));
        head.extend(b"\r\n");
        let found = parse(&head, &Limits { fields: limit, ..LIMITS });
        assert_eq!(found.is_ok(), is_served, "{sent} of {limit}");
        match found {
            Ok(head) => assert_eq!(head.fields.len(), sent),
            Err(error) => assert_eq!(error.status, 431),
        }
    }
}
