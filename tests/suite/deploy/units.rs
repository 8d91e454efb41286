//! examples/deploy: the files for systemd and logrotate. systemd itself cannot run here: it checks
//! its files, and what they start is started by hand.

use std::process::Command;

use nix::sys::signal::Signal;

use crate::deploy::config_files::example;
use crate::support::client::get;
use crate::support::{Engine, Launch, Scratch, Server, binary, repository, wait};

/// The value of the only line `key=...`.
fn value<'a>(unit: &'a str, key: &str) -> &'a str {
    let mut found = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let (Some(value), None) = (found.next(), found.next()) else { panic!("not one {key}") };
    value
}

#[test]
fn systemd_finds_no_fault_with_its_files() {
    let scratch = Scratch::new();
    let service = example("unicoro.service").replace("/srv/app/venv/bin/unicoro", "/bin/true");
    let service = scratch.write("unicoro.service", &service);
    scratch.write("unicoro.socket", &example("unicoro.socket"));
    let verified = Command::new("systemd-analyze").arg("verify").arg(service).output();
    let verified = verified.expect("systemd is installed by tests/setup");
    // A key that it does not know is a warning to it.
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && said.is_empty(), "{said}");
}

/// What ExecStart starts, on a socket as systemd hands it over.
fn start_as_systemd(more: &str) -> Server {
    let launch = Launch::new(Engine::Coroutine);
    launch.scratch.write("gunicorn.conf.py", &example("gunicorn.full.conf.py"));
    let unit = example("unicoro.service");
    let command = value(&unit, "ExecStart")
        .replace("/srv/app/venv/bin/unicoro", &binary::path().display().to_string())
        .replace("/srv/app", &launch.scratch.path().display().to_string());
    let script = format!("export LISTEN_PID=$$ LISTEN_FDS=1\nexec {command} {more} -w 1\n");
    let script = launch.scratch.write("start", &script);
    let app = std::fs::read_to_string(repository().join("examples/hello/app.py")).unwrap();
    launch.scratch.write("app.py", &app);
    launch.through("bash", script).start()
}

#[test]
fn the_service_serves_reloads_and_has_time_to_stop() {
    let server = start_as_systemd("");
    assert_eq!(get(server.address, "/").status, 200);
    let unit = example("unicoro.service");
    let reload = value(&unit, "ExecReload").replace("$MAINPID", &server.pid().to_string());
    assert!(Command::new("sh").args(["-c", &reload]).status().unwrap().success());
    server.wait_for_log("Reload done");
    assert_eq!(get(server.address, "/").status, 200);
    server.stop();

    let mut server = start_as_systemd("--print-config");
    assert_eq!(server.exit_code(), 0);
    let printed = server.scratch.read("stdout");
    let seconds = |name: &str| -> u64 {
        let line = printed.lines().find(|line| line.starts_with(name)).unwrap();
        line.split(' ').find_map(|word| word.parse().ok()).unwrap()
    };
    let stop: u64 = value(&unit, "TimeoutStopSec").parse().unwrap();
    assert!(stop > seconds("graceful_timeout "));
    let socket = example("unicoro.socket");
    assert_eq!(value(&socket, "Backlog"), seconds("backlog ").to_string());
    // The path that nginx.conf connects to.
    assert!(example("nginx.conf").contains(&format!("unix:{}", value(&socket, "ListenStream"))));
}

#[test]
fn logrotate_loses_no_line() {
    let arguments = ["-p", "pid", "--access-logfile", "access.log", "--log-file", "error.log"];
    let server = Server::start(Engine::Coroutine, "hello", &arguments);
    assert_eq!(server.get("/before").status, 200);
    // An answer may come before its line, and an empty log is not rotated.
    wait::until_true("the line of before", || {
        server.scratch.read("access.log").contains("GET /before ")
    });
    let directory = server.scratch.path().display().to_string();
    let config = example("logrotate")
        .replace("/var/log/unicoro", &directory)
        .replace("/run/unicoro", &directory);
    let config = server.scratch.write("logrotate.conf", &config);
    let rotated = Command::new("/usr/sbin/logrotate")
        .args(["--force", "--state", &format!("{directory}/state")])
        .arg(config)
        .output()
        .expect("logrotate is installed by tests/setup");
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    wait::until_true("the logs to be opened anew", || {
        server.scratch.file("access.log").exists() && server.scratch.file("error.log").exists()
    });
    wait::until_true("the worker to write to the new one", || {
        assert_eq!(server.get("/after").status, 200);
        server.scratch.read("access.log").contains("GET /after ")
    });
    assert!(server.scratch.read("access.log.1").contains("GET /before "));
    assert!(server.scratch.read("error.log.1").contains("Listening at"));
    server.signal(Signal::SIGTERM);
    server.end_of_stop();
}
