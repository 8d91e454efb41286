//! A path in the file system that is ours to remove: a unix socket's.
//!
//! Only the process that made it removes it, and only while it is still that very file.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use unicoro_sys::process::Pid;

/// A path in the file system that is ours to remove.
#[derive(Debug)]
pub(super) struct OwnedPath {
    path: PathBuf,
    owner: Pid,
    device: u64,
    inode: u64,
}

impl OwnedPath {
    /// Takes over a file that is there.
    pub(super) fn of(path: &Path) -> io::Result<OwnedPath> {
        let found = fs::symlink_metadata(path)?;
        let (device, inode) = (found.dev(), found.ino());
        // Absolute, because the server may change its directory later.
        Ok(OwnedPath { path: std::path::absolute(path)?, owner: Pid::me(), device, inode })
    }

    /// Not in a forked child, and not when another server has bound the path since.
    pub(super) fn remove(&self) {
        let is_same = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if is_same && Pid::me() == self.owner {
            // A path that cannot be removed is stale, and is cleared by the next server.
            let _ = fs::remove_file(&self.path);
        }
    }
}
