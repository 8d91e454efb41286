//! Why Python could not do what it was asked. What a request meets is none of this: it is answered.

use std::io;
use std::path::PathBuf;

use thiserror::Error;
use unicoro_sys::shortage::Explained;

/// One failure, in words for the operator.
#[derive(Debug, Error)]
pub enum PythonError {
    /// Code raised an exception, of which this is the traceback: ours (a bug), or what it called.
    #[error("{0}")]
    Raised(String),
    /// A hook of the config file did.
    #[error("the hook {name} raised an exception:\n{traceback}")]
    Hook {
        /// The name of the hook.
        name: &'static str,
        /// Python's words.
        traceback: String,
    },
    /// The class that `logger_class` names is not to be had.
    #[error(
        "logger_class = {name} cannot be loaded; a class that is derived from gunicorn's needs \
         gunicorn to be installed beside unicoro:\n{traceback}"
    )]
    LoggerClass {
        /// What the setting says.
        name: String,
        /// Python's words.
        traceback: String,
    },
    /// Python's logging took exception to the settings.
    #[error("Python's logging cannot be set up:\n{0}")]
    Logging(String),
    /// The linked CPython has no GIL.
    #[error(
        "free-threaded CPython is not supported, and this is {0}: build unicoro with the ordinary \
         interpreter of the same version (PYO3_PYTHON=/path/to/python3 cargo build --release)"
    )]
    FreeThreaded(String),
    /// Its protection of the stack knows no green thread's.
    #[error(
        "CPython {0} is not supported: it takes a stack that it does not know for a full one, so that \
         containers would leak or requests fail; use 3.14.2 or later"
    )]
    EarlyStackProtection(String),
    /// Another than unicoro was made for.
    #[error("CPython {0} is not supported: unicoro serves 3.10 to 3.14")]
    Unknown(String),
    /// `VIRTUAL_ENV` names no environment.
    #[error(
        "VIRTUAL_ENV is {}, where there is no bin/python3: activate an environment that exists, or \
         unset VIRTUAL_ENV", .0.display()
    )]
    NoEnvironment(PathBuf),
    /// Python's files cannot be reached.
    #[error(
        "the user that this process has become may not enter {}, where Python's {} lies: open the \
         directory to that user (the setting `user`), or serve with a Python that everybody may read, \
         such as /usr/bin/python3",
        closed.display(), path.display()
    )]
    Closed {
        /// A file that is needed.
        path: PathBuf,
        /// A directory on the way to it.
        closed: PathBuf,
    },
    /// The environment is of another version than the linked CPython.
    #[error(
        "the Python environment of {python} is {}.{}, and this unicoro was built against {}.{}: \
         build one for it with\n    PYO3_PYTHON={python} cargo install --path .",
        found.0, found.1, linked.0, linked.1, python = python.display()
    )]
    OtherVersion {
        /// The interpreter of the environment.
        python: PathBuf,
        /// The version of that interpreter: major, minor.
        found: (u32, u32),
        /// The version of the linked CPython: major, minor.
        linked: (u32, u32),
    },
    /// C cannot be told of a path.
    #[error("the path {} holds a NUL", .0.display())]
    NulInPath(PathBuf),
    /// CPython's own words.
    #[error("CPython does not start: {0}")]
    Start(String),
    /// The system's words: no descriptor, no thread.
    #[error("{}", Explained(.0))]
    System(#[from] io::Error),
}
