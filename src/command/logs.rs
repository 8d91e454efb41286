//! From the settings to logs and figures.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use crate::config::Settings;
use crate::logging::{
    self, AccessFormat, AccessLog, LogError, LogLevel, Shape, Syslog, SyslogFormat,
};
use crate::metrics::{Statsd, use_statsd};
use crate::python;
use pyo3::Py;
use pyo3::types::PyDict;

use super::failure::Failure;

/// Starts, or changes, the error log and what hears of it; opens the access log; sets Python's
/// logging up, if there is an interpreter or the settings ask for one. `names` are the config file's.
///
/// # Errors
/// See [`Failure`]. Then the logs are as they were.
pub fn open_logs(
    settings: &Settings,
    names: Option<&Py<PyDict>>,
    arguments: &[OsString],
) -> Result<Option<AccessLog>, Failure> {
    let access_log = open_own_logs(settings)?;
    set_up_python(settings, names, arguments, access_log.as_ref())?;
    Ok(access_log)
}

/// The same without Python's logging.
///
/// # Errors
/// See [`Failure`].
pub fn open_own_logs(settings: &Settings) -> Result<Option<AccessLog>, Failure> {
    let syslog = syslog(settings)?;
    let statsd = statsd(settings);
    let access_log = access_log(settings, syslog.clone(), statsd.clone())?;
    log_to(settings)?;
    logging::use_syslog(syslog);
    use_statsd(statsd);
    Ok(access_log)
}

/// Python's loggers, in the directory and with the path that the application will have. Without a
/// config file only a setting that is about Python's logging needs an interpreter before the fork.
fn set_up_python(
    settings: &Settings,
    names: Option<&Py<PyDict>>,
    arguments: &[OsString],
    access_log: Option<&AccessLog>,
) -> Result<(), Failure> {
    if settings.logs.logconfig.is_none() && settings.logs.logger_class.is_none() {
        return Ok(python::set_up_loggers(settings, access_log, names)?);
    }
    python::start(arguments)?;
    python::prepare_path(&settings.import_path())?;
    let enter = |directory: &Path| {
        std::env::set_current_dir(directory)
            .map_err(|source| Failure::Chdir { path: directory.to_owned(), source })
    };
    enter(&settings.chdir)?;
    let is_set_up = python::set_up_loggers(settings, access_log, names);
    enter(&settings.start_directory)?;
    Ok(is_set_up?)
}

fn access_log(
    settings: &Settings,
    syslog: Option<Arc<Syslog>>,
    statsd: Option<Arc<Statsd>>,
) -> Result<Option<AccessLog>, Failure> {
    logging::own_files(settings.identity);
    let shape = if settings.logs.access_log_json {
        Shape::Json
    } else {
        // A logger_class may know atoms of its own, and writes the lines.
        let format = match settings.logs.logger_class {
            Some(_) => AccessFormat::compile(""),
            None => AccessFormat::compile(&settings.logs.access_log_format),
        };
        Shape::Text(format?)
    };
    let has_access = settings.logs.syslog.as_ref().is_some_and(|syslog| syslog.has_access);
    let syslog = syslog.filter(|_| has_access);
    AccessLog::open(settings.logs.accesslog.as_deref(), syslog, statsd, shape)
        .map_err(of("accesslog"))
}

/// The setting that a log's error belongs to.
fn of(setting: &'static str) -> impl Fn(LogError) -> Failure {
    move |source| Failure::Log { setting, source }
}

fn log_to(settings: &Settings) -> Result<(), Failure> {
    let level = match settings.logs.loglevel {
        log::LevelFilter::Trace | log::LevelFilter::Debug => LogLevel::Debug,
        log::LevelFilter::Info => LogLevel::Info,
        log::LevelFilter::Warn => LogLevel::Warning,
        log::LevelFilter::Error => LogLevel::Error,
        log::LevelFilter::Off => LogLevel::Critical,
    };
    logging::init(&settings.logs.errorlog, level).map_err(of("errorlog"))?;
    // gunicorn: without a file there is nothing to capture into.
    if settings.logs.capture_output && settings.logs.errorlog != "-" {
        logging::capture_output().map_err(of("capture_output"))?;
    }
    Ok(())
}

fn syslog(settings: &Settings) -> Result<Option<Arc<Syslog>>, Failure> {
    let Some(wanted) = &settings.logs.syslog else { return Ok(None) };
    let facility = logging::syslog::facility(&wanted.facility)
        .ok_or_else(|| Failure::SyslogFacility(wanted.facility.clone()))?;
    let format = if wanted.is_rfc5424 { SyslogFormat::Rfc5424 } else { SyslogFormat::Rfc3164 };
    let (remote, prefix) = (wanted.remote.clone(), wanted.prefix.clone());
    Syslog::open(logging::SyslogOptions { remote, facility, prefix, format })
        .map(|syslog| Some(Arc::new(syslog)))
        .map_err(|source| Failure::Syslog { remote: wanted.remote.clone(), source })
}

fn statsd(settings: &Settings) -> Option<Arc<Statsd>> {
    let wanted = settings.logs.statsd.as_ref()?;
    // gunicorn: goes on without a word. Missing figures are no reason not to start; the log says so.
    Statsd::connect(&wanted.remote, &wanted.prefix, &wanted.tags)
        .inspect_err(|error| {
            log::warn!("statsd_host: no figures are sent to {}: {error}", wanted.remote);
        })
        .ok()
        .map(Arc::new)
}
