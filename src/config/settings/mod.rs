//! The settings that everything else reads: typed, resolved once, immutable.
//!
//! Never parses and never reads a source. A reload makes a new `Settings`; nobody changes one.

pub mod resolve;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::sources::layers::Raw;
use crate::config::table;
use crate::config::values::bind::Bind;
use crate::config::values::networks::Networks;
use crate::config::values::value::Value;
use crate::config::values::worker_class::WorkerClass;
use crate::sys::credentials::Identity;
use crate::sys::remote::Remote;

/// The application as it was named: `mod`, `mod:var` or `mod:factory("literal", k=1)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSpec(pub String);

/// What becomes of headers whose names have an underscore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderMap {
    /// They are left out.
    Drop,
    /// The request is refused.
    Refuse,
    /// The application gets them.
    Dangerous,
}

/// Which PROXY protocol headers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// None: one is a malformed request.
    Off,
    /// Version 1, a line of text.
    V1,
    /// Version 2, binary.
    V2,
    /// Both.
    Auto,
}

/// Where syslog messages go, and what they look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syslog {
    /// The daemon.
    pub remote: Remote,
    /// The facility's name.
    pub facility: String,
    /// The middle of the tag.
    pub prefix: String,
    /// RFC 5424, in place of RFC 3164.
    pub is_rfc5424: bool,
    /// Whether the access log goes there.
    pub has_access: bool,
}

/// What Python's logging is set up from, in gunicorn's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogConfig {
    /// `logconfig_dict`; the dict itself is among the config file's names.
    Dict,
    /// `logconfig_json`, absolute.
    Json(PathBuf),
    /// `logconfig`, absolute.
    File(PathBuf),
}

/// How changes of the application's files are noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reload {
    /// By inotify; `None`: if it is to be had.
    pub by_inotify: Option<bool>,
    /// Absolute, maybe with `*`.
    pub extra_files: Vec<PathBuf>,
}

/// Where figures go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsdSettings {
    /// The server.
    pub remote: Remote,
    /// Before each name.
    pub prefix: String,
    /// DataDog's tags.
    pub tags: String,
    /// Whether the listen queues are among the figures.
    pub has_backlog: bool,
}

/// One resolved setting as `--print-config` shows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) name: &'static str,
    pub(super) raw: Raw,
}

/// Every setting, resolved. Fields bear gunicorn's names; texts about them are in the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The application; never empty in what `load` returns.
    pub wsgi_app: AppSpec,
    /// Where the server was started; absolute.
    pub start_directory: PathBuf,
    /// Absolute and existing.
    pub chdir: PathBuf,
    /// Absolute, as written.
    pub pythonpath: Vec<PathBuf>,
    /// Variables to set for the application, in order.
    pub raw_env: Vec<(String, String)>,
    /// Whether the application is loaded before the fork.
    pub preload_app: bool,
    /// At least one.
    pub bind: Vec<Bind>,
    /// For listen(2).
    pub backlog: i32,
    /// Mode bits taken from unix sockets' files.
    pub umask: u32,
    /// At least 1.
    pub workers: usize,
    /// The engine.
    pub worker_class: WorkerClass,
    /// At least 1; matters to gthread only.
    pub threads: usize,
    /// At least 1.
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
    /// Bytes; `None`: no limit of its own.
    pub limit_request_line: Option<usize>,
    /// Fields; at least 1.
    pub limit_request_fields: usize,
    /// Bytes; `None`: no limit of its own.
    pub limit_request_field_size: Option<usize>,
    /// Bytes; `None`: no limit.
    pub limit_request_body: Option<u64>,
    /// Bytes that are read to keep a connection.
    pub limit_unread_body: usize,
    /// `None`: no limit.
    pub limit_pipelined_requests: Option<u64>,
    /// `None`: a head may take for ever.
    pub client_header_timeout: Option<Duration>,
    /// `None`: a body may pause for ever.
    pub client_body_timeout: Option<Duration>,
    /// Bytes a second; 0: no limit.
    pub client_body_min_rate: u64,
    /// `None`: a response may be taken as slowly as the client likes.
    pub client_send_timeout: Option<Duration>,
    /// Bytes a second; 0: no limit.
    pub client_send_min_rate: u64,
    /// Whether header lines may be folded.
    pub permit_obsolete_folding: bool,
    /// Whether white space may stand before a header's colon.
    pub strip_header_spaces: bool,
    /// Whether any token is a method.
    pub permit_unconventional_http_method: bool,
    /// Whether any two digits are a version.
    pub permit_unconventional_http_version: bool,
    /// Whether methods are put into capitals.
    pub casefold_http_method: bool,
    /// What becomes of names with an underscore.
    pub header_map: HeaderMap,
    /// Whose scheme and forwarder headers are believed.
    pub forwarded_allow_ips: Networks,
    /// Header names, and the value of each that means https.
    pub secure_scheme_headers: Vec<(String, String)>,
    /// Names with an underscore that a trusted proxy may send; `*` is all.
    pub forwarder_headers: Vec<String>,
    /// Which PROXY protocol headers are read.
    pub proxy_protocol: ProxyProtocol,
    /// Whose PROXY protocol header is believed.
    pub proxy_allow_ips: Networks,
    /// Absolute.
    pub pidfile: Option<PathBuf>,
    /// `-` for stdout, else an absolute path; `None`: no access log.
    pub accesslog: Option<String>,
    /// As written.
    pub access_log_format: String,
    /// `-` for stderr, else an absolute path.
    pub errorlog: String,
    /// critical is `Off`: it is above all that `log` has.
    pub loglevel: log::LevelFilter,
    /// Whether the access log is JSON; `access_log_format` is not used then.
    pub access_log_json: bool,
    /// `None`: nothing goes to syslog.
    pub syslog: Option<Syslog>,
    /// `None`: no figures are sent.
    pub statsd: Option<StatsdSettings>,
    /// `None`: Python's logging stays as it is.
    pub logconfig: Option<LogConfig>,
    /// `None`: the server's own loggers.
    pub logger_class: Option<String>,
    /// `None`: files are not watched.
    pub reload: Option<Reload>,
    /// Whether the application's output goes to `errorlog` too.
    pub capture_output: bool,
    /// Whether real files are sent by sendfile(2).
    pub sendfile: bool,
    /// Whether each worker has TCP sockets of its own.
    pub reuse_port: bool,
    /// Whether to run in the background.
    pub daemon: bool,
    /// Whether stdout and stderr stay open in the background.
    pub enable_stdio_inheritance: bool,
    /// Whom the workers run as.
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
    pub(super) shown: Vec<Shown>,
}

impl Settings {
    /// Every setting, its value and where it came from, in a config file's syntax.
    pub fn print(&self) -> String {
        let name_width = self.shown.iter().map(|row| row.name.len()).max().unwrap_or(0);
        let mut text: String =
            self.notices.iter().map(|line| format!("# note: {line}\n")).collect();
        for Shown { name, raw } in &self.shown {
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
