//! Starts that fail: the exit code says what kind of failure, stderr says what to do about it.

use crate::support::{Engine, Launch, Server};

/// The exit code and the log of a start that fails.
fn failed_start(engine: Engine, arguments: &[&str]) -> (i32, String) {
    end_of(Launch::new(engine).args(arguments).start())
}

fn end_of(mut server: Server) -> (i32, String) {
    let code = server.exit_code();
    (code, server.log())
}

fn assert_names(log: &str, words: &[&str]) {
    for word in words {
        assert!(log.contains(word), "no {word:?} in:\n{log}");
    }
}

each_of! { Sync, Coroutine, Gunicorn; fn syntax_error_ends_the_server_with_3_and_one_traceback(engine) {
    let (code, log) = failed_start(engine, &["syntax_error"]);
    assert_eq!(code, 3);
    assert_eq!(log.matches("SyntaxError").count(), 1, "{log}");
    assert_names(&log, &["syntax_error.py", "environ start_response"]);
}}

each_of! { Sync, Coroutine; fn syntax_error_of_many_workers_is_told_once(engine) {
    let (code, log) = failed_start(engine, &["--workers", "3", "syntax_error"]);
    assert_eq!(code, 3);
    let told = log.matches("SyntaxError").count();
    // Workers that had begun before the first failed may tell too; none is started after it.
    assert!((1..=3).contains(&told), "told {told} times:\n{log}");
}}

each_of! { Sync, Coroutine, Gunicorn; fn failing_import_ends_the_server_with_3(engine) {
    let (code, log) = failed_start(engine, &["import_error"]);
    assert_eq!(code, 3);
    assert_names(&log, &["import_error.py", "no_such_module_anywhere"]);
}}

each_of! { Sync, Coroutine, Gunicorn; fn missing_module_ends_the_server_with_3(engine) {
    let (code, log) = failed_start(engine, &["no_such_module:app"]);
    assert_eq!(code, 3);
    assert_names(&log, &["no_such_module"]);
}}

each_of! { Sync, Coroutine, Gunicorn; fn missing_app_object_ends_the_server_with_4(engine) {
    let (code, log) = failed_start(engine, &["hello:absent"]);
    assert_eq!(code, 4);
    assert_names(&log, &["absent", "hello"]);
}}

each_of! { Sync, Coroutine, Gunicorn; fn app_that_cannot_be_called_ends_the_server_with_4(engine) {
    let (code, log) = failed_start(engine, &["hello:__doc__"]);
    assert_eq!(code, 4);
    assert_names(&log, &["call"]);
}}

each_of! { Sync, Gunicorn; fn app_that_is_no_expression_ends_the_server_with_4(engine) {
    let (code, _) = failed_start(engine, &["hello:app("]);
    assert_eq!(code, 4);
}}

each_of! { Sync, Gunicorn; fn missing_app_ends_the_server_with_1(engine) {
    let (code, log) = failed_start(engine, &[]);
    assert_eq!(code, 1);
    assert!(log.to_lowercase().contains("app"), "{log}");
}}

each_of! { Sync, Gunicorn; fn unknown_option_ends_the_server_with_2(engine) {
    let (code, log) = failed_start(engine, &["--no-such-option", "hello"]);
    assert_eq!(code, 2);
    assert_names(&log, &["--no-such-option"]);
}}

each_of! { Sync; fn misspelt_option_gets_a_suggestion(engine) {
    let (code, log) = failed_start(engine, &["--worker", "2", "hello"]);
    assert_eq!(code, 2);
    assert_names(&log, &["--workers"]);
}}

each_of! { Sync; fn bad_value_of_a_flag_names_setting_value_and_flag(engine) {
    let (code, log) = failed_start(engine, &["--workers", "many", "hello"]);
    assert_eq!(code, 1);
    assert_names(&log, &["workers", "many", "--workers"]);
}}

each_of! { Gunicorn; fn gunicorn_too_ends_with_1_at_a_bad_value(engine) {
    let (code, _) = failed_start(engine, &["--keep-alive", "-5", "hello"]);
    assert!(code == 1 || code == 2, "{code}");
}}

each_of! { Sync; fn bad_value_in_the_config_file_names_file_and_line(engine) {
    let launch = Launch::new(engine).args(&["-c", "site.conf.py", "hello"]);
    launch.scratch.write("site.conf.py", "# a comment\n\nworkers = 'many'\n");
    let (code, log) = end_of(launch.start());
    assert_eq!(code, 1);
    assert_names(&log, &["workers", "many", "site.conf.py:3"]);
}}

each_of! { Sync; fn bad_value_in_the_environment_names_the_variable(engine) {
    let launch = Launch::new(engine).env("GUNICORN_CMD_ARGS", "--timeout=soon");
    let (code, log) = end_of(launch.args(&["hello"]).start());
    assert_eq!(code, 1);
    assert_names(&log, &["timeout", "soon", "GUNICORN_CMD_ARGS"]);
}}

each_of! { Sync, Gunicorn; fn config_file_with_a_syntax_error_ends_the_server_with_1(engine) {
    let launch = Launch::new(engine).args(&["-c", "site.conf.py", "hello"]);
    launch.scratch.write("site.conf.py", "workers = \n");
    let (code, log) = end_of(launch.start());
    assert_eq!(code, 1);
    assert_names(&log, &["site.conf.py", "SyntaxError"]);
}}

// As Python reads it: a byte order mark, or what PEP 263 says.
each_of! { Sync, GunicornSync; fn a_config_file_may_have_any_encoding(engine) {
    let (mark, latin) = (&b"\xef\xbb\xbf"[..], &b"# -*- coding: latin-1 -*-\n"[..]);
    for (head, name) in [(mark, &b"caf\xc3\xa9"[..]), (latin, &b"caf\xe9"[..])] {
        let launch = Launch::new(engine).args(&["-c", "site.conf.py", "hello"]);
        let lines: [&[u8]; 4] =
            [head, b"def when_ready(server): server.log.info('ready: ", name, b"')\n"];
        std::fs::write(launch.scratch.file("site.conf.py"), lines.concat()).unwrap();
        let server = launch.start();
        assert_eq!(server.get("/").status, 200);
        server.wait_for_log("ready: caf\u{e9}");
        server.stop();
    }
}}

each_of! { Sync; fn a_bad_value_of_a_file_in_latin_1_is_told_with_its_line(engine) {
    let launch = Launch::new(engine).args(&["-c", "site.conf.py", "hello"]);
    let text = b"# coding: latin-1\n# \xe9\nworkers = 'many'\n";
    std::fs::write(launch.scratch.file("site.conf.py"), text).unwrap();
    let (code, log) = end_of(launch.start());
    assert_eq!(code, 1);
    assert_names(&log, &["workers", "many", "site.conf.py:3"]);
}}

each_of! { Sync; fn what_is_no_config_file_is_said_as_what_it_is(engine) {
    for (config, words, wrong) in [
        ("somewhere", &["somewhere is a directory", "name a file in it"][..], "name one that exists"),
        ("python:nosuch", &["no module 'nosuch'", "pythonpath"], "raised an exception"),
        ("python:there.nosuch", &["no module 'there.nosuch'"], "raised an exception"),
        ("python:needs", &["raised an exception", "No module named 'absent'"], "no module 'needs'"),
    ] {
        let launch = Launch::new(engine).args(&["-c", config, "hello"]);
        std::fs::create_dir(launch.scratch.file("somewhere")).unwrap();
        std::fs::create_dir(launch.scratch.file("there")).unwrap();
        launch.scratch.write("there/__init__.py", "");
        launch.scratch.write("needs.py", "import absent\n");
        let (code, log) = end_of(launch.start());
        assert_eq!(code, 1, "{log}");
        assert_names(&log, words);
        assert!(!log.contains(wrong), "{log}");
    }
}}

// What is ours in a traceback helps nobody to find the fault.
each_of! { Sync, Coroutine; fn tracebacks_of_hooks_and_logconfig_begin_in_the_users_code(engine) {
    for (config, words) in [
        ("def on_starting(server): 1 / 0\n", "ZeroDivisionError"),
        ("def post_fork(server, worker): 1 / 0\n", "ZeroDivisionError"),
        ("def post_worker_init(worker): 1 / 0\n", "ZeroDivisionError"),
        ("def when_ready(server): 1 / 0\ndef post_worker_init(worker): 1 / 0\n", "ZeroDivisionError"),
        ("logconfig_dict = {'version': 2}\n", "ValueError"),
        ("logconfig = 'absent.ini'\n", "FileNotFoundError"),
    ] {
        let launch = Launch::new(engine).args(&["-c", "site.conf.py", "hello"]);
        launch.scratch.write("site.conf.py", config);
        let (_, log) = end_of(launch.start());
        assert!(log.contains(words) && !log.contains("<unicoro"), "{config}{log}");
    }
}}

each_of! { Sync, Gunicorn; fn missing_config_file_ends_the_server_with_1(engine) {
    let (code, log) = failed_start(engine, &["-c", "no-such-file.py", "hello"]);
    assert_eq!(code, 1);
    assert_names(&log, &["no-such-file.py"]);
}}

each_of! { Sync, Gunicorn; fn unknown_worker_class_ends_the_server_with_1(engine) {
    let (code, log) = failed_start(engine, &["-k", "no_such_engine", "hello"]);
    assert_eq!(code, 1);
    assert_names(&log, &["no_such_engine"]);
}}

each_of! { Sync, Gunicorn; fn address_in_use_ends_the_server_with_1(engine) {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let launch = Launch::new(engine).args(&["-b", &address, "hello"]);
    let (code, log) = end_of(launch.start_unbound());
    assert_eq!(code, 1);
    assert_names(&log, &["127.0.0.1", &taken.local_addr().unwrap().port().to_string()]);
}}

each_of! { Sync; fn an_address_that_is_taken_is_told_with_who_has_it(engine) {
    let launch = Launch::new(engine).args(&["-b", "unix:app.sock", "hello"]);
    let socket = launch.scratch.file("app.sock");
    let server = launch.start();
    assert_eq!(server.get("/").status, 200);
    let holder = format!("process {} (unicoro: master) has it", server.pid());
    // gunicorn: takes the path of a unix socket away from the server that has it.
    for bind in [server.address.to_string(), format!("unix:{}", socket.display())] {
        let launch = Launch::new(engine).args(&["-b", &bind, "hello"]);
        let (code, log) = end_of(launch.start_unbound());
        assert_eq!(code, 1);
        assert_names(&log, &[&bind, &holder, "Trying again", "[CRITICAL]"]);
    }
    assert_eq!(server.get("/").status, 200);
    assert!(std::os::unix::net::UnixStream::connect(socket).is_ok());
    server.stop();
}}

each_of! { Sync, Gunicorn; fn a_pid_file_of_a_running_server_ends_the_start_at_once(engine) {
    let server = Launch::new(engine).args(&["-p", "pid", "hello"]).start();
    assert_eq!(server.get("/").status, 200);
    let path = server.scratch.file("pid").display().to_string();
    let again = |more: &[&str]| {
        let launch = Launch::new(engine).args(&["-p", &path]).args(more).args(&["hello"]);
        // It could clear away what the running server needs.
        let hook = "def on_starting(server): server.log.error('on_starting')\n";
        launch.scratch.write("gunicorn.conf.py", hook);
        end_of(launch.start())
    };
    let (code, log) = again(&[]);
    assert_eq!(code, 1);
    assert!(!log.contains("on_starting"), "{log}");
    assert_names(&log, &[&path, &server.pid().to_string()]);
    if !engine.is_gunicorn() {
        assert_names(&log, &["(unicoro: master)"]);
        // gunicorn: says so to nobody, and leaves with 0.
        let (code, log) = again(&["-D"]);
        assert_eq!(code, 1);
        assert_names(&log, &[&path, &server.pid().to_string()]);
    }
    assert_eq!(server.scratch.read("pid"), format!("{}\n", server.pid()));
    assert_eq!(server.get("/").status, 200);
    server.stop();
}}

each_of! { Sync; fn what_cannot_be_listened_on_is_told_with_what_to_do(engine) {
    for (arguments, words) in [
        (["-b", "unix:absent/a.sock"], ["absent/a.sock", "make the directory"]),
        (["-b", "fd://77"], ["fd://77", "a listening socket of this number"]),
        (["-b", "192.0.2.1:80"], ["192.0.2.1:80", "no such address"]),
        (["-b", "no-such-host.invalid:80"], ["no-such-host.invalid", "a name that this machine"]),
        (["-p", "absent/pid"], ["absent/pid", "make the directory"]),
        (["-p", "."], ["is a directory", "name a file in it"]),
    ] {
        let (code, log) = failed_start(engine, &[&arguments[..], &["hello"]].concat());
        assert_eq!(code, 1, "{arguments:?}");
        assert_names(&log, &words);
    }
}}

/// The same start, and the same with `--check-config`: both are refused, and say so with this word.
fn is_refused(arguments: &[&str], config: &str, word: &str) {
    for check in [&[][..], &["--check-config"]] {
        let launch = Launch::new(Engine::Sync).args(arguments).args(check).args(&["hello"]);
        launch.scratch.write("gunicorn.conf.py", config);
        let (code, log) = end_of(launch.start());
        assert_eq!(code, 1, "{arguments:?} {config:?}: {log}");
        assert_names(&log, &[word]);
    }
}

#[test]
fn check_config_refuses_what_the_start_refuses() {
    is_refused(&["--workers", "1025"], "", "workers");
    is_refused(&[], "workers = 65535", "workers");
    is_refused(&["--chdir", "absent"], "", "absent");
    is_refused(&["--access-logfile", "-", "--access-logformat", "%(x)s"], "", "unknown atom");
    is_refused(&["--access-logfile", "absent/log"], "", "absent/log");
    is_refused(&["--log-config", "absent.conf"], "", "absent.conf");
    is_refused(&["--user", "no_such_user"], "", "no_such_user");
    is_refused(&[], "post_fork = 3", "post_fork");
    is_refused(&["--backlog", "-1"], "", "backlog");
    is_refused(&[], "logger_class = 'a.B'", "logger_class");
}

#[test]
fn check_config_refuses_addresses_that_nobody_can_listen_on() {
    for (address, word) in [
        ("unix:.", "is not a socket"),
        ("fd://0", "standard streams"),
        ("256.1.1.1:80", "not an IPv4 address"),
    ] {
        is_refused(&["-b", address], "", word);
    }
    // A server that is to be replaced may have these, and names are looked up by who binds.
    let server = Server::start(Engine::Sync, "hello", &["-b", "unix:app.sock"]);
    server.get("/");
    let (port, socket) =
        (server.address.to_string(), format!("unix:{}", server.scratch.file("app.sock").display()));
    for address in [&port, &socket, "no-such-host.invalid:80"] {
        let arguments = ["--check-config", "-b", address, "hello"];
        let mut checked = Launch::new(Engine::Sync).args(&arguments).start_unbound();
        assert_eq!(checked.exit_code(), 0, "{address}: {}", checked.log());
    }
    server.stop();
}

/// systemd gives sockets and a RuntimeDirectory to the start, and not to an ExecStartPre with the check.
#[test]
fn check_config_warns_of_what_only_the_start_may_be_given() {
    for (address, word) in [
        ("unix:absent/a.sock", "make the directory"),
        ("fd://77", "a listening socket of this number"),
    ] {
        let arguments = ["--check-config", "-b", address, "hello"];
        let mut checked = Launch::new(Engine::Sync).args(&arguments).start_unbound();
        assert_eq!(checked.exit_code(), 0, "{address}: {}", checked.log());
        assert_names(&checked.log(), &["[WARNING]", address, word]);
        let (code, log) = end_of(Launch::new(Engine::Sync).args(&arguments[1..]).start());
        assert_eq!(code, 1, "{address}: {log}");
    }
}

/// The end of a start with this limit of the shell's.
fn end_with_limit(engine: Engine, limit: &str, arguments: &[&str]) -> (i32, String) {
    let words = format!("ulimit {limit}; exec \"$@\"");
    let launch = Launch::new(engine).args(arguments).args(&["hello"]);
    end_of(launch.inside_of(|_| ["bash", "-c", &words, "bash"].map(str::to_owned).to_vec()).start())
}

#[test]
fn a_limit_that_leaves_the_engine_too_little_ends_the_start_with_what_to_raise() {
    for (engine, limit, arguments, remedy) in [
        (Engine::Coroutine, "-n 32", &[][..], "ulimit -n"),
        // Stacks of 8 MiB; pthread_create(3) says the same of them as of a limit of threads.
        (Engine::Gthread, "-v 700000", &["--threads", "200"], "ulimit -u"),
    ] {
        let (code, log) = end_with_limit(engine, limit, arguments);
        assert_eq!(code, 1, "{log}");
        assert_names(&log, &["cannot run", remedy, "No worker can start: leaving with code 1"]);
        assert!(!log.contains("panicked"), "{log}");
        assert_eq!(log.matches("Booting worker").count(), 1, "{log}");
    }
}

#[test]
fn a_stack_above_the_hard_limit_is_refused_before_there_is_a_worker() {
    for check in [&[][..], &["--check-config"]] {
        let launch = Launch::new(Engine::Coroutine).args(check).args(&["hello"]);
        let launch =
            launch.inside_of(|_| ["prlimit", "--stack=4194304"].map(String::from).to_vec());
        let (code, log) = end_of(launch.start());
        assert_eq!(code, 1, "{log}");
        assert_names(&log, &["coroutine_stack_size", "hard limit"]);
        assert!(!log.contains("Booting worker"), "{log}");
    }
}

#[test]
fn check_config_warns_of_what_the_start_warns_of() {
    for check in [&[][..], &["--check-config"]] {
        let launch = Launch::new(Engine::Sync).args(check).args(&["hello"]);
        launch.scratch.write("gunicorn.conf.py", "worker_conections = 100");
        let mut server = launch.start();
        if check.is_empty() {
            server.get("/");
            server.signal(nix::sys::signal::Signal::SIGTERM);
        }
        assert_eq!(server.exit_code(), 0, "{}", server.log());
        assert_names(
            &server.log(),
            &["[WARNING]", "worker_conections", "did you mean worker_connections?"],
        );
    }
}

// gunicorn: speaks TLS.
#[test]
fn a_server_that_is_configured_for_tls_does_not_start_in_plain_http() {
    let remedy = "the server speaks plain HTTP only: leave this out, and let nginx";
    is_refused(&["--certfile", "a.pem", "--keyfile", "a.key"], "", remedy);
    is_refused(&[], "certfile = 'a.pem'\nkeyfile = 'a.key'", remedy);
}

/// The log of a server with this config file, which serves.
fn log_of_a_start(engine: Engine, config: &str) -> String {
    let launch = Launch::new(engine).args(&["hello"]);
    launch.scratch.write("gunicorn.conf.py", config);
    let server = launch.start();
    assert_eq!(server.get("/").status, 200, "{config}");
    let log = server.log();
    server.stop();
    log
}

each_of! { Sync, Gunicorn; fn tls_settings_without_a_certificate_are_no_wish_for_tls(engine) {
    let defaults = "import ssl\ncertfile = None\nkeyfile = None\ncert_reqs = ssl.CERT_NONE\n\
                    ssl_version = ssl.PROTOCOL_TLS\nsuppress_ragged_eofs = True\n";
    let log = log_of_a_start(engine, defaults);
    assert!(!log.contains("without effect"), "{log}");
    let left_over = [
        "ca_certs = '/x'", "cert_reqs = ssl.CERT_REQUIRED", "ciphers = 'HIGH'",
        "ssl_version = ssl.PROTOCOL_TLS_SERVER", "suppress_ragged_eofs = False", "do_handshake_on_connect = True",
    ];
    let log = log_of_a_start(engine, &format!("import ssl\n{}", left_over.join("\n")));
    if engine == Engine::Sync {
        let notice = "taken, but without effect: the server speaks plain HTTP only";
        assert_eq!(log.matches(notice).count(), left_over.len(), "{log}");
    }
}}
