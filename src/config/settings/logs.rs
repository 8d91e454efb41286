//! Where logs and figures go.

use std::path::{Path, PathBuf};

use super::winners::Winners;
use crate::config::error::ConfigError;
use crate::config::values::complaint::Complaint;
use crate::config::values::remote::Remote;
use crate::config::values::value::Value;

/// Where syslog messages go, and what they look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogSettings {
    /// Where the syslog daemon listens.
    pub remote: Remote,
    /// The facility's name.
    pub facility: String,
    /// What stands between `unicoro` and the log's name in the tag.
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

/// Where statsd gets its figures, and what they look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsdSettings {
    /// Where the statsd server listens.
    pub remote: Remote,
    /// What stands before each figure's name.
    pub prefix: String,
    /// Tags in DataDog's syntax, which are added to each figure.
    pub tags: String,
    /// Whether the listen queues are among the figures.
    pub has_backlog: bool,
}

/// The settings about logs and figures. Fields bear gunicorn's names.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSettings {
    /// `-` for stdout, else an absolute path; `None`: no access log.
    pub accesslog: Option<String>,
    /// The format as the operator wrote it; it is not compiled yet.
    pub access_log_format: String,
    /// `-` for stderr, else an absolute path.
    pub errorlog: String,
    /// critical is `Off`: it is above all that `log` has.
    pub loglevel: log::LevelFilter,
    /// Whether the access log is JSON; `access_log_format` is not used then.
    pub access_log_json: bool,
    /// `None`: nothing goes to syslog.
    pub syslog: Option<SyslogSettings>,
    /// `None`: no figures are sent.
    pub statsd: Option<StatsdSettings>,
    /// `None`: Python's logging stays as it is.
    pub logconfig: Option<LogConfig>,
    /// `None`: the server's own loggers.
    pub logger_class: Option<String>,
    /// Whether the application's output goes to `errorlog` too.
    pub capture_output: bool,
}

/// The port of syslog over UDP (RFC 3164, 2).
const SYSLOG_PORT: u16 = 514;
/// The port on which statsd listens by default.
const STATSD_PORT: u16 = 8125;

/// Resolves the settings about logs and figures.
pub fn resolve(winners: &Winners<'_>, chdir: &Path) -> Result<LogSettings, ConfigError> {
    Ok(LogSettings {
        accesslog: accesslog(winners, chdir)?,
        access_log_format: winners.text("access_log_format")?,
        errorlog: log_target(chdir, winners.text("errorlog")?),
        loglevel: loglevel(winners)?,
        access_log_json: winners.flag("access_log_json")?,
        syslog: syslog(winners)?,
        statsd: statsd(winners)?,
        logconfig: logconfig(winners, chdir)?,
        logger_class: logger_class(winners)?,
        capture_output: winners.flag("capture_output")?,
    })
}

/// Absolute, since an application may change its directory before a log is opened again.
fn log_target(chdir: &Path, path: String) -> String {
    if path == "-" { path } else { chdir.join(path).display().to_string() }
}

fn accesslog(winners: &Winners<'_>, chdir: &Path) -> Result<Option<String>, ConfigError> {
    let named = winners.optional_text("accesslog")?.map(|path| log_target(chdir, path));
    // Who asks for JSON asks for an access log.
    let default = winners.flag("access_log_json")?.then(|| "-".to_owned());
    Ok(named.or(default))
}

fn logconfig(winners: &Winners<'_>, chdir: &Path) -> Result<Option<LogConfig>, ConfigError> {
    // gunicorn: an empty one is none.
    if matches!(&winners.raw("logconfig_dict")?.value, Value::Map(pairs) if !pairs.is_empty()) {
        return Ok(Some(LogConfig::Dict));
    }
    if let Some(path) = winners.optional_text("logconfig_json")? {
        return Ok(Some(LogConfig::Json(chdir.join(path))));
    }
    Ok(winners.optional_text("logconfig")?.map(|path| LogConfig::File(chdir.join(path))))
}

/// gunicorn's own classes do what the server does by itself.
fn logger_class(winners: &Winners<'_>) -> Result<Option<String>, ConfigError> {
    const OWN: [&str; 3] =
        ["gunicorn.glogging.Logger", "gunicorn.instrument.statsd.Statsd", "simple"];
    Ok(winners.optional_text("logger_class")?.filter(|name| !OWN.contains(&name.as_str())))
}

fn syslog(winners: &Winners<'_>) -> Result<Option<SyslogSettings>, ConfigError> {
    let remote = Remote::parse(&winners.text("syslog_addr")?, SYSLOG_PORT).map_err(|problem| {
        let remedy = "give udp://HOST:PORT, tcp://HOST:PORT or unix://PATH";
        winners.blame("syslog_addr", Complaint::new(problem.to_string(), remedy))
    })?;
    let facility = winners.text("syslog_facility")?.to_lowercase();
    let prefix = match winners.optional_text("syslog_prefix")? {
        Some(prefix) => prefix,
        None => winners.proc_name()?.replace(':', "."),
    };
    let is_rfc5424 = winners.text("syslog_format")? == "rfc5424";
    let has_access = !winners.flag("disable_redirect_access_to_syslog")?;
    let syslog = SyslogSettings { remote, facility, prefix, is_rfc5424, has_access };
    Ok(winners.flag("syslog")?.then_some(syslog))
}

fn statsd(winners: &Winners<'_>) -> Result<Option<StatsdSettings>, ConfigError> {
    let Some(host) = winners.optional_text("statsd_host")? else { return Ok(None) };
    let text = if host.starts_with("unix://") { host } else { format!("udp://{host}") };
    let remote = Remote::parse(&text, STATSD_PORT).map_err(|problem| {
        let complaint = Complaint::new(problem.to_string(), "give HOST:PORT or unix://PATH");
        winners.blame("statsd_host", complaint)
    })?;
    Ok(Some(StatsdSettings {
        remote,
        prefix: winners.text("statsd_prefix")?,
        tags: winners.text("dogstatsd_tags")?,
        has_backlog: winners.flag("enable_backlog_metric")?,
    }))
}

fn loglevel(winners: &Winners<'_>) -> Result<log::LevelFilter, ConfigError> {
    Ok(match winners.text("loglevel")?.as_str() {
        "debug" => log::LevelFilter::Debug,
        "warning" | "warn" => log::LevelFilter::Warn,
        "error" => log::LevelFilter::Error,
        "critical" => log::LevelFilter::Off,
        _ => log::LevelFilter::Info,
    })
}
