//! From what the application returned to bytes on the wire.
//!
//! Each piece is sent before the next is asked for (PEP 3333, "Buffering and Streaming"). A short
//! list of pieces, which nobody can wait between, is gathered and left to the caller to send, so that
//! a small response is one system call, made without the GIL. So are the pieces of an object that
//! iterates a list.

use std::io;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyList, PyTuple};

use super::file_wrapper::FileWrapper;
use super::start_response::StartResponse;
use crate::exchange::{Breakage, Response, Streaming, WrongLength};
use crate::python::gil::attach::detached;
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

/// Answers with `result`, as far as it can be before all of it is there, and then calls its `close`,
/// however it ends. What is left to send is in the response. Says what of its length was not true.
pub fn respond(
    result: &Bound<'_, PyAny>,
    start: &Bound<'_, StartResponse>,
    streaming: Streaming<'_>,
) -> Result<Option<WrongLength>, Trouble> {
    if is_gathered(result, start) {
        return Ok(start.try_borrow_mut().map_err(PyErr::from)?.response()?.end());
    }
    let sent = send(result, start, streaming);
    end_if_stray(result.py(), None);
    let closed = match result.getattr_opt(interned!(result.py(), "close"))? {
        Some(close) => close.call0().map(drop),
        None => Ok(()),
    };
    let ended = sent?;
    closed?;
    Ok(ended)
}

/// Adds a short list or tuple of bytes to the response; false for all else. Those have no `close`.
fn is_gathered(result: &Bound<'_, PyAny>, start: &Bound<'_, StartResponse>) -> bool {
    let Ok(mut start) = start.try_borrow_mut() else { return false };
    let Ok(response) = start.response() else { return false };
    if !response.has_begun() || response.breakage().is_some() {
        return false;
    }
    if let Ok(list) = result.cast_exact::<PyList>() {
        return gather(|| list.iter(), response);
    }
    result.cast_exact::<PyTuple>().is_ok_and(|tuple| gather(|| tuple.iter(), response))
}

/// Goes through the pieces twice: nobody can change them meanwhile, because the language's lock is kept.
fn gather<'py, I: Iterator<Item = Bound<'py, PyAny>>>(
    pieces: impl Fn() -> I,
    response: &mut Response,
) -> bool {
    let mut total = 0;
    for piece in pieces() {
        let Some(bytes) = as_bytes(&piece) else { return false };
        total += bytes.len();
        if total > GATHER {
            return false;
        }
    }
    pieces().for_each(|piece| response.add(as_bytes(&piece).unwrap_or_default()));
    true
}

fn as_bytes<'a>(piece: &'a Bound<'_, PyAny>) -> Option<&'a [u8]> {
    piece.cast::<PyBytes>().ok().map(|piece| piece.as_bytes())
}

fn send(
    result: &Bound<'_, PyAny>,
    start: &Bound<'_, StartResponse>,
    streaming: Streaming<'_>,
) -> Result<Option<WrongLength>, Trouble> {
    let py = result.py();
    if let Ok(wrapper) = result.cast_exact::<FileWrapper>()
        && let Some(stretch) = wrapper.get().stretch(py)
    {
        require_begun(start)?;
        let mut start = start.try_borrow_mut().map_err(PyErr::from)?;
        let response = start.response()?;
        detached(py, || response.send_file(stretch))?;
    } else {
        send_pieces(result, start, streaming)?;
    }
    let mut start = start.try_borrow_mut().map_err(PyErr::from)?;
    let response = start.response()?;
    let wrong_length = response.end();
    if response.breakage().is_some() {
        // The application did not mind.
        return Err(Trouble::Client);
    }
    // Before `close`, which may take its time.
    if response.has_rest() {
        detached(py, || response.send_rest())?;
    }
    Ok(wrong_length)
}

fn send_pieces(
    result: &Bound<'_, PyAny>,
    start: &Bound<'_, StartResponse>,
    mut streaming: Streaming<'_>,
) -> Result<(), Trouble> {
    let py = result.py();
    let pieces = result.try_iter().map_err(|_| {
        Trouble::Misused(format!(
            "the application returned {}, which cannot be iterated; WSGI wants an iterable of bytes",
            type_name(result)
        ))
    })?;
    let come_at_once = is_of_a_list(&pieces);
    for piece in pieces {
        end_if_stray(py, piece.as_ref().err());
        let piece = piece?;
        let Some(bytes) = as_bytes(&piece) else {
            return Err(Trouble::Misused(format!(
                "the application gave a piece of its body as {}; WSGI wants bytes",
                type_name(&piece)
            )));
        };
        if bytes.is_empty() {
            continue;
        }
        require_begun(start)?;
        let mut start = start.try_borrow_mut().map_err(PyErr::from)?;
        let response = start.response()?;
        if come_at_once && response.has_room_for(bytes) {
            response.add(bytes);
            continue;
        }
        if !response.ends_with(bytes) {
            let has_end = come_at_once || response.knows_length();
            let sent =
                (has_end || streaming.goes_on()).then(|| detached(py, || response.send(bytes)));
            if streaming.has_ended() && !matches!(sent, Some(Ok(()))) {
                response.give_up(Breakage::WorkerEnds, 0);
                return Err(Trouble::Client);
            }
            sent.transpose()?;
            continue;
        }
        response.add(bytes);
        if !response.leave_together()? {
            detached(py, || response.send_rest())?;
        }
    }
    require_begun(start)
}

/// Whether these are the pieces of a list or a tuple, as Django's responses give them: no code of the
/// application runs between one and the next.
fn is_of_a_list(pieces: &Bound<'_, PyIterator>) -> bool {
    let kind = pieces.get_type_ptr().cast_const();
    kind == &raw const ffi::PyListIter_Type || kind == &raw const ffi::PyTupleIter_Type
}

fn require_begun(start: &Bound<'_, StartResponse>) -> Result<(), Trouble> {
    let mut start = start.try_borrow_mut().map_err(PyErr::from)?;
    let response = start.response()?;
    // Behind a 101, or a handshake that was refused, nobody asks.
    if response.has_begun() || response.goes_nowhere() {
        return Ok(());
    }
    Err(Trouble::Misused("the application did not call start_response".into()))
}

fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "an object".into(), |name| name.to_string())
}
