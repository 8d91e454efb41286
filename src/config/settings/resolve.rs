//! From layers of raw values to `Settings`.
//!
//! Never looks at a source again; of the file system it asks only whether `chdir` exists. The
//! rule: a mistake is blamed on the one value that made it, with its origin.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{
    AppSpec, HeaderMap, LogConfig, ProxyProtocol, Reload, Settings, Shown, StatsdSettings, Syslog,
};
use crate::config::error::ConfigError;
use crate::config::origin::Origin;
use crate::config::sources::layers::{Layers, Raw};
use crate::config::table::setting::Kind;
use crate::config::table::{self, TABLE};
use crate::config::values::bind::Bind;
use crate::config::values::complaint::Complaint;
use crate::config::values::networks::Networks;
use crate::config::values::value::Value;
use crate::config::values::worker_class::WorkerClass;
use crate::sys::credentials::{self, Identity};
use crate::sys::remote::Remote;

/// RFC 3164, 2.
const SYSLOG_PORT: u16 = 514;
/// statsd's own default.
const STATSD_PORT: u16 = 8125;

#[allow(clippy::too_many_lines, reason = "one line for each field, and nothing else")]
/// Makes the settings; `cwd` is the directory of the start.
pub fn resolve(mut layers: Layers, cwd: &Path) -> Result<Settings, ConfigError> {
    let (worker_class, notes) = worker_class(&layers)?;
    if worker_class == WorkerClass::Coroutine {
        layers.use_coroutine_defaults();
    }
    let reader = Reader(&layers);
    let chdir = chdir(&reader, cwd)?;
    let from_chdir = |path: &String| chdir.join(path);
    Ok(Settings {
        wsgi_app: AppSpec(reader.optional_text("wsgi_app")?.unwrap_or_default()),
        pythonpath: reader.texts("pythonpath")?.iter().map(from_chdir).collect(),
        raw_env: raw_env(&reader)?,
        preload_app: preload_app(&reader)?,
        bind: bind(&reader)?,
        backlog: reader.int("backlog")?,
        umask: reader.int("umask")?,
        workers: reader.int("workers")?,
        worker_class,
        threads: reader.int("threads")?,
        worker_connections: reader.int("worker_connections")?,
        requests_in_progress: NonZeroUsize::new(reader.int("requests_in_progress")?),
        carriers: reader.int("carriers")?,
        coroutine_stack_size: reader.int("coroutine_stack_size")?,
        switch_interval: none_if_zero(reader.int("switch_interval")?).map(Duration::from_millis),
        blocked_after: none_if_zero(reader.int("blocked_after")?).map(Duration::from_secs),
        max_requests: none_if_zero(reader.int("max_requests")?),
        max_requests_jitter: reader.int("max_requests_jitter")?,
        timeout: reader.seconds("timeout")?,
        request_timeout: reader.seconds("request_timeout")?,
        graceful_timeout: Duration::from_secs(reader.int("graceful_timeout")?),
        keepalive: Duration::from_secs(reader.int("keepalive")?),
        limit_request_line: none_if_zero(reader.int("limit_request_line")?),
        limit_request_fields: limit_request_fields(&reader)?,
        limit_request_field_size: limit_request_field_size(&reader)?,
        limit_request_body: none_if_zero(reader.int("limit_request_body")?),
        limit_unread_body: reader.int("limit_unread_body")?,
        limit_pipelined_requests: none_if_zero(reader.int("limit_pipelined_requests")?),
        client_header_timeout: reader.seconds("client_header_timeout")?,
        client_body_timeout: reader.seconds("client_body_timeout")?,
        client_body_min_rate: reader.int("client_body_min_rate")?,
        client_send_min_rate: reader.int("client_send_min_rate")?,
        client_send_timeout: reader.seconds("client_send_timeout")?,
        permit_obsolete_folding: reader.flag("permit_obsolete_folding")?,
        strip_header_spaces: reader.flag("strip_header_spaces")?,
        permit_unconventional_http_method: reader.flag("permit_unconventional_http_method")?,
        permit_unconventional_http_version: reader.flag("permit_unconventional_http_version")?,
        casefold_http_method: reader.flag("casefold_http_method")?,
        header_map: header_map(&reader)?,
        forwarded_allow_ips: networks(&reader, "forwarded_allow_ips")?,
        secure_scheme_headers: reader.pairs("secure_scheme_headers")?,
        forwarder_headers: reader.texts("forwarder_headers")?,
        proxy_protocol: proxy_protocol(&reader)?,
        proxy_allow_ips: networks(&reader, "proxy_allow_ips")?,
        pidfile: reader.optional_text("pidfile")?.as_ref().map(from_chdir),
        accesslog: accesslog(&reader, &chdir)?,
        logconfig: logconfig(&reader, &chdir)?,
        logger_class: logger_class(&reader)?,
        reload: reload(&reader, &chdir)?,
        access_log_json: reader.flag("access_log_json")?,
        syslog: syslog(&reader)?,
        statsd: statsd(&reader)?,
        access_log_format: reader.text("access_log_format")?,
        errorlog: log_target(&chdir, reader.text("errorlog")?),
        loglevel: loglevel(&reader)?,
        capture_output: reader.flag("capture_output")?,
        sendfile: reader.raw("sendfile")?.value != Value::Bool(false),
        reuse_port: reader.flag("reuse_port")?,
        daemon: reader.flag("daemon")?,
        enable_stdio_inheritance: reader.flag("enable_stdio_inheritance")?,
        identity: identity(&reader)?,
        proc_name: proc_name(&reader)?,
        spew: reader.flag("spew")?,
        print_config: reader.flag("print_config")?,
        check_config: reader.flag("check_config")? || reader.flag("print_config")?,
        notices: layers.notices().into_iter().chain(notes).collect(),
        shown: shown(&reader)?,
        start_directory: cwd.to_owned(),
        chdir,
    })
}

fn none_if_zero<Number: PartialEq + Default>(number: Number) -> Option<Number> {
    (number != Number::default()).then_some(number)
}

fn worker_class(layers: &Layers) -> Result<(WorkerClass, Vec<String>), ConfigError> {
    let reader = Reader(layers);
    let name = reader.text("worker_class")?;
    let (class, note) =
        WorkerClass::parse(&name).map_err(|complaint| reader.blame("worker_class", complaint))?;
    let has_threads = reader.int::<usize>("threads")? > 1;
    let class = if has_threads { class.with_threads() } else { class };
    let idle = (has_threads && class == WorkerClass::Coroutine).then(|| {
        "threads has no effect on coroutine: each request has a green thread of its own".to_owned()
    });
    Ok((class, note.into_iter().chain(idle).collect()))
}

fn chdir(reader: &Reader<'_>, cwd: &Path) -> Result<PathBuf, ConfigError> {
    // The default shows `cwd`, but as text, which it need not be.
    if reader.raw("chdir")?.origin == Origin::Default {
        return Ok(cwd.to_owned());
    }
    let directory = cwd.join(reader.text("chdir")?);
    if directory.is_dir() {
        return Ok(directory);
    }
    let complaint = Complaint::new("no such directory", "give a directory that exists");
    Err(reader.blame("chdir", complaint))
}

fn bind(reader: &Reader<'_>) -> Result<Vec<Bind>, ConfigError> {
    let texts = reader.texts("bind")?;
    if texts.is_empty() {
        // gunicorn: starts without a listener, and nobody can reach it.
        let complaint = Complaint::new("no address", "give at least one, such as 127.0.0.1:8000");
        return Err(reader.blame("bind", complaint));
    }
    let parse = |text: &String| {
        let blame =
            |complaint| reader.blame("bind", complaint).of("bind", &Value::Str(text.clone()));
        Bind::parse(text).map_err(blame)
    };
    texts.iter().map(parse).collect()
}

fn raw_env(reader: &Reader<'_>) -> Result<Vec<(String, String)>, ConfigError> {
    let texts = reader.texts("raw_env")?;
    let pairs = texts.iter().filter_map(|text| text.split_once('='));
    Ok(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

fn limit_request_fields(reader: &Reader<'_>) -> Result<usize, ConfigError> {
    let most = match table::find("limit_request_fields").map(|setting| setting.kind) {
        Some(Kind::Capped { cap }) => usize::try_from(cap).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    Ok(none_if_zero(reader.int("limit_request_fields")?).unwrap_or(most))
}

/// Absolute, since an application may change its directory before a log is opened again.
fn log_target(chdir: &Path, path: String) -> String {
    if path == "-" { path } else { chdir.join(path).display().to_string() }
}

fn accesslog(reader: &Reader<'_>, chdir: &Path) -> Result<Option<String>, ConfigError> {
    let named = reader.optional_text("accesslog")?.map(|path| log_target(chdir, path));
    // Who asks for JSON asks for an access log.
    let default = reader.flag("access_log_json")?.then(|| "-".to_owned());
    Ok(named.or(default))
}

/// gunicorn: its documents say that 0 means no limit, its code uses the default.
fn limit_request_field_size(reader: &Reader<'_>) -> Result<Option<usize>, ConfigError> {
    Ok(none_if_zero(reader.int("limit_request_field_size")?))
}

/// New code is the point of a reload in development.
fn preload_app(reader: &Reader<'_>) -> Result<bool, ConfigError> {
    Ok(reader.flag("preload_app")? && !reader.flag("reload")?)
}

fn logconfig(reader: &Reader<'_>, chdir: &Path) -> Result<Option<LogConfig>, ConfigError> {
    // gunicorn: an empty one is none.
    if matches!(&reader.raw("logconfig_dict")?.value, Value::Map(pairs) if !pairs.is_empty()) {
        return Ok(Some(LogConfig::Dict));
    }
    if let Some(path) = reader.optional_text("logconfig_json")? {
        return Ok(Some(LogConfig::Json(chdir.join(path))));
    }
    Ok(reader.optional_text("logconfig")?.map(|path| LogConfig::File(chdir.join(path))))
}

/// gunicorn's own classes do what the server does by itself.
fn logger_class(reader: &Reader<'_>) -> Result<Option<String>, ConfigError> {
    const OWN: [&str; 3] =
        ["gunicorn.glogging.Logger", "gunicorn.instrument.statsd.Statsd", "simple"];
    Ok(reader.optional_text("logger_class")?.filter(|name| !OWN.contains(&name.as_str())))
}

fn reload(reader: &Reader<'_>, chdir: &Path) -> Result<Option<Reload>, ConfigError> {
    let by_inotify = match reader.text("reload_engine")?.as_str() {
        "inotify" => Some(true),
        "poll" => Some(false),
        _ => None,
    };
    let extra_files =
        reader.texts("reload_extra_files")?.iter().map(|path| chdir.join(path)).collect();
    Ok(reader.flag("reload")?.then_some(Reload { by_inotify, extra_files }))
}

fn syslog(reader: &Reader<'_>) -> Result<Option<Syslog>, ConfigError> {
    let remote = Remote::parse(&reader.text("syslog_addr")?, SYSLOG_PORT).map_err(|problem| {
        let remedy = "give udp://HOST:PORT, tcp://HOST:PORT or unix://PATH";
        reader.blame("syslog_addr", Complaint::new(problem.to_string(), remedy))
    })?;
    let facility = reader.text("syslog_facility")?.to_lowercase();
    let prefix = match reader.optional_text("syslog_prefix")? {
        Some(prefix) => prefix,
        None => proc_name(reader)?.replace(':', "."),
    };
    let is_rfc5424 = reader.text("syslog_format")? == "rfc5424";
    let has_access = !reader.flag("disable_redirect_access_to_syslog")?;
    let syslog = Syslog { remote, facility, prefix, is_rfc5424, has_access };
    Ok(reader.flag("syslog")?.then_some(syslog))
}

fn statsd(reader: &Reader<'_>) -> Result<Option<StatsdSettings>, ConfigError> {
    let Some(host) = reader.optional_text("statsd_host")? else { return Ok(None) };
    let text = if host.starts_with("unix://") { host } else { format!("udp://{host}") };
    let remote = Remote::parse(&text, STATSD_PORT).map_err(|problem| {
        let complaint = Complaint::new(problem.to_string(), "give HOST:PORT or unix://PATH");
        reader.blame("statsd_host", complaint)
    })?;
    Ok(Some(StatsdSettings {
        remote,
        prefix: reader.text("statsd_prefix")?,
        tags: reader.text("dogstatsd_tags")?,
        has_backlog: reader.flag("enable_backlog_metric")?,
    }))
}

/// gunicorn: without proc_name the title has the application's name.
fn proc_name(reader: &Reader<'_>) -> Result<String, ConfigError> {
    for name in ["proc_name", "default_proc_name", "wsgi_app"] {
        if let Some(text) = reader.optional_text(name)? {
            return Ok(text);
        }
    }
    Ok(String::new())
}

fn identity(reader: &Reader<'_>) -> Result<Identity, ConfigError> {
    let look_up = |name, find: fn(&str) -> Option<u32>, what| {
        let Some(text) = reader.optional_text(name)? else { return Ok(None) };
        let id = text.parse().ok().or_else(|| find(&text));
        let complaint =
            || Complaint::new(format!("no such {what}"), "give a name that exists, or a number");
        id.map(Some).ok_or_else(|| reader.blame(name, complaint()))
    };
    let uid = look_up("user", credentials::user_id, "user")?;
    let gid = look_up("group", credentials::group_id, "group")?;
    Ok(Identity { uid, gid, initgroups: reader.flag("initgroups")? })
}

fn loglevel(reader: &Reader<'_>) -> Result<log::LevelFilter, ConfigError> {
    Ok(match reader.text("loglevel")?.as_str() {
        "debug" => log::LevelFilter::Debug,
        "warning" | "warn" => log::LevelFilter::Warn,
        "error" => log::LevelFilter::Error,
        "critical" => log::LevelFilter::Off,
        _ => log::LevelFilter::Info,
    })
}

fn header_map(reader: &Reader<'_>) -> Result<HeaderMap, ConfigError> {
    Ok(match reader.text("header_map")?.as_str() {
        "refuse" => HeaderMap::Refuse,
        "dangerous" => HeaderMap::Dangerous,
        _ => HeaderMap::Drop,
    })
}

fn proxy_protocol(reader: &Reader<'_>) -> Result<ProxyProtocol, ConfigError> {
    Ok(match reader.text("proxy_protocol")?.as_str() {
        "v1" => ProxyProtocol::V1,
        "v2" => ProxyProtocol::V2,
        "auto" => ProxyProtocol::Auto,
        _ => ProxyProtocol::Off,
    })
}

fn networks(reader: &Reader<'_>, name: &str) -> Result<Networks, ConfigError> {
    let mut networks = Networks::default();
    for text in reader.texts(name)? {
        networks
            .add(&text)
            .map_err(|complaint| reader.blame(name, complaint).of(name, &Value::Str(text)))?;
    }
    Ok(networks)
}

fn shown(reader: &Reader<'_>) -> Result<Vec<Shown>, ConfigError> {
    let show = |name| Ok(Shown { name, raw: reader.raw(name)?.clone() });
    TABLE.iter().map(|setting| show(setting.name)).collect()
}

/// Reads winning values in the shape that their kind gave them.
struct Reader<'a>(&'a Layers);

impl Reader<'_> {
    fn raw(&self, name: &str) -> Result<&Raw, ConfigError> {
        self.0.top(name).ok_or_else(|| disagreement(name))
    }

    fn int<Number: TryFrom<i64>>(&self, name: &str) -> Result<Number, ConfigError> {
        match self.raw(name)?.value {
            Value::Int(number) => Number::try_from(number).map_err(|_| disagreement(name)),
            _ => Err(disagreement(name)),
        }
    }

    /// Seconds, of which 0 means never.
    fn seconds(&self, name: &str) -> Result<Option<Duration>, ConfigError> {
        let time = match self.raw(name)?.value {
            Value::Float(seconds) => {
                Duration::try_from_secs_f64(seconds).map_err(|_| disagreement(name))?
            }
            _ => Duration::from_secs(self.int(name)?),
        };
        Ok((!time.is_zero()).then_some(time))
    }

    fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, ConfigError> {
        let pair = |(key, item): &(String, Value)| match item {
            Value::Str(text) => Ok((key.clone(), text.clone())),
            _ => Err(disagreement(name)),
        };
        match &self.raw(name)?.value {
            Value::Map(pairs) => pairs.iter().map(pair).collect(),
            _ => Err(disagreement(name)),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, ConfigError> {
        match self.raw(name)?.value {
            Value::Bool(on) => Ok(on),
            _ => Err(disagreement(name)),
        }
    }

    fn text(&self, name: &str) -> Result<String, ConfigError> {
        self.optional_text(name)?.ok_or_else(|| disagreement(name))
    }

    fn optional_text(&self, name: &str) -> Result<Option<String>, ConfigError> {
        match &self.raw(name)?.value {
            Value::None => Ok(None),
            Value::Str(text) => Ok(Some(text.clone())),
            _ => Err(disagreement(name)),
        }
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, ConfigError> {
        let text = |item: &Value| match item {
            Value::Str(text) => Ok(text.clone()),
            _ => Err(disagreement(name)),
        };
        match &self.raw(name)?.value {
            Value::None => Ok(Vec::new()),
            Value::List(items) => items.iter().map(text).collect(),
            _ => Err(disagreement(name)),
        }
    }

    fn blame(&self, name: &str, complaint: Complaint) -> ConfigError {
        match self.raw(name) {
            Ok(raw) => ConfigError::from(complaint).of(name, &raw.value).at(raw.origin.clone()),
            Err(error) => error,
        }
    }
}

/// Ours: a row's kind is not what its field reads. The test that resolves the defaults finds it.
fn disagreement(name: &str) -> ConfigError {
    let mut error = ConfigError::new(
        "the table of settings and its reader disagree",
        "this is a bug in unicoro, please report it",
    );
    error.setting = Some(name.to_owned());
    error
}
