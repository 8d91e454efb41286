//! What the server tells its operator: the error log and the access log.
//!
//! Code logs through the `log` facade; [`init`] puts env_logger behind it, with gunicorn's line
//! format. Each line is one write(2), made directly, so lines of several processes do not mix and
//! no green thread is parked in the middle of one.
//!
//! The rule a reader would break: text from a request never reaches a line unescaped
//! ([`escape`]), or a client could forge records.

pub mod access;
pub mod access_atom;
pub mod access_format;
pub mod access_json;
pub mod access_record;
pub mod backlog;
pub mod basic_auth;
mod destination;
pub mod divert;
pub mod error_log;
pub mod escape;
pub mod level;
pub mod sink;
pub mod syslog;

pub use access::{AccessLog, Shape};
pub use access_format::{AccessFormat, FormatError};
pub use access_record::{AccessRecord, Lookup};
pub use destination::{LogError, own_files};
pub use error_log::{
    capture_output, count_as, error_log_fd, finish, has_syslog, init, reopen, send_to_syslog,
    set_level, take_back, use_syslog, write_entry, write_text,
};
pub use level::{CRITICAL, LogLevel, TRACEBACK, severity};
pub use sink::{drain_in_background, flush};
pub use syslog::{Severity, Syslog, SyslogFormat, SyslogOptions};
