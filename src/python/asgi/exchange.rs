//! One request as its application sees it: `receive` and `send`.
//!
//! ```text
//!   receive ─► what has come ─► Ready                       send ─► taken at once ─► Ready
//!           └► nothing: watched, a future ─► look again          ├► a rest: watched, a future ─► send more
//!                                                                └► a rest of the last: in line, then sent
//! ```
//!
//! What the client does not take is kept, of one message at most: who sends another, while that is awaited or
//! because the wait was given up, waits with it.
//!
//! The connection goes back to the worker as soon as the client has its answer, and the application may
//! go on for longer: then `receive` says that the client has left.

mod answering;
mod calls;
mod ending;
mod errors;
mod event;
mod futures;
mod message;
mod receiving;
mod speaking;
mod waiting;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::home::Home;
use super::host::Opened;
use super::speech::Speech;
use crate::exchange::{Breakage, OVERDUE, Streaming, end_overdue};
use crate::http::Fields;
use crate::python::interp::interned::interned;
use crate::python::loggers::records::log_raised;
use crate::python::wsgi::respond::Trouble;
use crate::websocket::Upgrade;

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
    // It was overdue, or kept the worker, or its loop is no more: it was cancelled.
    is_cut_off: bool,
    // Its answer does not reach its client, and the application hears of that.
    is_client_lost: bool,
    // Its client sent what it may not, and has been told: the application heard that it has left.
    is_body_refused: bool,
    // Its body did not come whole, and the application heard that it has left.
    is_body_broken: bool,
    // The engine tells when something has come of its client.
    is_watched: bool,
    // The next turn of the loop is its own.
    is_told: bool,
    // Futures.
    receiving: Vec<Py<PyAny>>,
    sending: Vec<Py<PyAny>>,
    // What was sent last, the client did not take at once.
    is_behind: bool,
    // Where messages wait for that, from the first that had to, and so many that do.
    line: Option<Py<PyAny>>,
    in_line: usize,
    // Where the client is waited for.
    waits: Option<Wait>,
    // Its pieces come by and by, nobody knows how many.
    streaming: Option<Streaming<'static>>,
    // So many messages since others could run.
    in_a_row: u32,
    // Messages that whoever asked for them was cancelled before he got them.
    taken_back: VecDeque<Py<PyDict>>,
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
            is_body_refused: false,
            is_body_broken: false,
            is_watched: false,
            is_told: false,
            receiving: Vec::new(),
            sending: Vec::new(),
            is_behind: false,
            line: None,
            in_line: 0,
            waits: None,
            streaming: None,
            in_a_row: 0,
            taken_back: VecDeque::new(),
        }
    }

    /// Its task has begun.
    pub fn begin(&mut self, task: Py<PyAny>) {
        if !self.is_over {
            self.task = Some(task);
        }
    }

    /// It has no task: what its coroutine tells is not the application's.
    pub fn never_begins(&mut self) {
        self.is_over = true;
    }

    /// It has no task, because of this.
    pub fn lost(&mut self, py: Python<'_>, error: &PyErr) {
        self.is_over = true;
        if self.opened.is_some() {
            self.fail(py, Trouble::Raised(error.clone_ref(py)));
        } else {
            self.log_if_its_own(py, error);
        }
    }

    /// Its loop is no more: its client is parted with.
    pub fn abandon(&mut self, py: Python<'_>) {
        self.is_cut_off = true;
        self.give_up(py, Breakage::Left, FAILED);
    }

    /// Its answer is given up, and its connection goes back: for this reason, with this status if none has left.
    fn give_up(&mut self, py: Python<'_>, breakage: Breakage, status: u16) {
        let Some(opened) = &mut self.opened else { return };
        opened.response.give_up(breakage, status);
        self.is_client_lost = true;
        self.answered(py);
    }

    /// When its head was whole, unless it was found to be overdue already.
    pub fn began(&self) -> Option<Instant> {
        (!self.is_cut_off).then_some(self.began)
    }

    /// It was overdue before it could begin: the application does not hear of it.
    pub fn refuse_overdue(&mut self, py: Python<'_>, timeout: Duration) {
        self.is_over = true;
        self.end_overdue(py, timeout);
    }

    /// It has taken longer than it may: its client is answered, if it was not, its connection given back, and the
    /// task cancelled.
    pub fn end_overdue(&mut self, py: Python<'_>, timeout: Duration) {
        self.is_cut_off = true;
        let line = self.line();
        match &self.opened {
            Some(opened) => {
                end_overdue(&opened.connection.stream, &line, timeout);
                self.give_up(py, Breakage::Overdue, OVERDUE);
            }
            None => log::warn!(
                "{line} has exceeded request_timeout ({} s) behind its answer",
                timeout.as_secs_f64()
            ),
        }
        self.cancel(py);
    }

    /// It would keep the worker for longer than that may go on: the task is cancelled, and a whole answer that its
    /// client has not taken yet is cut off. The line that says so.
    pub fn end_with_worker(&mut self, py: Python<'_>) -> String {
        self.is_cut_off = true;
        self.cancel(py);
        let is_whole = |opened: &Opened| opened.response.has_ended() || self.is_over;
        let is_whole = self.opened.as_ref().is_some_and(is_whole);
        if is_whole {
            self.give_up(py, Breakage::WorkerEnds, FAILED);
        }
        let end = if is_whole { "cut off" } else { "cancelled" };
        format!("{} ({:.1} s old) is {end}", self.line(), self.began.elapsed().as_secs_f32())
    }

    /// Cancels its task.
    fn cancel(&self, py: Python<'_>) {
        if let Some(task) = &self.task
            && let Err(error) = task.call_method0(py, interned!(py, "cancel"))
        {
            let what = format!("the task of {} could not be cancelled", self.line());
            log_raised(py, &what, &error);
        }
    }

    /// The request line, for the log.
    fn line(&self) -> String {
        // RFC 9112, 2.2: empty lines before it are none.
        let head = self.head.trim_ascii_start();
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let end = line.iter().rposition(|byte| *byte == b' ').unwrap_or(line.len());
        String::from_utf8_lossy(&line[..end]).into_owned()
    }
}

/// The client has not got all of its answer.
const FAILED: u16 = 500;
