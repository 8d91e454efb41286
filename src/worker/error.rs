//! Why a worker cannot serve. The supervisor hears which step failed, the operator reads the words.

use std::io;
use std::path::PathBuf;

use thiserror::Error;
use unicoro_contract::Refusal;
use unicoro_sys::shortage::Explained;

use crate::python::{LoadError, PythonError};
use crate::supervisor::BootFailure;

/// What kept the worker from serving.
#[derive(Debug, Error)]
pub enum BootError {
    /// A hook of the config file.
    #[error(transparent)]
    Hook(PythonError),
    /// The application's import, or the look for it.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The application's lifespan: a traceback, or its own words.
    #[error("{0}")]
    Start(PythonError),
    /// Python, before the application's turn.
    #[error(transparent)]
    Python(#[from] PythonError),
    /// The rights of the settings.
    #[error("cannot become the user or group of the settings: {0}; start the server as root")]
    Identity(#[source] io::Error),
    /// The directory of the settings.
    #[error("cannot change to the directory {}: {source}", path.display())]
    Chdir {
        /// The directory of the settings.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A reloader that was to use inotify.
    #[error("reload_engine = 'inotify': inotify cannot be used: {0}; give poll or auto")]
    Inotify(#[source] io::Error),
    /// A part of the worker does not start, for want of a thread or a descriptor.
    #[error("cannot start the {what}: {}", Explained(source))]
    Missing {
        /// Which part.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The system's words: no descriptor, no thread.
    #[error("{}", Explained(.0))]
    System(#[from] io::Error),
    /// The engine cannot serve with these settings.
    #[error(transparent)]
    Engine(#[from] Refusal),
}

impl BootError {
    /// What is to be reported.
    #[must_use]
    pub fn failure(&self) -> BootFailure {
        match self {
            Self::Hook(_) => BootFailure::Hook,
            Self::Load(LoadError::Import(_)) => BootFailure::Import,
            Self::Start(_) => BootFailure::Start,
            Self::Load(LoadError::Application(_)) => BootFailure::App,
            _ => BootFailure::Setup,
        }
    }
}
