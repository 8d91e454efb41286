//! The access log: a format and where its lines go.
//!
//! One line is one write, so workers that share a file do not mix their lines. Reopening goes
//! through [`super::reopen`], as for every log.

use std::sync::Arc;

use super::access_format::AccessFormat;
use super::access_record::AccessRecord;
use super::sink::{LogError, Sink, Stream};

/// An access log that is open.
#[derive(Clone, Debug)]
pub struct AccessLog {
    sink: Arc<Sink>,
    format: AccessFormat,
}

impl AccessLog {
    /// Opens `target` (`-`: stdout, else a path).
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(target: &str, format: AccessFormat) -> Result<AccessLog, LogError> {
        Ok(AccessLog { sink: Sink::open(target, Stream::Stdout)?, format })
    }

    /// The format, to ask what it uses.
    #[must_use]
    pub fn format(&self) -> &AccessFormat {
        &self.format
    }

    /// Writes the line for `record`.
    pub fn write(&self, record: &AccessRecord<'_>) {
        let mut line = Vec::with_capacity(LINE_BYTES);
        self.format.render(record, &mut line);
        line.push(b'\n');
        self.sink.write_line(&line);
    }
}

/// Most lines of the default format fit, user agents included.
const LINE_BYTES: usize = 512;
