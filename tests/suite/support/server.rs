//! One server under test: started on a socket that the test bound, stopped by its pid, and judged by
//! its log, its exit code and what it leaves behind.
//!
//! The listening socket is handed over and closed here: a server that dies resets its clients at
//! once, so no test waits for a dead server. Nothing waits for readiness either: a connection made
//! early waits in the socket's queue until a worker takes it.

use std::ffi::OsString;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::Signal;
use nix::sys::socket::{Backlog, listen};

use crate::support::binary;
use crate::support::client::{self, Client, Response};
use crate::support::processes;
use crate::support::scratch::Scratch;
use crate::support::wait;

/// What serves: our engines by their gunicorn name, and gunicorn itself to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sync,
    Gthread,
    Coroutine,
    /// gunicorn's gthread worker: of its own engines the one that keeps connections alive.
    Gunicorn,
    GunicornSync,
}

/// How to start a server; `Server::start` for the plain case.
pub struct Launch {
    engine: Engine,
    command: Command,
    pub scratch: Scratch,
}

/// The address of a server that nobody connects to by TCP, or not yet.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub struct Server {
    pub engine: Engine,
    pub address: SocketAddr,
    pub scratch: Scratch,
    process: Child,
    /// Errors in the log are what this test is about.
    expects_errors: bool,
}

impl Engine {
    /// Where `SUITE_AGAINST=gunicorn` asks for it, gunicorn's nearest kin.
    fn under_test(self) -> Engine {
        let against = std::env::var("SUITE_AGAINST").unwrap_or_default();
        match (against.as_str(), self) {
            ("gunicorn", Engine::Coroutine | Engine::Gthread) => Engine::Gunicorn,
            ("gunicorn", Engine::Sync) => Engine::GunicornSync,
            _ => self,
        }
    }

    pub fn is_gunicorn(self) -> bool {
        matches!(self.under_test(), Engine::Gunicorn | Engine::GunicornSync)
    }

    fn program(self) -> PathBuf {
        if self.is_gunicorn() {
            return virtual_environment().join("bin/gunicorn");
        }
        binary::path()
    }

    fn arguments(self) -> &'static [&'static str] {
        match self.under_test() {
            Engine::Sync => &["-k", "sync"],
            Engine::Gthread => &["-k", "gthread", "--threads", "20"],
            Engine::Coroutine => &["-k", "coroutine"],
            Engine::Gunicorn => &["-k", "gthread", "--threads", "350", "--no-control-socket"],
            Engine::GunicornSync => &["-k", "sync", "--no-control-socket"],
        }
    }
}

impl Launch {
    /// The server, its engine and tests/apps on the path; no bind, no app.
    pub fn new(engine: Engine) -> Launch {
        let scratch = Scratch::new();
        // A shell gives the socket its number: it comes as stdin and is handed on as 3.
        let mut command = Command::new("bash");
        command.args(["-c", "exec 3<&0 0</dev/null \"$@\"", "bash"]);
        command.arg(engine.program()).args(engine.arguments());
        command.current_dir(scratch.path());
        Launch { engine, command, scratch }.with_environment()
    }

    /// What a README says: a line for the shell, which finds our binary as `unicoro`.
    pub fn shell(line: &str, directory: &Path) -> Launch {
        let scratch = Scratch::new();
        let binary = Engine::Coroutine.program();
        std::os::unix::fs::symlink(binary, scratch.file("unicoro")).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command.args(["-c", &format!("exec {line}")]).current_dir(directory);
        command.env("PATH", format!("{}:{path}", scratch.path().display()));
        Launch { engine: Engine::Coroutine, command, scratch }.with_environment()
    }

    fn with_environment(self) -> Launch {
        let Launch { engine, mut command, scratch } = self;
        command.process_group(0);
        for name in ["GUNICORN_CMD_ARGS", "WEB_CONCURRENCY", "PORT", "FORWARDED_ALLOW_IPS"] {
            command.env_remove(name);
        }
        command
            .env("VIRTUAL_ENV", virtual_environment())
            .env("PYTHONPATH", repository().join("tests/apps"))
            .env("PYTHONDONTWRITEBYTECODE", "1") // a reload within a second must see new code
            .env("NOTES", scratch.file("notes"))
            .env("SCRATCH", scratch.path());
        Launch { engine, command, scratch }
    }

    /// Another program in place of ours, such as a shell that starts it.
    pub fn through(mut self, program: &str, script: PathBuf) -> Launch {
        let mut command = Command::new("bash");
        command.args(["-c", "exec 3<&0 0</dev/null \"$@\"", "bash", program]).arg(script);
        command.arg("--").current_dir(self.scratch.path());
        self.command = command;
        self.with_environment()
    }

    pub fn args<A: Into<OsString> + Clone>(mut self, arguments: &[A]) -> Launch {
        self.command.args(arguments.iter().cloned().map(Into::into));
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Launch {
        self.command.env(name, value.into());
        self
    }

    /// Runs the server by means of another program, which these words begin.
    pub fn inside_of(mut self, words: impl FnOnce(&Scratch) -> Vec<String>) -> Launch {
        // The arguments of our shell so far, with the words in front of the server.
        let mut command = Command::new("bash");
        let arguments: Vec<OsString> = self.command.get_args().map(OsString::from).collect();
        command.args(&arguments[..3]).args(words(&self.scratch)).args(&arguments[3..]);
        command.current_dir(self.scratch.path()).process_group(0);
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        self.command = command;
        self
    }

    /// Binds a port of 127.0.0.1 and hands the socket over.
    pub fn start(self) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        // std asks for 128; a burst of clients before the first accept must not be dropped.
        listen(&listener, Backlog::new(2048).unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = self.start_on(OwnedFd::from(listener));
        server.address = address;
        server
    }

    /// Hands this listening socket over.
    pub fn start_on(mut self, socket: OwnedFd) -> Server {
        self.command.args(["-b", "fd://3"]).stdin(Stdio::from(socket));
        self.spawn(NOWHERE)
    }

    /// Without a socket: the server binds itself, or never comes that far.
    pub fn start_unbound(mut self) -> Server {
        self.command.stdin(Stdio::null());
        self.spawn(NOWHERE)
    }

    /// The server binds a port of 127.0.0.1 itself: nobody else has the socket.
    pub fn start_by_itself(self) -> Server {
        self.args(&["-b", "127.0.0.1:0"]).start_where_it_says()
    }

    /// The server binds what its config file names, and says where.
    pub fn start_where_it_says(self) -> Server {
        let mut server = self.start_unbound();
        server.address = wait::until("the address in the log", wait::PATIENCE, || {
            let log = server.log();
            let (_, rest) = log.split_once("http://")?;
            rest.split([',', ' ', '\n']).next()?.parse().ok()
        });
        server
    }

    fn spawn(mut self, address: SocketAddr) -> Server {
        let output = |name| Stdio::from(File::create(self.scratch.file(name)).unwrap());
        self.command.stdout(output("stdout")).stderr(output("stderr"));
        let process = self.command.spawn().expect("bash is installed");
        let Launch { engine, scratch, command } = self;
        drop(command); // and with it our copy of the listening socket
        Server { engine, address, scratch, process, expects_errors: false }
    }
}

impl Server {
    /// `app` served by one worker of `engine`, with more arguments as the command line has them.
    pub fn start(engine: Engine, app: &str, arguments: &[&str]) -> Server {
        Launch::new(engine).args(arguments).args(&[app]).start()
    }

    pub fn get(&self, path: &str) -> Response {
        client::get(self.address, path)
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// Everything that the server sends in answer to these bytes until it closes.
    pub fn exchange(&self, request: impl AsRef<[u8]>) -> String {
        let mut client = self.connect();
        client.send(request);
        String::from_utf8_lossy(&client.bytes_to_the_end()).into_owned()
    }

    /// The process that was started: the supervisor.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn worker_pids(&self) -> Vec<u32> {
        processes::children(self.pid())
    }

    /// The one worker, once there is exactly one.
    pub fn worker_pid(&self) -> u32 {
        wait::until("exactly one worker", wait::PATIENCE, || match self.worker_pids()[..] {
            [pid] => Some(pid),
            _ => None,
        })
    }

    pub fn signal(&self, signal: Signal) {
        processes::signal(self.pid(), signal);
    }

    /// The error log, which goes to stderr.
    pub fn log(&self) -> String {
        self.scratch.read("stderr")
    }

    /// What the app noted in the file `$NOTES`.
    pub fn notes(&self) -> String {
        self.scratch.read("notes")
    }

    pub fn wait_for_log(&self, text: &str) {
        wait::until_true(&format!("{text:?} in the log"), || self.log().contains(text));
    }

    pub fn wait_for_notes(&self, text: &str) {
        wait::until_true(&format!("{text:?} in the notes"), || self.notes().contains(text));
    }

    /// From here on errors in the log are expected.
    pub fn expect_errors(&mut self) {
        self.expects_errors = true;
    }

    /// Lines of the log that say WARNING or worse.
    pub fn complaints(&self) -> Vec<String> {
        self.log().lines().filter(|line| is_complaint(line)).map(str::to_owned).collect()
    }

    /// Stops the server as its operator does, and judges the end. gunicorn's end is not ours to
    /// judge: it is killed, because it now and then swallows a TERM that comes while it boots.
    pub fn stop(self) {
        if self.engine.is_gunicorn() {
            return; // dropping it kills it
        }
        self.signal(Signal::SIGTERM);
        self.end_of_stop();
    }

    /// Waits for the end of a stop that has been asked for: exit code 0, nothing left.
    pub fn end_of_stop(mut self) {
        let status = self.wait_for_exit();
        assert_eq!(status.code(), Some(0), "exit: {status}");
        if !self.expects_errors {
            let log = self.log();
            let errors = errors_in(&log);
            assert!(errors.is_empty(), "errors in the log: {errors:#?}");
        }
    }

    /// Waits for an end by itself and returns the exit code.
    pub fn exit_code(&mut self) -> i32 {
        let status = self.wait_for_exit();
        status.code().unwrap_or_else(|| panic!("ended by signal {:?}", status.signal()))
    }

    /// Waits until the supervisor has ended and no process of its group is left.
    fn wait_for_exit(&mut self) -> ExitStatus {
        let process = &mut self.process;
        let status =
            wait::until("the server to exit", wait::PATIENCE, || process.try_wait().unwrap());
        let group = self.pid();
        wait::until_true("the last process of the server to end", || {
            processes::group_members(group).is_empty()
        });
        status
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {:?}, log ---\n{}--- end of log ---", self.engine, self.log());
            for pid in processes::group_members(self.pid()) {
                eprintln!("alive: {}", processes::description(pid));
            }
        }
        processes::kill_group(self.pid());
        let _ = self.process.wait();
    }
}

/// The root of this repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The virtual environment that tests/setup makes, or that of another Python (tests/versions).
pub fn virtual_environment() -> PathBuf {
    let made = std::env::var_os("SUITE_VENV").unwrap_or_else(|| ".venv".into());
    let path = repository().join(made);
    assert!(path.join("made-from").exists(), "run tests/setup first: it makes .venv");
    path
}

/// Lines that no healthy run has.
fn errors_in(log: &str) -> Vec<&str> {
    let is_error = |line: &&str| {
        has_level(line, &["ERROR", "CRITICAL"])
            || line.starts_with("Traceback (most recent call last)")
            || line.contains("panicked at")
    };
    log.lines().filter(is_error).collect()
}

fn is_complaint(line: &str) -> bool {
    has_level(line, &["WARN", "WARNING", "ERROR", "CRITICAL"])
}

/// Whether one of the first words of a log line is one of these levels, in brackets or bare.
fn has_level(line: &str, levels: &[&str]) -> bool {
    let bare = |word: &str| word.trim_matches(['[', ']', ':']).to_owned();
    line.split_whitespace().take(6).any(|word| levels.contains(&bare(word).as_str()))
}
