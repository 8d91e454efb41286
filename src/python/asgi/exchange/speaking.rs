//! A request for a WebSocket: what its application sends and receives, and the end of both.
//!
//! The connection goes back to the worker when it has broken, or both sides have closed it; and when the
//! application has closed it or has heard that it is closed, or has ended, and the client has taken all.

use std::convert::Infallible;
use std::mem;
use std::sync::Arc;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use unicoro_contract::Upgraded;

use super::errors::comes_of_cancelling;
use super::futures::wake;
use super::message::{fields_of, wrong_type};
use super::{Exchange, Trailers};
use crate::exchange::{Breakage, Closed, SWITCHED, Unread, WebSocket, date};
use crate::http::Fields;
use crate::python::asgi::speech::{Stage, connect, disconnect, received};
use crate::python::interp::interned::interned;
use crate::python::loggers::records::log_raised;
use crate::python::websocket::outgoing;
use crate::python::wsgi::client_gone::{client_gone, comes_of_it, websocket_closed};
use crate::websocket::close_code::{ABNORMAL, GOING_AWAY, INTERNAL_ERROR, NORMAL};
use crate::websocket::{Close, Refusal};

impl Exchange {
    /// The handshake breaks a rule: the application does not hear of it.
    pub fn refuse(&mut self, py: Python<'_>, refusal: &Refusal) {
        self.is_over = true;
        log::info!("{}: {refusal}", self.line());
        if let Some(opened) = &mut self.opened {
            opened.response.refuse_with(refusal.status, refusal.detail, refusal.fields());
        }
        drop(self.finish(py));
    }

    /// The connection, if it is a WebSocket by now.
    pub(super) fn socket(&self) -> Option<&Arc<WebSocket>> {
        self.speech.as_ref()?.socket()
    }

    /// Messages have come, or there is room to send, or it has closed.
    pub(super) fn ready_to_speak(&mut self, py: Python<'_>) {
        // It was watched before it was accepted, so the engine may have told us what it would have told the
        // connection; once, and nobody knows when.
        if self.is_watched
            && let Some(socket) = self.socket()
        {
            socket.turn();
        }
        if self.is_over || self.speech.as_ref().is_some_and(|speech| speech.has_ended()) {
            self.part(py, NORMAL);
        } else if let Some(is_whole) = self.socket().and_then(|socket| socket.part_now()) {
            // Whatever the application does meanwhile: a client that is gone takes nobody's place.
            self.give_back(py, is_whole);
        }
        wake(py, &mut self.sending);
        wake(py, &mut self.receiving);
    }

    /// The next message, or `None`: none has come, and it is watched for.
    pub(super) fn next_spoken<'py>(
        &mut self,
        py: Python<'py>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(speech) = &mut self.speech else { return Ok(None) };
        if speech.begin() {
            return connect(py).map(Some);
        }
        let Some(socket) = speech.socket() else {
            let is_gone = self.opened.as_ref().is_none_or(|opened| {
                let response = &opened.response;
                let is_answered = response.has_ended() || response.breakage().is_some();
                is_answered || opened.connection.stream.is_hung_up()
            });
            if is_gone {
                let closed = Closed { code: ABNORMAL, reason: String::new() };
                return disconnect(py, &closed).map(Some);
            }
            self.watch();
            return Ok(None);
        };
        match socket.receive_now() {
            Ok(message) => message.map(|message| received(py, message)).transpose(),
            Err(closed) => {
                if let Stage::Open(socket) = &speech.stage {
                    speech.stage = Stage::Heard(Arc::clone(socket));
                }
                self.part(py, NORMAL);
                disconnect(py, &closed).map(Some)
            }
        }
    }

    /// The application sends a message of this kind; whether more may follow at once.
    pub(super) fn say(&mut self, kind: &str, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = message.py();
        let Some(speech) = &mut self.speech else { return Ok(true) };
        match (&speech.stage, kind) {
            (Stage::Offered(_), ACCEPT) => self.accept(message).map(|()| true),
            (Stage::Offered(_), CLOSE) => self.turn_away(py),
            (Stage::Offered(_), RESPONSE_START) => {
                self.start(message)?;
                // A denial has no message for them.
                self.trailers = Trailers::None;
                self.set_stage(Stage::Denied);
                Ok(true)
            }
            (Stage::Offered(_), other) => Err(PyRuntimeError::new_err(format!(
                "Expected ASGI message 'websocket.accept', 'websocket.close' or \
                 'websocket.http.response.start', but got '{other}'."
            ))),
            (Stage::Denied, RESPONSE_BODY) => {
                let is_taken = self.body(message)?;
                if self.opened.as_ref().is_none_or(|opened| opened.response.has_ended()) {
                    self.set_stage(Stage::Closed(None));
                }
                Ok(is_taken)
            }
            (Stage::Denied, other) => Err(PyRuntimeError::new_err(format!(
                "Expected ASGI message 'websocket.http.response.body', but got '{other}'."
            ))),
            (Stage::Open(socket), SEND) => {
                let socket = Arc::clone(socket);
                self.send_message(&socket, message)
            }
            (Stage::Open(socket), CLOSE) => {
                let socket = Arc::clone(socket);
                let close = close_of(message)?;
                if let Some(closed) = socket.closed() {
                    return Err(is_closed(Some(closed)));
                }
                socket.close(close);
                self.set_stage(Stage::Closed(Some(socket)));
                self.part(py, NORMAL);
                Ok(true)
            }
            (Stage::Open(_), other) => Err(PyRuntimeError::new_err(format!(
                "Expected ASGI message 'websocket.send' or 'websocket.close', but got '{other}'."
            ))),
            (Stage::Heard(socket), _) => Err(is_closed(socket.closed())),
            (Stage::Closed(_), other) => Err(PyRuntimeError::new_err(format!(
                "Unexpected ASGI message '{other}', after sending 'websocket.close' or response \
                 already completed."
            ))),
        }
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Some(speech) = &mut self.speech {
            speech.stage = stage;
        }
    }

    fn accept(&mut self, message: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = message.py();
        let subprotocol = text_of(message, interned!(py, "subprotocol"))?;
        let fields = fields_of(message)?;
        let (home, number) = (self.home, self.number);
        let (Some(speech), Some(opened)) = (&mut self.speech, &mut self.opened) else {
            return Err(is_closed(None));
        };
        let Stage::Offered(upgrade) = &speech.stage else { return Err(is_closed(None)) };
        let sockets = home.host().sockets();
        let agreed = sockets.pool().and_then(|pool| upgrade.negotiate(pool.policy()));
        let mut head = Vec::new();
        upgrade
            .answer(subprotocol.as_deref(), agreed.as_ref(), fields.iter(), &date(), &mut head)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let sent = opened.response.switch_now(&head).map_err(client_gone)?;
        let received = match mem::replace(&mut opened.unread, Unread::Unknown) {
            Unread::Behind(mut reader) => reader.take_received(),
            Unread::Nothing | Unread::Unknown => Vec::new(),
        };
        let listener = Box::new(move || home.tell(number));
        let stream = &opened.connection.stream;
        let owed = &head[sent..];
        let opened = sockets.open_with_listener(stream, agreed.as_ref(), &received, listener, owed);
        speech.stage = Stage::Open(opened.ok_or_else(|| is_closed(None))?);
        home.lasts(number);
        // Who has asked before it was accepted asks the connection, which may have come with messages.
        wake(py, &mut self.receiving);
        Ok(())
    }

    /// Closed before it was accepted: 403 (ASGI's WebSocket spec, "Close").
    fn turn_away(&mut self, py: Python<'_>) -> PyResult<bool> {
        self.set_stage(Stage::Closed(None));
        let mut fields = Fields::default();
        for (name, value) in [("content-length", "0"), ("connection", "close")] {
            let append = |part: &'static str| {
                |bytes: &mut Vec<u8>| -> Result<(), Infallible> {
                    bytes.extend_from_slice(part.as_bytes());
                    Ok(())
                }
            };
            let Ok(()) = fields.push(append(name), append(value));
        }
        let opened = self.opened(CLOSE)?;
        opened
            .response
            .begin(b"403 Forbidden".to_vec(), fields)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        opened.response.end();
        self.finish(py).map_err(client_gone)
    }

    fn send_message(&mut self, socket: &WebSocket, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = message.py();
        let data = match given(message, interned!(py, "bytes"))? {
            Some(bytes) => Some(bytes),
            None => given(message, interned!(py, "text"))?,
        };
        let data =
            data.ok_or_else(|| PyValueError::new_err("a websocket.send has no bytes and no text"))?;
        outgoing::with(&data, self.home.host().sockets().pool(), |outgoing| {
            socket.send_now(outgoing).map_err(|closed| is_closed(Some(closed)))
        })
    }

    /// Whether so little waits for the client that more may follow.
    ///
    /// # Errors
    /// It has closed the connection.
    pub(super) fn has_room_to_speak(&self, socket: &WebSocket) -> PyResult<bool> {
        let is_closed_by_us =
            self.speech.as_ref().is_some_and(|speech| matches!(speech.stage, Stage::Closed(_)));
        match socket.has_room_now() {
            Err(closed) if !is_closed_by_us => Err(is_closed(Some(closed))),
            Err(_) => Ok(true),
            Ok(has_room) => Ok(has_room),
        }
    }

    /// The application has ended, with this exception or with none.
    pub(super) fn speech_is_over(&mut self, py: Python<'_>, raised: Option<&PyErr>) {
        let quits = self.home.quits();
        // It has heard of the end, and let that pass.
        let is_told = |error: &PyErr| {
            let is_closed = self.socket().is_some_and(|socket| socket.closed().is_some());
            let is_cancelled = quits || self.is_cut_off;
            is_closed && comes_of_it(py, error) || is_cancelled && comes_of_cancelling(py, error)
        };
        let failure = raised.filter(|error| !is_told(error));
        if let Some(error) = failure {
            log_raised(py, &format!("Error handling the WebSocket {}", self.line()), error);
        }
        let code = match failure {
            _ if quits => GOING_AWAY,
            Some(_) => INTERNAL_ERROR,
            None => NORMAL,
        };
        self.part(py, code);
    }

    /// Nobody speaks on it any more: closes it, if it is not closed, and gives the connection back once the client
    /// has taken all.
    fn part(&mut self, py: Python<'_>, code: u16) {
        let Some(socket) = self.socket() else { return };
        let Ok(close) = Close::new(code, "") else { return };
        let Some(is_whole) = socket.finish_now(close) else { return };
        self.give_back(py, is_whole);
    }

    /// Gives the connection back.
    fn give_back(&mut self, py: Python<'_>, is_whole: bool) {
        if let Some(opened) = &mut self.opened
            && !is_whole
        {
            opened.response.give_up(Breakage::Left, SWITCHED);
        }
        self.answered(py);
    }
}

const ACCEPT: &str = "websocket.accept";
const SEND: &str = "websocket.send";
/// The end.
pub(super) const CLOSE: &str = "websocket.close";
const RESPONSE_START: &str = "websocket.http.response.start";
const RESPONSE_BODY: &str = "websocket.http.response.body";

/// What a message has of this key, and not as `None`.
fn given<'py>(
    message: &Bound<'py, PyDict>,
    key: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(message.get_item(key)?.filter(|value| !value.is_none()))
}

/// What is a str.
fn text_of(message: &Bound<'_, PyDict>, key: &Bound<'_, PyString>) -> PyResult<Option<String>> {
    let rule = || format!("{key:?} of an ASGI message is a str");
    let text = given(message, key)?;
    text.map(|text| text.extract().map_err(|_| wrong_type(&rule(), &text))).transpose()
}

fn close_of(message: &Bound<'_, PyDict>) -> PyResult<Close> {
    let py = message.py();
    let code = given(message, interned!(py, "code"))?;
    let code = match code {
        None => NORMAL,
        Some(code) => code.extract().map_err(|_| {
            let rule =
                "the code of a websocket.close is 1000, another of RFC 6455's or 3000 to 4999";
            wrong_type(rule, &code)
        })?,
    };
    let reason = text_of(message, interned!(py, "reason"))?.unwrap_or_default();
    Close::new(code, reason).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// An OSError, as the spec wants it.
fn is_closed(closed: Option<Closed>) -> PyErr {
    let closed = closed.map_or_else(String::new, |closed| {
        format!(": {} {}", closed.code, closed.reason).trim_end().to_owned()
    });
    websocket_closed(closed)
}
