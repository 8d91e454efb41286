//! `--reload`: watches the application's files, and asks for a successor when one changes.
//!
//! ```text
//!   list the files ─► does one look otherwise? ── yes ─► retire
//!        ^                     no: remember all, and wait: inotify, or a second
//!        └──────────────────────────┘
//! ```
//!
//! A module's file is compared with what was loaded, however long ago that was; one that could be
//! imported, such as a module that did not exist, counts when it appears.
//!
//! The worker serves on until its successor is ready, as for max_requests. inotify only ends the
//! wait early: both engines decide by the files' times, so neither sees what the other does not.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use unicoro_sys::inotify::Inotify;
use unicoro_sys::poll::{poll, readable};

use super::error::BootError;
use crate::config::Reload;
use crate::python::{self, Look};
use crate::supervisor::Station;

/// Between two looks; modules that were imported meanwhile are found then.
const LOOK: Duration = Duration::from_secs(1);
/// An editor that saves several files, or a checkout, is given this long to end.
const SETTLE: Duration = Duration::from_millis(50);

/// What watches the files of one worker.
pub struct Reloader {
    extra_files: Vec<PathBuf>,
    failure: Option<String>,
    inotify: Option<Inotify>,
    watched: HashSet<PathBuf>,
    known: HashMap<PathBuf, Look>,
}

impl Reloader {
    /// Before the application is loaded, from these folders and whatever Python's path has besides.
    ///
    /// # Errors
    /// No inotify where it was asked for, or a bug.
    pub fn new(settings: &Reload, folders: &[&Path]) -> Result<Self, BootError> {
        python::begin_watching(folders, &settings.extra_files)?;
        let inotify = match settings.by_inotify {
            Some(false) => None,
            Some(true) => Some(Inotify::new().map_err(BootError::Inotify)?),
            None => Inotify::new().ok(),
        };
        Ok(Self {
            extra_files: settings.extra_files.clone(),
            failure: None,
            inotify,
            watched: HashSet::new(),
            known: HashMap::new(),
        })
    }

    /// The application did not load: the traceback.
    pub fn failed(&mut self, traceback: String) {
        self.failure = Some(traceback);
    }

    /// Watches, in a thread of its own. The worker of `station` is ready.
    ///
    /// # Errors
    /// No thread is left.
    pub fn start(self, station: &Arc<Station>) -> io::Result<()> {
        let station = Arc::clone(station);
        let watch = move || {
            let path = self.wait_for_change();
            log::info!("Worker reloading: {} modified", path.display());
            station.retiring();
        };
        thread::Builder::new().name("reloader".into()).spawn(watch).map(drop)
    }

    fn wait_for_change(mut self) -> PathBuf {
        loop {
            if let Some(path) = self.look() {
                return path;
            }
            self.wait();
        }
    }

    fn wait(&self) {
        let mut fds: Vec<_> =
            self.inotify.iter().map(|inotify| readable(inotify.as_fd())).collect();
        // A poll that fails is a wait that ends early.
        if poll(&mut fds, Some(LOOK)).is_ok_and(|count| count > 0) {
            let _ = poll(&mut [], Some(SETTLE));
            self.inotify.iter().for_each(Inotify::drain);
        }
    }

    /// The first file that has changed since the last look. One that is gone has not: editors take
    /// a file away before they put the new one in its place.
    fn look(&mut self) -> Option<PathBuf> {
        let files = python::files_to_watch(&self.extra_files, self.failure.as_deref());
        let files = match files {
            Ok(files) => files,
            Err(error) => {
                log::debug!("the reloader cannot list the modules: {error}");
                return None;
            }
        };
        let mut changed = None;
        for (path, loaded) in files {
            let Some(look) = look_at(&path) else { continue };
            self.watch_directory(&path);
            let before = self.known.insert(path.clone(), look).or(loaded);
            if before.is_some_and(|before| before != look) {
                changed = Some(path);
            }
        }
        changed
    }

    fn watch_directory(&mut self, path: &Path) {
        let (Some(inotify), Some(directory)) = (&self.inotify, path.parent()) else { return };
        if !self.watched.contains(directory) {
            // One that cannot be watched is still looked at every second.
            let _ = inotify.watch(directory);
            self.watched.insert(directory.to_owned());
        }
    }
}

fn look_at(path: &Path) -> Option<Look> {
    let metadata = fs::metadata(path).ok()?;
    let nanoseconds = i128::from(metadata.mtime()) * 1_000_000_000;
    Some((nanoseconds + i128::from(metadata.mtime_nsec()), metadata.len()))
}
