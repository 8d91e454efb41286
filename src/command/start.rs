//! How the program was started: what its doors know, and nobody else asks.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::python;

/// The way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The executable that cargo builds, with libpython linked to it.
    Executable,
    /// The wheel's library, in the user's own interpreter.
    Wheel,
}

/// A start of the program.
#[derive(Clone, Debug)]
pub struct Start {
    /// The way in.
    pub door: Door,
    /// The program's name, and what was typed behind it.
    pub arguments: Vec<OsString>,
    /// What starts the same anew, by its name and not by what is behind it: on an upgrade another file
    /// will be there. Its own name and arguments are `command_line`.
    pub program: PathBuf,
    /// See `program`.
    pub command_line: Vec<OsString>,
}

impl Start {
    /// That of the executable.
    #[must_use]
    pub fn executable() -> Self {
        let arguments: Vec<_> = std::env::args_os().collect();
        let name = arguments.first().map(OsString::as_os_str).unwrap_or_default();
        let program = find(name);
        Self { door: Door::Executable, command_line: arguments.clone(), arguments, program }
    }

    /// What `--version` says.
    #[must_use]
    pub fn version(&self) -> String {
        // Figures of a debug build are worth nothing, and operators should not have it.
        let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
        let (own, python) = (env!("CARGO_PKG_VERSION"), python::description());
        format!("unicoro {own} ({}, {build}, {python})", self.door)
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Executable => "executable",
            Self::Wheel => "wheel",
        })
    }
}

/// As a shell finds it: by its path, or in PATH.
fn find(name: &OsStr) -> PathBuf {
    let name = Path::new(name);
    if name.components().count() > 1 {
        return name.to_owned();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found.into_iter().find(|path| path.is_file()).unwrap_or_else(|| "/proc/self/exe".into())
}
