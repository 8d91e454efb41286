//! What the server itself adds to every response.

use crate::support::{Server, wait};

each_of! { Sync, Coroutine, Gunicorn; fn responses_name_the_server(engine) {
    let server = Server::start(engine, "hello", &[]);
    let name = if engine.is_gunicorn() { "gunicorn" } else { "unicoro" };
    let response = server.get("/");
    let value = response.header("server").expect("a Server header");
    assert!(value.starts_with(name), "{value}");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn responses_carry_the_date(engine) {
    let server = Server::start(engine, "hello", &[]);
    // RFC 9110 5.6.7; the clock may turn while we look, so look again if it did.
    let is_now = || {
        let response = server.get("/");
        let date = response.header("date").expect("a Date header").to_owned();
        assert_eq!(date.len(), "Sun, 06 Nov 1994 08:49:37 GMT".len(), "{date}");
        date == http_date_of_now()
    };
    wait::until_true("the Date of this second", is_now);
    server.stop();
}}

fn http_date_of_now() -> String {
    let date = std::process::Command::new("date")
        .args(["-u", "+%a, %d %b %Y %H:%M:%S GMT"])
        .env("LC_ALL", "C")
        .output()
        .expect("date can be run");
    String::from_utf8_lossy(&date.stdout).trim().to_owned()
}
