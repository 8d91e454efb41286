//! `wsgi.input`: the request's body as a binary file that is read as it comes (PEP 3333).
//!
//! It lives as long as the application keeps it; the connection only as long as the request. So the
//! [`Reader`] is lent to it and taken back at the end, and what reads later finds the end of file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use pyo3::exceptions::{
    PyConnectionResetError, PyOSError, PyRuntimeError, PyTimeoutError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::exchange::{BodyFailure, Reader};
use crate::python::deadline::request_timeout;
use crate::python::gil::attach::detached;

/// Decoded at a time when all is asked for, and when a line's end is looked for.
const STEP: usize = 64 * 1024;

/// A request's body.
#[pyclass(module = "unicoro", name = "Input", frozen)]
pub struct Input {
    // `None`: there is none, and requests share this object. Nobody waits for the lock: see `with`.
    body: Option<Mutex<Body>>,
    // Its request is: a thread that reads at this moment is the last one.
    is_over: AtomicBool,
}

/// What there is of it.
struct Body {
    reader: Option<Box<Reader>>,
    // Read from the body beyond what was asked for: only looking for a line's end does that.
    ahead: Vec<u8>,
    taken: usize,
}

impl Input {
    /// A body that `reader` reads.
    pub fn new(reader: Box<Reader>) -> Self {
        let body = Body { reader: Some(reader), ahead: Vec::new(), taken: 0 };
        Self { body: Some(Mutex::new(body)), is_over: AtomicBool::new(false) }
    }

    /// No body.
    pub fn empty() -> Self {
        Self { body: None, is_over: AtomicBool::new(false) }
    }

    /// Takes the reader back: the request is over. `None` also while a thread of the application's reads, which
    /// gives it up then.
    pub fn take_reader(&self) -> Option<Box<Reader>> {
        self.is_over.store(true, Ordering::Relaxed);
        self.lock()?.reader.take()
    }

    /// Takes what the client has sent beyond all that was read, as it came. If a thread of the application's
    /// reads right now, that is this thread's.
    pub fn take_received(&self) -> Vec<u8> {
        let mut body = self.lock();
        let reader = body.as_mut().and_then(|body| body.reader.as_mut());
        reader.map(|reader| reader.take_received()).unwrap_or_default()
    }

    /// The body, if there is one and no other thread has it.
    fn lock(&self) -> Option<MutexGuard<'_, Body>> {
        match self.body.as_ref()?.try_lock() {
            Ok(body) => Some(body),
            Err(TryLockError::Poisoned(body)) => Some(body.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Has the body read, if there is one; code of the application's does not run meanwhile.
    fn with<R: Default>(&self, read: impl FnOnce(&mut Body) -> PyResult<R>) -> PyResult<R> {
        if self.body.is_none() {
            return Ok(R::default());
        }
        let mut body = self.lock().ok_or_else(|| PyRuntimeError::new_err(TAKEN))?;
        let read = read(&mut body);
        if self.is_over.load(Ordering::Relaxed) {
            body.reader = None;
        }
        read
    }
}

const TAKEN: &str = "another thread reads this body at the moment";

impl Body {
    fn ahead(&self) -> &[u8] {
        &self.ahead[self.taken..]
    }

    /// Takes up to `count` bytes of what was read ahead.
    fn take_ahead(&mut self, count: usize, out: &mut Vec<u8>) {
        let count = count.min(self.ahead().len());
        out.extend_from_slice(&self.ahead()[..count]);
        self.taken += count;
        if self.taken == self.ahead.len() {
            self.ahead.clear();
            self.taken = 0;
        }
    }

    /// Reads `wanted` bytes, fewer only at the end.
    fn read_exactly(&mut self, py: Python<'_>, wanted: usize) -> PyResult<Vec<u8>> {
        let mut out = Vec::with_capacity(wanted.min(STEP));
        self.take_ahead(wanted, &mut out);
        while out.len() < wanted {
            let step = (wanted - out.len()).min(STEP);
            if self.pull(py, step, &mut out)? == 0 {
                break;
            }
        }
        Ok(out)
    }

    /// Reads what has come, at most `wanted` bytes.
    fn read_some(&mut self, py: Python<'_>, wanted: usize) -> PyResult<Vec<u8>> {
        let mut out = Vec::new();
        self.take_ahead(wanted, &mut out);
        if out.is_empty() && wanted > 0 {
            self.pull(py, wanted, &mut out)?;
        }
        Ok(out)
    }

    /// Reads up to and with the next line's end, at most `limit` bytes.
    fn read_line(&mut self, py: Python<'_>, limit: usize) -> PyResult<Vec<u8>> {
        let mut searched = 0;
        loop {
            let line_end = self.ahead()[searched..].iter().position(|byte| *byte == b'\n');
            let found = line_end.map(|at| searched + at + 1);
            let enough = found.or((self.ahead().len() >= limit).then_some(limit));
            if let Some(count) = enough {
                let mut line = Vec::with_capacity(count.min(limit));
                self.take_ahead(count.min(limit), &mut line);
                return Ok(line);
            }
            searched = self.ahead().len();
            let mut ahead = std::mem::take(&mut self.ahead);
            let pulled = self.pull(py, STEP, &mut ahead);
            self.ahead = ahead;
            if pulled? == 0 {
                let mut line = Vec::new();
                self.take_ahead(usize::MAX, &mut line);
                return Ok(line);
            }
        }
    }

    /// Reads what has come, at most `max` bytes; waits, detached, when nothing has. 0 at the end.
    fn pull(&mut self, py: Python<'_>, max: usize, out: &mut Vec<u8>) -> PyResult<usize> {
        let Some(reader) = &mut self.reader else {
            return Ok(0);
        };
        detached(py, || reader.read(max, out)).map_err(|failure| {
            if let Some(overdue) = request_timeout::due(py) {
                return overdue;
            }
            let text = failure.to_string();
            match failure {
                BodyFailure::Malformed(_) | BodyFailure::TooLong(_) => PyOSError::new_err(text),
                BodyFailure::Gone | BodyFailure::Evicted => PyConnectionResetError::new_err(text),
                BodyFailure::TimedOut | BodyFailure::TooSlow => PyTimeoutError::new_err(text),
            }
        })
    }
}

/// Python's sizes: nothing, `None` and negative numbers all mean "to the end".
fn size_or_all(size: Option<isize>) -> usize {
    size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX)
}

#[pymethods]
impl Input {
    #[pyo3(signature = (size=None, /))]
    fn read<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.with(|body| body.read_exactly(py, size_or_all(size)))?;
        Ok(PyBytes::new(py, &bytes))
    }

    #[pyo3(signature = (size=None, /))]
    fn readline<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        let line = self.with(|body| body.read_line(py, size_or_all(size)))?;
        Ok(PyBytes::new(py, &line))
    }

    #[pyo3(signature = (hint=None, /))]
    fn readlines<'py>(
        &self,
        py: Python<'py>,
        hint: Option<isize>,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        // io.IOBase.readlines: no line is begun once `hint` bytes were read; 0 is no hint.
        let hint = hint.filter(|hint| *hint > 0).map_or(usize::MAX, isize::unsigned_abs);
        let mut lines = Vec::new();
        let mut total = 0;
        while total < hint {
            let line = self.with(|body| body.read_line(py, usize::MAX))?;
            if line.is_empty() {
                break;
            }
            total += line.len();
            lines.push(PyBytes::new(py, &line));
        }
        Ok(lines)
    }

    /// What has come, at most `buffer`'s length: for `io.BufferedReader` and its like.
    fn readinto(&self, py: Python<'_>, buffer: &Bound<'_, PyAny>) -> PyResult<usize> {
        let wanted = buffer.len()?;
        let bytes = self.with(|body| body.read_some(py, wanted))?;
        let end = isize::try_from(bytes.len()).map_err(|_| PyValueError::new_err("too long"))?;
        let slice = pyo3::types::PySlice::new(py, 0, end, 1);
        buffer.set_item(slice, PyBytes::new(py, &bytes))?;
        Ok(bytes.len())
    }

    fn readable(&self) -> bool {
        true
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let line = self.with(|body| body.read_line(py, usize::MAX))?;
        Ok((!line.is_empty()).then(|| PyBytes::new(py, &line)))
    }
}
