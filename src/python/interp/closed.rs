//! Which directory keeps this user from a file. CPython, whose own files it may not read, answers with a
//! page that names none, and an import with "No module named".

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::python::error::PythonError;

/// As many links as the kernel follows (path_resolution(7)).
const LINKS: usize = 40;

/// Whether this user can get to a file of Python's. One that is not there is no matter here.
///
/// # Errors
/// A directory on the way to it is closed to this user.
pub fn check(path: &Path) -> Result<(), PythonError> {
    closed_directory(path, LINKS)
        .map_or(Ok(()), |closed| Err(PythonError::Closed { path: path.to_owned(), closed }))
}

fn closed_directory(path: &Path, links: usize) -> Option<PathBuf> {
    let is_closed = |place: &&Path| {
        place.metadata().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    };
    let from_the_root: Vec<_> = path.ancestors().collect();
    let first = from_the_root.into_iter().rev().find(is_closed)?;
    let directory = first.parent()?;
    match first.read_link() {
        // The link can be read, and what it leads to cannot.
        Ok(target) if links > 0 => closed_directory(&directory.join(target), links - 1),
        _ => Some(directory.to_owned()),
    }
}
