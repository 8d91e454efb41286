//! What is named as the application: one that WSGI cannot call is refused when it is loaded, with the form
//! to write, and not by a 500 for each request.

use crate::support::{Engine, Launch, Server};

const MODULE: &str = "wrongly_named";

/// The exit code and the log of a start that fails.
fn refusal(engine: Engine, arguments: &[&str]) -> (i32, String) {
    let mut server = Launch::new(engine).args(arguments).start();
    (server.exit_code(), server.log())
}

fn is_refused(engine: Engine, name: &str, words: &[&str]) {
    let spec = format!("{MODULE}:{name}");
    for (arguments, expected) in [(vec![&*spec], 4), (vec!["--check-config", &*spec], 1)] {
        let (code, log) = refusal(engine, &arguments);
        assert_eq!(code, expected, "{spec}: {log}");
        for word in words.iter().chain(&[&*spec]) {
            assert!(log.contains(word), "no {word:?} in:\n{log}");
        }
    }
}

each_of! { Sync, Coroutine; fn an_asgi_application_is_refused(engine) {
    let names = [
        "falcon_asgi", "django()", "coroutine_function", "two_arguments", "asynchronous_generator",
        "three_arguments", "Asgi2",
    ];
    for name in names {
        is_refused(engine, name, &["ASGI", "a2wsgi.ASGIMiddleware"]);
    }
}}

each_of! { Sync, Coroutine; fn a_factory_that_is_not_called_is_refused(engine) {
    let names = [
        "create_app", "create_app_with_a_setting", "make_app", "make", "Application",
        "ApplicationWithSettings", "ApplicationWithAny",
    ];
    for name in names {
        is_refused(engine, name, &[&format!("'{MODULE}:{name}()'")]);
    }
}}

each_of! { Sync, Gthread, Coroutine, Gunicorn; fn whatever_wsgi_can_call_is_served(engine) {
    let names = [
        "wsgi",
        "falcon_wsgi", "instance", "method", "partial", "partial_by_name", "any_arguments", "optional", "generator",
        "any_instance", "Iterated", "without_signature", "decorated", "create_app()", "Application()",
        "other_names", "of_werkzeug", "argument_added", "arguments_removed", "optional_arguments_removed",
        "request_only", "asynchronous_inside", "wrapper_object", "wrapped_call", "with_a_signature",
        "transparent", "proxy", "Made", "AnotherIsMade",
    ];
    for name in names {
        let server = Server::start(engine, &format!("{MODULE}:{name}"), &[]);
        assert_eq!(server.get("/").text(), "well", "{name}");
        server.stop();
    }
}}
