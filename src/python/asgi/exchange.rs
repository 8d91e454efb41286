//! One request as its application sees it: `receive` and `send`.
//!
//! ```text
//!   receive ─► what has come ─► Ready                       send ─► taken at once ─► Ready
//!           └► nothing: watched, a future ─► look again          └► a rest: watched, a future ─► send more
//! ```
//!
//! The connection goes back to the worker as soon as the client has its answer, and the application may
//! go on for longer: then `receive` says that the client has left.

mod speaking;

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyBrokenPipeError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use unicoro_contract::{ResidentsWord, Stream, buffers, tell_engine};

use super::extensions::{EARLY_HINT, PATHSEND, TRAILERS, file, links};
use super::home::Home;
use super::host::Opened;
use super::ready::Ready;
use super::speech::Speech;
use crate::exchange::{Breakage, OVERDUE, Reader, Unread, WrongLength, end_overdue};
use crate::http::Fields;
use crate::python::app::failure::fail;
use crate::python::interp::fork::end_if_stray;
use crate::python::interp::interned::interned;
use crate::python::loggers::records::log_raised;
use crate::python::wsgi::respond::Trouble;
use crate::websocket::Upgrade;

/// After so many messages others have their turn, however fast the client is. Most requests have fewer.
const RUN: u32 = 16;
/// The most of a body in one message.
const STEP: usize = 64 * 1024;

/// A request in the hands of its application.
#[pyclass(module = "unicoro", name = "Exchange")]
pub struct Exchange {
    number: u64,
    home: &'static dyn Home,
    // Until the client has its answer.
    opened: Option<Opened>,
    head: Arc<[u8]>,
    began: Instant,
    // If the client asks for a WebSocket.
    speech: Option<Box<Speech>>,
    // Until the application has ended.
    task: Option<Py<PyAny>>,
    is_over: bool,
    has_body: bool,
    trailers: Trailers,
    // It was overdue, or its loop is no more: what it raises is the cancellation's.
    is_cut_off: bool,
    // The end of its answer did not reach its client, and the application has heard of that.
    is_client_lost: bool,
    is_watched: bool,
    // Futures.
    receiving: Vec<Py<PyAny>>,
    sending: Vec<Py<PyAny>>,
    // Where the client is waited for.
    waits: Option<Wait>,
    // So many messages since others could run.
    in_a_row: u32,
    // A message that whoever asked for it was cancelled before he got it.
    taken_back: Option<Py<PyDict>>,
}

/// Fields behind the body, if the application has said that there will be some.
enum Trailers {
    None,
    // The body is not whole yet.
    Announced,
    // It is, and so many have come.
    Given(Fields),
}

/// A wait for the client.
#[derive(Clone, Copy)]
struct Wait {
    // Since when it has made no progress, and how far it was then.
    since: Instant,
    progress: u64,
    // When that was looked at last.
    looked: Instant,
}

impl Exchange {
    /// The request of this number, which may be one for a WebSocket.
    pub fn new(
        number: u64,
        home: &'static dyn Home,
        opened: Opened,
        upgrade: Option<Upgrade>,
    ) -> Self {
        Self {
            number,
            home,
            head: Arc::clone(&opened.head),
            began: opened.began,
            has_body: false,
            trailers: Trailers::None,
            opened: Some(opened),
            speech: upgrade.map(|upgrade| Box::new(Speech::new(upgrade))),
            task: None,
            is_over: false,
            is_cut_off: false,
            is_client_lost: false,
            is_watched: false,
            receiving: Vec::new(),
            sending: Vec::new(),
            waits: None,
            in_a_row: 0,
            taken_back: None,
        }
    }

    /// Its task has begun.
    pub fn begin(&mut self, task: Py<PyAny>) {
        if !self.is_over {
            self.task = Some(task);
        }
    }

    /// It cannot begin: the server's own objects could not be made.
    pub fn lost(&mut self, py: Python<'_>, error: &PyErr) {
        self.is_over = true;
        self.fail(py, Trouble::Raised(error.clone_ref(py)));
    }

    /// Its loop is no more: its client is parted with.
    pub fn abandon(&mut self, py: Python<'_>) {
        self.is_cut_off = true;
        if let Some(opened) = &mut self.opened {
            opened.response.give_up(Breakage::Left, FAILED);
        }
        self.answered(py);
    }

    /// When its head was whole, unless it was found to be overdue already.
    pub fn began(&self) -> Option<Instant> {
        (!self.is_cut_off).then_some(self.began)
    }

    /// It has taken longer than it may: its client is answered, if it was not, and the task cancelled.
    pub fn end_overdue(&mut self, py: Python<'_>, timeout: Duration) {
        self.is_cut_off = true;
        let line = self.line();
        match &self.opened {
            Some(opened) => end_overdue(&opened.connection.stream, &line, timeout),
            None => log::warn!(
                "{line} has exceeded request_timeout ({} s) behind its answer",
                timeout.as_secs_f64()
            ),
        }
        if let Some(task) = &self.task
            && let Err(error) = task.call_method0(py, interned!(py, "cancel"))
        {
            log_raised(py, &format!("the task of {line} could not be cancelled"), &error);
        }
    }

    /// What was watched for has come, or may have.
    pub fn ready(&mut self, py: Python<'_>) {
        if self.socket().is_some() {
            return self.ready_to_speak(py);
        }
        self.is_watched = false;
        self.send_rest(py);
        // Before anything of the language runs, which may give the lock, and with it the edge, away.
        self.watch_again();
        wake(py, &mut self.receiving);
    }

    /// Whether the client is waited for.
    pub fn waits_for_client(&self) -> bool {
        self.waits.is_some()
    }

    /// Gives a client up that was waited for too long.
    pub fn look_after(&mut self, py: Python<'_>, now: Instant) {
        let (Some(wait), Some(opened)) = (&mut self.waits, &mut self.opened) else { return };
        let stream = &opened.connection.stream;
        let progress = stream.progress();
        if progress != wait.progress {
            (wait.since, wait.progress) = (now, progress);
        }
        let idle = now.saturating_duration_since(wait.since);
        let waited = now.saturating_duration_since(mem::replace(&mut wait.looked, now));
        let has_ended = opened.response.has_ended();
        if has_ended || !self.sending.is_empty() {
            let tempo = opened.response.tempo();
            let breakage = if tempo.idle.is_some_and(|most| idle >= most) {
                Breakage::Idle
            } else if !stream.keeps_pace(&tempo, waited) {
                Breakage::Slow
            } else {
                return;
            };
            opened.response.give_up(breakage, FAILED);
            if has_ended {
                self.answered(py);
            }
            wake(py, &mut self.sending);
            wake(py, &mut self.receiving);
        } else if self.receiving.iter().all(|future| is_done(future.bind(py))) {
            // Nobody waits any more.
            self.waits = None;
        } else if let Unread::Behind(reader) = &mut opened.unread
            && reader.is_given_up(idle, waited)
        {
            wake(py, &mut self.receiving);
        }
    }

    /// The request line, for the log.
    fn line(&self) -> String {
        let line = self.head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let end = line.iter().rposition(|byte| *byte == b' ').unwrap_or(line.len());
        String::from_utf8_lossy(&line[..end]).into_owned()
    }

    /// The next message, or `None`: nothing has come, and it is watched for.
    fn next_message<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        if let Some(message) = self.taken_back.take() {
            return Ok(Some(message.into_bound(py)));
        }
        if self.speech.is_some() {
            return self.next_spoken(py);
        }
        let Some(opened) = &mut self.opened else { return disconnect(py).map(Some) };
        if opened.response.has_ended() || opened.response.breakage().is_some() {
            return disconnect(py).map(Some);
        }
        if !self.has_body {
            let Unread::Behind(reader) = &mut opened.unread else {
                self.has_body = true;
                return body(py, b"", false).map(Some);
            };
            let mut data = buffers::take();
            let read = reader.read_now(STEP, &mut data);
            let message = match read {
                Ok(None) => None,
                Ok(Some(_)) => {
                    self.has_body = reader.is_done();
                    // Another task of the application may wait for room.
                    let is_for_room = opened.response.has_rest() || !self.sending.is_empty();
                    if let Some(wait) = self.waits.take_if(|_| !is_for_room) {
                        // If it was too slow, the next look finds it given up.
                        reader.is_given_up(Duration::ZERO, wait.looked.elapsed());
                    }
                    Some(body(py, &data, !self.has_body)?)
                }
                Err(_) => Some(disconnect(py)?),
            };
            buffers::give(data);
            if message.is_none() {
                self.wait_for_client(py)?;
            }
            return Ok(message);
        }
        if opened.connection.stream.is_hung_up() {
            return disconnect(py).map(Some);
        }
        self.watch();
        Ok(None)
    }

    fn start(&mut self, message: &Bound<'_, PyDict>) -> PyResult<()> {
        let status = required(message, "status")?;
        let status: u16 = status
            .extract()
            .map_err(|_| PyTypeError::new_err("the status of an http.response.start is an int"))?;
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
    fn body(&mut self, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = message.py();
        let more = match message.get_item(interned!(py, "more_body"))? {
            Some(more) => more.is_truthy()?,
            None => false,
        };
        // What is to come then are trailers.
        let more = self.body_goes_on(HTTP_BODY, more)? || more;
        let given = message.get_item(interned!(py, "body"))?;
        let piece = given.as_ref().map(as_bytes).transpose()?;
        let piece = piece.as_ref().map_or(&b""[..], |piece| piece.as_bytes());
        let response = &mut self.begun(HTTP_BODY)?.response;
        if response.exceeds(piece) {
            return Err(PyRuntimeError::new_err("Response content longer than Content-Length"));
        }
        if more {
            let sent = response.send_now(piece).map_err(|error| gone(&error))?;
            return Ok(sent);
        }
        if response.has_room_for(piece) {
            response.add(piece);
        } else {
            response.send_now(piece).map_err(|error| gone(&error))?;
        }
        let wrong = response.end();
        self.end(py, wrong)
    }

    /// Whether the client has taken all of a file.
    fn file(&mut self, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = message.py();
        self.begun(PATHSEND)?;
        let (file, len) = file(message)?;
        let awaits_trailers = self.body_goes_on(PATHSEND, false)?;
        let response = &mut self.begun(PATHSEND)?.response;
        response.add_file(file, len).map_err(|error| gone(&error))?;
        if awaits_trailers {
            return response.send_more(false).map_err(|error| gone(&error));
        }
        let wrong = response.end();
        self.end(py, wrong)
    }

    /// Whether the client has taken all, trailers included.
    fn trailers(&mut self, message: &Bound<'_, PyDict>) -> PyResult<bool> {
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
    fn early_hint(&mut self, message: &Bound<'_, PyDict>) -> PyResult<()> {
        let fields = links(message, push_bytes)?;
        let response = &mut self.opened(EARLY_HINT)?.response;
        let sent = response.send_hints_now(&fields);
        buffers::give(fields.into_buffer());
        sent.map_err(|error| PyValueError::new_err(error.to_string()))?
            .map_err(|error| gone(&error))
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
        self.finish(py).map_err(|error| gone(&error))
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
    fn opened(&mut self, message: &str) -> PyResult<&mut Opened> {
        let is_over = self.opened.as_ref().is_none_or(|opened| opened.response.has_ended());
        if is_over {
            return Err(PyRuntimeError::new_err(format!(
                "Unexpected ASGI message '{message}' sent, after response already completed."
            )));
        }
        let opened = self.opened.as_mut();
        let opened = opened.ok_or_else(|| gone(&io::ErrorKind::BrokenPipe.into()))?;
        if opened.response.breakage().is_some() {
            return Err(gone(&io::ErrorKind::BrokenPipe.into()));
        }
        Ok(opened)
    }

    /// The answer is whole: sends what is left of it. Whether that was all.
    fn finish(&mut self, py: Python<'_>) -> io::Result<bool> {
        let Some(opened) = &mut self.opened else { return Ok(true) };
        let may_hold = match &opened.unread {
            Unread::Nothing => true,
            Unread::Behind(reader) => reader.is_done(),
            Unread::Unknown => false,
        };
        let sent = opened.response.send_more(may_hold);
        if let (Err(_), Some(breakage), false) = (&sent, opened.response.breakage(), self.is_over) {
            self.is_client_lost = true;
            log::info!("{}: {breakage}", self.line());
        }
        if !matches!(sent, Ok(false)) {
            self.answered(py);
        } else if let Err(error) = self.wait_for_client(py) {
            log_raised(py, "a client could not be waited for:", &error);
        }
        sent
    }

    fn send_rest(&mut self, py: Python<'_>) {
        let Some(opened) = &mut self.opened else { return };
        if !opened.response.has_rest() {
            return;
        }
        if !matches!(opened.response.send_more(false), Ok(false)) {
            self.answered_if_ended(py);
            self.waits = None;
            wake(py, &mut self.sending);
        }
    }

    fn answered_if_ended(&mut self, py: Python<'_>) {
        let is_over = self.is_over;
        if self.opened.as_ref().is_some_and(|opened| opened.response.has_ended() || is_over) {
            self.answered(py);
        }
    }

    /// The client has its answer: the connection goes back.
    fn answered(&mut self, py: Python<'_>) {
        let Some(opened) = self.opened.take() else { return };
        self.waits = None;
        self.home.host().answered(opened);
        wake(py, &mut self.sending);
        wake(py, &mut self.receiving);
        if self.is_over {
            self.home.forget(py, self.number);
        }
    }

    /// The application has failed, or has ended too early.
    fn fail(&mut self, py: Python<'_>, trouble: Trouble) {
        let line = self.line();
        let Some(opened) = &mut self.opened else { return };
        let response = &mut opened.response;
        if self.is_cut_off {
            response.give_up(Breakage::Overdue, OVERDUE);
        } else if self.home.quits()
            // Nobody is there to be answered, and the application has heard that.
            || matches!(trouble, Trouble::Misused(_)) && opened.connection.stream.is_hung_up()
        {
            response.give_up(Breakage::Left, FAILED);
        } else {
            let reader: Option<&Reader> = match &opened.unread {
                Unread::Behind(reader) => Some(reader),
                _ => None,
            };
            fail(py, &line, response, reader, trouble);
        }
        drop(self.finish(py));
    }

    /// Whether it is the others' turn.
    fn has_had_its_run(&mut self) -> bool {
        self.in_a_row = (self.in_a_row + 1) % RUN;
        self.in_a_row == 0
    }

    fn wait_for_client(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.socket().is_some() {
            // It tells us by itself, and is looked after with all others.
            return Ok(());
        }
        self.watch();
        if self.waits.is_some() {
            return Ok(());
        }
        let progress = self.opened.as_ref().map_or(0, |it| it.connection.stream.progress());
        let now = Instant::now();
        self.waits = Some(Wait { since: now, progress, looked: now });
        self.home.wait_for_client(py, self.number)
    }

    fn watch(&mut self) {
        let Some(opened) = &self.opened else { return };
        if opened.response.is_interrupted() {
            // It is not its client that it waits for, and no event of the socket will tell.
            self.home.tell(self.number);
        }
        if !mem::replace(&mut self.is_watched, true) {
            let stream: &Arc<Stream> = &opened.connection.stream;
            tell_engine(ResidentsWord::Watch(Arc::clone(stream), self.number));
        }
    }

    /// Who has looked and found nothing asks for it again; not so what is left of an answer.
    fn watch_again(&mut self) {
        if self.opened.as_ref().is_some_and(|opened| opened.response.has_rest()) {
            self.watch();
        }
    }
}

#[pymethods]
impl Exchange {
    fn receive<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let mut this = slf.try_borrow_mut()?;
        if this.has_had_its_run() {
            return this.home.functions().receive_behind_others.bind(py).call1((slf,));
        }
        let message = this.next_message(py)?;
        drop(this);
        match message {
            Some(message) => {
                let giver = slf.clone().into_any().unbind();
                let ready = Ready::with(message.into_any().unbind(), giver);
                Ok(Bound::new(py, ready)?.into_any())
            }
            None => slf.try_borrow()?.home.functions().receive.bind(py).call1((slf,)),
        }
    }

    fn send<'py>(
        slf: &Bound<'py, Self>,
        message: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        end_if_stray(py, None);
        let message = message
            .cast::<PyDict>()
            .map_err(|_| PyTypeError::new_err("an ASGI message is a dict"))?;
        let kind = required(message, "type")?;
        let kind: std::borrow::Cow<'_, str> = kind.extract()?;
        let mut this = slf.try_borrow_mut()?;
        let is_taken = match &*kind {
            kind if this.speech.is_some() => this.say(kind, message)?,
            HTTP_START => this.start(message).map(|()| true)?,
            HTTP_BODY => this.body(message)?,
            PATHSEND => this.file(message)?,
            TRAILERS => this.trailers(message)?,
            EARLY_HINT => this.early_hint(message).map(|()| true)?,
            other => {
                return Err(PyRuntimeError::new_err(format!(
                    "Unexpected ASGI message '{other}' sent."
                )));
            }
        };
        let home = this.home;
        if is_taken {
            // Whatever another task has waited to send has left with it.
            wake(py, &mut this.sending);
        }
        if this.has_had_its_run() {
            if !is_taken {
                this.wait_for_client(py)?;
            }
            drop(this);
            return home.functions().drain_behind_others.bind(py).call1((slf,));
        }
        if is_taken {
            return Ok(home.nothing().bind(py).clone().into_any());
        }
        this.wait_for_client(py)?;
        drop(this);
        home.functions().drain.bind(py).call1((slf,))
    }

    /// A message that was not delivered is the next.
    fn take_back(&mut self, message: Py<PyDict>) {
        self.taken_back = Some(message);
    }

    /// The next message, or `None`.
    fn look<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        self.next_message(py)
    }

    /// A future that ends when there may be one.
    fn something_to_receive<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let future = self.home.new_future(py)?;
        keep(py, &mut self.receiving, &future);
        Ok(future)
    }

    /// Whether the client has taken all that was sent.
    fn has_drained(&self) -> PyResult<bool> {
        if let Some(socket) = self.socket() {
            return self.has_room_to_speak(socket);
        }
        let Some(opened) = &self.opened else { return Ok(true) };
        if opened.response.breakage().is_some() {
            return Err(gone(&io::ErrorKind::BrokenPipe.into()));
        }
        Ok(!opened.response.has_rest())
    }

    /// A future that ends when it may have.
    fn room_to_send<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let future = self.home.new_future(py)?;
        keep(py, &mut self.sending, &future);
        Ok(future)
    }

    /// The application has ended, with this exception or with `None`.
    fn over(&mut self, py: Python<'_>, error: &Bound<'_, PyAny>) {
        let raised = (!error.is_none()).then(|| without_own_frame(error));
        end_if_stray(py, raised.as_ref());
        (self.task, self.is_over) = (None, true);
        if self.socket().is_some() {
            self.speech_is_over(py, raised.as_ref());
            if self.opened.is_none() {
                self.home.forget(py, self.number);
            }
            return;
        }
        let has_ended = self.opened.as_ref().is_none_or(|opened| opened.response.has_ended());
        match raised {
            Some(error) if has_ended => {
                let is_of_client =
                    self.is_client_lost && error.is_instance_of::<PyBrokenPipeError>(py);
                if !self.is_cut_off && !is_of_client {
                    log_raised(py, &format!("Error handling request {}", self.line()), &error);
                }
            }
            Some(error) => self.fail(py, Trouble::Raised(error)),
            None if has_ended => {}
            None => {
                let has_begun =
                    self.opened.as_ref().is_some_and(|opened| opened.response.has_begun());
                let done = if has_begun { "completing its response" } else { "a response" };
                let text = format!("the application returned without {done}");
                self.fail(py, Trouble::Misused(text));
            }
        }
        if self.opened.is_none() {
            self.home.forget(py, self.number);
        }
    }
}

const HTTP_START: &str = "http.response.start";
const HTTP_BODY: &str = "http.response.body";
/// The client has not got all of its answer.
const FAILED: u16 = 500;

fn body<'py>(py: Python<'py>, data: &[u8], more: bool) -> PyResult<Bound<'py, PyDict>> {
    let message = PyDict::new(py);
    message.set_item(interned!(py, "type"), interned!(py, "http.request"))?;
    message.set_item(interned!(py, "body"), PyBytes::new(py, data))?;
    message.set_item(interned!(py, "more_body"), more)?;
    Ok(message)
}

fn disconnect(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let message = PyDict::new(py);
    message.set_item(interned!(py, "type"), interned!(py, "http.disconnect"))?;
    Ok(message)
}

fn required<'py>(message: &Bound<'py, PyDict>, key: &str) -> PyResult<Bound<'py, PyAny>> {
    let found = match key {
        "type" => message.get_item(interned!(message.py(), "type"))?,
        _ => message.get_item(key)?,
    };
    found.ok_or_else(|| PyValueError::new_err(format!("the ASGI message has no {key:?}")))
}

/// The headers of a message.
fn fields_of(message: &Bound<'_, PyDict>) -> PyResult<Fields> {
    let mut fields = Fields::within(buffers::take());
    push_headers(&mut fields, message)?;
    Ok(fields)
}

/// Those of the message, if it has any.
fn push_headers(fields: &mut Fields, message: &Bound<'_, PyDict>) -> PyResult<()> {
    let headers = message.get_item(interned!(message.py(), "headers"))?;
    if let Some(headers) = headers.filter(|headers| !headers.is_none()) {
        for pair in headers.try_iter()? {
            push_pair(fields, &pair?)?;
        }
    }
    Ok(())
}

/// `[name, value]`, both bytes.
fn push_pair(fields: &mut Fields, pair: &Bound<'_, PyAny>) -> PyResult<()> {
    let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = match pair.cast::<PyList>() {
        Ok(list) if list.len() == 2 => (list.get_item(0)?, list.get_item(1)?),
        _ => pair.extract()?,
    };
    fields.push(|bytes| push_bytes(&name, bytes), |bytes| push_bytes(&value, bytes))
}

fn push_bytes(part: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> PyResult<()> {
    out.extend_from_slice(as_bytes(part)?.as_bytes());
    Ok(())
}

/// bytes, and what can become bytes without being a number or text.
fn as_bytes<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(bytes.clone());
    }
    let py = object.py();
    let view = py.import("builtins")?.call_method1("memoryview", (object,))?;
    Ok(view.call_method0("tobytes")?.cast_into()?)
}

fn gone(error: &io::Error) -> PyErr {
    PyBrokenPipeError::new_err(format!("the client is gone: {error}"))
}

/// The exception, whose traceback begins in the application.
fn without_own_frame(error: &Bound<'_, PyAny>) -> PyErr {
    let py = error.py();
    let strip = || -> PyResult<()> {
        let own = error.getattr(interned!(py, "__traceback__"))?;
        if !own.is_none() {
            error
                .setattr(interned!(py, "__traceback__"), own.getattr(interned!(py, "tb_next"))?)?;
        }
        Ok(())
    };
    // A frame of ours too many does no harm.
    drop(strip());
    PyErr::from_value(error.clone())
}

/// Keeps a future, and none that is done.
fn keep(py: Python<'_>, futures: &mut Vec<Py<PyAny>>, future: &Bound<'_, PyAny>) {
    futures.retain(|other| !is_done(other.bind(py)));
    futures.push(future.clone().unbind());
}

fn is_done(future: &Bound<'_, PyAny>) -> bool {
    let done = future.call_method0(interned!(future.py(), "done"));
    done.is_ok_and(|done| done.is_truthy().unwrap_or(true))
}

/// Ends the futures.
fn wake(py: Python<'_>, futures: &mut Vec<Py<PyAny>>) {
    for future in mem::take(futures) {
        let future = future.bind(py);
        if !is_done(future)
            && let Err(error) = future.call_method1(interned!(py, "set_result"), (py.None(),))
        {
            log_raised(py, "a future of an ASGI request could not be ended:", &error);
        }
    }
}
