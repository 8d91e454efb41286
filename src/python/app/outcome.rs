//! How a request ended, for its worker: what is still to be sent, what the access log says of it, and
//! what becomes of the connection.

use std::io::IoSlice;

use pyo3::prelude::*;
use unicoro_contract::{Stream, Tempo};

use super::request::Request;
use crate::exchange::Reader;
use crate::http::refusal;
use crate::python::deadline::request_timeout::is_request_timeout;
use crate::python::loggers::records::log_raised;
use crate::python::wsgi::fields::Fields;
use crate::python::wsgi::respond::{Ended, Trouble};
use crate::python::wsgi::start_response::Response;

/// How the request ended.
pub struct Outcome {
    /// Still to be sent.
    pub unsent: Vec<u8>,
    /// Of the response, as far as one was begun.
    pub status: u16,
    /// Bytes of its body.
    pub body_sent: u64,
    /// Its header fields.
    pub fields: Fields,
    /// Variables of its environ, as far as they were asked for.
    pub environ: Vec<(String, String)>,
    /// Whether another request can follow on the connection.
    pub keep_alive: bool,
    /// The body's reader; `None` if there was no body, or a thread of the application's is still
    /// reading it.
    pub reader: Option<Reader>,
    /// Whether the client has left.
    pub is_client_gone: bool,
    /// Whether the application has the socket: it may keep it beyond the request.
    pub is_socket_taken: bool,
    /// Whether a hook wants the worker to be replaced.
    pub ends_worker: bool,
    /// Whether Python's logging has written its line.
    pub is_logged: bool,
}

impl Outcome {
    /// Sends what is still to be sent, unless the request was answered as overdue in the meantime.
    /// Not with the GIL.
    pub fn send_rest(&mut self, stream: &Stream, tempo: &Tempo) {
        let unsent = std::mem::take(&mut self.unsent);
        if unsent.is_empty() {
            return;
        }
        if !stream.begin_response() {
            (self.status, self.body_sent, self.is_client_gone) = (504, 0, true);
            return;
        }
        self.is_client_gone |= stream.send_all(&mut [IoSlice::new(&unsent)], tempo).is_err();
    }
}

/// Of a response that has come to its end.
pub fn well(request: &Request<'_>, response: &Bound<'_, Response>, ended: Ended) -> Outcome {
    if let Some(complaint) = ended.complaint {
        log::error!("{}: {complaint}", request.line());
    }
    let mut outcome = failed(request, 0, None);
    if let Ok(mut response) = response.try_borrow_mut() {
        outcome.status = response.status();
        outcome.body_sent = response.body_sent();
        outcome.fields = response.take_fields();
    }
    Outcome { unsent: ended.unsent, keep_alive: ended.keep_alive, ..outcome }
}

/// Says in the log what happened, and to the client what can still be said.
pub fn badly(
    py: Python<'_>,
    request: &Request<'_>,
    response: &Bound<'_, Response>,
    reader: Option<&Reader>,
    trouble: Trouble,
) -> Outcome {
    let (breakage, is_head_sent, body_sent, begun) = match response.try_borrow() {
        Ok(response) => {
            (response.breakage(), response.is_head_sent(), response.body_sent(), response.status())
        }
        Err(_) => (None, true, 0, 0),
    };
    let line = request.line();
    let mut status = 500;
    let mut is_client_gone = breakage.is_some();
    let was_too_late = response.try_borrow().is_ok_and(|response| response.is_overdue());
    if was_too_late || matches!(&trouble, Trouble::Raised(error) if is_request_timeout(py, error)) {
        // Said when it was raised, and answered.
        status = 504;
        is_client_gone = true;
    } else if let Some(failure) = reader.and_then(Reader::failure) {
        log::info!("{line}: {failure}");
        is_client_gone |= failure.status().is_none();
        status = failure.status().unwrap_or(400);
    } else if let Some(breakage) = breakage {
        log::info!("{line}: {breakage}");
    } else {
        match trouble {
            Trouble::Raised(error) => {
                log_raised(py, &format!("Error handling request {line}"), &error);
            }
            Trouble::Misused(text) => log::error!("Error handling request {line}: {text}"),
            Trouble::HandedOver => {
                // What it has answered is its own; for the access log, a change of protocol.
                status = 101;
                is_client_gone = true;
            }
            Trouble::Client => {}
        }
    }
    let can_tell = !is_head_sent && !is_client_gone;
    let mut outcome = failed(request, status, can_tell.then_some(""));
    if is_head_sent && !was_too_late {
        outcome.status = begun;
        outcome.body_sent = body_sent;
    }
    outcome.is_client_gone = is_client_gone;
    outcome
}

/// A request that ends its connection; with `page`, an answer for the client.
pub fn failed(request: &Request<'_>, status: u16, page: Option<&str>) -> Outcome {
    let unsent = page.map_or_else(Vec::new, |detail| {
        refusal(status, detail, &request.date, request.facts.is_head)
    });
    Outcome {
        unsent,
        status,
        body_sent: 0,
        fields: Fields::default(),
        environ: Vec::new(),
        keep_alive: false,
        reader: None,
        is_client_gone: false,
        is_socket_taken: false,
        ends_worker: false,
        is_logged: false,
    }
}
