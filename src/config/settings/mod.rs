//! The settings that everything else reads: typed, resolved once, immutable.
//!
//! Never parses and never reads a source. A reload makes a new `Settings`; nobody changes one.

mod asgi;
mod logs;
mod requests;
pub mod resolve;
mod websockets;
mod winners;

pub use asgi::AsgiSettings;
pub use logs::{LogConfig, LogSettings, StatsdSettings, SyslogSettings};
pub use requests::{HeaderMap, ProxyProtocol, RequestSettings};
pub use websockets::{WebSocketCompression, WebSocketSettings};

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use unicoro_sys::credentials::Identity;

use crate::config::table;
use crate::config::values::bind::Bind;
use crate::config::values::value::Value;
use crate::config::values::worker_class::WorkerClass;
use winners::Winner;

/// The application as it was named: `mod`, `mod:var` or `mod:factory("literal", k=1)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSpec(pub String);

/// How changes of the application's files are noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reload {
    /// By inotify; `None`: if it is to be had.
    pub by_inotify: Option<bool>,
    /// Absolute, maybe with `*`.
    pub extra_files: Vec<PathBuf>,
}

/// Every setting, resolved. Fields bear gunicorn's names; texts about them are in the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The application; never empty in what `load` returns.
    pub wsgi_app: AppSpec,
    /// Where the server was started; absolute.
    pub start_directory: PathBuf,
    /// The directory to work in; absolute, and it exists.
    pub chdir: PathBuf,
    /// The directories of `pythonpath`, absolute, in the order in which they were written.
    pub pythonpath: Vec<PathBuf>,
    /// Variables to set for the application, in order.
    pub raw_env: Vec<(String, String)>,
    /// Whether the application is loaded before the fork.
    pub preload_app: bool,
    /// The addresses to listen on; at least one.
    pub bind: Vec<Bind>,
    /// How many clients may wait in a listen queue, for listen(2).
    pub backlog: i32,
    /// Mode bits taken from unix sockets' files.
    pub umask: u32,
    /// How many worker processes; at least 1.
    pub workers: usize,
    /// Which engine serves.
    pub worker_class: WorkerClass,
    /// At least 1; matters to gthread only.
    pub threads: usize,
    /// How many clients a worker has at once; at least 1.
    pub worker_connections: usize,
    /// `None`: the engine's own bound, if it has one.
    pub requests_in_progress: Option<NonZeroUsize>,
    /// Bytes, a multiple of 4096.
    pub coroutine_stack_size: usize,
    /// `None`: a request that computes is never interrupted.
    pub switch_interval: Option<Duration>,
    /// At least 1; matters to coroutine only.
    pub carriers: usize,
    /// `None`: a scheduler that stands still is never reported.
    pub blocked_after: Option<Duration>,
    /// `None`: a worker is never replaced for its number of requests.
    pub max_requests: Option<u64>,
    /// Upper end of what is added to `max_requests` at random.
    pub max_requests_jitter: u64,
    /// `None`: a silent worker is never killed.
    pub timeout: Option<Duration>,
    /// `None`: a request may take for ever.
    pub request_timeout: Option<Duration>,
    /// For requests in progress at a stop.
    pub graceful_timeout: Duration,
    /// For idle connections; zero closes after each response.
    pub keepalive: Duration,
    /// How an asynchronous application is served.
    pub asgi: AsgiSettings,
    /// What is asked of clients, and borne from them.
    pub requests: RequestSettings,
    /// How WebSocket connections are spoken on.
    pub websockets: WebSocketSettings,
    /// The file that holds the master's process id; absolute.
    pub pidfile: Option<PathBuf>,
    /// Where logs and figures go.
    pub logs: LogSettings,
    /// `None`: files are not watched.
    pub reload: Option<Reload>,
    /// Whether real files are sent by sendfile(2).
    pub sendfile: bool,
    /// Whether each worker has TCP sockets of its own.
    pub reuse_port: bool,
    /// Whether to run in the background.
    pub daemon: bool,
    /// Whether stdout and stderr stay open in the background.
    pub enable_stdio_inheritance: bool,
    /// The user and group that the workers run as.
    pub identity: Identity,
    /// The name in process titles.
    pub proc_name: String,
    /// Whether each line of Python that runs is printed.
    pub spew: bool,
    /// Whether to print the settings before that check.
    pub print_config: bool,
    /// Whether to load the application and exit.
    pub check_config: bool,
    /// What the log should say once at the start, in whole lines.
    pub notices: Vec<String>,
    shown: Vec<Winner>,
}

impl Settings {
    /// Every setting, its value and where it came from, in a config file's syntax.
    pub fn print(&self) -> String {
        let name_width = self.shown.iter().map(|row| row.name.len()).max().unwrap_or(0);
        let mut text: String =
            self.notices.iter().map(|line| format!("# note: {line}\n")).collect();
        for Winner { name, raw } in &self.shown {
            text.push_str(&format!("{name:name_width$} = {}  # {}\n", raw.value, raw.origin));
        }
        text
    }

    /// What is put in front of Python's path, one before the other, in gunicorn's order: of
    /// `pythonpath` the last directory is searched first.
    #[must_use]
    pub fn import_path(&self) -> Vec<&Path> {
        let first = [self.start_directory.as_path(), self.chdir.as_path()];
        first.into_iter().chain(self.pythonpath.iter().map(PathBuf::as_path)).collect()
    }

    /// Every setting's name and value, as a source gave it.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.shown.iter().map(|row| (row.name, &row.raw.value))
    }

    /// The settings that differ in `newer` and that only a restart takes over.
    pub fn needing_restart(&self, newer: &Settings) -> Vec<&'static str> {
        let changed = self.shown.iter().zip(&newer.shown);
        let changed = changed.filter(|(old, new)| old.raw.value != new.raw.value);
        changed
            .map(|(old, _)| old.name)
            .filter(|name| table::find(name).is_some_and(|setting| !setting.reloadable))
            .collect()
    }
}
