//! The error log: the `log` facade, env_logger as its backend, gunicorn's line format.
//!
//! ```text
//! [2026-11-21 13:10:00 +0000] [4711] [INFO] message
//! ```
//!
//! Any record but a traceback is one line, whatever it contains.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};
use unicoro_sys::clock::{LocalTime, unix_now};
use unicoro_sys::fd::replace;
use unicoro_sys::process::Pid;

use super::destination::{LogError, StandardStream};
use super::divert::{self, Entry};
use super::escape::{push_line, push_lines};
use super::level::{CRITICAL, LogLevel, TRACEBACK, label, number, severity};
use super::sink::{self, Sink};
use super::syslog::{Severity, Syslog};
use crate::metrics::statsd;

/// Starts logging to `errorlog` (`-`: stderr, else a path) from `level` up.
///
/// Called again, by a reload, it changes both; on an error they stay as they were.
///
/// # Errors
/// The file cannot be opened.
pub fn init(errorlog: &str, level: LogLevel) -> Result<(), LogError> {
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    match &*sink {
        Some(sink) => sink.redirect(errorlog)?,
        None => *sink = Some(install(Sink::open(errorlog, StandardStream::Stderr)?)),
    }
    drop(sink);
    if CAPTURES.load(Ordering::Relaxed) {
        capture_output()?;
    }
    set_level(level);
    Ok(())
}

/// Logs from this level up.
pub fn set_level(level: LogLevel) {
    ONLY_CRITICAL.store(level == LogLevel::Critical, Ordering::Relaxed);
    log::set_max_level(match level {
        LogLevel::Debug => LevelFilter::Debug,
        LogLevel::Info => LevelFilter::Info,
        LogLevel::Warning => LevelFilter::Warn,
        LogLevel::Error | LogLevel::Critical => LevelFilter::Error,
    });
}

/// Reopens every log of this process that goes to a file.
///
/// # Errors
/// The first that failed; the others have been reopened all the same.
pub fn reopen() -> Result<(), LogError> {
    let reopened = sink::reopen();
    divert::reopen();
    if CAPTURES.load(Ordering::Relaxed) {
        capture_output()?;
    }
    reopened
}

/// Writes an application's own text (`wsgi.errors`) to the error log, as it is.
pub fn write_text(text: &str) {
    let sink = SINK.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match sink {
        Some(sink) => sink.write_line(text.as_bytes()),
        None => eprint!("{text}"),
    }
}

/// The error log's descriptor, for what must be written when nothing else works (a crash). Its
/// number stays the same for the life of the process.
#[must_use]
pub fn error_log_fd() -> RawFd {
    let sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    sink.as_ref().map_or(libc::STDERR_FILENO, |sink| sink.as_fd().as_raw_fd())
}

/// Lets standard output and error of this process go to the error log as well.
///
/// # Errors
/// The descriptors cannot be replaced; nothing has been logged to yet if [`init`] never ran, and
/// then this does nothing.
pub fn capture_output() -> Result<(), LogError> {
    let sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(sink) = &*sink else { return Ok(()) };
    CAPTURES.store(true, Ordering::Relaxed);
    for stream in [libc::STDOUT_FILENO, libc::STDERR_FILENO] {
        replace(stream, sink.as_fd())
            .map_err(|source| LogError { target: "standard output".to_owned(), source })?;
    }
    Ok(())
}

static SINK: Mutex<Option<Arc<Sink>>> = Mutex::new(None);
static ONLY_CRITICAL: AtomicBool = AtomicBool::new(false);
static CAPTURES: AtomicBool = AtomicBool::new(false);
static LOGGER: OnceLock<Levelled> = OnceLock::new();

fn install(sink: Arc<Sink>) -> Arc<Sink> {
    let logger = LOGGER.get_or_init(|| Levelled { backend: backend(Arc::clone(&sink)) });
    // A logger that somebody installed earlier stays; only a test harness would do that.
    let _ = log::set_logger(logger);
    sink
}

/// may reports each of its settings and descriptors at info: nobody's news.
fn own_level(target: &str) -> LevelFilter {
    let is_dependency = target.starts_with("may") || target.starts_with("generator");
    if is_dependency { LevelFilter::Warn } else { log::max_level() }
}

/// Everything passes env_logger's own filter; the facade's maximum level and [`Levelled`] decide,
/// because those can change at a reload.
fn backend(sink: Arc<Sink>) -> env_logger::Logger {
    env_logger::Builder::new()
        .filter_level(LevelFilter::Trace)
        .format(|out, record| {
            let (target, message) = (record.target(), record.args().to_string());
            let line = line(unix_now(), Pid::me(), label(record.level(), target), target, &message);
            out.write_all(line.as_bytes())
        })
        .target(env_logger::Target::Pipe(Box::new(LineWriter(sink))))
        .build()
}

/// env_logger behind a level that can change.
struct Levelled {
    backend: env_logger::Logger,
}

impl Log for Levelled {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= own_level(metadata.target())
            && (!ONLY_CRITICAL.load(Ordering::Relaxed) || metadata.target() == CRITICAL)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        count(record);
        if divert::takes_errors() {
            let entry = Entry::now(number(record), shown(record));
            // Written here is better than lost.
            let _ = divert::take(entry).map_err(|entry| write_entry(&entry));
        } else {
            self.backend.log(record);
            if let Some(syslog) = syslog() {
                syslog.send(severity(number(record)), "error", &shown(record));
            }
        }
    }

    fn flush(&self) {}
}

/// The error log's records go to this syslog daemon as well from now on.
pub fn use_syslog(syslog: Option<Arc<Syslog>>) {
    *SYSLOG.lock().unwrap_or_else(PoisonError::into_inner) = syslog;
}

/// Whether records go to a syslog daemon.
#[must_use]
pub fn has_syslog() -> bool {
    syslog().is_some()
}

/// Sends an application's own text to that daemon.
pub fn send_to_syslog(severity: Severity, text: &str) {
    if let Some(syslog) = syslog() {
        syslog.send(severity, "error", text);
    }
}

fn syslog() -> Option<Arc<Syslog>> {
    SYSLOG.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

static SYSLOG: Mutex<Option<Arc<Syslog>>> = Mutex::new(None);

/// Its text, made harmless.
fn shown(record: &Record<'_>) -> String {
    let (mut text, message) = (String::new(), record.args().to_string());
    match record.target() {
        TRACEBACK => push_lines(&mut text, &message),
        _ => push_line(&mut text, &message),
    }
    text
}

/// Figures of what is logged.
fn count(record: &Record<'_>) {
    match record.level() {
        Level::Error if record.target() == CRITICAL => count_as("critical"),
        Level::Error if record.target() == TRACEBACK => count_as("exception"),
        Level::Error => count_as("error"),
        Level::Warn => count_as("warning"),
        _ => {}
    }
}

/// Counts a record that does not come by here.
pub fn count_as(kind: &str) {
    if let Some(statsd) = statsd() {
        statsd.logged(kind);
    }
}

/// Writes what was to be written by somebody else.
pub fn write_entry(entry: &Entry) {
    let label = match entry.level {
        50.. => "CRITICAL",
        40.. => "ERROR",
        30.. => "WARNING",
        20.. => "INFO",
        _ => "DEBUG",
    };
    // A whole number of seconds since 1970 fits.
    let seconds = entry.created as i64;
    write_text(&line(seconds, Pid::me(), label, TRACEBACK, &entry.text));
    send_to_syslog(severity(entry.level), &entry.text);
}

/// From here on nobody else writes the error log; what they have not come to is written.
pub fn take_back() {
    divert::finish().iter().for_each(write_entry);
}

/// Before the end: what others have not written is written, and stuck logs have a moment more.
pub fn finish() {
    take_back();
    sink::finish();
}

/// What env_logger writes to: it hands over a whole record at once.
struct LineWriter(Arc<Sink>);

impl io::Write for LineWriter {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.write_line(record);
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One record as it stands in the log.
fn line(seconds: i64, pid: Pid, label: &str, target: &str, message: &str) -> String {
    let time = LocalTime::from_unix(seconds);
    let (sign, hours, minutes) = time.offset();
    let LocalTime { year, month, day, hour, minute, second, .. } = time;
    let mut line = String::with_capacity(message.len() + 64);
    // Writing to a String cannot fail.
    let _ = write!(
        line,
        "[{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} \
         {sign}{hours:02}{minutes:02}] [{pid}] [{label}] "
    );
    match target {
        TRACEBACK => push_lines(&mut line, message),
        _ => push_line(&mut line, message),
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(target: &str, message: &str) -> String {
        let pid = Pid::from_raw(4711).unwrap();
        line(0, pid, label(Level::Error, target), target, message)
    }

    #[test]
    fn a_record_looks_like_gunicorns() {
        let line = line_of("unicoro::supervisor", "Listening");
        let (date, rest) = line.split_once("] ").unwrap();
        assert_eq!(rest, "[4711] [ERROR] Listening\n");
        // The zone is the machine's; the shape is fixed.
        let shape: String =
            date.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        assert_eq!(shape.replace('-', "+"), "[9999+99+99 99:99:99 +9999");
    }

    #[test]
    fn a_message_cannot_begin_a_second_line() {
        let line = line_of("app", "bad path /\n[x] [1] [INFO] forged");
        assert_eq!(line.matches('\n').count(), 1);
    }

    #[test]
    fn a_traceback_has_its_lines() {
        let line = line_of(TRACEBACK, "Traceback:\n  File \"a.py\"\nValueError: no\n");
        assert!(line.ends_with("] [ERROR] Traceback:\n  File \"a.py\"\nValueError: no\n"));
    }

    #[test]
    fn critical_is_a_level_of_its_own() {
        assert!(line_of(CRITICAL, "x").contains("[CRITICAL]"));
    }

    #[test]
    fn records_reach_the_file_and_a_second_init_changes_level_and_file() {
        let dir = std::env::temp_dir();
        let first = dir.join(format!("unicoro-{}-first.log", Pid::me()));
        let second = dir.join(format!("unicoro-{}-second.log", Pid::me()));
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        init(first.to_str().unwrap(), LogLevel::Warning).unwrap();
        log::info!(target: "log-test", "unseen");
        log::warn!(target: "log-test", "seen once");
        init(second.to_str().unwrap(), LogLevel::Critical).unwrap();
        log::error!(target: "log-test", "too low");
        crate::critical!("the end");
        assert!(read(&first).contains("[WARNING] seen once\n"));
        assert!(!read(&first).contains("unseen"));
        assert!(read(&second).contains("[CRITICAL] the end\n"));
        assert!(!read(&second).contains("too low"));
        let _ = (std::fs::remove_file(first), std::fs::remove_file(second));
    }
}
