//! What a log is written to is opened here: a standard stream, or a file to append to, which may be given
//! to the workers' user.

use std::error::Error;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use unicoro_sys::credentials::Identity;
use unicoro_sys::fd::{duplicate, open_standard_streams};

/// What "-" stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StandardStream {
    /// The access log's.
    Stdout,
    /// The error log's.
    Stderr,
}

/// Opens `target`: `-` for the stream, else a file, whose absolute path comes back as well.
pub fn open_target(
    target: &str,
    stream: StandardStream,
) -> Result<(OwnedFd, Option<PathBuf>), LogError> {
    let error = |source| LogError { target: target.to_owned(), source };
    if target == "-" {
        let number = match stream {
            StandardStream::Stdout => 1,
            StandardStream::Stderr => 2,
        };
        // The config file may have closed it.
        let opened = open_standard_streams().and_then(|()| duplicate(number));
        return Ok((opened.map_err(error)?, None));
    }
    // Absolute, because the server may change its directory before the log is reopened.
    let path = std::path::absolute(target).map_err(error)?;
    Ok((open_file(&path)?, Some(path)))
}

/// Whether it is a regular file.
pub fn is_regular_file(fd: BorrowedFd<'_>) -> bool {
    let copy = fd.try_clone_to_owned().map(File::from);
    copy.and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.is_file())
}

/// From now on log files are given to `owner`, so that workers which are no longer root can reopen
/// them.
pub fn own_files(owner: Identity) {
    *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = owner;
}

static OWNER: Mutex<Identity> = Mutex::new(Identity { uid: None, gid: None, initgroups: false });

/// Opens a file to append to.
pub fn open_file(path: &Path) -> Result<OwnedFd, LogError> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map(OwnedFd::from)
        .map_err(|source| LogError { target: path.display().to_string(), source })?;
    let owner = *OWNER.lock().unwrap_or_else(PoisonError::into_inner);
    // Not allowed to anyone but root. It is open all the same; only a reopening may fail later, and
    // says so then.
    let _ = owner.own(file.as_fd());
    Ok(file)
}

/// A log's file could not be opened.
#[derive(Debug)]
pub struct LogError {
    /// The path, or `-`.
    pub target: String,
    /// The system's reason.
    pub source: io::Error,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot open the log {}: {}; check the path and who may write there",
            self.target, self.source
        )
    }
}

impl Error for LogError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}
