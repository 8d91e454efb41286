//! Responses byte by byte.

use super::*;

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const GET: RequestFacts = RequestFacts {
    version: Version::Http11,
    is_head: false,
    keep_alive: true,
    takes_trailers: false,
    manner: Manner::Gunicorn,
};
const HEAD: RequestFacts = RequestFacts { is_head: true, ..GET };
const OLD: RequestFacts = RequestFacts {
    version: Version::Http10,
    is_head: false,
    keep_alive: true,
    takes_trailers: false,
    manner: Manner::Gunicorn,
};

type Pairs<'p> = &'p [(&'p str, &'p str)];

fn try_head(encoder: &mut Encoder, status: &str, fields: Pairs) -> Result<String, ResponseError> {
    let mut out = b"before".to_vec();
    let pairs = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let result = encoder.head(status.as_bytes(), pairs, DATE, &mut out);
    let out = String::from_utf8(out).unwrap();
    let written = out.strip_prefix("before").unwrap().to_owned();
    assert!(result.is_ok() || written.is_empty(), "an error writes nothing");
    result.map(|()| written)
}

fn head(facts: RequestFacts, status: &str, fields: Pairs) -> (Encoder, String) {
    let mut encoder = Encoder::new(facts);
    let head = try_head(&mut encoder, status, fields).unwrap();
    (encoder, head)
}

fn error(status: &str, fields: Pairs) -> ResponseError {
    try_head(&mut Encoder::new(GET), status, fields).unwrap_err()
}

fn framed(encoder: &mut Encoder, data: &[u8]) -> Vec<u8> {
    encoder.frame(data).parts().concat()
}

#[test]
fn a_head_is_in_gunicorns_order() {
    let (_, head) = head(GET, "200 OK", &[("x-Case", "a"), ("Content-Length", "2"), ("A", "")]);
    assert_eq!(
        head,
        "HTTP/1.1 200 OK\r\nServer: unicoro\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
         Connection: keep-alive\r\nx-Case: a\r\nContent-Length: 2\r\nA: \r\n\r\n"
    );
}

#[test]
fn the_applications_server_and_date_replace_ours() {
    let (_, head) = head(GET, "200 OK", &[("server", "me"), ("DATE", "now")]);
    assert_eq!(
        head,
        "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\
         server: me\r\nDATE: now\r\n\r\n"
    );
}

#[test]
fn without_a_length_1_1_is_chunked() {
    let (mut encoder, head) = head(GET, "200 OK", &[]);
    assert!(head.ends_with("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"));
    assert!(encoder.is_chunked() && encoder.remaining().is_none());
    assert_eq!(framed(&mut encoder, b"hello"), b"5\r\nhello\r\n");
    assert_eq!(framed(&mut encoder, b""), b"");
    assert_eq!(framed(&mut encoder, &[b'x'; 300])[..5], *b"12c\r\n");
    let end = encoder.finish();
    assert_eq!(end, Finish { trailer: b"0\r\n\r\n", keep_alive: true, shortfall: 0 });
    assert_eq!(encoder.finish().trailer, b"");
}

#[test]
fn without_a_length_1_0_ends_by_closing() {
    let (mut encoder, head) = head(OLD, "200 OK", &[]);
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"));
    assert!(head.ends_with("Connection: close\r\n\r\n"));
    assert_eq!(framed(&mut encoder, b"hello"), b"hello");
    assert_eq!(encoder.finish(), Finish { trailer: b"", keep_alive: false, shortfall: 0 });
}

#[test]
fn http_1_0_with_a_length_stays_open() {
    let (mut encoder, head) = head(OLD, "200 OK", &[("Content-Length", "1")]);
    assert!(head.contains("Connection: keep-alive\r\n"));
    assert_eq!(framed(&mut encoder, b"x"), b"x");
    assert!(encoder.finish().keep_alive);
}

#[test]
fn a_body_is_cut_at_its_length() {
    let (mut encoder, _) = head(GET, "200 OK", &[("Content-Length", "3")]);
    assert_eq!(framed(&mut encoder, b"ab"), b"ab");
    assert!(!encoder.excess());
    assert_eq!(framed(&mut encoder, b"cd"), b"c");
    assert_eq!(framed(&mut encoder, b"e"), b"");
    assert!(encoder.excess());
    assert_eq!(encoder.finish(), Finish { trailer: b"", keep_alive: true, shortfall: 0 });
}

#[test]
fn a_body_short_of_its_length_closes() {
    let (mut encoder, _) = head(GET, "200 OK", &[("Content-Length", "3")]);
    framed(&mut encoder, b"a");
    assert_eq!(encoder.remaining(), Some(2));
    assert_eq!(encoder.finish(), Finish { trailer: b"", keep_alive: false, shortfall: 2 });
}

#[test]
fn head_has_the_fields_of_get_and_no_body() {
    for fields in [&[("Content-Length", "5")][..], &[]] {
        let (mut encoder, text) = head(HEAD, "200 OK", fields);
        let of_get = head(GET, "200 OK", fields).1;
        assert_eq!(text, of_get.replace("Transfer-Encoding: chunked\r\n", ""));
        assert_eq!(framed(&mut encoder, b"hello"), b"");
        let end = encoder.finish();
        assert_eq!(end, Finish { trailer: b"", keep_alive: true, shortfall: 0 });
        assert!(!encoder.excess());
    }
}

#[test]
fn status_304_keeps_its_length_and_has_no_body() {
    let (mut encoder, text) = head(GET, "304 Not Modified", &[("Content-Length", "5")]);
    assert!(text.contains("Content-Length: 5\r\n") && !text.contains("chunked"));
    assert_eq!(framed(&mut encoder, b"hello"), b"");
    assert!(encoder.finish().keep_alive);
    assert!(!head(GET, "304 Not Modified", &[]).1.contains("Transfer-Encoding"));
}

#[test]
fn status_204_has_no_body_and_no_length() {
    let fields = &[("content-length", "5"), ("Transfer-Encoding", "chunked"), ("A", "b")];
    let (mut encoder, text) = head(GET, "204 No Content", fields);
    assert!(text.ends_with("Connection: keep-alive\r\nA: b\r\n\r\n"));
    assert_eq!(framed(&mut encoder, b"hello"), b"");
    assert_eq!(encoder.finish(), Finish { trailer: b"", keep_alive: true, shortfall: 0 });
}

#[test]
fn an_informational_status_ends_the_connection() {
    let (mut encoder, text) = head(GET, "103 Early Hints", &[("Content-Length", "5")]);
    assert!(text.ends_with("Connection: close\r\n\r\n"));
    assert_eq!(framed(&mut encoder, b"x"), b"");
    assert!(!encoder.finish().keep_alive);
}

#[test]
fn an_upgrade_to_websocket_passes_unframed() {
    let fields = &[("Upgrade", "WebSocket"), ("Connection", "Upgrade"), ("Sec-A", "b")];
    let (mut encoder, text) = head(GET, "101 Switching Protocols", fields);
    assert!(text.ends_with("Connection: upgrade\r\nUpgrade: WebSocket\r\nSec-A: b\r\n\r\n"));
    assert_eq!(framed(&mut encoder, b"\x81\x00"), b"\x81\x00");
    assert!(!encoder.finish().keep_alive);
}

#[test]
fn hop_by_hop_fields_are_dropped() {
    let fields = &[
        ("Connection", "keep-alive, x"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Authenticate", "x"),
        ("Proxy-Authorization", "x"),
        ("TE", "x"),
        ("Trailer", "x"),
        ("Trailers", "x"),
        ("Transfer-Encoding", "gzip"),
        ("Upgrade", "h2c"),
        ("Proxy-Connection", "x"),
        ("Content-Length", "0"),
    ];
    let (_, text) = head(GET, "200 OK", fields);
    assert!(text.ends_with("GMT\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"));
}

#[test]
fn a_plain_head_says_its_own_version_and_of_the_connection_what_that_does_not() {
    let fields = &[("Content-Length", "0")];
    let plain = |facts| RequestFacts { manner: Manner::Plain, ..facts };
    let closing = RequestFacts { keep_alive: false, ..plain(GET) };
    for (facts, said) in [
        (plain(GET), ""),
        (closing, "Connection: close\r\n"),
        (plain(OLD), "Connection: keep-alive\r\n"),
    ] {
        let (_, text) = head(facts, "200 OK", fields);
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.ends_with(&format!("GMT\r\n{said}Content-Length: 0\r\n\r\n")), "{text}");
    }
}

#[test]
fn the_applications_close_is_honoured() {
    let fields = &[("Connection", "x, Close"), ("Content-Length", "0")];
    let (mut encoder, text) = head(GET, "200 OK", fields);
    assert!(text.ends_with("GMT\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    assert!(!encoder.finish().keep_alive);
    let closing = RequestFacts { keep_alive: false, ..GET };
    let (mut encoder, text) = head(closing, "200 OK", &[("Connection", "keep-alive")]);
    assert!(text.contains("Connection: close\r\n"));
    assert!(!encoder.finish().keep_alive);
}

#[test]
fn a_status_is_three_digits_and_a_printable_reason() {
    for good in ["200 OK", "200 ", "299 \u{e9}", "999 x y"] {
        let line = format!("HTTP/1.1 {good}\r\n");
        assert!(head(GET, good, &[]).1.starts_with(&line), "{good}");
    }
    assert!(head(GET, "200", &[]).1.starts_with("HTTP/1.1 200 \r\n"));
    for bad in [
        "",
        "20",
        "2000 OK",
        "OK",
        "200OK",
        " 200 OK",
        "099 x",
        "200\tOK",
        "2x0 OK",
        "200 O\rK",
        "200 OK\r\nX: y",
        "200 OK\n",
        "200 \0",
        "200 \x7f",
    ] {
        assert!(matches!(error(bad, &[]), ResponseError::Status(_)), "{bad:?}");
    }
}

#[test]
fn a_field_cannot_split_the_response() {
    for name in ["", "a b", "a:", "a\r\nb", "a\n", "\u{e9}", "a\0", " a", "a\t"] {
        let found = error("200 OK", &[("A", "b"), (name, "v")]);
        assert!(matches!(found, ResponseError::FieldName(_)), "{name:?}");
    }
    for value in ["a\r\nb: c", "a\n", "\r", "\0", "\x1b[31m", "\x7f", "a\r\n b"] {
        let found = error("200 OK", &[("X-A", value)]);
        assert_eq!(found, ResponseError::FieldValue("X-A".into()), "{value:?}");
    }
    let (_, text) = head(GET, "200 OK", &[("A", " b\tc\u{e9} \t")]);
    assert!(text.contains("\r\nA: b\tc\u{e9}\r\n"));
}

#[test]
fn a_dropped_field_is_still_checked() {
    let found = error("200 OK", &[("Connection", "close\r\nX: y")]);
    assert_eq!(found, ResponseError::FieldValue("Connection".into()));
}

#[test]
fn a_content_length_is_one_number() {
    for bad in ["", "-1", "+1", "1.0", "1,1", "x", "18446744073709551616"] {
        let found = error("200 OK", &[("content-length", bad)]);
        assert_eq!(found, ResponseError::ContentLength(bad.into()));
    }
    let twice = &[("Content-Length", "1"), ("content-length", "1")];
    assert_eq!(error("200 OK", twice), ResponseError::ContentLengthRepeated);
}

#[test]
fn after_an_error_another_head_may_be_sent() {
    let mut encoder = Encoder::new(GET);
    assert!(try_head(&mut encoder, "bad", &[]).is_err());
    assert!(!encoder.has_head());
    assert!(try_head(&mut encoder, "500 Internal Server Error", &[]).is_ok());
    assert!(encoder.has_head());
    assert_eq!(try_head(&mut encoder, "200 OK", &[]), Err(ResponseError::HeadTwice));
}

#[test]
fn a_response_without_a_head_sends_nothing_and_closes() {
    let mut encoder = Encoder::new(GET);
    assert_eq!(framed(&mut encoder, b"x"), b"");
    assert_eq!(encoder.finish(), Finish { trailer: b"", keep_alive: false, shortfall: 0 });
}

#[test]
fn a_file_is_framed_as_data_is() {
    let (mut chunks, _) = head(GET, "200 OK", &[]);
    let framed = chunks.frame_len(0x1_0000_0000);
    assert_eq!(
        (&*framed.prefix, framed.len, framed.suffix),
        (&b"100000000\r\n"[..], 1 << 32, &b"\r\n"[..])
    );
    assert_eq!(chunks.frame_len(0).prefix.len(), 0);
    let (mut length, _) = head(GET, "200 OK", &[("Content-Length", "3")]);
    assert_eq!(length.frame_len(10).len, 3);
    assert!(length.excess());
}
