//! Where log lines go: a standard stream, or a file opened for appending.
//!
//! A sink owns one descriptor whose number never changes. Reopening (USR1, after logrotate moved
//! the file) and redirecting (a reload with another path) replace the open file behind that
//! number in one atomic step; a thread that writes meanwhile writes to the old or the new file.

use std::error::Error;
use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::sys::credentials::Identity;
use crate::sys::fd::{duplicate, replace};
use crate::sys::raw::{raw_poll, raw_write};

/// What "-" stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// The access log's.
    Stdout,
    /// The error log's.
    Stderr,
}

/// One log's destination.
#[derive(Debug)]
pub struct Sink {
    fd: OwnedFd,
    /// `None` for a standard stream.
    path: Mutex<Option<PathBuf>>,
    stream: Stream,
}

impl Sink {
    /// Opens `target`: `-` for the stream, else the path of a file to append to.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(target: &str, stream: Stream) -> Result<Arc<Sink>, LogError> {
        let (fd, path) = open_target(target, stream)?;
        let sink = Arc::new(Sink { fd, path: Mutex::new(path), stream });
        register(&sink);
        Ok(sink)
    }

    /// Sends further lines to `target`. On an error the old one stays.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn redirect(&self, target: &str) -> Result<(), LogError> {
        let (fd, path) = open_target(target, self.stream)?;
        self.swap(&fd, target)?;
        *self.path.lock().unwrap_or_else(PoisonError::into_inner) = path;
        Ok(())
    }

    /// Opens the file anew under the same path. Does nothing for a stream.
    ///
    /// # Errors
    /// The file cannot be opened; lines go on to the old one.
    pub fn reopen(&self) -> Result<(), LogError> {
        let path = self.path.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(path) = path else { return Ok(()) };
        let fd = open_file(&path)?;
        self.swap(&fd, &path.display().to_string())
    }

    /// Writes one whole line, its newline included.
    ///
    /// A log that takes no more (a full disk, a pipe nobody reads) costs lines, never the server.
    pub fn write_line(&self, line: &[u8]) {
        write_all(self.fd.as_raw_fd(), line);
    }

    /// The descriptor, to let another one point to the same file.
    pub(super) fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn swap(&self, fd: &OwnedFd, target: &str) -> Result<(), LogError> {
        replace(self.fd.as_raw_fd(), fd.as_fd())
            .map_err(|source| LogError { target: target.to_owned(), source })
    }
}

/// Reopens every log of this process that goes to a file.
///
/// # Errors
/// The first that failed; the others have been reopened all the same.
pub fn reopen() -> Result<(), LogError> {
    let sinks: Vec<_> = registry().iter().filter_map(Weak::upgrade).collect();
    let results: Vec<_> = sinks.iter().map(|sink| sink.reopen()).collect();
    results.into_iter().collect()
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

fn open_target(target: &str, stream: Stream) -> Result<(OwnedFd, Option<PathBuf>), LogError> {
    let error = |source| LogError { target: target.to_owned(), source };
    if target == "-" {
        let number = match stream {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
        };
        return Ok((duplicate(number).map_err(error)?, None));
    }
    // Absolute, because the server may change its directory before the log is reopened.
    let path = std::path::absolute(target).map_err(error)?;
    Ok((open_file(&path)?, Some(path)))
}

/// From now on log files are given to `owner`, so that workers which are no longer root can reopen
/// them.
pub fn own_files(owner: Identity) {
    *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = owner;
}

static OWNER: Mutex<Identity> = Mutex::new(Identity { uid: None, gid: None, initgroups: false });

fn open_file(path: &Path) -> Result<OwnedFd, LogError> {
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

/// Normally one write. The rest of a line that the kernel took in part, or that a full
/// non-blocking pipe refused, is tried again for a moment.
fn write_all(fd: RawFd, mut line: &[u8]) {
    // 100 x 10 ms: a reader that is behind by a second is taken to be gone.
    const MAX_TRIES: usize = 100;
    const WAIT: Duration = Duration::from_millis(10);
    for _ in 0..MAX_TRIES {
        match raw_write(fd, line) {
            Ok(written) => line = &line[written.min(line.len())..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut fds = [libc::pollfd { fd, events: libc::POLLOUT, revents: 0 }];
                // An error here shows again at the next write.
                let _ = raw_poll(&mut fds, Some(WAIT));
            }
            Err(_) => return,
        }
        if line.is_empty() {
            return;
        }
    }
}

/// All sinks of the process, so that USR1 needs to know none of them.
static SINKS: Mutex<Vec<Weak<Sink>>> = Mutex::new(Vec::new());

fn registry() -> std::sync::MutexGuard<'static, Vec<Weak<Sink>>> {
    SINKS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn register(sink: &Arc<Sink>) {
    let mut sinks = registry();
    sinks.retain(|known| known.strong_count() > 0);
    sinks.push(Arc::downgrade(sink));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn path(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("unicoro-{}-{name}.log", std::process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    #[test]
    fn a_rotated_file_is_opened_anew() {
        let path = path("rotated");
        let moved = path.with_extension("1");
        let sink = Sink::open(path.to_str().unwrap(), Stream::Stderr).unwrap();
        sink.write_line(b"one\n");
        fs::rename(&path, &moved).unwrap();
        sink.write_line(b"two\n");
        sink.reopen().unwrap();
        sink.write_line(b"three\n");
        assert_eq!(fs::read_to_string(&moved).unwrap(), "one\ntwo\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
        fs::remove_file(path).unwrap();
        fs::remove_file(moved).unwrap();
    }

    #[test]
    fn a_file_is_appended_to() {
        let path = path("appended");
        fs::write(&path, "old\n").unwrap();
        Sink::open(path.to_str().unwrap(), Stream::Stdout).unwrap().write_line(b"new\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old\nnew\n");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_redirect_that_fails_keeps_the_old_file() {
        let path = path("kept");
        let sink = Sink::open(path.to_str().unwrap(), Stream::Stderr).unwrap();
        let error = sink.redirect("/nonexistent/x.log").unwrap_err();
        assert!(error.to_string().contains("/nonexistent/x.log"), "{error}");
        sink.write_line(b"still here\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "still here\n");
        fs::remove_file(path).unwrap();
    }
}
