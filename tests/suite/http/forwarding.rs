//! What a proxy may say of its client, and what nobody else may: schemes, script names, the PROXY
//! protocol, and header names that WSGI cannot tell apart.

use crate::support::{Launch, Server, wait};

/// The answer to a GET of `path` with these header lines, behind these bytes.
fn ask(server: &Server, preface: &[u8], path: &str, lines: &str) -> String {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: test:81\r\nConnection: close\r\n{lines}\r\n");
    server.exchange([preface, request.as_bytes()].concat())
}

#[track_caller]
fn assert_says(answer: &str, items: &[&str]) {
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    for item in items {
        assert!(answer.contains(&format!("{item}\n")), "no {item} in {answer}");
    }
}

#[track_caller]
fn assert_refused(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
}

each_of! { Sync, Coroutine, Gunicorn; fn trusted_proxies_tell_the_scheme(engine) {
    let server = Server::start(engine, "environ_dump", &[]);
    assert_says(&ask(&server, b"", "/", "X-Forwarded-Proto: https\r\n"), &["wsgi.url_scheme 'https'"]);
    assert_says(&ask(&server, b"", "/", "X-Forwarded-Proto: http\r\n"), &["wsgi.url_scheme 'http'"]);
    assert_says(&ask(&server, b"", "/", "X-Forwarded-SSL: on\r\n"), &["wsgi.url_scheme 'https'"]);
    server.stop();
}}

each_of! { Sync, Coroutine; fn schemes_that_disagree_are_refused(engine) {
    let server = Server::start(engine, "environ_dump", &[]);
    let lines = "X-Forwarded-Proto: https\r\nX-Forwarded-SSL: off\r\n";
    assert_refused(&ask(&server, b"", "/", lines), 400);
    server.wait_for_log("scheme-headers-disagree");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn strangers_cannot_set_scheme_or_script_name(engine) {
    let server = Server::start(engine, "environ_dump", &["--forwarded-allow-ips", "10.0.0.0/8"]);
    let lines = "X-Forwarded-Proto: https\r\nSCRIPT_NAME: /x\r\n";
    let answer = ask(&server, b"", "/x/y", lines);
    assert_says(&answer, &["wsgi.url_scheme 'http'", "SCRIPT_NAME ''", "PATH_INFO '/x/y'"]);
    assert!(!answer.contains("HTTP_SCRIPT_NAME"));
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn a_star_or_a_network_of_the_environment_trusts(engine) {
    for trusted in ["*", "127.0.0.0/8"] {
        let launch = Launch::new(engine).env("FORWARDED_ALLOW_IPS", trusted);
        let server = launch.args(&["environ_dump"]).start();
        let answer = ask(&server, b"", "/", "X-Forwarded-Proto: https\r\n");
        assert_says(&answer, &["wsgi.url_scheme 'https'"]);
        server.stop();
    }
}}

each_of! { Sync, Coroutine, Gunicorn; fn a_trusted_proxy_names_the_script(engine) {
    let server = Server::start(engine, "environ_dump", &[]);
    let answer = ask(&server, b"", "/mounted/a%20b", "SCRIPT_NAME: /mounted\r\n");
    assert_says(&answer, &["SCRIPT_NAME '/mounted'", "PATH_INFO '/a b'"]);
    server.stop();
}}

each_of! { Sync, Coroutine; fn a_path_elsewhere_than_the_script_is_500(engine) {
    let mut server =
        Launch::new(engine).env("SCRIPT_NAME", "/app").args(&["environ_dump"]).start();
    server.expect_errors();
    assert_refused(&ask(&server, b"", "/apple", ""), 500);
    assert_says(&ask(&server, b"", "/app", ""), &["SCRIPT_NAME '/app'", "PATH_INFO ''"]);
    server.wait_for_log("script-name");
    server.stop();
}}

each_of! { Sync, Coroutine; fn header_map_refuses_or_passes_underscores(engine) {
    let server = Server::start(engine, "environ_dump", &["--header-map", "refuse"]);
    assert_refused(&ask(&server, b"", "/", "X_Forged: 1\r\n"), 400);
    server.stop();
    let server = Server::start(engine, "environ_dump", &["--header-map", "dangerous"]);
    assert_says(&ask(&server, b"", "/", "X_Forged: 1\r\n"), &["HTTP_X_FORGED '1'"]);
    // Never the length of a body: there is none.
    let answer = ask(&server, b"", "/", "Content_Length: 5\r\n");
    assert_says(&answer, &["HTTP_CONTENT_LENGTH '5'"]);
    assert!(!answer.contains("\nCONTENT_LENGTH"), "{answer}");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn headers_with_one_key_are_one_value(engine) {
    let server = Server::start(engine, "environ_dump", &["--header-map", "dangerous"]);
    let answer = ask(&server, b"", "/", "X-Name: a\r\nOther: b\r\nX_Name: c\r\nx-nAME: d\r\n");
    assert_says(&answer, &["HTTP_X_NAME 'a,c,d'"]);
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn the_proxy_protocol_names_the_client(engine) {
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\0\x09\0\x0a";
    let server = Server::start(engine, "environ_dump", &["--proxy-protocol", "auto"]);
    for preface in [&b"PROXY TCP4 192.0.2.1 192.0.2.2 9 10\r\n"[..], v2] {
        assert_says(&ask(&server, preface, "/", ""), &[
            "REMOTE_ADDR '192.0.2.1'",
            "REMOTE_PORT '9'",
            "PROXY_PROTOCOL 'TCP4'",
            "PROXY_ADDR '192.0.2.2'",
            "PROXY_PORT '10'",
        ]);
    }
    // The same port serves those who come without.
    assert_says(&ask(&server, b"", "/", ""), &["REMOTE_ADDR '127.0.0.1'"]);
    server.stop();
}}

each_of! { Sync, Coroutine; fn a_proxy_header_may_come_byte_by_byte(engine) {
    let server = Server::start(engine, "environ_dump", &["--proxy-protocol=auto"]);
    let mut client = server.connect();
    for byte in b"PROXY TCP6 ::1 ::2 9 10\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" {
        client.send([*byte]);
    }
    let text = client.response().text();
    assert!(text.contains("PROXY_PROTOCOL 'TCP6'\n"), "{text}");
    server.stop();
}}

each_of! { Sync, Coroutine; fn a_proxy_header_of_a_stranger_is_403(engine) {
    let arguments = ["--proxy-protocol", "v1", "--proxy-allow-from", "10.0.0.1"];
    let server = Server::start(engine, "environ_dump", &arguments);
    assert_refused(&ask(&server, b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "/", ""), 403);
    assert_says(&ask(&server, b"", "/", ""), &["REMOTE_ADDR '127.0.0.1'"]);
    server.wait_for_log("proxy-forbidden");
    server.stop();
}}

each_of! { Sync, Coroutine; fn a_malformed_proxy_header_is_400(engine) {
    let server = Server::start(engine, "environ_dump", &["--proxy-protocol=auto"]);
    assert_refused(&ask(&server, b"PROXY TCP4 nonsense\r\n", "/", ""), 400);
    server.stop();
}}

each_of! { Coroutine; fn the_access_log_shows_the_proxied_client(engine) {
    let arguments = ["--proxy-protocol", "--access-logfile", "-", "--access-logformat", "from %(h)s"];
    let server = Server::start(engine, "environ_dump", &arguments);
    ask(&server, b"PROXY TCP4 192.0.2.7 192.0.2.2 9 10\r\n", "/", "");
    wait::until_true("the line", || {
        server.scratch.read("stdout").contains("from 192.0.2.7\n")
    });
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn leniency_switches_let_through_what_they_name(engine) {
    let arguments = [
        "--permit-obsolete-folding",
        "--strip-header-spaces",
        "--permit-unconventional-http-method",
        "--casefold-http-method",
    ];
    let request = "g / HTTP/1.1\r\nHost : x\r\nA: b\r\n c\r\nConnection: close\r\n\r\n";
    let server = Server::start(engine, "environ_dump", &arguments);
    let answer = server.exchange(request);
    assert_says(&answer, &["REQUEST_METHOD 'G'", "HTTP_HOST 'x'"]);
    assert!(answer.contains("HTTP_A 'b "), "{answer}");
    server.stop();
    let server = Server::start(engine, "environ_dump", &[]);
    assert_refused(&server.exchange(request), 400);
    server.stop();
}}
