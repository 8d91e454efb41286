//! How a server is started: its command line and environment, and the socket that it is handed.
//!
//! The listening socket is closed here once it is handed over: a server that dies resets its
//! clients at once, so no test waits for a dead server. Nothing waits for readiness either: a
//! connection made early waits in the socket's queue until a worker takes it.

use std::ffi::OsString;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::socket::{Backlog, listen};

use crate::support::{Engine, Scratch, Server, repository, virtual_environment, wait};

/// How to start a server; `Server::start` for the plain case.
pub struct Launch {
    engine: Engine,
    command: Command,
    pub scratch: Scratch,
}

impl Server {
    /// `app` served by one worker of `engine`, with more arguments as the command line has them.
    pub fn start(engine: Engine, app: &str, arguments: &[&str]) -> Server {
        Launch::new(engine).args(arguments).args(&[app]).start()
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
        self.start_where_it_says_within(wait::PATIENCE)
    }

    /// The same of a server that may take so long to start.
    pub fn start_where_it_says_within(self, patience: Duration) -> Server {
        let mut server = self.start_unbound();
        server.address = wait::until("the address in the log", patience, || {
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
        Server::of(process, engine, address, scratch)
    }
}

/// The address of a server that nobody connects to by TCP, or not yet.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
