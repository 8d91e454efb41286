//! Why a master does not start, ends early, or keeps its former settings. Each is one text for the
//! operator.

use std::error::Error as AnyError;
use std::io;

use thiserror::Error;
use unicoro_sys::shortage::Explained;

use super::pidfile::PidFileError;
use crate::listening::bind_error::BindError;

/// What the rest of the program could not do for the supervisor, which only prints it. Of a hook it is
/// the traceback.
pub type HostError = Box<dyn AnyError + Send + Sync>;

/// Why a master does not start, ends early, or keeps its former settings.
#[derive(Debug, Error)]
pub enum SupervisorError {
    /// The kernel refuses what cannot be done without.
    #[error("cannot {what}: {}", Explained(source))]
    System {
        /// What was tried.
        what: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The pid file cannot be had.
    #[error(transparent)]
    PidFile(#[from] PidFileError),
    /// An address cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A hook raised, and its traceback is in the log.
    #[error("the hook {0} failed: the server does not start")]
    Hook(&'static str),
    /// The same of a hook that is called later.
    #[error("when_ready failed: the server does not start")]
    WhenReady,
    /// A reload failed outside of the supervisor.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl SupervisorError {
    /// For `map_err`.
    pub fn cannot(what: &'static str) -> impl Fn(io::Error) -> SupervisorError {
        move |source| SupervisorError::System { what, source }
    }
}
