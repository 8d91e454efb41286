//! `wsgi.file_wrapper`: a file as a response, by sendfile(2) where it is a real one (PEP 3333).

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exchange::Stretch;

/// Read at a time from what is no real file.
const BLOCK: usize = 64 * 1024;

/// Set once, at a worker's boot.
static IS_SENDFILE_USED: AtomicBool = AtomicBool::new(true);

/// Whether real files are sent by sendfile(2), or read and written.
pub fn use_sendfile(on: bool) {
    IS_SENDFILE_USED.store(on, Ordering::Relaxed);
}

/// Whether they are.
pub fn is_sendfile_used() -> bool {
    IS_SENDFILE_USED.load(Ordering::Relaxed)
}

/// An iterable over a file-like object.
#[pyclass(module = "unicoro", name = "FileWrapper", frozen)]
pub struct FileWrapper {
    file: Py<PyAny>,
    block: usize,
}

impl FileWrapper {
    /// From the object's position to the end of the real file behind it, which is open while the
    /// object lives; `None` if it is none, its position is unknown, or sendfile is not wanted.
    pub fn stretch(&self, py: Python<'_>) -> Option<Stretch> {
        if !is_sendfile_used() {
            return None;
        }
        let file = self.file.bind(py);
        if !reads_plainly(file).unwrap_or(false) {
            return None;
        }
        let fd: RawFd = file.call_method0("fileno").ok()?.extract().ok()?;
        // The object's own position: what it has buffered was read from the descriptor already.
        let offset: u64 = file.call_method0("tell").ok()?.extract().ok()?;
        let stat = py.import("os").ok()?.call_method1("fstat", (fd,)).ok()?;
        let mode: u32 = stat.getattr("st_mode").ok()?.extract().ok()?;
        let size: u64 = stat.getattr("st_size").ok()?.extract().ok()?;
        let is_regular = mode & libc::S_IFMT == libc::S_IFREG;
        is_regular.then(|| Stretch { fd, offset, len: size.saturating_sub(offset) })
    }
}

/// Whether `read` gives the bytes of the object's descriptor as they are.
// gunicorn: asks for `fileno` only, which a GzipFile has too: it sends the compressed bytes.
fn reads_plainly(file: &Bound<'_, PyAny>) -> PyResult<bool> {
    let io = file.py().import("io")?;
    // Of the class: a subclass may read otherwise.
    let Some(read) = file.get_type().getattr_opt("read")? else {
        // tempfile's wrappers have no `read` of their own.
        let is_temporary = file.get_type().module()? == "tempfile";
        return if is_temporary { reads_plainly(&file.getattr("file")?) } else { Ok(false) };
    };
    let is_of =
        |class: &str| -> PyResult<bool> { Ok(read.is(&io.getattr(class)?.getattr("read")?)) };
    if is_of("BufferedReader")? || is_of("BufferedRandom")? {
        return reads_plainly(&file.getattr("raw")?);
    }
    is_of("FileIO")
}

#[pymethods]
impl FileWrapper {
    #[new]
    #[pyo3(signature = (filelike, blksize=BLOCK))]
    fn new(filelike: Py<PyAny>, blksize: usize) -> Self {
        Self { file: filelike, block: blksize }
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let block = self.file.bind(py).call_method1("read", (self.block,))?;
        let is_end = block.cast::<PyBytes>().is_ok_and(|bytes| bytes.as_bytes().is_empty());
        Ok((!is_end).then_some(block))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let file = self.file.bind(py);
        if file.hasattr("close")? {
            file.call_method0("close")?;
        }
        Ok(())
    }
}
