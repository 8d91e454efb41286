//! Where log lines go: a standard stream, or a file opened for appending.
//!
//! A sink owns one descriptor whose number never changes. Reopening (USR1, after logrotate moved
//! the file) and redirecting (a reload with another path) replace the open file behind that
//! number in one atomic step; a thread that writes meanwhile writes to the old or the new file.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use unicoro_sys::bytes::{write, write_nowait};
use unicoro_sys::fd::replace;
use unicoro_sys::poll::{poll, writable};

use super::backlog::Backlog;
use super::destination::{LogError, StandardStream, is_regular_file, open_file, open_target};

/// One log's destination.
#[derive(Debug)]
pub struct Sink {
    fd: OwnedFd,
    /// `None` for a standard stream.
    path: Mutex<Option<PathBuf>>,
    stream: StandardStream,
    /// Whether it is a regular file just now.
    is_file: AtomicBool,
    backlog: Mutex<Backlog>,
}

/// Signals come one by one; a write that is interrupted more often than this is given up.
const MAX_INTERRUPTIONS: usize = 16;

impl Sink {
    /// Opens `target`: `-` for the stream, else the path of a file to append to.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(target: &str, stream: StandardStream) -> Result<Arc<Sink>, LogError> {
        let (fd, path) = open_target(target, stream)?;
        let is_file = AtomicBool::new(is_regular_file(fd.as_fd()));
        let backlog = Mutex::default();
        let sink = Arc::new(Sink { fd, path: Mutex::new(path), stream, is_file, backlog });
        register(&sink);
        Ok(sink)
    }

    #[cfg(test)]
    fn over(fd: OwnedFd) -> Sink {
        Sink {
            fd,
            path: Mutex::default(),
            stream: StandardStream::Stdout,
            is_file: AtomicBool::new(false),
            backlog: Mutex::default(),
        }
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
    /// Never waits. A log that takes no more (a full disk, a pipe nobody reads) costs lines, which
    /// are counted, never the server.
    pub fn write_line(&self, line: &[u8]) {
        let mut backlog = self.backlog();
        if !backlog.is_empty() {
            self.write_backlog(&mut backlog);
        }
        let mut is_first_loss = false;
        if backlog.is_empty() {
            match self.write_now(line) {
                Ok(written) if written == line.len() => {}
                Ok(0) => is_first_loss = !backlog.push(line),
                Ok(written) => backlog.push_rest(&line[written..]),
                Err(_) => return,
            }
        } else {
            is_first_loss = !backlog.push(line);
        }
        let (is_stuck, lost) = (!backlog.is_empty(), backlog.take_dropped());
        drop(backlog);
        if is_stuck {
            wake_drain();
        }
        self.report(lost, is_first_loss);
    }

    fn is_stuck(&self) -> bool {
        !self.backlog().is_empty()
    }

    fn flush(&self) {
        let mut backlog = self.backlog();
        self.write_backlog(&mut backlog);
        let lost = backlog.take_dropped();
        drop(backlog);
        self.report(lost, false);
    }

    fn backlog(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_backlog(&self, backlog: &mut Backlog) {
        while !backlog.front().is_empty() {
            match self.write_now(backlog.front()) {
                Ok(0) => return,
                Ok(written) => backlog.written(written),
                Err(_) => backlog.clear(),
            }
        }
    }

    /// How much was taken at once; 0: nothing can be.
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let is_file = self.is_file.load(Ordering::Relaxed);
        for _ in 0..MAX_INTERRUPTIONS {
            // A disk may be slow, but a file takes what it is given; and not every file system
            // knows writes that do not wait.
            let written =
                if is_file { write(&self.fd, bytes) } else { write_nowait(&self.fd, bytes) };
            match written {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                written => return written,
            }
        }
        Ok(0)
    }

    /// Says in the error log what was lost. The caller holds no lock: this may be the same log.
    fn report(&self, lost: u64, is_first_loss: bool) {
        let name = self.name();
        if is_first_loss {
            log::warn!("the log {name} takes no more lines; further ones are dropped and counted");
        }
        if lost > 0 {
            log::warn!("{lost} lines of the log {name} were dropped, its reader was too slow");
        }
    }

    fn name(&self) -> String {
        match (&*self.path.lock().unwrap_or_else(PoisonError::into_inner), self.stream) {
            (Some(path), _) => path.display().to_string(),
            (None, StandardStream::Stdout) => "standard output".to_owned(),
            (None, StandardStream::Stderr) => "standard error".to_owned(),
        }
    }

    /// The descriptor, to let another one point to the same file.
    pub(super) fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn swap(&self, fd: &OwnedFd, target: &str) -> Result<(), LogError> {
        replace(self.fd.as_raw_fd(), fd.as_fd())
            .map_err(|source| LogError { target: target.to_owned(), source })?;
        self.is_file.store(is_regular_file(fd.as_fd()), Ordering::Relaxed);
        Ok(())
    }
}

/// Reopens every log of this process that goes to a file.
///
/// # Errors
/// The first that failed; the others have been reopened all the same.
pub fn reopen() -> Result<(), LogError> {
    let results: Vec<_> = all().iter().map(|sink| sink.reopen()).collect();
    results.into_iter().collect()
}

/// Waits for stuck logs, in a thread of its own that ends when they flow.
fn drain_all() {
    // Looked for again this often, so that a log that became stuck meanwhile is not forgotten.
    const LOOK: Duration = Duration::from_millis(200);
    loop {
        let stuck: Vec<_> = all().into_iter().filter(|sink| sink.is_stuck()).collect();
        if stuck.is_empty() {
            break;
        }
        let mut fds: Vec<_> = stuck.iter().map(|sink| writable(sink.fd.as_fd())).collect();
        // An error here shows again at the next write.
        let _ = poll(&mut fds, Some(LOOK));
        stuck.iter().for_each(|sink| sink.flush());
    }
    IS_DRAINING.store(false, Ordering::SeqCst);
}

/// Tries to write what waits in every log of the process.
pub fn flush() {
    all().iter().filter(|sink| sink.is_stuck()).for_each(|sink| sink.flush());
}

/// Before the end: gives stuck logs a moment more.
pub fn finish() {
    const PATIENCE: Duration = Duration::from_millis(500);
    const STEP: Duration = Duration::from_millis(10);
    for _ in 0..PATIENCE.as_millis() / STEP.as_millis() {
        flush();
        if !all().iter().any(|sink| sink.is_stuck()) {
            return;
        }
        // A plain wait on nothing: a sleep of std's would be ours, and park a green thread.
        let _ = poll(&mut [], Some(STEP));
    }
}

/// From now on a thread writes what a stuck log could not take. Only for a process that never forks
/// by itself: the supervisor, which does, tries again at each turn of its loop.
pub fn drain_in_background() {
    MAY_DRAIN.store(true, Ordering::Relaxed);
}

static MAY_DRAIN: AtomicBool = AtomicBool::new(false);
static IS_DRAINING: AtomicBool = AtomicBool::new(false);

fn wake_drain() {
    if MAY_DRAIN.load(Ordering::Relaxed) && !IS_DRAINING.swap(true, Ordering::SeqCst) {
        let thread = thread::Builder::new().name("log".into()).spawn(drain_all);
        if thread.is_err() {
            // No thread to be had: the next line tries again.
            IS_DRAINING.store(false, Ordering::SeqCst);
        }
    }
}

fn all() -> Vec<Arc<Sink>> {
    registry().iter().filter_map(Weak::upgrade).collect()
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
    use std::fs::{self, File};

    fn path(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("unicoro-{}-{name}.log", std::process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    #[test]
    fn a_rotated_file_is_opened_anew() {
        let path = path("rotated");
        let moved = path.with_extension("1");
        let sink = Sink::open(path.to_str().unwrap(), StandardStream::Stderr).unwrap();
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
        Sink::open(path.to_str().unwrap(), StandardStream::Stdout).unwrap().write_line(b"new\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old\nnew\n");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_redirect_that_fails_keeps_the_old_file() {
        let path = path("kept");
        let sink = Sink::open(path.to_str().unwrap(), StandardStream::Stderr).unwrap();
        let error = sink.redirect("/nonexistent/x.log").unwrap_err();
        assert!(error.to_string().contains("/nonexistent/x.log"), "{error}");
        sink.write_line(b"still here\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "still here\n");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_pipe_that_nobody_reads_delays_nobody_and_flows_on_when_it_is_read() {
        use std::io::Read;
        use unicoro_sys::pipe::pipe;
        let (reader, writer) = pipe().unwrap();
        let sink = Sink::over(writer);
        let line = [b'x'; 999].into_iter().chain([b'\n']).collect::<Vec<u8>>();
        // A pipe holds 64 KiB, the backlog 256 KiB: some of these are lost.
        let began = std::time::Instant::now();
        (0..400).for_each(|_| sink.write_line(&line));
        assert!(began.elapsed() < Duration::from_secs(5), "a write has waited");
        assert!(sink.is_stuck());
        let reader = thread::spawn(move || {
            let mut text = Vec::new();
            File::from(reader).read_to_end(&mut text).unwrap();
            text
        });
        while sink.is_stuck() {
            sink.flush();
            thread::yield_now();
        }
        drop(sink);
        let text = reader.join().unwrap();
        assert!(text.len() > 256 * 1000 && text.len() < 400 * 1000, "{}", text.len());
        assert!(text.chunks(1000).all(|chunk| chunk == line), "lines stay whole");
    }
}
