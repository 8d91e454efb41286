//! What of ASGI's extensions is offered to a request (asgiref, docs/extensions.rst), and what their
//! messages say.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyDict, PyString};
use unicoro_contract::buffers;

use crate::http::{Fields, Head, Version, takes_trailers};
use crate::python::gil::attach::detached;
use crate::python::interp::interned::interned;
use crate::python::wsgi::file_wrapper::is_sendfile_used;

/// A file that is sent in the body's place.
pub const PATHSEND: &str = "http.response.pathsend";
/// Fields behind the body.
pub const TRAILERS: &str = "http.response.trailers";
/// A 103.
pub const EARLY_HINT: &str = "http.response.early_hint";

/// Makes the dicts of `scope["extensions"]`.
pub struct Extensions {
    // If files are sent so.
    file: Option<Py<PyString>>,
    early_hint: Py<PyString>,
    trailers: Py<PyString>,
}

impl Extensions {
    /// For all requests of a worker.
    pub fn new(py: Python<'_>) -> Self {
        let name = |name: &str| PyString::intern(py, name).unbind();
        let file = is_sendfile_used().then(|| name(PATHSEND));
        Self { file, early_hint: name(EARLY_HINT), trailers: name(TRAILERS) }
    }

    /// Those of a request: its own, whatever is done with them.
    ///
    /// # Errors
    /// No memory.
    pub fn of<'py>(&self, py: Python<'py>, head: &Head<'_>) -> PyResult<Bound<'py, PyDict>> {
        let offered = PyDict::new(py);
        if let Some(file) = &self.file {
            offered.set_item(file, PyDict::new(py))?;
        }
        if head.version == Version::Http11 {
            offered.set_item(&self.early_hint, PyDict::new(py))?;
            if takes_trailers(head) {
                offered.set_item(&self.trailers, PyDict::new(py))?;
            }
        }
        Ok(offered)
    }
}

/// The file that a message names, and its length in bytes. Never waits for one: a FIFO is none.
///
/// # Errors
/// It names none, or the file cannot be opened: Python's OSError, with its name.
pub fn file(message: &Bound<'_, PyDict>) -> PyResult<(File, u64)> {
    let py = message.py();
    let Some(path) = message.get_item(interned!(py, "path"))? else {
        return Err(PyValueError::new_err("the ASGI message has no \"path\""));
    };
    let named: PathBuf = path.extract()?;
    if !named.is_absolute() {
        return Err(PyValueError::new_err(format!("the path of a {PATHSEND} is absolute")));
    }
    let opened = || -> io::Result<(File, u64)> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&named)?;
        let facts = file.metadata()?;
        if facts.is_dir() {
            return Err(io::Error::from_raw_os_error(libc::EISDIR));
        }
        if !facts.is_file() {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        Ok((file, facts.len()))
    };
    // The file system may have to be waited for.
    detached(py, opened).map_err(|error| {
        let number = error.raw_os_error().unwrap_or(libc::EIO);
        // With its number it becomes FileNotFoundError and its like.
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or_default().to_owned();
        PyOSError::new_err((number, text, path.unbind()))
    })
}

/// The fields of a 103: its links.
///
/// # Errors
/// The message is none.
pub fn links(
    message: &Bound<'_, PyDict>,
    push: impl Fn(&Bound<'_, PyAny>, &mut Vec<u8>) -> PyResult<()>,
) -> PyResult<Fields> {
    let mut fields = Fields::within(buffers::take());
    if let Some(links) = message.get_item(interned!(message.py(), "links"))? {
        for link in links.try_iter()? {
            let link = link?;
            let name = |bytes: &mut Vec<u8>| {
                bytes.extend_from_slice(b"link");
                Ok(())
            };
            fields.push(name, |bytes| push(&link, bytes))?;
        }
    }
    Ok(fields)
}
