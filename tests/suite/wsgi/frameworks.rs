//! Flask and Django as they are used.

use crate::support::Server;

fn post(server: &Server, path: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    server.exchange(format!(
        "POST {path} HTTP/1.1\r\nHost: site.example\r\nContent-Type: {kind}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ))
}

each_of! { Sync, Coroutine, Gunicorn; fn flask_application_works(engine) {
    let mut server = Server::start(engine, "flask_app:app", &[]);
    assert_eq!(server.get("/").text(), "Hello from Flask");
    assert_eq!(server.get("/absent").status, 404);
    assert_eq!(server.get("/stream?word=line").text(), "line 0\nline 1\nline 2\n");

    let answer = post(&server, "/json", "application/json", r#"{"number": 21}"#);
    assert!(answer.contains(r#"{"number":42}"#), "{answer}");
    let form = "--xyz\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nAda\r\n--xyz\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\ncontent\r\n\
                --xyz--\r\n";
    let answer = post(&server, "/form", "multipart/form-data; boundary=xyz", form);
    assert!(answer.contains(r#"{"file":"content","name":"Ada"}"#), "{answer}");

    let first = server.get("/count");
    let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let answer = server.exchange(format!("GET /count HTTP/1.0\r\nCookie: {cookie}\r\n\r\n"));
    assert!(answer.ends_with("\r\n\r\n2"), "{answer}");

    assert_eq!(server.get("/error").status, 500);
    server.wait_for_log("raised by a Flask view");
    server.expect_errors(); // Flask's own record of it
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn django_application_works(engine) {
    let server = Server::start(engine, "django_app", &[]);
    assert_eq!(server.get("/").text(), "Hello from Django");
    assert_eq!(server.get("/stream").text(), "line 0\nline 1\nline 2\n");
    let answer = post(&server, "/echo?q=1", "text/plain", "sent");
    let expected = r#"{"method": "POST", "body": "sent", "query": "1", "host": "site.example"}"#;
    assert!(answer.contains(expected), "{answer}"); // in one chunk or by its length
    server.stop();
}}
