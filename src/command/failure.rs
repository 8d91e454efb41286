//! Why the command ends, or keeps its former settings: one text for the operator, and an exit code.

use std::io;
use std::path::PathBuf;

use crate::config::{Halt, Remote};
use crate::listening::bind_error::BindError;
use crate::logging::{FormatError, LogError};
use crate::python::PythonError;
use crate::supervisor::pidfile::PidFileError;
use crate::worker::BootError;
use thiserror::Error;
use unicoro_contract::Refusal;

/// The exit code for whatever has no code of its own.
const FAILED: i32 = 1;

/// Why the command ends.
#[derive(Debug, Error)]
pub enum Failure {
    /// There are no settings. Not always a failure: see [`Halt::Print`].
    #[error(transparent)]
    Settings(#[from] Halt),
    /// One that has its limit from the supervisor.
    #[error("backlog = {0} is negative; give 1 or more")]
    Backlog(i32),
    /// The current directory was removed.
    #[error("the current directory is gone: {0}")]
    CurrentDirectory(#[source] io::Error),
    /// The one in which the server was started.
    #[error("cannot use the directory in which the server was started, {}: {source}", path.display())]
    StartDirectory {
        /// The directory in which the server was started.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The one of the settings, or the way back from it.
    #[error("cannot change to the directory {}: {source}", path.display())]
    Chdir {
        /// The directory that chdir(2) refused.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The access log's lines.
    #[error("access_log_format: {0}")]
    AccessFormat(#[from] FormatError),
    /// A log cannot be opened.
    #[error("{setting}: {source}")]
    Log {
        /// Which setting says where it is.
        setting: &'static str,
        /// Why it cannot be had.
        source: LogError,
    },
    /// syslog(3) has none of this name.
    #[error(
        "syslog_facility = '{0}': no such facility; give user, daemon, local0 to local7 or another \
         of syslog(3)'s"
    )]
    SyslogFacility(String),
    /// The syslog daemon cannot be reached.
    #[error("syslog_addr: cannot reach {remote}: {source}")]
    Syslog {
        /// Where it should be.
        remote: Remote,
        /// The system's reason.
        source: io::Error,
    },
    /// An address that nobody could listen on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Found before the server goes to the background.
    #[error(transparent)]
    PidFile(#[from] PidFileError),
    /// The server stays in the foreground.
    #[error("cannot go to the background: {0}")]
    Background(#[source] io::Error),
    /// The engine of the settings.
    #[error(transparent)]
    Engine(Refusal),
    /// Python, or a hook.
    #[error(transparent)]
    Python(#[from] PythonError),
    /// The application, loaded before any fork.
    #[error(transparent)]
    Preload(BootError),
    /// The application, loaded to see whether it can be.
    #[error(transparent)]
    Check(BootError),
}

impl Failure {
    /// What the process ends with.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Settings(halt) => halt.exit_code(),
            Self::Preload(error) => error.failure().exit_code(),
            _ => FAILED,
        }
    }
}
