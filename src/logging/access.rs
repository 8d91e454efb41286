//! The access log: a format and where its lines go.
//!
//! One line is one write, so workers that share a file do not mix their lines. Reopening goes
//! through [`super::reopen`], as for every log.

use std::sync::Arc;
use std::time::Duration;

use super::access_format::AccessFormat;
use super::access_json;
use super::access_record::AccessRecord;
use super::destination::{LogError, StandardStream};
use super::sink::Sink;
use super::syslog::{Severity, Syslog};
use crate::metrics::Statsd;

/// Everything that hears of an answered request.
#[derive(Clone, Debug)]
pub struct AccessLog {
    sink: Option<Arc<Sink>>,
    syslog: Option<Arc<Syslog>>,
    statsd: Option<Arc<Statsd>>,
    shape: Shape,
}

/// What a line looks like.
#[derive(Clone, Debug)]
pub enum Shape {
    /// gunicorn's.
    Text(AccessFormat),
    /// One JSON object.
    Json,
}

impl AccessLog {
    /// Opens `target` (`-`: stdout, else a path; `None`: no file). Lines go to `syslog` as well, and
    /// figures to `statsd`. `None` when nobody wants to hear anything.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(
        target: Option<&str>,
        syslog: Option<Arc<Syslog>>,
        statsd: Option<Arc<Statsd>>,
        shape: Shape,
    ) -> Result<Option<AccessLog>, LogError> {
        let sink = target.map(|target| Sink::open(target, StandardStream::Stdout)).transpose()?;
        let is_wanted = sink.is_some() || syslog.is_some() || statsd.is_some();
        Ok(is_wanted.then_some(AccessLog { sink, syslog, statsd, shape }))
    }

    /// The environ's variables that lines show.
    #[must_use]
    pub fn environ_names(&self) -> Vec<String> {
        match &self.shape {
            Shape::Text(format) if self.writes_lines() => format.environ_names(),
            _ => Vec::new(),
        }
    }

    /// Counts a request.
    pub fn count(&self, status: u16, duration: Duration) {
        if let Some(statsd) = &self.statsd {
            statsd.request(status, duration);
        }
    }

    /// Writes the line for `record`.
    pub fn write(&self, record: &AccessRecord<'_>) {
        if !self.writes_lines() {
            return;
        }
        let mut line = Vec::with_capacity(LINE_BYTES);
        match &self.shape {
            Shape::Text(format) => format.render(record, &mut line),
            Shape::Json => access_json::render(record, &mut line),
        }
        if let Some(syslog) = &self.syslog {
            syslog.send(Severity::Info, "access", &String::from_utf8_lossy(&line));
        }
        if let Some(sink) = &self.sink {
            line.push(b'\n');
            sink.write_line(&line);
        }
    }

    /// Writes an application's own text, as it is, to the file.
    pub fn write_text(&self, text: &str) {
        if let Some(sink) = &self.sink {
            sink.write_line(text.as_bytes());
        }
    }

    /// Sends an application's own text to syslog.
    pub fn send_to_syslog(&self, severity: Severity, text: &str) {
        if let Some(syslog) = &self.syslog {
            syslog.send(severity, "access", text);
        }
    }

    /// Whether lines go to a file or a standard stream.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.sink.is_some()
    }

    /// Whether lines go to syslog.
    #[must_use]
    pub fn has_syslog(&self) -> bool {
        self.syslog.is_some()
    }

    fn writes_lines(&self) -> bool {
        self.sink.is_some() || self.syslog.is_some()
    }
}

/// Most lines of the default format fit, user agents included.
const LINE_BYTES: usize = 512;
