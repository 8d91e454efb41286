//! From what the application returned to bytes on the wire.
//!
//! Each piece is sent before the next is asked for (PEP 3333, "Buffering and Streaming"). A short
//! list of pieces, which nobody can wait between, is gathered and left to the caller to send, so that
//! a small response is one system call, made without the GIL.

use std::io;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use super::file_wrapper::FileWrapper;
use super::start_response::Response;
use crate::python::interp::fork::end_if_stray;
use crate::python::interp::interned::interned;

/// A list up to this long is gathered; more is sent piece by piece, without a copy.
const GATHER: usize = 64 * 1024;

/// Why a response did not end well.
pub enum Trouble {
    /// The application raised.
    Raised(PyErr),
    /// The application broke WSGI: what it did, and what it should.
    Misused(String),
    /// The application has answered on the socket itself.
    HandedOver,
    /// The client is gone.
    Client,
}

impl From<PyErr> for Trouble {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(_: io::Error) -> Self {
        Self::Client
    }
}

/// How a response ended.
pub struct Ended {
    /// What is still to be sent.
    pub unsent: Vec<u8>,
    /// Whether another request can follow.
    pub keep_alive: bool,
    /// A line for the log: the application did not do what it promised.
    pub complaint: Option<String>,
}

/// Sends `result`, and then calls its `close`, however it ends.
pub fn respond(
    result: &Bound<'_, PyAny>,
    response: &Bound<'_, Response>,
) -> Result<Ended, Trouble> {
    if let Some(unsent) = gather(result, response) {
        let (trailer, ended) = finish(response);
        return Ok(Ended { unsent: [&unsent, trailer].concat(), ..ended });
    }
    let sent = send(result, response);
    end_if_stray(result.py(), None);
    let closed = match result.getattr_opt(interned!(result.py(), "close"))? {
        Some(close) => close.call0().map(drop),
        None => Ok(()),
    };
    let ended = sent?;
    closed?;
    Ok(ended)
}

/// The bytes of a short list or tuple of bytes; `None` for all else. Those have no `close`.
fn gather(result: &Bound<'_, PyAny>, response: &Bound<'_, Response>) -> Option<Vec<u8>> {
    let mut response = response.try_borrow_mut().ok()?;
    if !response.has_begun() || response.breakage().is_some() {
        return None;
    }
    let pieces: Vec<Bound<'_, PyAny>> = if let Ok(list) = result.cast_exact::<PyList>() {
        list.iter().collect()
    } else {
        result.cast_exact::<PyTuple>().ok()?.iter().collect()
    };
    let mut total = 0;
    for piece in &pieces {
        total += piece.cast::<PyBytes>().ok()?.as_bytes().len();
        if total > GATHER {
            return None;
        }
    }
    let mut out = Vec::with_capacity(total + 512);
    for piece in &pieces {
        let bytes = piece.cast::<PyBytes>().ok()?.as_bytes();
        if !bytes.is_empty() {
            response.gather(bytes, &mut out);
        }
    }
    response.gather_head(&mut out);
    Some(out)
}

fn send(result: &Bound<'_, PyAny>, response: &Bound<'_, Response>) -> Result<Ended, Trouble> {
    let py = result.py();
    if let Ok(wrapper) = result.cast_exact::<FileWrapper>()
        && let Some(stretch) = wrapper.get().stretch(py)
    {
        require_begun(response)?;
        response.try_borrow_mut().map_err(PyErr::from)?.send_file(py, &stretch)?;
    } else {
        send_pieces(result, response)?;
    }
    let mut unsent = Vec::new();
    response.try_borrow_mut().map_err(PyErr::from)?.gather_head(&mut unsent);
    let (trailer, ended) = finish(response);
    unsent.extend_from_slice(trailer);
    // Before `close`, which may take its time.
    response.try_borrow_mut().map_err(PyErr::from)?.send_gathered(py, &unsent)?;
    Ok(ended)
}

fn send_pieces(result: &Bound<'_, PyAny>, response: &Bound<'_, Response>) -> Result<(), Trouble> {
    let pieces = result.try_iter().map_err(|_| {
        Trouble::Misused(format!(
            "the application returned {}, which cannot be iterated; WSGI wants an iterable of bytes",
            type_name(result)
        ))
    })?;
    for piece in pieces {
        end_if_stray(result.py(), piece.as_ref().err());
        let piece = piece?;
        let Ok(bytes) = piece.cast::<PyBytes>() else {
            return Err(Trouble::Misused(format!(
                "the application gave a piece of its body as {}; WSGI wants bytes",
                type_name(&piece)
            )));
        };
        if bytes.as_bytes().is_empty() {
            continue;
        }
        require_begun(response)?;
        let mut response = response.try_borrow_mut().map_err(PyErr::from)?;
        response.send(piece.py(), bytes.as_bytes())?;
    }
    require_begun(response)
}

fn require_begun(response: &Bound<'_, Response>) -> Result<(), Trouble> {
    if response.try_borrow().map_err(PyErr::from)?.has_begun() {
        return Ok(());
    }
    Err(Trouble::Misused("the application did not call start_response".into()))
}

fn finish(response: &Bound<'_, Response>) -> (&'static [u8], Ended) {
    let Ok(mut response) = response.try_borrow_mut() else {
        // Another thread of the application is inside `write`: what it sends is not ours to end.
        return (b"", Ended { unsent: Vec::new(), keep_alive: false, complaint: None });
    };
    let encoder = response.encoder();
    let has_excess = encoder.excess();
    let finish = encoder.finish();
    let complaint = if finish.shortfall > 0 {
        Some(format!(
            "the application gave {} bytes less than its Content-Length; the connection is closed",
            finish.shortfall
        ))
    } else {
        has_excess.then(|| {
            "the application gave more bytes than its Content-Length; the rest was cut off".into()
        })
    };
    (finish.trailer, Ended { unsent: Vec::new(), keep_alive: finish.keep_alive, complaint })
}

fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "an object".into(), |name| name.to_string())
}
