//! Settings: where they come from, which origin wins, and what is said of them.

use crate::support::{Engine, Launch, Server};

/// A config file that logs each access as `word`.
fn logging(word: &str) -> String {
    format!("accesslog = '-'\naccess_log_format = '{word}'\n")
}

/// Serves one request and stops; what the access log then says tells whose format won.
fn winner(launch: Launch) -> String {
    let server = launch.args(&["hello"]).start();
    assert_eq!(server.get("/").status, 200);
    let word = server.access_line();
    server.stop();
    word
}

each_of! { Sync, Gunicorn; fn config_file_named_on_the_command_line_is_read(engine) {
    let launch = Launch::new(engine).args(&["-c", "site.conf.py"]);
    launch.scratch.write("site.conf.py", &logging("from-file"));
    launch.scratch.write("gunicorn.conf.py", &logging("from-default-file"));
    assert_eq!(winner(launch), "from-file");
}}

each_of! { Sync, Gunicorn; fn gunicorn_conf_py_is_read_by_default(engine) {
    let launch = Launch::new(engine);
    launch.scratch.write("gunicorn.conf.py", &logging("from-default-file"));
    assert_eq!(winner(launch), "from-default-file");
}}

each_of! { Sync, Gunicorn; fn environment_beats_the_config_file(engine) {
    let launch = Launch::new(engine)
        .env("GUNICORN_CMD_ARGS", "--config site.conf.py --access-logformat 'from environment'");
    launch.scratch.write("site.conf.py", &logging("from-file"));
    assert_eq!(winner(launch), "from environment");
}}

each_of! { Sync, Gunicorn; fn config_file_named_in_the_environment_is_read(engine) {
    let launch = Launch::new(engine).env("GUNICORN_CMD_ARGS", "--config site.conf.py");
    launch.scratch.write("site.conf.py", &logging("from-file"));
    assert_eq!(winner(launch), "from-file");
}}

each_of! { Sync, Gunicorn; fn command_line_beats_everything(engine) {
    let launch = Launch::new(engine)
        .env("GUNICORN_CMD_ARGS", "-c other.conf.py --access-logformat from-environment")
        .args(&["-c", "site.conf.py", "--access-logformat", "from-flag"]);
    launch.scratch.write("other.conf.py", "workers = 'never read'\n");
    launch.scratch.write("site.conf.py", &logging("from-file"));
    assert_eq!(winner(launch), "from-flag");
}}

each_of! { Sync, Gunicorn; fn config_file_is_python(engine) {
    let launch = Launch::new(engine);
    let text = "import os\nraw_env = ['COLOR=' + name for name in ['green']]\n";
    launch.scratch.write("gunicorn.conf.py", text);
    let server = launch.args(&["interpreter"]).start();
    assert!(server.get("/").text().contains("color=green\n"));
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn raw_env_reaches_the_app(engine) {
    let server = Server::start(engine, "interpreter", &["--env", "COLOR=blue=green"]);
    assert!(server.get("/").text().contains("color=blue=green\n"));
    server.stop();
}}

each_of! { Sync, Gunicorn; fn worker_count_comes_from_web_concurrency(engine) {
    let launch = Launch::new(engine).env("WEB_CONCURRENCY", "3").args(&["hello"]);
    let server = launch.start();
    server.wait_for_workers(3);
    server.stop();
}}

each_of! { Sync, Gunicorn; fn print_config_shows_every_setting(engine) {
    let mut server = Server::start(engine, "hello", &["--print-config", "--backlog", "77"]);
    assert_eq!(server.exit_code(), 0);
    let shown = server.scratch.read("stdout");
    let line = shown.lines().find(|line| line.starts_with("backlog")).expect("a line for backlog");
    assert!(line.contains("77"), "{line}");
    assert!(shown.lines().count() > 20, "{shown}");
}}

each_of! { Sync, Gunicorn; fn help_and_version_end_with_0(engine) {
    for flag in ["--help", "--version"] {
        let mut server = Launch::new(engine).args(&[flag]).start_unbound();
        assert_eq!(server.exit_code(), 0);
        assert!(!server.scratch.read("stdout").is_empty(), "{flag} says nothing");
    }
}}

#[test]
fn help_and_version_answer_where_the_directory_is_gone() {
    for flag in ["--help", "--version"] {
        let launch = Launch::new(Engine::Sync).args(&[flag]);
        let gone = launch.scratch.file("gone").display().to_string();
        let script = format!("mkdir {gone} && cd {gone} && rmdir {gone} && exec \"$@\"");
        let words = ["bash".to_owned(), "-c".to_owned(), script, "bash".to_owned()];
        let mut server = launch.inside_of(|_| words.to_vec()).start_unbound();
        assert_eq!(server.exit_code(), 0, "{}", server.log());
        assert!(!server.scratch.read("stdout").is_empty(), "{flag} says nothing");
    }
}

each_of! { Sync, Coroutine, Gunicorn; fn a_config_file_may_import_what_lies_beside_it(engine) {
    for config in ["gunicorn.conf.py", "python:site_config"] {
        let launch = Launch::new(engine).args(&["-c", config]);
        launch.scratch.write("site_values.py", "FORMAT = 'imported'\n");
        // The dataclass asks for the module that the file is.
        let text = "from __future__ import annotations\nimport dataclasses, site_values\n\
                    @dataclasses.dataclass\nclass Log:\n    file: str = '-'\n\
                    accesslog = Log().file\naccess_log_format = site_values.FORMAT\n";
        launch.scratch.write("gunicorn.conf.py", text);
        launch.scratch.write("site_config.py", text);
        assert_eq!(winner(launch), "imported", "{config}");
    }
}}

/// What `--print-config` shows of a setting.
fn printed(launch: Launch, name: &str) -> String {
    let mut server = launch.args(&["--print-config", "hello"]).start_unbound();
    let code = server.exit_code();
    assert_eq!(code, 0, "{}", server.log());
    let shown = server.scratch.read("stdout");
    let line = shown.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
    let (_, value) = line.split_once('=').unwrap();
    value.split("  #").next().unwrap().trim().trim_matches('\'').to_owned()
}

each_of! { Sync, Gunicorn; fn the_beginning_of_an_option_is_enough(engine) {
    let launch = Launch::new(engine).args(&["--error-log", "somewhere", "--max-requests-j=3"]);
    assert_eq!(printed(launch, "errorlog"), "somewhere");
    // But not if two begin so.
    let mut server = Launch::new(engine).args(&["--access-log", "-", "hello"]).start_unbound();
    assert_eq!(server.exit_code(), 2);
    assert!(server.log().contains("--access-log"), "{}", server.log());
}}

each_of! { Sync, Gunicorn; fn classes_of_gunicorns_may_be_given_as_such(engine) {
    let launch = Launch::new(engine);
    launch.scratch.write(
        "gunicorn.conf.py",
        "from gunicorn.glogging import Logger\nfrom gunicorn.workers.sync import SyncWorker\n\
         worker_class, logger_class = SyncWorker, Logger\n",
    );
    let server = launch.args(&["hello"]).start();
    assert_eq!(server.get("/").status, 200);
    server.stop();
}}

each_of! { Sync, Gunicorn; fn nothing_may_be_given_where_gunicorn_takes_it(engine) {
    let launch = Launch::new(engine).env("FORWARDED_ALLOW_IPS", "");
    assert_eq!(printed(launch, "forwarded_allow_ips"), "[]");
    let launch = Launch::new(engine);
    let text = "import os\nlogconfig_dict = {}\n\
                statsd_prefix = dogstatsd_tags = os.getenv('NOT_SET')\n";
    launch.scratch.write("gunicorn.conf.py", text);
    // An empty dict would have set Python's logging up: then the application's line has a date.
    let app = "import logging\nlogging.getLogger('site').warning('bare')\nfrom hello import app\n";
    launch.scratch.write("bare.py", app);
    let server = launch.args(&["bare:app"]).start();
    assert_eq!(server.get("/").status, 200);
    assert!(server.log().lines().any(|line| line == "bare"), "{}", server.log());
    server.stop();
}}

each_of! { Sync; fn what_has_no_effect_is_said_once_and_what_is_refused_names_another_way(engine) {
    let server = Server::start(engine, "hello", &["--worker-tmp-dir", "/dev/shm"]);
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.log().matches("worker_tmp_dir").count(), 1, "{}", server.log());
    server.stop();
    let mut server = Server::start(engine, "hello", &["--protocol", "uwsgi"]);
    assert_eq!(server.exit_code(), 1);
    assert!(server.log().contains("proxy_pass"), "{}", server.log());
}}

// gunicorn: takes a name that it does not know for info.
each_of! { Sync; fn warn_is_a_log_level(engine) {
    let server = Server::start(engine, "hello", &["--log-level", "warn"]);
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.log(), "");
    server.stop();
}}
