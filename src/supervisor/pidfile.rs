//! Files that hold a process id, made so that two servers cannot both believe they own one.
//!
//! ```text
//!   write PATH.<pid>  ── link(PATH.<pid>, PATH) ── ok: ours
//!                              └─ exists: owner alive? -> Taken(pid)
//!                                         stale?       -> unlink, once more
//! ```
//!
//! link(2) fails when the target exists, and the file is complete before it gets its name: nobody
//! ever reads half a number. It is removed only while it still holds our number.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use unicoro_sys::process::Pid;

/// Tries before giving up on a path that others keep writing to.
const MAX_TRIES: usize = 5;

/// A pid file that we own. Dropping it leaves it in place; see [`PidFile::remove`].
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    owner: Pid,
}

impl PidFile {
    /// Writes our process id to `path`.
    ///
    /// # Errors
    /// [`PidFileError::Taken`] when a live process owns it, or why it cannot be written.
    pub fn create(path: &Path) -> Result<PidFile, PidFileError> {
        let cannot_write = |source| PidFileError::Io { path: path.to_owned(), source };
        // Absolute, because the server may change its directory later.
        let path = std::path::absolute(path).map_err(cannot_write)?;
        let owner = Pid::me();
        let draft = draft_path(&path, owner);
        fs::write(&draft, format!("{owner}\n")).map_err(cannot_write)?;
        let linked = link_or_replace(&draft, &path, owner);
        // A draft that stays behind harms nobody; the outcome of the link is what counts.
        let _ = fs::remove_file(&draft);
        linked.map(|()| PidFile { path, owner })
    }

    /// Whether [`PidFile::create`] would find a live owner; for a start that should not begin then.
    ///
    /// # Errors
    /// [`PidFileError::Taken`].
    pub fn check(path: &Path) -> Result<(), PidFileError> {
        match live_owner(path, Pid::me()) {
            Some(owner) => Err(PidFileError::Taken { path: path.to_owned(), owner }),
            None => Ok(()),
        }
    }

    /// Writes it once more if it is not there: somebody has removed it, or its folder is behind a
    /// symlink that was switched.
    ///
    /// # Errors
    /// As [`PidFile::create`].
    pub fn renew(&self) -> Result<(), PidFileError> {
        if read_owner(&self.path) == Some(self.owner) {
            return Ok(());
        }
        PidFile::create(&self.path).map(drop)
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file, unless another process has written its own number there, or we are a
    /// forked child of the owner.
    pub fn remove(self) {
        if Pid::me() == self.owner && read_owner(&self.path) == Some(self.owner) {
            // Gone already, or not removable: the number in it is about to be stale either way.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Why there is no pid file.
#[derive(Debug)]
pub enum PidFileError {
    /// A process that runs has it.
    Taken {
        /// The file.
        path: PathBuf,
        /// The process named in it.
        owner: Pid,
    },
    /// The system's reason.
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl fmt::Display for PidFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PidFileError::Taken { path, owner } => write!(
                f,
                "the pid file {} belongs to process {owner} ({}), which is running; stop it, choose \
                 another file with --pid, or, if this is another program, remove the file",
                path.display(),
                owner.name().unwrap_or_default()
            ),
            PidFileError::Io { path, source } => {
                write!(f, "cannot write the pid file {}: {source}", path.display())?;
                match source.kind() {
                    io::ErrorKind::NotFound => write!(f, "; make the directory"),
                    _ if path.is_dir() => write!(f, "; it is a directory, name a file in it"),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl Error for PidFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            PidFileError::Taken { .. } => None,
            PidFileError::Io { source, .. } => Some(source),
        }
    }
}

/// Where the pid file is of a master whose predecessor still has the real one.
#[must_use]
pub fn second_pidfile(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".2");
    PathBuf::from(name)
}

fn link_or_replace(draft: &Path, path: &Path, me: Pid) -> Result<(), PidFileError> {
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..MAX_TRIES {
        match fs::hard_link(draft, path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(source) => return Err(PidFileError::Io { path: path.to_owned(), source }),
        }
        match live_owner(path, me) {
            Some(owner) => return Err(PidFileError::Taken { path: path.to_owned(), owner }),
            None => drop(fs::remove_file(path)),
        }
    }
    Err(PidFileError::Io { path: path.to_owned(), source: last })
}

fn live_owner(path: &Path, me: Pid) -> Option<Pid> {
    // Our own number: a former run in a container, where numbers repeat.
    read_owner(path).filter(|owner| *owner != me && owner.is_alive())
}

fn draft_path(path: &Path, owner: Pid) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{owner}.new"));
    PathBuf::from(name)
}

/// The number in the file; `None` when it is missing or holds something else.
fn read_owner(path: &Path) -> Option<Pid> {
    fs::read_to_string(path).ok()?.trim().parse().ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicoro_sys::process::{Fork, exit_now, fork, wait_for};

    fn path(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("unicoro-{}-{name}.pid", Pid::me()));
        let _ = fs::remove_file(&path);
        path
    }

    #[test]
    fn it_holds_our_pid_and_goes_with_us() {
        let path = path("ours");
        let file = PidFile::create(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", Pid::me()));
        assert!(!draft_path(&path, Pid::me()).exists());
        file.remove();
        assert!(!path.exists());
    }

    #[test]
    fn a_live_owner_is_named() {
        let path = path("live");
        fs::write(&path, format!("{}\n", Pid::parent())).unwrap();
        let error = PidFile::create(&path).unwrap_err();
        assert!(error.to_string().contains(&format!("process {}", Pid::parent())), "{error}");
        assert!(path.exists());
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_stale_one_is_replaced() {
        let path = path("stale");
        let Fork::Parent(gone) = fork().unwrap() else { exit_now(0) };
        wait_for(gone).unwrap();
        for text in [gone.to_string(), "garbage".to_owned(), String::new()] {
            fs::write(&path, text).unwrap();
            PidFile::create(&path).unwrap().remove();
            assert!(!path.exists());
        }
    }

    #[test]
    fn that_of_a_zombie_is_replaced() {
        let path = path("zombie");
        let Fork::Parent(zombie) = fork().unwrap() else { exit_now(0) };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while zombie.is_alive() && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        fs::write(&path, zombie.to_string()).unwrap();
        PidFile::create(&path).unwrap().remove();
        wait_for(zombie).unwrap();
    }

    #[test]
    fn one_that_another_process_took_over_stays() {
        let path = path("theirs");
        let file = PidFile::create(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        file.remove();
        assert!(path.exists());
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let error = PidFile::create(Path::new("/nonexistent/x.pid")).unwrap_err();
        assert!(error.to_string().starts_with("cannot write the pid file /nonexistent/x.pid"));
    }
}
