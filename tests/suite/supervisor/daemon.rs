//! A server in the background, and its processes' titles.

use crate::support::{Daemon, Launch};

fn title(pid: u32) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    text.split('\0').next().unwrap_or_default().to_owned()
}

each_of! { Sync, Coroutine; fn a_daemon_has_left_its_starter(engine) {
    let launch = Launch::new(engine);
    let mut server =
        launch.args(&["-D", "-p", "pid", "--log-file", "log", "-n", "site", "hello"]).start();
    assert_eq!(server.get("/").status, 200);
    let daemon = Daemon::of(&mut server, "pid");
    assert_eq!(title(daemon.pid), "unicoro: master [site]");
    let workers = daemon.workers();
    assert_eq!(workers.len(), 1);
    assert_eq!(title(workers[0]), "unicoro: worker [site]");
    daemon.stop();
    assert!(server.scratch.read("log").contains("Shutting down: Master"));
    assert!(!server.scratch.file("pid").exists());
}}
