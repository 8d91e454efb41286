//! `start_response`, and the `write` that it returns (PEP 3333).
//!
//! The head is encoded when it is given and sent with the first piece of the body, so that an error
//! in between can still replace it. After the request the object is closed: an application that
//! kept it gets an exception and no other client's connection.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyAssertionError, PyBrokenPipeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use unicoro_contract::{GivenUp, Stream, Tempo};

use super::fields::Fields;
use super::file_wrapper::Stretch;
use super::latin1::push_latin1;
use crate::exchange::EVICTED;
use crate::http::{Encoder, RequestFacts, early_hints};
use crate::python::deadline::request_timeout;
use crate::python::gil::attach::detached;
use crate::python::interp::interned::interned;

/// What the log says of a response that came too late.
const OVERDUE: &str = "it was overdue, and answered in the application's place";

/// The response to one request, called by the application as `start_response`.
#[pyclass(module = "unicoro", name = "StartResponse")]
pub struct Response {
    stream: Option<Arc<Stream>>,
    // How slowly the client may take it.
    tempo: Tempo,
    facts: RequestFacts,
    // Whether the client waits to hear that it may send its body.
    continue_due: Option<Arc<AtomicBool>>,
    date: Arc<str>,
    encoder: Encoder,
    // Encoded and not sent yet.
    head: Vec<u8>,
    is_head_sent: bool,
    status: u16,
    status_line: Vec<u8>,
    fields: Fields,
    body_sent: u64,
    // Sending has failed: a clause for the log.
    broken: Option<&'static str>,
}

impl Response {
    /// A response that has not begun.
    pub fn new(stream: Arc<Stream>, facts: RequestFacts, date: Arc<str>, tempo: Tempo) -> Self {
        Self {
            stream: Some(stream),
            tempo,
            facts,
            continue_due: None,
            date,
            encoder: Encoder::new(facts),
            head: Vec::new(),
            is_head_sent: false,
            status: 0,
            status_line: Vec::new(),
            fields: Fields::default(),
            body_sent: 0,
            broken: None,
        }
    }

    /// The connection can be kept only if `due` is false when the head is made: else nobody knows
    /// whether a body or a request comes next.
    pub fn depends_on(&mut self, due: Arc<AtomicBool>) {
        self.continue_due = Some(due);
    }

    /// Whether `start_response` was called.
    pub fn has_begun(&self) -> bool {
        self.status != 0
    }

    /// Whether the client has the head: nothing can be taken back any more.
    pub fn is_head_sent(&self) -> bool {
        self.is_head_sent
    }

    /// The status, 0 before it is known.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// `200 OK`, as the application gave it; empty before.
    pub fn take_status_line(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.status_line)
    }

    /// The fields that the application gave.
    pub fn take_fields(&mut self) -> Fields {
        std::mem::take(&mut self.fields)
    }

    /// Bytes of the body given to the client, without framing.
    pub fn body_sent(&self) -> u64 {
        self.body_sent
    }

    /// Whether it came too late: the request was answered as overdue.
    pub fn is_overdue(&self) -> bool {
        self.broken == Some(OVERDUE)
    }

    /// How sending has failed, if it has: a clause for the log.
    pub fn breakage(&self) -> Option<&'static str> {
        self.broken
    }

    /// The encoder, to frame and to finish.
    pub fn encoder(&mut self) -> &mut Encoder {
        &mut self.encoder
    }

    /// Appends what is to be sent for a piece of the body, and the head if it is still due.
    pub fn gather(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.gather_head(out);
        let framed = self.encoder.frame(piece);
        self.body_sent += framed.data.len() as u64;
        for part in framed.parts() {
            out.extend_from_slice(part);
        }
    }

    /// Appends the head, once. Whoever sends it asks first whether it still may.
    pub fn gather_head(&mut self, out: &mut Vec<u8>) {
        if !self.is_head_sent {
            self.is_head_sent = true;
            out.append(&mut self.head);
        }
    }

    /// Bytes of the response are about to be sent. False: the request was answered as overdue
    /// meanwhile, or sending has failed before, perhaps within a chunk, which nothing may follow.
    fn begin_sending(&mut self) -> bool {
        let begun = self.broken.is_none()
            && self.stream.as_ref().is_some_and(|stream| stream.begin_response());
        if !begun {
            self.broken.get_or_insert(OVERDUE);
        }
        begun
    }

    /// Sends a piece of the body, with the head if it is still due, in one call.
    ///
    /// # Errors
    /// The client is gone.
    pub fn send(&mut self, py: Python<'_>, piece: &[u8]) -> io::Result<()> {
        if !self.begin_sending() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let was_head_sent = std::mem::replace(&mut self.is_head_sent, true);
        let framed = self.encoder.frame(piece);
        self.body_sent += framed.data.len() as u64;
        let [prefix, data, suffix] = framed.parts();
        let head = if was_head_sent { &[] } else { self.head.as_slice() };
        let mut parts =
            [IoSlice::new(head), IoSlice::new(prefix), IoSlice::new(data), IoSlice::new(suffix)];
        let stream = self.stream.clone().ok_or(io::ErrorKind::NotConnected)?;
        let tempo = self.tempo;
        let sent = detached(py, || stream.send_all(&mut parts, &tempo));
        self.note(sent)
    }

    /// Sends what was gathered.
    ///
    /// # Errors
    /// The client is gone, or was answered as overdue.
    pub fn send_gathered(&mut self, py: Python<'_>, bytes: &[u8]) -> io::Result<()> {
        if !self.begin_sending() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.send_raw(py, bytes)
    }

    /// Sends bytes that are framed already, and no part of the response itself.
    ///
    /// # Errors
    /// The client is gone.
    fn send_raw(&mut self, py: Python<'_>, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let stream = self.stream.clone().ok_or(io::ErrorKind::NotConnected)?;
        let tempo = self.tempo;
        let sent = detached(py, || stream.send_all(&mut [IoSlice::new(bytes)], &tempo));
        self.note(sent)
    }

    /// Sends a stretch of a file.
    ///
    /// # Errors
    /// The client is gone.
    pub fn send_file(&mut self, py: Python<'_>, stretch: &Stretch) -> io::Result<()> {
        if !self.begin_sending() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // A file longer than the Content-Length is a part of a file, and no mistake.
        let wanted = self.encoder.remaining().unwrap_or(u64::MAX);
        let framed = self.encoder.frame_len(stretch.len.min(wanted));
        let mut front = Vec::new();
        self.gather_head(&mut front);
        front.extend_from_slice(&framed.prefix);
        let stream = self.stream.clone().ok_or(io::ErrorKind::NotConnected)?;
        let tempo = &self.tempo;
        let sent = detached(py, || {
            stream.send_all(&mut [IoSlice::new(&front)], tempo)?;
            let sent = stream.send_file(stretch.fd, stretch.offset, framed.len, tempo)?;
            if sent < framed.len {
                // Its length was promised, in a header or in a chunk's size.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            stream.send_all(&mut [IoSlice::new(framed.suffix)], tempo)?;
            Ok(sent)
        });
        self.body_sent += *sent.as_ref().unwrap_or(&0);
        self.note(sent.map(drop))
    }

    fn note(&mut self, sent: io::Result<()>) -> io::Result<()> {
        sent.inspect_err(|error| self.broken = Some(clause(error)))
    }

    /// The request is over.
    pub fn close(&mut self) {
        self.stream = None;
    }

    fn begin(&mut self, status: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut line = Vec::with_capacity(32);
        push_latin1(status, "the status", &mut line)?;
        let fields = Fields::of(headers)?;
        if self.continue_due.as_ref().is_some_and(|due| due.load(Ordering::Relaxed)) {
            self.facts.keep_alive = false;
        }
        let mut encoder = Encoder::new(self.facts);
        let mut head = Vec::with_capacity(256);
        encoder
            .head(&line, fields.iter(), &self.date, &mut head)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.status =
            std::str::from_utf8(&line[..3]).ok().and_then(|c| c.parse().ok()).unwrap_or(0);
        self.status_line = line;
        self.encoder = encoder;
        self.head = head;
        self.fields = fields;
        Ok(())
    }
}

#[pymethods]
impl Response {
    #[pyo3(signature = (status, headers, exc_info=None))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        status: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        {
            let mut response = slf.try_borrow_mut()?;
            match exc_info.filter(|info| !info.is_none()) {
                Some(info) if response.is_head_sent => {
                    // PEP 3333: too late to say it to the client, so the application's error goes on.
                    return Err(PyErr::from_value(info.get_item(1)?));
                }
                Some(_) => {}
                None if response.has_begun() => {
                    return Err(PyAssertionError::new_err(
                        "start_response was called twice without exc_info",
                    ));
                }
                None => {}
            }
            response.begin(status, headers)?;
        }
        slf.as_any().getattr(interned!(py, "write"))
    }

    /// `wsgi.early_hints`: sends a 103 with these fields, as often as it is called before the head.
    /// Too late, and on HTTP/1.0, it does nothing.
    fn early_hints(&mut self, py: Python<'_>, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.is_head_sent || self.stream.is_none() {
            return Ok(());
        }
        let fields = Fields::of_hints(headers)?;
        let mut hints = Vec::new();
        early_hints(self.facts.version, fields.iter(), &mut hints)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.send_raw(py, &hints).map_err(|error| client_gone(py, &error))
    }

    /// `unicoro.client_disconnected`: whether nobody is left to answer.
    fn client_disconnected(slf: &Bound<'_, Self>) -> bool {
        match slf.try_borrow() {
            Ok(response) => {
                response.broken.is_some()
                    || response.stream.as_ref().is_none_or(|stream| stream.has_client_left())
            }
            // Another thread is sending to the client right now.
            Err(_) => false,
        }
    }

    fn write(&mut self, py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<()> {
        if self.stream.is_none() {
            return Err(PyBrokenPipeError::new_err("this request is over"));
        }
        self.send(py, data.as_bytes()).map_err(|error| client_gone(py, &error))
    }
}

/// Why a response came to no end, for the log.
fn clause(error: &io::Error) -> &'static str {
    match GivenUp::of(error) {
        Some(GivenUp::Idle) => "the client took nothing of it for client_send_timeout",
        Some(GivenUp::Slow) => "the client took it below client_send_min_rate",
        Some(GivenUp::Evicted) => EVICTED,
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "its file became shorter while it was sent"
        }
        None => "the client left before it had the whole response",
    }
}

fn client_gone(py: Python<'_>, error: &io::Error) -> PyErr {
    request_timeout::due(py)
        .unwrap_or_else(|| PyBrokenPipeError::new_err(format!("the client is gone: {error}")))
}
