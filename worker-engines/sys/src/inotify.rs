//! Being woken when something changes in a directory: inotify(7).
//!
//! Only that something changed is told, not what: whoever is woken looks for itself.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

use crate::bytes::read;

/// A set of watched directories.
#[derive(Debug)]
pub struct Inotify(OwnedFd);

impl Inotify {
    /// An empty set.
    ///
    /// # Errors
    /// `EMFILE`: the user has too many of them (fs.inotify.max_user_instances).
    pub fn new() -> io::Result<Inotify> {
        Ok(Inotify(init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?))
    }

    /// Watches `directory`; again is the same.
    ///
    /// # Errors
    /// It is gone, or the user watches too many (fs.inotify.max_user_watches).
    pub fn watch(&self, directory: &Path) -> io::Result<()> {
        let changes = WatchFlags::CLOSE_WRITE
            | WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE;
        add_watch(&self.0, directory, changes)?;
        Ok(())
    }

    /// Forgets what has changed so far.
    pub fn drain(&self) {
        let mut events = [0; 4096];
        // The queue has a limit (fs.inotify.max_queued_events), so this ends.
        while read(&self.0, &mut events).is_ok_and(|count| count > 0) {}
    }
}

impl AsFd for Inotify {
    /// Readable when something has changed.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
