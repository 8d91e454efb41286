//! The environ, as PEP 3333 and gunicorn have it.

use std::collections::BTreeMap;

use crate::support::{Engine, Launch, Server};

/// The environ that a request got: the repr of each value.
fn environ_of(server: &Server, request: &str) -> BTreeMap<String, String> {
    let answer = server.exchange(request);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a response");
    assert!(head.starts_with("HTTP/1.") && head[8..].starts_with(" 200 "), "{answer}");
    let pairs = body.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn assert_holds(environ: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (key, value) in expected {
        let found = environ.get(*key).map(String::as_str);
        assert_eq!(found, Some(*value), "{key} in {environ:#?}");
    }
}

each_of! { Sync, Coroutine, Gunicorn; fn environ_describes_the_request(engine) {
    let server = Server::start(engine, "environ_dump", &[]);
    let environ = environ_of(
        &server,
        "POST /a%20path/%C3%A9/?q=%20x&y HTTP/1.1\r\nHost: example.org:81\r\nContent-Type: text/x\r\n\
         Content-Length: 2\r\nX-One: first\r\nx-one: second\r\nAccept: */*\r\n\
         Connection: close\r\n\r\nhi",
    );
    assert_holds(&environ, &[
        ("REQUEST_METHOD", "'POST'"),
        ("SCRIPT_NAME", "''"),
        // Percent-decoded bytes, each as one character: latin-1, as PEP 3333 says.
        ("PATH_INFO", r"'/a path/Ã©/'"),
        ("QUERY_STRING", "'q=%20x&y'"),
        ("RAW_URI", "'/a%20path/%C3%A9/?q=%20x&y'"),
        ("SERVER_PROTOCOL", "'HTTP/1.1'"),
        ("CONTENT_TYPE", "'text/x'"),
        ("CONTENT_LENGTH", "'2'"),
        ("HTTP_HOST", "'example.org:81'"),
        ("HTTP_ACCEPT", "'*/*'"),
        ("HTTP_X_ONE", "'first,second'"),
        ("REMOTE_ADDR", "'127.0.0.1'"),
        ("SERVER_NAME", "'127.0.0.1'"),
        ("SERVER_PORT", &format!("'{}'", server.address.port())),
    ]);
    assert!(!environ.contains_key("HTTP_CONTENT_TYPE"));
    assert!(!environ.contains_key("HTTP_CONTENT_LENGTH"));
    assert!(environ["REMOTE_PORT"].trim_matches('\'').parse::<u16>().is_ok());
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn environ_describes_the_server(engine) {
    let server = Server::start(engine, "environ_dump", &[]);
    let environ = environ_of(&server, "GET / HTTP/1.0\r\n\r\n");
    assert_holds(&environ, &[
        ("wsgi.version", "(1, 0)"),
        ("wsgi.url_scheme", "'http'"),
        ("wsgi.multiprocess", "False"),
        ("wsgi.run_once", "False"),
        ("wsgi.input_terminated", "True"),
        ("SERVER_PROTOCOL", "'HTTP/1.0'"),
        ("PATH_INFO", "'/'"),
        ("QUERY_STRING", "''"),
    ]);
    let software = if engine.is_gunicorn() { "'gunicorn/" } else { "'unicoro/" };
    assert!(environ["SERVER_SOFTWARE"].starts_with(software), "{}", environ["SERVER_SOFTWARE"]);
    for key in ["wsgi.input", "wsgi.errors", "wsgi.file_wrapper"] {
        assert!(environ.contains_key(key), "{key} is missing");
    }
    server.stop();
}}

each_of! { Sync, Coroutine; fn environ_says_how_requests_run_beside_each_other(engine) {
    let server = Server::start(engine, "environ_dump", &["--workers", "2"]);
    let environ = environ_of(&server, "GET / HTTP/1.0\r\n\r\n");
    // On green threads a view may be entered while another waits, as on threads.
    let is_multithread = engine == Engine::Coroutine;
    let expected = if is_multithread { "True" } else { "False" };
    assert_holds(&environ, &[("wsgi.multiprocess", "True"), ("wsgi.multithread", expected)]);
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn script_name_comes_from_the_environment(engine) {
    let launch = Launch::new(engine).env("SCRIPT_NAME", "/mounted");
    let server = launch.args(&["environ_dump"]).start();
    let environ = environ_of(&server, "GET /mounted/page HTTP/1.0\r\n\r\n");
    assert_holds(&environ, &[("SCRIPT_NAME", "'/mounted'"), ("PATH_INFO", "'/page'")]);
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn names_with_an_underscore_are_dropped(engine) {
    // X_Forwarded and X-Forwarded become one key: a client could forge what a proxy sets.
    let server = Server::start(engine, "environ_dump", &[]);
    let request = "GET / HTTP/1.0\r\nX_Forged: yes\r\nX-Honest: yes\r\n\r\n";
    let environ = environ_of(&server, request);
    assert_holds(&environ, &[("HTTP_X_HONEST", "'yes'")]);
    assert!(!environ.contains_key("HTTP_X_FORGED"));
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn asterisk_and_absolute_targets_are_understood(engine) {
    let server = Server::start(engine, "environ_dump", &[]);
    let request = "GET http://example.org/path?x HTTP/1.1\r\nHost: example.org\r\n\
                   Connection: close\r\n\r\n";
    let environ = environ_of(&server, request);
    assert_holds(&environ, &[("PATH_INFO", "'/path'"), ("QUERY_STRING", "'x'")]);
    let environ = environ_of(&server, "OPTIONS * HTTP/1.0\r\n\r\n");
    assert_holds(&environ, &[("REQUEST_METHOD", "'OPTIONS'")]);
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn objects_in_environ_keep_their_contract(engine) {
    let server = Server::start(engine, "environ_dump:check_objects", &[]);
    let text = server.get("/").text();
    assert_eq!(text.matches("True").count(), 5, "{text}");
    for line in ["written to wsgi.errors", "a line", "another line"] {
        server.wait_for_log(line);
    }
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn standard_librarys_validator_is_content(engine) {
    let server = Server::start(engine, "validated", &[]);
    let answer = server.exchange(
        "POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
    );
    assert!(answer.ends_with("read 3"), "{answer}");
    assert_eq!(server.get("/").text(), "read 0");
    server.stop();
}}
