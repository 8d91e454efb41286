//! Every rule of docs/http.md, in literal bytes over real sockets: sent whole, byte by byte, and in
//! two pieces split at every position, to an app that reads the body and to one that does not.
//!
//! The state machines of src/http are tested so without a socket, where a split is sure to be one;
//! here it is what reads, answers and closes around them. Behind each request comes another, which
//! must never be answered when the first was refused.

use std::collections::BTreeSet;

use crate::http::documents::rules_in_document;
use crate::support::{Engine, Launch, Server, wait};

/// A request that breaks one rule; `PATH` stands for the app's.
struct Breach {
    rule: &'static str,
    request: String,
    /// Only who reads the body can find it.
    is_in_body: bool,
}

/// Breaches that one server can show.
struct Group {
    arguments: &'static [&'static str],
    script_name: Option<&'static str>,
    breaches: Vec<Breach>,
}

fn in_head(rule: &'static str, request: impl Into<String>) -> Breach {
    Breach { rule, request: request.into(), is_in_body: false }
}

/// In a good request with these header lines.
fn in_line(rule: &'static str, lines: &str) -> Breach {
    in_head(rule, format!("POST PATH HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n"))
}

fn in_chunks(rule: &'static str, chunks: impl AsRef<str>) -> Breach {
    let head = "POST PATH HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    Breach { rule, request: format!("{head}{}", chunks.as_ref()), is_in_body: true }
}

/// Limits so small that breaking them takes few bytes, and few places to split at.
const SMALL: &[&str] = &[
    "--limit-request-line=40",
    "--limit-request-fields=3",
    "--limit-request-field_size=50",
    "--limit-request-body=10",
    "--header-map=refuse",
];

fn heads() -> Vec<Breach> {
    let long = "x".repeat(50);
    vec![
        in_head("request-line", "POST  PATH HTTP/1.1\r\nHost: x\r\n\r\n"),
        in_head("request-line", "GET PATH\r\n\r\n"),
        in_head("request-line", "\x16\x03\x01\x02"),
        in_head("request-line-too-long", format!("POST PATH?{long} HTTP/1.1\r\nHost: x\r\n\r\n")),
        in_head("method", "post PATH HTTP/1.1\r\nHost: x\r\n\r\n"),
        in_head("version-unsupported", "POST PATH HTTP/1.2\r\nHost: x\r\n\r\n"),
        in_head("version-unsupported", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        in_head("target", "POST PATH#part HTTP/1.1\r\nHost: x\r\n\r\n"),
        in_head("target", "POST http://user@host/ HTTP/1.1\r\nHost: x\r\n\r\n"),
        in_head("connect", "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"),
        in_head("bare-lf", "POST PATH HTTP/1.1\r\nHost: x\n\n"),
        in_line("obs-fold", "A: b\r\n c"),
        in_line("space-before-colon", "Content-Length : 5"),
        in_line("field-name", "A(b: c"),
        in_line("field-name", "nothing but words"),
        in_line("field-value", "A: b\x01c"),
        in_line("field-value", "A: b\rContent-Length: 5"),
        in_line("field-too-long", &format!("A: {long}")),
        in_line("too-many-fields", "A: a\r\nB: b\r\nC: c"),
        in_line("head-too-big", &"A: 0123456789 0123456789 0123456789 01234567\r\n".repeat(6)),
        in_head("host-missing", "POST PATH HTTP/1.1\r\nA: b\r\n\r\n"),
        in_line("host-repeated", "host: x"),
        in_head("host", "POST PATH HTTP/1.1\r\nHost: x y\r\n\r\n"),
        in_line("content-type-repeated", "Content-Type: a/b\r\nContent-Type: a/b"),
        in_line("expectation", "Expect: a-miracle"),
        in_line("content-length", "Content-Length: +5"),
        in_line("content-length", "Content-Length: 5, 5"),
        in_line("content-length-repeated", "Content-Length: 5\r\nContent-Length: 5"),
        in_line("transfer-encoding", "Transfer-Encoding: chunked, chunked"),
        in_line("field-value", "Transfer-Encoding: \x0bchunked"),
        in_line("transfer-coding", "Transfer-Encoding: gzip, chunked"),
        in_head(
            "transfer-encoding-on-1.0",
            "POST PATH HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        in_line("length-and-transfer-encoding", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
        in_line("underscore", "Content_Length: 5"),
        in_line("scheme-headers-disagree", "X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off"),
        in_line("body-too-long", "Content-Length: 11"),
    ]
}

fn bodies() -> Vec<Breach> {
    let hello = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
    vec![
        in_chunks("body-too-long", format!("{:x}\r\n{hello}\r\n0\r\n\r\n", hello.len())),
        in_chunks("body-too-long", "6\r\n012345\r\n5\r\n67890\r\n0\r\n\r\n"),
        in_chunks("chunk-size", "0x5\r\nhello\r\n0\r\n\r\n"),
        in_chunks("chunk-size", "5\nhello\r\n0\r\n\r\n"),
        in_chunks("chunk-size", "00000000000000005\r\nhello\r\n0\r\n\r\n"),
        in_chunks("chunk-size-line-too-long", format!("5;a={}", "x".repeat(260))),
        in_chunks("chunk-extension", "5;a\nhello\r\n0\r\n\r\n"),
        in_chunks("chunk-extension", "5;a=\"b\r\nhello\r\n0\r\n\r\n"),
        in_chunks("chunk-data", "5\r\nhello!\r\n0\r\n\r\n"),
        in_chunks("trailer", "5\r\nhello\r\n0\r\nContent-Length 5\r\n\r\n"),
        in_chunks("trailer", "0\r\nA: b\n\r\n"),
        in_chunks("trailers-too-long", format!("0\r\nA: {}", "x".repeat(8200))),
    ]
}

fn groups() -> Vec<Group> {
    let small = heads().into_iter().chain(bodies()).collect();
    let proxied = "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nPOST PATH HTTP/1.1\r\nHost: x\r\n\r\n";
    vec![
        Group { arguments: SMALL, script_name: None, breaches: small },
        Group {
            arguments: &[],
            script_name: Some("/app"),
            breaches: vec![in_line("script-name", "A: b")],
        },
        Group {
            arguments: &["--proxy-protocol=auto"],
            script_name: None,
            breaches: vec![
                in_head("proxy-header", proxied.replace("TCP4 10.0.0.1", "TCP4 10.0.0.")),
                // A second one is no request.
                in_head("request-line", proxied.replacen("POST", "PROXY TCP4 1.1.1.1\r\nPOST", 1)),
            ],
        },
        Group {
            arguments: &["--proxy-protocol=auto", "--proxy-allow-from=10.0.0.1"],
            script_name: None,
            breaches: vec![in_head("proxy-forbidden", proxied)],
        },
    ]
}

/// What a test of its own shows, or nothing on the wire can.
const ELSEWHERE: [&str; 2] = [
    "head-timeout", // below
    "head",         // a second look at what the first lets through
];

/// How a request is cut: nowhere, everywhere, or once, at each position. A request of many hundred
/// bytes, all but a few of them the same, is split at every sixteenth.
fn cuts(request: &[u8]) -> Vec<Vec<&[u8]>> {
    let step = if request.len() > 600 { 16 } else { 1 };
    let split = |at| vec![&request[..at], &request[at..]];
    let mut cuts = vec![vec![request], request.chunks(1).collect()];
    cuts.extend((1..request.len()).step_by(step).map(split));
    cuts
}

/// For who reads of a failure.
fn shown(pieces: &[&[u8]]) -> Vec<String> {
    pieces.iter().map(|piece| piece.escape_ascii().to_string()).collect()
}

/// Everything that the server answers to these pieces until it closes.
fn answer(server: &Server, pieces: &[&[u8]]) -> String {
    let mut client = server.connect();
    for piece in pieces {
        client.send(piece);
    }
    String::from_utf8_lossy(&client.bytes_to_the_end()).into_owned()
}

/// The rules that the log says were broken, in order.
fn rules_in_log(log: &str) -> Vec<String> {
    let rule = |line: &str| {
        let (_, rule) = line.strip_suffix(')')?.rsplit_once(", ")?;
        line.contains(&format!(" ({}", &line[line.rfind('(')? + 1..])).then(|| rule.to_owned())
    };
    log.lines().filter_map(rule).collect()
}

fn breaks(server: &Server, breach: &Breach, status: u16) {
    let logged = rules_in_log(&server.log()).len();
    let mut refused = 0;
    for (path, reads) in [("/read", true), ("/unread", false)] {
        let first = breach.request.replace("PATH", path);
        let request = format!("{first}GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        let status = if reads || !breach.is_in_body { status } else { 200 };
        for pieces in cuts(request.as_bytes()) {
            let answer = answer(server, &pieces);
            let of = || format!("{} in {:?}: {answer}", breach.rule, shown(&pieces));
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{}", of());
            assert_eq!(answer.matches("\r\nServer: ").count(), 1, "{}", of());
            refused += usize::from(status != 200);
        }
    }
    let log = || rules_in_log(&server.log()).split_off(logged);
    wait::until_true("every refusal to be logged", || log().len() >= refused);
    assert_eq!(log(), vec![breach.rule; refused]);
}

each_of! { Sync, Gthread, Coroutine; fn each_rule_holds_however_the_request_is_cut(engine) {
    let statuses = rules_in_document();
    let mut left: BTreeSet<&str> = statuses.keys().map(String::as_str).collect();
    for group in groups() {
        let mut launch = Launch::new(engine);
        if let Some(name) = group.script_name {
            launch = launch.env("SCRIPT_NAME", name);
        }
        let mut server = launch.args(group.arguments).args(&["hostile"]).start();
        for breach in &group.breaches {
            breaks(&server, breach, statuses[breach.rule]);
            left.remove(breach.rule);
        }
        if group.script_name.is_some() {
            server.expect_errors();
        }
        server.stop();
    }
    assert_eq!(left, BTreeSet::from(ELSEWHERE));
}}

each_of! { Sync, Gthread, Coroutine; fn a_head_that_stops_anywhere_is_timed_out(engine) {
    let server = Server::start(engine, "hostile", &["--client-header-timeout", "1"]);
    let request = "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
    let mut clients: Vec<_> = (1..request.len()).map(|_| server.connect()).collect();
    for (at, client) in clients.iter_mut().enumerate() {
        client.send(&request[..=at]);
    }
    for client in &mut clients {
        assert_eq!(client.response().status, 408);
        assert!(client.is_closed());
    }
    server.stop();
}}

/// Requests within the rules, with a body of `hello`; `PATH` stands for the app's.
const GOOD: [&str; 6] = [
    "POST PATH HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "\r\nPOST http://y/PATH HTTP/1.1\r\nHost: x\r\nContent-Length: 0005\r\n\r\nhello",
    "POST PATH HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    "POST PATH HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n05\r\nhello\r\n0\r\n\r\n",
    "POST PATH HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ,chunked\r\n\r\n\
     1;a;b=\"c;\\\"\"\r\nh\r\n4 ; d = e\r\nello\r\n0;f\r\nTrailer: x\r\n\r\n",
    "POST PATH HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
     5\r\nhello\r\n0\r\nContent-Length: 50\r\nHost: z\r\nTransfer-Encoding: gzip\r\n\r\n",
];

each_of! { Sync, Gthread, Coroutine; fn good_requests_are_answered_however_they_are_cut(engine) {
    let server = Server::start(engine, "hostile", &[]);
    // The sync engine answers one request of a connection.
    let next = if engine == Engine::Sync { None } else { Some("hello") };
    for request in GOOD {
        for (path, text) in [("/read", "read 5"), ("/unread", "not read")] {
            let request = request.replace("/PATH", "PATH").replace("PATH", path);
            let request = format!("{request}GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            for pieces in cuts(request.as_bytes()) {
                let mut client = server.connect();
                for piece in &pieces {
                    client.send_while_open(piece);
                }
                assert_eq!(client.response().text(), text, "{:?}", shown(&pieces));
                let second = client.response_or_close().map(|response| response.text());
                assert_eq!(second.as_deref(), next, "{:?}", shown(&pieces));
            }
        }
    }
    server.stop();
}}
