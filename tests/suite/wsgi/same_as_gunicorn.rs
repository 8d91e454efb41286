//! Flask, Django and Falcon answer the same under unicoro as under gunicorn: the same status line,
//! the same headers in the same order but for Server and Date, and the same bytes of body.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::comparison::answer;
use crate::support::{Engine, Launch, Scratch, Server};

/// Every request, each on a connection of its own.
fn requests() -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for path in PATHS {
        for method in ["GET", "HEAD"] {
            for version in ["1.1", "1.0"] {
                lines.push((
                    format!("{method} {path} HTTP/{version}"),
                    String::new(),
                    String::new(),
                ));
            }
        }
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        for (fields, body) in bodies() {
            lines.push((format!("{method} /echo/b HTTP/1.1"), fields, body));
        }
        lines.push((format!("{method} /status/201 HTTP/1.1"), String::new(), String::new()));
        lines.push((format!("{method} /file HTTP/1.1"), String::new(), String::new()));
    }
    for (fields, body) in forms() {
        lines.push(("POST /form HTTP/1.1".into(), fields, body));
    }
    for fields in FIELDS {
        for path in ["/echo/h", "/cookies", "/file", "/size/500"] {
            lines.push((format!("GET {path} HTTP/1.1"), format!("{fields}\r\n"), String::new()));
        }
    }
    let whole = |(line, fields, body): (String, String, String)| {
        format!("{line}\r\nHost: test\r\nConnection: close\r\n{fields}\r\n{body}").into_bytes()
    };
    lines.into_iter().map(whole).collect()
}

const PATHS: [&str; 26] = [
    "/",
    "/absent",
    "/echo/a",
    "/echo/a%20b%2Fc%C3%A9//../d?x=1&x=2&y=%20+z",
    "/echo/?",
    "/stream/0",
    "/stream/1",
    "/stream/40",
    "/size/0",
    "/size/1",
    "/size/65536",
    "/size/300000",
    "/file",
    "/redirect/301",
    "/redirect/302",
    "/redirect/307",
    "/cookies",
    "/status/200",
    "/status/204",
    "/status/304",
    "/status/404",
    "/status/503",
    "/abort/403",
    "/error",
    "/late",
    "/form",
];

const FIELDS: [&str; 16] = [
    "Accept: text/html, */*;q=0.5",
    "Cookie: a=b; c=\"d e\"",
    "X-A: 1\r\nX-A: 2\r\nx-a: 3",
    "X-Empty:",
    "X-Latin: caf\u{e9}",
    "X_Underscore: 1",
    "X-Forwarded-Proto: https",
    "Range: bytes=0-9",
    "Range: bytes=-10",
    "Range: bytes=299990-",
    "Range: bytes=400000-",
    "Range: bytes=0-1,5-6",
    "If-None-Match: *",
    "If-Modified-Since: Sun, 06 Nov 2094 08:49:37 GMT",
    "Accept-Encoding: gzip",
    "Authorization: Basic YTpi",
];

/// Header lines and the body that they frame.
fn bodies() -> Vec<(String, String)> {
    let mut bodies = vec![("Content-Length: 0\r\n".to_owned(), String::new())];
    for (kind, body) in [
        ("text/plain", "hello"),
        ("application/json", r#"{"a": [1, null]}"#),
        ("application/x-www-form-urlencoded", "a=1&b=%20&a=2"),
    ] {
        let length = body.len();
        let kind = format!("Content-Type: {kind}\r\n");
        bodies.push((format!("{kind}Content-Length: {length}\r\n"), body.into()));
        let mut chunks = String::new();
        for chunk in body.as_bytes().chunks(3) {
            let text = std::str::from_utf8(chunk).unwrap();
            write!(chunks, "{:x};e=1\r\n{text}\r\n", chunk.len()).unwrap();
        }
        bodies
            .push((format!("{kind}Transfer-Encoding: chunked\r\n"), chunks + "0\r\nT: x\r\n\r\n"));
    }
    bodies
}

fn forms() -> Vec<(String, String)> {
    let part = |name: &str, file: &str, content: &str| {
        format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
        )
    };
    let text = part("a", "", "1") + &part("b", "", "two\r\nlines");
    let file = part("f", "; filename=\"f.bin\"", &"\x01\x02".repeat(50_000));
    [
        text.clone() + "--xyz--\r\n",
        text + &file + "--xyz--\r\n",
        "--xyz--\r\n".into(),
        "junk".into(),
    ]
    .into_iter()
    .map(|body| {
        let kind = "multipart/form-data; boundary=xyz";
        (format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()), body)
    })
    .collect()
}

/// A file whose time of change is always the same: it is in answers about the file.
fn file(scratch: &Scratch) -> PathBuf {
    let path = scratch.file("same");
    scratch.fill("same", 300_000);
    let mut touch = Command::new("touch");
    assert!(touch.args(["-d", "2020-02-02T02:02:02Z"]).arg(&path).status().unwrap().success());
    path
}

fn start(engine: Engine, app: &str, file: &Path) -> Server {
    // Flask's Allow header comes out of a set.
    let launch = Launch::new(engine).args(&[app]).env("PYTHONHASHSEED", "0").env("SAME_FILE", file);
    let mut server = launch.start();
    server.expect_errors();
    server
}

fn answers_the_same(engine: Engine, app: &str) {
    let scratch = Scratch::new();
    let file = file(&scratch);
    let (ours, theirs) = (start(engine, app, &file), start(engine.kin(), app, &file));
    let requests = requests();
    assert!(requests.len() >= 200, "{}", requests.len());
    let mut differences = Vec::new();
    for request in &requests {
        let (found, expected) = (answer(&ours, request), answer(&theirs, request));
        if found != expected {
            let asked: String = String::from_utf8_lossy(request).chars().take(200).collect();
            let (body, other) = (found.1.len(), expected.1.len());
            differences.push(format!(
                "{asked:?}\n  unicoro:  {:?} {body} bytes\n  gunicorn: {:?} {other} bytes",
                found.0, expected.0
            ));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    ours.stop();
    theirs.stop();
}

each_of! { Sync, Gthread, Coroutine; fn flask_answers_as_under_gunicorn(engine) {
    answers_the_same(engine, "same_flask:app");
}}

each_of! { Sync, Gthread, Coroutine; fn django_answers_as_under_gunicorn(engine) {
    answers_the_same(engine, "same_django");
}}

each_of! { Sync, Gthread, Coroutine; fn falcon_answers_as_under_gunicorn(engine) {
    answers_the_same(engine, "same_falcon");
}}
