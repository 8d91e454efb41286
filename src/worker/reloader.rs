//! `--reload`: watches the application's files, and asks for a successor when one changes.
//!
//! ```text
//!   list the files ─► remember their times ─► wait: inotify, or a second ─► a time differs? ─► retire
//!        ^──────────────────────────────────────────────────────── no ────────────┘
//! ```
//!
//! The worker serves on until its successor is ready, as for max_requests. inotify only ends the
//! wait early: both engines decide by the files' times, so neither sees what the other does not.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::config::Reload;
use crate::python;
use crate::supervisor::WorkerSeat;
use crate::sys::inotify::Inotify;
use crate::sys::raw::{raw_poll, readable};

/// Between two looks; modules that were imported meanwhile are found then.
const LOOK: Duration = Duration::from_secs(1);
/// An editor that saves several files, or a checkout, is given this long to end.
const SETTLE: Duration = Duration::from_millis(50);

/// What a file looked like: its time, and its length for file systems with coarse times.
type Look = (SystemTime, u64);

/// Watches, in a thread of its own. `failure` is the traceback of an application that did not load.
pub fn start(
    settings: &Reload,
    failure: Option<String>,
    seat: &Arc<WorkerSeat>,
) -> Result<(), String> {
    let inotify = match settings.by_inotify {
        Some(false) => None,
        Some(true) => {
            Some(Inotify::new().map_err(|error| format!("reload_engine: no inotify: {error}"))?)
        }
        None => Inotify::new().ok(),
    };
    let mut reloader = Reloader {
        extra_files: settings.extra_files.clone(),
        failure,
        inotify,
        watched: HashSet::new(),
        known: HashMap::new(),
    };
    reloader.look();
    let seat = Arc::clone(seat);
    thread::Builder::new()
        .name("reloader".into())
        .spawn(move || {
            let path = reloader.wait_for_change();
            log::info!("Worker reloading: {} modified", path.display());
            seat.retiring();
        })
        .map(drop)
        .map_err(|error| format!("no thread for the reloader: {error}"))
}

struct Reloader {
    extra_files: Vec<PathBuf>,
    failure: Option<String>,
    inotify: Option<Inotify>,
    watched: HashSet<PathBuf>,
    known: HashMap<PathBuf, Look>,
}

impl Reloader {
    fn wait_for_change(mut self) -> PathBuf {
        loop {
            self.wait();
            if let Some(path) = self.look() {
                return path;
            }
        }
    }

    fn wait(&self) {
        let mut fds: Vec<_> =
            self.inotify.iter().map(|inotify| readable(inotify.raw_fd())).collect();
        // A poll that fails is a wait that ends early.
        if raw_poll(&mut fds, Some(LOOK)).is_ok_and(|count| count > 0) {
            let _ = raw_poll(&mut [], Some(SETTLE));
            self.inotify.iter().for_each(Inotify::drain);
        }
    }

    /// The first file that has changed since the last look. One that is gone has not: editors take
    /// a file away before they put the new one in its place.
    fn look(&mut self) -> Option<PathBuf> {
        let files = python::files_to_watch(&self.extra_files, self.failure.as_deref());
        let files = match files {
            Ok(files) => files,
            Err(text) => {
                log::debug!("the reloader cannot list the modules: {text}");
                return None;
            }
        };
        let mut changed = None;
        for path in files {
            let Some(look) = look_at(&path) else { continue };
            self.watch_directory(&path);
            if self.known.insert(path.clone(), look).is_some_and(|before| before != look) {
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
    Some((metadata.modified().ok()?, metadata.len()))
}
