//! The access log: a line a request, in the operator's format, that no client can forge.

use crate::support::{Engine, Server};

/// The line that one request leaves under a format.
fn line_for(engine: Engine, format: &str, request: &str) -> String {
    let arguments = ["--access-logfile", "-", "--access-logformat", format];
    let server = Server::start(engine, "path", &arguments);
    server.exchange(request);
    let line = server.access_line();
    server.stop();
    line
}

each_of! { Sync, Coroutine, Gunicorn; fn default_line_is_the_combined_format(engine) {
    let server = Server::start(engine, "hello", &["--access-logfile", "-"]);
    server.exchange(
        "GET /x?y=1 HTTP/1.1\r\nHost: test\r\nReferer: http://a/\r\nUser-Agent: suite/1\r\n\
         Connection: close\r\n\r\n",
    );
    let line = server.access_line();
    assert!(line.starts_with("127.0.0.1 - - ["), "{line}");
    let rest = r#"] "GET /x?y=1 HTTP/1.1" 200 13 "http://a/" "suite/1""#;
    assert!(line.ends_with(rest), "{line}");
    // [21/Nov/2026:13:24:40 +0000]
    let time = line.split(['[', ']']).nth(1).unwrap();
    assert_eq!((time.len(), time.matches('/').count(), time.matches(':').count()), (26, 2, 3));
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn format_takes_every_atom(engine) {
    let format = "%(m)s %(U)s %(q)s %(H)s %(s)s %(B)s %(b)s %(h)s %(u)s %({x-in}i)s \
                  %({content-type}o)s %({REQUEST_METHOD}e)s %(f)s %(a)s";
    let request = "GET /a/b?c=d HTTP/1.0\r\nX-In: given\r\n\r\n";
    assert_eq!(
        line_for(engine, format, request),
        "GET /a/b c=d HTTP/1.0 200 8 8 127.0.0.1 - given text/plain GET - -"
    );
}}

each_of! { Sync, Coroutine, Gunicorn; fn durations_and_pid_are_numbers(engine) {
    let line = line_for(engine, "%(T)s %(M)s %(D)s %(L)s %(p)s", "GET / HTTP/1.0\r\n\r\n");
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words.len(), 5, "{line}");
    assert!(words[..3].iter().all(|word| word.parse::<u64>().is_ok()), "{line}");
    assert!(words[3].contains('.') && words[3].parse::<f64>().is_ok(), "{line}");
    let pid = words[4].strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    assert!(pid.is_some_and(|pid| pid.parse::<u32>().is_ok()), "{line}");
}}

each_of! { Sync, Coroutine; fn client_cannot_forge_a_line(engine) {
    let line = line_for(
        engine,
        "start %(U)s %(r)s %({x-in}i)s end",
        "GET /%0aforged%22 HTTP/1.0\r\nX-In: a\"b\tc\r\n\r\n",
    );
    assert!(line.starts_with("start ") && line.ends_with(" end"), "{line}");
    assert!(!line.contains('\t'), "{line}");
}}

each_of! { Sync, Coroutine, Gunicorn; fn access_log_is_off_by_default(engine) {
    let server = Server::start(engine, "hello", &[]);
    assert_eq!(server.get("/").status, 200);
    let scratch = server.scratch.file("stdout");
    server.stop();
    assert!(!scratch.exists() || std::fs::read(&scratch).unwrap().is_empty());
}}

each_of! { Sync, Coroutine; fn refused_request_is_logged_too(engine) {
    let server = Server::start(engine, "hello", &["--access-logfile", "-"]);
    let answer = server.exchange("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(server.access_line().contains(" 400 "), "{}", server.access_line());
    server.stop();
}}
