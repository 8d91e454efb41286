//! Being woken when something changes in a directory: inotify(7).
//!
//! Only that something changed is told, not what: whoever is woken looks for itself.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::fd::check;
use super::raw::raw_read;

/// A set of watched directories.
#[derive(Debug)]
pub struct Inotify(OwnedFd);

impl Inotify {
    /// An empty set.
    ///
    /// # Errors
    /// `EMFILE`: the user has too many of them (fs.inotify.max_user_instances).
    pub fn new() -> io::Result<Inotify> {
        // SAFETY: takes an integer.
        let fd = check(unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) })?;
        // SAFETY: a new descriptor that nobody else owns.
        Ok(Inotify(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Watches `directory`; again is the same.
    ///
    /// # Errors
    /// It is gone, or the user watches too many (fs.inotify.max_user_watches).
    pub fn watch(&self, directory: &Path) -> io::Result<()> {
        const CHANGES: u32 = libc::IN_CLOSE_WRITE
            | libc::IN_MODIFY
            | libc::IN_CREATE
            | libc::IN_DELETE
            | libc::IN_MOVED_FROM
            | libc::IN_MOVED_TO;
        let path = CString::new(directory.as_os_str().as_bytes())?;
        // SAFETY: the path ends in NUL and lives during the call.
        check(unsafe { libc::inotify_add_watch(self.0.as_raw_fd(), path.as_ptr(), CHANGES) })
            .map(drop)
    }

    /// Readable when something has changed.
    #[must_use]
    pub fn raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Forgets what has changed so far.
    pub fn drain(&self) {
        let mut events = [0; 4096];
        // The queue has a limit (fs.inotify.max_queued_events), so this ends.
        while raw_read(self.0.as_raw_fd(), &mut events).is_ok_and(|count| count > 0) {}
    }
}
