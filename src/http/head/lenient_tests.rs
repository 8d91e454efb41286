//! Heads that a switch lets through, and what no switch does.

use super::*;

const LIMITS: Limits = Limits { line: 100, fields: 10, field_size: 30 };
const STRICT: Leniency = Leniency {
    permit_obsolete_folding: false,
    strip_header_spaces: false,
    permit_unconventional_http_method: false,
    permit_unconventional_http_version: false,
    casefold_http_method: false,
};

/// Checks that `head` is refused when strict, and shows it to `look` when lenient.
fn only_with(leniency: Leniency, head: &str, look: impl Fn(Head<'_>)) {
    assert!(parse(head.as_bytes(), &LIMITS).is_err(), "strict: {head:?}");
    let mut bytes = head.as_bytes().to_vec();
    leniency.loosen(&mut bytes, &LIMITS).unwrap();
    assert_eq!(bytes.len(), head.len());
    look(parse_lenient(&bytes, &LIMITS, &leniency).unwrap());
}

/// The rule that `head` breaks in spite of the switches.
fn refused(leniency: Leniency, head: &str) -> &'static str {
    let mut bytes = head.as_bytes().to_vec();
    if let Err(error) = leniency.loosen(&mut bytes, &LIMITS) {
        return error.rule;
    }
    parse_lenient(&bytes, &LIMITS, &leniency).unwrap_err().rule
}

#[test]
fn permit_obsolete_folding_joins_lines() {
    let fold = Leniency { permit_obsolete_folding: true, ..STRICT };
    let head = "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\td\r\nE: f\r\n \r\n\r\n";
    only_with(fold, head, |head| {
        assert_eq!(head.field("A"), Some(&b"b   c  \td"[..]));
        assert_eq!(head.field("E"), Some(&b"f"[..]));
    });
    let first = "GET / HTTP/1.1\r\n Host: x\r\n\r\n";
    assert_eq!(refused(fold, first), "obs-fold");
    assert_eq!(refused(fold, "GET / HTTP/1.1\r\nHost : x\r\n\r\n"), "space-before-colon");
    let long = "GET / HTTP/1.1\r\nHost: x\r\nA: 45678901234567890\r\n 45678901234567890\r\n\r\n";
    assert_eq!(refused(fold, long), "field-too-long");
}

#[test]
fn strip_header_spaces_takes_the_name_without_them() {
    let strip = Leniency { strip_header_spaces: true, ..STRICT };
    let head = "GET / HTTP/1.1\r\nHost \t: x\r\nA: b : c\r\nD\t:e\r\n\r\n";
    only_with(strip, head, |head| {
        assert_eq!(head.field("Host"), Some(&b"x"[..]));
        assert_eq!(head.field("A"), Some(&b"b : c"[..]));
        assert_eq!(head.field("D"), Some(&b"e"[..]));
    });
    assert_eq!(refused(strip, "GET / HTTP/1.1\r\nHost: x\r\n : y\r\n\r\n"), "obs-fold");
    assert_eq!(refused(strip, "GET / HTTP/1.1\r\nHost: x\r\nA b : y\r\n\r\n"), "field-name");
    let smuggled = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length : 2\r\n\r\n";
    assert_eq!(refused(strip, smuggled), "content-length-repeated");
}

#[test]
fn permit_unconventional_http_method_takes_any_token() {
    let any = Leniency { permit_unconventional_http_method: true, ..STRICT };
    for method in ["get", "G", "G#T", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"] {
        only_with(any, &format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n"), |head| {
            assert_eq!(head.method, method);
        });
    }
    assert_eq!(refused(any, "G(T / HTTP/1.1\r\nHost: x\r\n\r\n"), "request-line");
}

#[test]
fn permit_unconventional_http_version_rounds_it() {
    use crate::http::Version::{Http10, Http11};
    let any = Leniency { permit_unconventional_http_version: true, ..STRICT };
    for (version, taken) in [("1.2", Http11), ("2.0", Http11), ("0.9", Http10), ("9.9", Http11)] {
        only_with(any, &format!("GET / HTTP/{version}\r\nHost: x\r\n\r\n"), |head| {
            assert_eq!(head.version, taken, "{version}");
        });
    }
    assert_eq!(refused(any, "GET / HTTX/1.1\r\nHost: x\r\n\r\n"), "request-line");
    assert_eq!(refused(any, "GET / HTTP/1.1\r\n\r\n"), "host-missing");
}

#[test]
fn casefold_http_method_puts_it_in_capitals() {
    let fold = Leniency { casefold_http_method: true, ..STRICT };
    only_with(fold, "\r\npost /a HTTP/1.1\r\nHost: x\r\n\r\n", |head| {
        assert_eq!((head.method, head.target.path), ("POST", "/a"));
    });
    assert_eq!(refused(fold, "g#t / HTTP/1.1\r\nHost: x\r\n\r\n"), "method");
}
