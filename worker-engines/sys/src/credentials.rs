//! Users and groups: names to numbers, and giving up root for good.
//!
//! glibc's calls change the credentials of every thread (nptl(7)); the kernel's, which rustix makes,
//! change those of the one that calls.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::ptr;

use rustix::process::{getegid, geteuid};

use crate::fd::check;

/// Whom a worker runs as; `None` where nothing changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    /// The user's number.
    pub uid: Option<u32>,
    /// The group's number.
    pub gid: Option<u32>,
    /// All groups of the user besides.
    pub initgroups: bool,
}

/// The number of a user by name.
#[must_use]
pub fn user_id(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: `name` ends in NUL. The answer lies in memory of libc's that only the next such call
    // changes; this program asks from one thread, at its start and at a reload.
    unsafe { libc::getpwnam(name.as_ptr()).as_ref().map(|entry| entry.pw_uid) }
}

/// The number of a group by name.
#[must_use]
pub fn group_id(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: as in `user_id`.
    unsafe { libc::getgrnam(name.as_ptr()).as_ref().map(|entry| entry.gr_gid) }
}

impl Identity {
    /// Becomes it, with no way back. Call it on a process that has one thread.
    ///
    /// # Errors
    /// `EPERM`: only root can become somebody else.
    pub fn assume(self) -> io::Result<()> {
        let (euid, egid) = (geteuid().as_raw(), getegid().as_raw());
        let gid = self.gid.filter(|gid| *gid != egid);
        let uid = self.uid.filter(|uid| *uid != euid);
        // Groups first: they need the rights that the last step gives up.
        match self.uid {
            Some(uid) if self.initgroups => init_groups(uid, self.gid.unwrap_or(egid))?,
            // gunicorn: keeps root's supplementary groups, and with them what they may read.
            _ if euid == 0 && uid.is_some() => drop_groups()?,
            _ => {}
        }
        if let Some(gid) = gid {
            // SAFETY: takes an integer.
            check(unsafe { libc::setgid(gid) })?;
        }
        if let Some(uid) = uid {
            // SAFETY: takes an integer. As root it sets the real and the saved user as well.
            check(unsafe { libc::setuid(uid) })?;
        }
        Ok(())
    }

    /// Makes an open file its own.
    ///
    /// # Errors
    /// `EPERM`: only root can give a file away.
    pub fn own(self, file: BorrowedFd<'_>) -> io::Result<()> {
        if self.uid.is_none() && self.gid.is_none() {
            return Ok(());
        }
        std::os::unix::fs::fchown(file, self.uid, self.gid)
    }

    /// Makes the file at `path` its own.
    ///
    /// # Errors
    /// `EPERM`: only root can give a file away.
    pub fn own_path(self, path: &Path) -> io::Result<()> {
        if self.uid.is_none() && self.gid.is_none() {
            return Ok(());
        }
        std::os::unix::fs::lchown(path, self.uid, self.gid)
    }
}

fn init_groups(uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: as in `user_id`; the name is copied before anything else is asked.
    let name: Option<CString> = unsafe {
        libc::getpwuid(uid).as_ref().map(|entry| CStr::from_ptr(entry.pw_name).to_owned())
    };
    // A number without a name is in no group.
    let Some(name) = name else { return drop_groups() };
    // SAFETY: the name ends in NUL and lives during the call.
    check(unsafe { libc::initgroups(name.as_ptr(), gid) }).map(drop)
}

fn drop_groups() -> io::Result<()> {
    // SAFETY: no group is read from the null pointer.
    check(unsafe { libc::setgroups(0, ptr::null()) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_by_name_and_nobody_else_is_made_up() {
        assert_eq!((user_id("root"), group_id("root")), (Some(0), Some(0)));
        assert_eq!((user_id("no such user"), group_id("no such group")), (None, None));
    }

    #[test]
    fn nothing_to_change_is_no_error() {
        Identity::default().assume().unwrap();
    }
}
