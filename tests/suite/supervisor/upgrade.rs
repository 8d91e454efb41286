//! USR2: a new master beside the old one, and one of the two goes. systemd's part of it.

use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;

use nix::sys::signal::Signal;

use crate::support::client::get;
use crate::support::{Launch, binary, processes, wait};

each_of! { Sync, Coroutine; fn an_upgrade_can_be_rolled_back_and_then_done(engine) {
    let launch = Launch::new(engine);
    let socket = launch.scratch.file("app.sock");
    let server = launch
        .args(&["-p", "pid", "-b", &format!("unix:{}", socket.display()), "hello"])
        .start();
    assert_eq!(server.get("/").status, 200);

    server.signal(Signal::SIGUSR2);
    let second = server.pid_in("pid.2");
    wait::until_true("workers of the new master", || !processes::children(second).is_empty());
    assert_eq!(server.get("/").status, 200);
    processes::signal(second, Signal::SIGTERM);
    wait::until_true("the new master to be gone", || !server.scratch.file("pid.2").exists());
    server.wait_for_log("this one goes on");
    assert_eq!(server.get("/").status, 200);
    assert!(socket.exists(), "the roll-back has taken the socket away");

    server.signal(Signal::SIGUSR2);
    let third = server.pid_in("pid.2");
    wait::until_true("workers of the new master", || !processes::children(third).is_empty());
    server.signal(Signal::SIGTERM);
    wait::until_true("the new master to have the pid file", || {
        server.scratch.pid("pid") == Some(third)
    });
    server.wait_for_log("Master has been promoted");
    assert_eq!(server.get("/").status, 200);
    assert!(socket.exists(), "the old master has taken the socket away");
    processes::signal(third, Signal::SIGTERM);
    server.end_of_stop();
    assert!(!socket.exists(), "the last master has left the socket");
}}

each_of! { Sync, Coroutine, Gunicorn; fn pre_exec_runs_in_the_process_that_becomes_the_master(engine) {
    let launch = Launch::new(engine).args(&["-p", "pid", "hello"]);
    let config = "import os\ndef pre_exec(server):\n    \
                  with open(os.environ['NOTES'], 'a') as notes:\n        \
                  notes.write('pre_exec of %s in %s\\n' % (server.pid, os.getpid()))\n";
    launch.scratch.write("gunicorn.conf.py", config);
    let server = launch.start();
    assert_eq!(server.get("/").status, 200);
    server.signal(Signal::SIGUSR2);
    let second = server.pid_in("pid.2");
    server.wait_for_notes(&format!("pre_exec of {} in {second}\n", server.pid()));
    if engine.is_gunicorn() {
        return; // it swallows a TERM that comes while it boots; dropping the server kills both
    }
    processes::signal(second, Signal::SIGTERM);
    wait::until_true("the new master to be gone", || !server.scratch.file("pid.2").exists());
    server.stop();
}}

each_of! { Sync; fn systemd_hears_when_it_serves_reloads_and_stops(engine) {
    let launch = Launch::new(engine);
    let path = launch.scratch.file("notify");
    let notify = UnixDatagram::bind(&path).unwrap();
    notify.set_read_timeout(Some(wait::PATIENCE)).unwrap();
    let server = launch.env("NOTIFY_SOCKET", path).args(&["hello"]).start();
    let heard = || {
        let mut buffer = [0; 512];
        let length = wait::uninterrupted(|| notify.recv(&mut buffer)).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert!(heard().starts_with("READY=1\n"));
    server.signal(Signal::SIGHUP);
    assert!(heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert!(heard().starts_with("READY=1\n"));
    server.signal(Signal::SIGTERM);
    assert!(heard().starts_with("STOPPING=1\n"));
    server.end_of_stop();
}}

each_of! { Sync, Coroutine; fn sockets_of_systemd_replace_bind(engine) {
    // The harness hands its socket over as 3; $$ stays the same across exec.
    let launch = Launch::new(engine);
    let program = binary::path().display().to_string();
    let script = launch.scratch.write(
        "start",
        &format!("export LISTEN_PID=$$ LISTEN_FDS=1\nexec {program} -b 127.0.0.1:9 hello\n"),
    );
    let server = launch.through("bash", script).start();
    assert_eq!(get(server.address, "/").status, 200);
    assert!(TcpStream::connect("127.0.0.1:9").is_err());
    server.signal(Signal::SIGHUP);
    server.wait_for_log("Reload done");
    assert_eq!(get(server.address, "/").status, 200);
    server.stop();
}}
