//! `logconfig`, `logconfig_dict` and `logconfig_json`: line for line what gunicorn writes with the
//! same.

use nix::sys::signal::Signal;

use crate::logging::sample::{APP, DICT, FORMAT, ask, launch, lines};
use crate::support::comparison::compare;
use crate::support::{Launch, wait};

each_of! { Sync, Gthread, Coroutine; fn a_logconfig_dict_that_names_the_loggers_gets_each_line(engine) {
    compare(engine, |engine| {
        let mut server = launch(engine, &format!("{FORMAT}{DICT}"), "").start();
        ask(&mut server);
        let accesses = lines(&server, "own", "gunicorn.access|", 3);
        let errors = lines(&server, "own", "gunicorn.error|ERROR|", 1);
        let content = server.scratch.read("own");
        assert!(content.contains("\nTraceback (most recent call last):\n"), "{content}");
        assert!(content.contains("gunicorn.error|INFO|Booting worker with pid"), "{content}");
        let errors: Vec<_> = errors.iter().map(|line| line.replace("GET /boom", "/boom")).collect();
        server.stop();
        (accesses, errors)
    });
}}

each_of! { Sync, Coroutine; fn a_logconfig_without_loggers_has_gunicorns(engine) {
    compare(engine, |engine| {
        let conf = "logconfig_dict = {'formatters': {'generic': {'format': '%(name)s|%(message)s'}}}\n";
        let mut server = launch(engine, &format!("{FORMAT}{conf}"), "").start();
        ask(&mut server);
        let found = lines(&server, "stdout", "gunicorn.access|", 6);
        server.stop();
        found
    });
}}

const INI: &str = "[loggers]\nkeys=root,access\n[handlers]\nkeys=own\n[formatters]\nkeys=named\n\
    [logger_root]\nlevel=INFO\nhandlers=own\n[logger_access]\nlevel=INFO\nhandlers=own\n\
    qualname=gunicorn.access\npropagate=0\n[handler_own]\nclass=FileHandler\n\
    args=('own',)\nformatter=named\n[formatter_named]\nformat=%(name)s|%(message)s\n";

each_of! { Sync, Coroutine; fn a_logconfig_file_and_its_json_do_the_same(engine) {
    for (name, text) in [
        ("logconfig", INI.to_owned()),
        ("logconfig_json", DICT.replace("logconfig_dict = ", "").replace('\'', "\"")
            .replace("False", "false")),
    ] {
        compare(engine, |engine| {
            let launch = launch(engine, &format!("{FORMAT}{name} = 'setup'\n"), "");
            launch.scratch.write("setup", &text);
            let mut server = launch.start();
            ask(&mut server);
            let found = lines(&server, "own", "gunicorn.access|", 3);
            server.stop();
            found
        });
    }
}}

each_of! { Sync, Coroutine; fn a_logconfig_needs_no_config_file_and_follows_chdir(engine) {
    compare(engine, |engine| {
        let launch = Launch::new(engine).args(&["--log-config", "setup", "--chdir", "sub", "said:app"]);
        std::fs::create_dir(launch.scratch.file("sub")).unwrap();
        launch.scratch.write("sub/setup", INI);
        launch.scratch.write("sub/said.py", APP);
        let launch = launch.args(&["--access-logformat", "%(m)s %(U)s %(s)s"]);
        let mut server = launch.start();
        ask(&mut server);
        let found = lines(&server, "sub/own", "gunicorn.access|", 3);
        server.stop();
        found
    });
}}

each_of! { Sync, Gthread, Coroutine; fn files_of_a_logconfig_are_reopened(engine) {
    let mut server = launch(engine, &format!("access_log_format = '%(U)s'\n{DICT}"), "").start();
    ask(&mut server);
    lines(&server, "own", "gunicorn.access|", 3);
    server.scratch.rename("own", "old");
    server.signal(Signal::SIGUSR1);
    wait::until_true("a new file", || {
        assert_eq!(server.get("/x").status, 200);
        server.scratch.read("own").contains("gunicorn.access|INFO|/x")
    });
    server.signal(Signal::SIGHUP);
    lines(&server, "own", "gunicorn.error|INFO|", 2);
    server.stop();
}}

each_of! { Sync, Coroutine; fn a_reload_with_a_logconfig_that_fails_keeps_the_logs(engine) {
    let conf = format!("access_log_format = '%(U)s'\n{DICT}");
    let mut server = launch(engine, &conf, "").start();
    server.expect_errors();
    assert_eq!(server.get("/before").status, 200);
    server.scratch.write("gunicorn.conf.py", &conf.replace("logging.FileHandler", "logging.NoHandler"));
    server.signal(Signal::SIGHUP);
    lines(&server, "own", "gunicorn.error|ERROR|", 1);
    assert_eq!(server.get("/after").status, 200);
    assert_eq!(lines(&server, "own", "gunicorn.access|INFO|/after", 1).len(), 1);
    server.scratch.write("gunicorn.conf.py", &conf.replace("access_log_format = '", "access_log_format = 'new "));
    server.signal(Signal::SIGHUP);
    wait::until_true("the new generation", || {
        assert_eq!(server.get("/new").status, 200);
        server.scratch.read("own").contains("new /new")
    });
    assert_eq!(lines(&server, "own", "Hang up", 2).len(), 2);
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn captured_output_and_a_logconfig_go_together(engine) {
    compare(engine, |engine| {
        let conf = "capture_output = True\nerrorlog = 'errors'\naccess_log_format = '%(m)s %(U)s'\n\
            logconfig_dict = {'root': {'handlers': ['console'], 'level': 'INFO'}, 'loggers': \
            {'gunicorn.access': {'handlers': ['console'], 'propagate': False}}, 'formatters': \
            {'generic': {'format': 'by %(name)s: %(message)s'}}}\n";
        let printing = "import logging\nprint('printed', flush=True)\n\
            logging.getLogger('site').info('logged')\n";
        let mut server = launch(engine, conf, printing).start();
        ask(&mut server);
        let found = lines(&server, "errors", "by gunicorn.access", 3);
        let others = [lines(&server, "errors", "printed", 1), lines(&server, "errors", "by site", 1)];
        // Its handler was left alone.
        lines(&server, "errors", "[ERROR] Error handling request", 1);
        server.stop();
        (found, others)
    });
}}

each_of! { Sync, Coroutine; fn a_hooks_log_goes_where_the_servers_goes(engine) {
    compare(engine, |engine| {
        let hooks = "def post_fork(server, worker):\n    server.log.info('of %s', 'post_fork')\n    \
            worker.log.log('warning', 'of %(what)s', {'what': 'a worker'})\n";
        let mut server = launch(engine, &format!("{DICT}{hooks}"), "").start();
        ask(&mut server);
        let found = lines(&server, "own", "|of ", 2);
        server.stop();
        found
    });
}}

each_of! { Sync, Gthread, Coroutine; fn refused_requests_are_logged_too(engine) {
    let server = launch(engine, &format!("access_log_format = '%(r)s %(s)s'\n{DICT}"), "").start();
    assert!(server.exchange("GET /r HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").contains(" 400 "));
    assert!(lines(&server, "own", "gunicorn.access|", 1)[0].ends_with(" 400"));
    lines(&server, "own", "gunicorn.error|INFO|refused a request", 1);
    server.stop();
}}

each_of! { Sync, Coroutine; fn what_a_client_sends_forges_no_line(engine) {
    let conf = format!("access_log_format = 'start %(U)s %({{x-in}}i)s end'\n{DICT}");
    let server = launch(engine, &conf, "").start();
    server.exchange("GET /%0aforged%22 HTTP/1.0\r\nX-In: a\"b\tc\r\n\r\n");
    let found = lines(&server, "own", "start", 1);
    assert_eq!(found, [r#"gunicorn.access|INFO|start /\nforged\" a\"b\tc end"#]);
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn what_differs_is_said_in_one_line(engine) {
    let server = launch(engine, DICT, "").start();
    assert_eq!(server.get("/").status, 200);
    assert_eq!(lines(&server, "own", "Python's logging writes", 1).len(), 1);
    server.stop();
    // Nothing that gunicorn.* is about: the server's own logs stay.
    let conf = "accesslog = '-'\nlogconfig_dict = {'loggers': {'site': {'level': 'INFO'}}}\n";
    let server = launch(engine, conf, "").start();
    assert_eq!(server.get("/").status, 200);
    lines(&server, "stdout", "GET /", 1);
    assert!(!server.log().contains("Python's logging writes"), "{}", server.log());
    server.stop();
}}

each_of! { Sync; fn a_worker_that_hangs_has_its_last_words_in_errorlog(engine) {
    let hanging = "import ctypes\n\n\ndef hang(environ, start_response):\n    \
        ctypes.PyDLL(None).sleep(60)\n\n\n";
    let launch = Launch::new(engine).args(&["--timeout", "1", "hanging:hang"]);
    launch.scratch.write("gunicorn.conf.py", DICT);
    launch.scratch.write("hanging.py", hanging);
    let mut server = launch.start();
    server.expect_errors();
    let mut client = server.connect();
    client.send("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n");
    lines(&server, "own", "gunicorn.error|CRITICAL|WORKER TIMEOUT", 1);
    server.wait_for_log("Where this worker was");
    drop(client);
    server.stop();
}}

each_of! { Sync, Gunicorn; fn pythons_logging_is_set_up_from_a_dict(engine) {
    let launch = Launch::new(engine);
    launch.scratch.write(
        "gunicorn.conf.py",
        "logconfig_dict = {'formatters': {'short': {'format': 'SAID %(message)s'}}, 'handlers': \
         {'console': {'class': 'logging.StreamHandler', 'formatter': 'short'}, 'error_console': \
         {'class': 'logging.StreamHandler', 'formatter': 'short'}}}\n",
    );
    let text = "import logging\nlogging.getLogger('site').warning('hello')\n\
                def app(environ, start_response):\n    start_response('200 OK', [])\n    return []\n";
    launch.scratch.write("talking.py", text);
    let server = launch.args(&["talking:app"]).start();
    assert_eq!(server.get("/").status, 200);
    server.wait_for_log("SAID hello");
    server.stop();
}}
