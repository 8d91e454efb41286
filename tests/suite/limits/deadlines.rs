//! request_timeout: an overdue request is answered 504 and ended, and nobody else notices.

use std::time::{Duration, Instant};

use crate::support::{Client, Engine, Server, wait};

#[test]
fn an_overdue_request_is_answered_504_and_ended_wherever_it_is() {
    let server = Server::start(Engine::Coroutine, "overdue", &["--request-timeout", "1"]);
    let kinds = ["/sleep", "/lock", "/sock", "/loop"];
    let began = Instant::now();
    let mut late: Vec<Client> =
        kinds.iter().flat_map(|kind| server.waiting_clients(5, kind)).collect();
    let mut quick = server.waiting_clients(40, "/quick");
    for client in &mut quick {
        assert_eq!(client.response().status, 200);
    }
    for client in &mut late {
        assert_eq!(client.response().status, 504);
    }
    assert!(began.elapsed() < Duration::from_secs(8), "took {:?}", began.elapsed());
    wait::until_true("all to have cleaned up", || server.notes().lines().count() == 20);
    let notes = server.notes();
    assert!(!notes.contains("entered the locked part"), "{notes}");
    for kind in kinds {
        let raised = format!("{} unicoro.RequestTimeout", &kind[1..]);
        assert_eq!(notes.matches(&raised).count(), 5, "{notes}");
    }
    assert_eq!(server.get("/quick").status, 200);
    server.stop();
}

#[test]
fn an_overdue_response_that_has_begun_is_closed() {
    let arguments = ["--request-timeout", "1"];
    let server = Server::start(Engine::Coroutine, "overdue:streaming", &arguments);
    let mut client = server.waiting_client("/");
    let text = String::from_utf8_lossy(&client.bytes_to_the_end()).into_owned();
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.ends_with("begun\r\n"), "{text}");
    server.stop();
}

#[test]
fn a_client_that_has_its_answer_may_ask_again_however_long_the_request_goes_on() {
    let server = Server::start(Engine::Coroutine, "overdue_in_c", &["--request-timeout", "0.3"]);
    let mut client = server.connect();
    assert_eq!(client.get("/closes").text(), "quick");
    assert_eq!(client.get("/quick").text(), "quick");
    server.wait_for_log("/closes has exceeded request_timeout (0.3 s) behind its answer");
    server.stop();
}

#[test]
fn an_application_that_swallows_the_exception_is_named() {
    let server = Server::start(Engine::Coroutine, "overdue", &["--request-timeout", "1"]);
    assert_eq!(server.get("/swallow").status, 504);
    wait::until_true("the log to say so", || server.log().contains("/swallow: the application"));
    assert_eq!(server.get("/quick").status, 200);
    server.stop();
}

#[test]
fn a_wait_in_a_c_library_goes_on_and_its_connection_is_broken_off() {
    let server = Server::start(Engine::Coroutine, "overdue_in_c", &["--request-timeout", "0.3"]);
    let expected = ["connection 0", "pair 3", "pipe 3", "semaphore 0", "sleep 0 whole"];
    let kinds = expected.iter().filter_map(|line| line.split(' ').next());
    let waiting = |kind| server.waiting_clients(4, &format!("/{kind}"));
    let mut late: Vec<Client> = kinds.flat_map(waiting).collect();
    for client in &mut late {
        assert_eq!(client.response().status, 504);
    }
    wait::until_true("all to have ended", || server.notes().lines().count() == late.len());
    let notes = server.notes();
    for line in expected {
        assert_eq!(notes.matches(&format!("{line} RequestTimeout\n")).count(), 4, "{notes}");
    }
    assert_eq!(server.get("/quick").text(), "quick");
    server.stop();
}

#[test]
fn a_wait_for_a_body_that_never_comes_ends_as_every_other() {
    let server = Server::start(Engine::Coroutine, "overdue", &["--request-timeout", "0.5"]);
    let mut clients: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.response().status, 504);
    }
    wait::until_true("all to have ended", || server.notes().lines().count() == 6);
    let notes = server.notes();
    assert_eq!(notes.matches("unicoro.RequestTimeout").count(), 3, "{notes}");
    assert_eq!(notes.matches("free is True").count(), 3, "{notes}");
    server.stop();
}

/// Locks that `logging` and `concurrent.futures` take before a fork and give back after it: CPython loses
/// what is raised there.
#[test]
fn who_gets_ready_for_a_fork_hears_of_it_after_the_fork() {
    let arguments = ["--request-timeout", "0.3"];
    let server = Server::start(Engine::Coroutine, "overdue_forks", &arguments);
    assert_eq!(server.get("/").status, 504);
    wait::until_true("the request to have ended", || server.notes().lines().count() == 3);
    assert_eq!(server.notes(), "computed\nwaited\nRequestTimeout\n");
    server.stop();
}
