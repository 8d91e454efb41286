//! The answer of a request that speaks HTTP, message by message.

use std::io;
use std::mem;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use unicoro_contract::buffers;

use super::message::{as_bytes, fields_of, push_bytes, push_headers, required, wrong_type};
use super::{Exchange, Trailers};
use crate::exchange::{Unread, WrongLength};
use crate::http::Fields;
use crate::python::asgi::extensions::{EARLY_HINT, PATHSEND, TRAILERS, file, links};
use crate::python::asgi::host::Opened;
use crate::python::interp::interned::interned;
use crate::python::wsgi::client_gone::{client_gone, left};

impl Exchange {
    pub(super) fn start(&mut self, message: &Bound<'_, PyDict>) -> PyResult<()> {
        let status = required(message, "status")?;
        let status: u16 = status.extract().map_err(|_| {
            wrong_type("the status of an http.response.start is an int from 100 to 999", &status)
        })?;
        let fields = fields_of(message)?;
        let announced = match message.get_item(interned!(message.py(), "trailers"))? {
            Some(announced) => announced.is_truthy()?,
            None => false,
        };
        let home = self.home;
        let opened = self.opened(HTTP_START)?;
        if opened.response.has_begun() {
            return Err(PyRuntimeError::new_err(
                "Expected ASGI message 'http.response.body', but got 'http.response.start'.",
            ));
        }
        let mut line = buffers::take();
        home.push_status(status, &mut line);
        opened
            .response
            .begin(line, fields)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        if let Unread::Behind(reader) = &opened.unread {
            reader.owes_continue_no_more();
        }
        if announced {
            self.trailers = Trailers::Announced;
        }
        Ok(())
    }

    /// Whether the client has taken all of it.
    pub(super) fn body(&mut self, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = message.py();
        let more = match message.get_item(interned!(py, "more_body"))? {
            Some(more) => more.is_truthy()?,
            None => false,
        };
        let is_stream = more && !self.begun(HTTP_BODY)?.response.knows_length();
        // What is to come then are trailers.
        let more = self.body_goes_on(HTTP_BODY, more)? || more;
        let given = message.get_item(interned!(py, "body"))?;
        let rule = || format!("the body of an {HTTP_BODY} is bytes");
        let piece = given.as_ref().map(|given| as_bytes(given, rule)).transpose()?;
        let piece = piece.as_ref().map_or(&b""[..], |piece| piece.as_bytes());
        let response = &mut self.begun(HTTP_BODY)?.response;
        if response.exceeds(piece) {
            return Err(PyRuntimeError::new_err("Response content longer than Content-Length"));
        }
        if more {
            if is_stream && !self.stream_goes_on() {
                return self.sent(py, Err(io::ErrorKind::BrokenPipe.into()));
            }
            let sent = self.begun(HTTP_BODY)?.response.send_now(piece);
            return self.sent(py, sent);
        }
        if response.has_room_for(piece) {
            response.add(piece);
        } else {
            let sent = response.send_now(piece);
            self.sent(py, sent)?;
        }
        let wrong = self.begun(HTTP_BODY)?.response.end();
        self.end(py, wrong)
    }

    /// Whether the client has taken all of a file.
    pub(super) fn file(&mut self, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = message.py();
        self.begun(PATHSEND)?;
        let (file, len) = file(message)?;
        let awaits_trailers = self.body_goes_on(PATHSEND, false)?;
        let response = &mut self.begun(PATHSEND)?.response;
        let added = response.add_file(file, len).map(|()| true);
        self.sent(py, added)?;
        if awaits_trailers {
            let sent = self.send_more(py, false);
            return self.sent(py, sent);
        }
        let wrong = self.begun(PATHSEND)?.response.end();
        self.end(py, wrong)
    }

    /// Whether the client has taken all, trailers included.
    pub(super) fn trailers(&mut self, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = message.py();
        self.begun(TRAILERS)?;
        let Trailers::Given(fields) = &mut self.trailers else {
            return Err(PyRuntimeError::new_err(format!(
                "Unexpected ASGI message '{TRAILERS}' sent: it follows a body, and \"trailers\": True in the start."
            )));
        };
        push_headers(fields, message)?;
        let more = message.get_item(interned!(py, "more_trailers"))?;
        if more.is_some_and(|more| more.is_truthy().unwrap_or(false)) {
            return Ok(true);
        }
        let fields = mem::take(fields);
        let response = &mut self.begun(TRAILERS)?.response;
        let wrong =
            response.end_with(&fields).map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.end(py, wrong)
    }

    /// Before the first byte of the answer; behind that, nothing.
    pub(super) fn early_hint(&mut self, message: &Bound<'_, PyDict>) -> PyResult<()> {
        let rule = || format!("a link of an {EARLY_HINT} is bytes");
        let fields = links(message, |link, bytes| push_bytes(link, rule, bytes))?;
        let response = &mut self.opened(EARLY_HINT)?.response;
        let sent = response.send_hints_now(&fields);
        buffers::give(fields.into_buffer());
        let sent = sent.map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.sent(message.py(), sent.map(|()| true)).map(drop)
    }

    /// The body goes on with this message, the last one unless there is `more`: whether trailers follow it.
    fn body_goes_on(&mut self, message: &str, more: bool) -> PyResult<bool> {
        match self.trailers {
            Trailers::Announced if !more => {
                self.trailers = Trailers::Given(Fields::default());
                Ok(true)
            }
            Trailers::Given(_) => Err(PyRuntimeError::new_err(format!(
                "Expected ASGI message '{TRAILERS}', but got '{message}'."
            ))),
            _ => Ok(false),
        }
    }

    /// The application has given all of it. Whether the client has taken that.
    fn end(&mut self, py: Python<'_>, wrong: Option<WrongLength>) -> PyResult<bool> {
        if let Some(wrong) = wrong {
            log::error!("{}: {wrong}", self.line());
        }
        // The application has given it all, however long its client takes.
        self.streaming = None;
        self.finish(py).map_err(client_gone)
    }

    /// What has a head, and no end.
    fn begun(&mut self, message: &str) -> PyResult<&mut Opened> {
        let opened = self.opened(message)?;
        if opened.response.has_begun() {
            return Ok(opened);
        }
        Err(PyRuntimeError::new_err(format!(
            "Expected ASGI message 'http.response.start', but got '{message}'."
        )))
    }

    /// What is still to be answered.
    pub(super) fn opened(&mut self, message: &str) -> PyResult<&mut Opened> {
        if self.is_body_refused || self.is_client_lost {
            return Err(left());
        }
        let is_over = self.opened.as_ref().is_none_or(|opened| opened.response.has_ended());
        if is_over {
            return Err(PyRuntimeError::new_err(format!(
                "Unexpected ASGI message '{message}' sent, after response already completed."
            )));
        }
        let opened = self.opened.as_mut();
        let opened = opened.ok_or_else(left)?;
        if opened.response.breakage().is_some() {
            return Err(left());
        }
        Ok(opened)
    }
}

/// The head.
pub(super) const HTTP_START: &str = "http.response.start";
/// A piece of the body.
pub(super) const HTTP_BODY: &str = "http.response.body";
