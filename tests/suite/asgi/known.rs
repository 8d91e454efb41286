//! How an ASGI application is known, and what is said where one cannot be served.

use crate::support::{Engine, Launch, Server};

fn refusal(engine: Engine, arguments: &[&str]) -> (i32, String) {
    let mut server = Launch::new(engine).args(arguments).start();
    (server.exit_code(), server.log())
}

#[test]
fn an_application_of_asgi_3_is_known_when_it_is_seen() {
    for name in ["application", "instance", "method", "partial", "Application()", "slotted"] {
        let server = Server::start(Engine::Coroutine, &format!("asynchronous:{name}"), &[]);
        assert_eq!(server.get("/").text(), "Hello, world!", "{name}");
        server.stop();
    }
    let arguments = ["--interface", "asgi"];
    let server = Server::start(Engine::Coroutine, "asynchronous:plain_function", &arguments);
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.stop();
}

#[test]
fn uvicorns_workers_are_taken_for_ours_with_one_line() {
    for name in ["asgi", "uvicorn.workers.UvicornWorker", "uvicorn_worker.UvicornH11Worker"] {
        let arguments = ["-k", name];
        let server = Server::start(Engine::Coroutine, "asynchronous", &arguments);
        assert_eq!(server.get("/").text(), "Hello, world!");
        let line = format!("worker_class {name} is taken as coroutine with interface asgi");
        assert_eq!(server.log().matches(&line).count(), 1, "{}", server.log());
        server.stop();
    }
}

each_of! { Sync, Gthread; fn other_engines_refuse_it_in_one_sentence(engine) {
    for arguments in [vec!["asynchronous"], vec!["--interface", "asgi", "asynchronous:plain_function"]] {
        let (code, log) = refusal(engine, &arguments);
        assert_eq!(code, 4, "{log}");
        assert!(log.contains("is an ASGI application") && log.contains("use -k coroutine"), "{log}");
    }
}}

#[test]
fn what_only_looks_like_it_is_refused_with_advice() {
    for (name, advice) in [
        ("two_arguments", "guarantee_single_callable"),
        ("asynchronous_generator", "guarantee_single_callable"),
        ("Asgi2", "guarantee_single_callable"),
        ("three_arguments", "--interface asgi"),
    ] {
        let (code, log) = refusal(Engine::Coroutine, &[&format!("wrongly_named:{name}")]);
        assert_eq!(code, 4, "{log}");
        assert!(log.contains(advice), "{log}");
    }
}

#[test]
fn what_is_certainly_no_asgi_is_refused_where_asgi_is_asked_for() {
    for (name, advice) in [
        ("flask_app:app", "takes two arguments, as a WSGI application does"),
        ("hello", "unicoro.wsgi_to_asgi(app)"),
        ("wrongly_named:Asgi2", "guarantee_single_callable"),
        ("wrongly_named:create_app", "let it be called: 'wrongly_named:create_app()'"),
        ("wrongly_named:make_app", "let it be called: 'wrongly_named:make_app()'"),
    ] {
        let (code, log) = refusal(Engine::Coroutine, &["-k", "asgi", name]);
        assert_eq!(code, 4, "{log}");
        assert!(log.contains(advice), "{log}");
    }
}

#[test]
fn tornado_is_refused_in_one_sentence_that_names_its_own_server() {
    let (code, log) = refusal(Engine::Coroutine, &["-k", "tornado", "hello"]);
    assert_eq!(code, 1, "{log}");
    assert!(log.contains("run tornado's own server"), "{log}");
    for engine in [Engine::Coroutine, Engine::Sync] {
        let (code, log) = refusal(engine, &["wrongly_named:tornados()"]);
        assert_eq!(code, 4, "{log}");
        assert!(
            log.contains("is an application of tornado's, which is neither WSGI nor ASGI"),
            "{log}"
        );
    }
}
