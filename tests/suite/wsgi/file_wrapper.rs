//! wsgi.file_wrapper: real files, parts of them, and what only looks like a file.

use crate::support::{Engine, Launch, Response, Server, wait};

const SIZE: usize = 300_000;

/// An app that sends a file of `SIZE` bytes, and its content.
fn start(engine: Engine) -> (Server, Vec<u8>) {
    let launch = Launch::new(engine).args(&["file_wrapper"]);
    let content = launch.scratch.fill("file", SIZE);
    (launch.start(), content)
}

/// The answer and the noted end of the file.
fn fetch(server: &Server, path: &str) -> Response {
    let response = server.get(path);
    wait::until_true("the file to be closed", || server.notes() == "closed\n");
    response
}

each_of! { Sync, Coroutine, Gunicorn; fn file_is_sent_whole_and_closed(engine) {
    let (server, content) = start(engine);
    let response = fetch(&server, "/whole");
    assert!(response.body == content, "{} bytes came", response.body.len());
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn file_without_length_is_sent_whole(engine) {
    let (server, content) = start(engine);
    let response = fetch(&server, "/without_length");
    assert!(response.body == content, "{} bytes came", response.body.len());
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn file_is_sent_from_where_it_stands(engine) {
    let (server, content) = start(engine);
    let response = fetch(&server, "/offset");
    assert!(response.body == content[1000..], "{} bytes came", response.body.len());
    server.stop();
}}

each_of! { Sync, Coroutine; fn file_is_cut_at_the_length(engine) {
    let (server, content) = start(engine);
    let response = fetch(&server, "/part");
    assert!(response.body == content[..1000], "{} bytes came", response.body.len());
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn object_without_descriptor_is_read(engine) {
    let (server, _) = start(engine);
    assert_eq!(fetch(&server, "/file_like").text(), "looks like a file");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn head_of_a_file_has_its_length_and_no_body(engine) {
    let (server, _) = start(engine);
    let mut client = server.connect();
    client.send("HEAD /whole HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let response = client.response_to_head();
    assert_eq!(response.header("content-length"), Some("300000"));
    assert!(client.is_closed());
    server.stop();
}}

// gunicorn: asks for a descriptor only, and sends the compressed bytes.
each_of! { Sync, Coroutine; fn object_that_reads_otherwise_than_its_descriptor_is_read(engine) {
    let (server, _) = start(engine);
    assert_eq!(server.get("/compressed").text(), "what was compressed");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn temporary_file_is_sent_from_where_it_stands(engine) {
    let (server, _) = start(engine);
    assert_eq!(server.get("/temporary").text(), "was written");
    server.stop();
}}
