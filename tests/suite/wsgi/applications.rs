//! What is named as the application: where it is found, and one that WSGI cannot call is refused
//! when it is loaded, with the form to write, and not by a 500 for each request.

use crate::support::{Engine, Launch, Server, answering, binary};

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

// `proj` is a package, `app` a module that defines `app`, `mysite.wsgi` defines `application`.
const HINTS: [(&str, &str); 20] = [
    ("wrongly_named.py:wsgi", "did you mean wrongly_named:wsgi?"),
    ("wrongly_named.wsgi", "did you mean wrongly_named:wsgi?"),
    ("app.py", "did you mean app:app?"),
    ("app.py:app", "did you mean app:app?"),
    ("app:application", "did you mean app:app?"),
    ("mysite.wsgi:app", "did you mean mysite.wsgi:application?"),
    ("mysite/wsgi.py", "did you mean mysite.wsgi?"),
    ("mysite.wsgi.py", "did you mean mysite.wsgi?"),
    ("mysite/wsgi", "did you mean mysite.wsgi?"),
    ("mysite/wsgi:app", "did you mean mysite.wsgi:application?"),
    ("mysite/wsgi.py:application", "did you mean mysite.wsgi:application?"),
    ("./app.py:app", "did you mean app:app?"),
    ("./app:app", "did you mean app:app?"),
    ("SCRATCH/app.py:app", "did you mean app:app?"),
    ("SCRATCH/mysite/wsgi.py", "did you mean mysite.wsgi?"),
    ("/nowhere/pv/tb.py:app", "did you mean --chdir /nowhere/pv tb:app?"),
    (":app", "no module before the colon"),
    ("proj/__init__.py:app", "did you mean proj:app?"),
    ("app/app:app", "did you mean app.app:app?"),
    ("../up/app.py:app", "/up app:app?"),
];

each_of! { Sync; fn a_name_that_is_nearly_right_gets_a_hint(engine) {
    for (name, hint) in HINTS {
        let launch = Launch::new(engine);
        let name = name.replace("SCRATCH", &launch.scratch.path().display().to_string());
        let launch = launch.args(&["--pythonpath", ".", &name]);
        std::fs::create_dir(launch.scratch.file("mysite")).unwrap();
        std::fs::create_dir(launch.scratch.file("proj")).unwrap();
        launch.scratch.write("app.py", "from wrongly_named import wsgi as app\n");
        launch.scratch.write("proj/__init__.py", "from wrongly_named import wsgi as app\n");
        launch.scratch.write("mysite/wsgi.py", "from wrongly_named import wsgi\napplication = wsgi\n");
        let mut server = launch.start();
        let code = server.exit_code();
        let log = server.log();
        assert!(code == 3 || code == 4, "{log}");
        assert!(log.contains(hint) && !log.contains("Traceback"), "{name}, {hint}:\n{log}");
    }
}}

each_of! { Sync; fn one_that_names_nothing_like_it_gets_none(engine) {
    let (_, log) = refusal(engine, &["notes:absent"]);
    assert!(log.contains("has no 'absent'") && log.contains("application's variable"), "{log}");
}}

each_of! { Sync; fn another_environment_is_named_with_what_to_start(engine) {
    let about = |prepare: &dyn Fn(Launch) -> Launch| {
        let mut server = prepare(alone(Launch::new(engine))).args(&["absent:app"]).start();
        assert_eq!(server.exit_code(), 3);
        server.log()
    };
    let make = |launch: &Launch, name: &str, with_unicoro: bool| {
        std::fs::create_dir_all(launch.scratch.file(&format!("{name}/bin"))).unwrap();
        launch.scratch.write(&format!("{name}/pyvenv.cfg"), "");
        if with_unicoro {
            launch.scratch.write(&format!("{name}/bin/unicoro"), "");
        }
    };
    let log = about(&|launch| {
        make(&launch, ".venv", true);
        launch
    });
    assert!(log.contains("is another one: start ") && log.contains("/.venv/bin/unicoro"), "{log}");
    let log = about(&|launch| {
        make(&launch, ".venv", false);
        std::fs::create_dir(launch.scratch.file("sub")).unwrap();
        launch.args(&["--chdir", "sub"])
    });
    assert!(log.contains("/.venv is another one: "), "{log}");
}}

/// Without another environment that is activated, which would be named first: the wheel serves in its own.
fn alone(launch: Launch) -> Launch {
    if binary::is_wheel() { launch.env("VIRTUAL_ENV", "") } else { launch }
}

each_of! { Sync, Coroutine; fn a_module_that_is_missing_is_said_with_the_environment(engine) {
    for module in ["absent", "needs_absent"] {
        let name = format!("{module}:app");
        let launch = alone(Launch::new(engine)).args(&["--pythonpath", ".", &name]);
        launch.scratch.write("needs_absent.py", "import absent\n");
        let unused = launch.scratch.file(".venv");
        std::fs::create_dir(&unused).unwrap();
        launch.scratch.write(".venv/pyvenv.cfg", "");
        let mut server = launch.start();
        assert_eq!(server.exit_code(), 3);
        let log = server.log();
        for word in ["No module named 'absent'", "The environment is CPython 3.", "is another one"] {
            assert!(log.contains(word), "no {word:?} in:\n{log}");
        }
        assert!(log.contains(&unused.display().to_string()), "{log}");
    }
}}

each_of! { Sync, Coroutine; fn the_traceback_of_an_import_begins_in_the_application(engine) {
    for (text, name) in [("1 / 0\n", "broken:app"), ("def make(): 1 / 0\n", "broken:make()")] {
        let launch = Launch::new(engine).args(&["--pythonpath", ".", name]);
        launch.scratch.write("broken.py", text);
        let mut server = launch.start();
        assert_eq!(server.exit_code(), 3);
        let log = server.log();
        let traceback = log.split_once("Traceback (most recent call last):\n").expect("a traceback").1;
        assert!(traceback.trim_start().starts_with("File \""), "{log}");
        assert!(traceback.lines().next().unwrap().contains("broken.py\", line 1"), "{log}");
    }
}}

each_of! { Sync, Coroutine; fn what_is_asynchronous_and_no_asgi_application_is_refused(engine) {
    for name in ["two_arguments", "asynchronous_generator", "Asgi2"] {
        is_refused(engine, name, &["ASGI 3", "guarantee_single_callable"]);
    }
}}

each_of! { Sync, Gthread; fn an_asgi_application_is_refused(engine) {
    for name in ["falcon_asgi", "django()", "coroutine_function"] {
        is_refused(engine, name, &["is an ASGI application", "use -k coroutine"]);
    }
    is_refused(engine, "three_arguments", &["--interface asgi"]);
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

each_of! { Sync, Gunicorn; fn config_file_may_name_the_app(engine) {
    let launch = Launch::new(engine);
    launch.scratch.write("gunicorn.conf.py", "wsgi_app = 'hello:app'\n");
    let server = launch.start();
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn app_may_be_made_by_a_call(engine) {
    let server = Server::start(engine, "hello:factory(\"word\", times=2)", &[]);
    assert_eq!(server.get("/").text(), "wordword");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn app_is_found_in_the_working_directory(engine) {
    let launch = Launch::new(engine).args(&["here"]);
    launch.scratch.write("here.py", "from hello import application\n");
    let server = launch.start();
    assert_eq!(server.get("/").status, 200);
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn chdir_comes_before_the_app_is_loaded(engine) {
    let launch = Launch::new(engine).args(&["--chdir", "below", "interpreter"]);
    std::fs::create_dir(launch.scratch.file("below")).unwrap();
    let below = launch.scratch.file("below").canonicalize().unwrap();
    let server = launch.start();
    let text = server.get("/").text();
    assert!(text.contains(&format!("cwd={}\n", below.display())), "{text}");
    assert!(text.contains("cwd_on_path=True\n"), "{text}");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn pythonpath_is_searched(engine) {
    let launch = Launch::new(engine).args(&["--pythonpath", "below,beside", "there"]);
    for name in ["below", "beside"] {
        std::fs::create_dir(launch.scratch.file(name)).unwrap();
    }
    launch.scratch.write("beside/there.py", "from hello import application\n");
    let server = launch.start();
    assert_eq!(server.get("/").status, 200);
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn modules_are_found_in_gunicorns_order(engine) {
    // pythonpath is relative to chdir.
    let order = ["below/last", "below/first", "below", "."];
    for (index, first) in order.iter().enumerate() {
        let arguments = ["--chdir", "below", "--pythonpath", "first,last", "where"];
        let launch = Launch::new(engine).args(&arguments);
        for name in ["below", "below/first", "below/last"] {
            std::fs::create_dir(launch.scratch.file(name)).unwrap();
        }
        // Each time one directory less has the module.
        for directory in &order[index..] {
            launch.scratch.write(&format!("{directory}/where.py"), &answering(directory));
        }
        let server = launch.start();
        assert_eq!(server.get("/").text(), *first);
        server.stop();
    }
}}

each_of! { Sync, Coroutine, Gunicorn; fn preloaded_app_is_served(engine) {
    let server = Server::start(engine, "hello", &["--preload", "--workers", "2"]);
    assert_eq!(server.get("/").status, 200);
    server.stop();
}}
