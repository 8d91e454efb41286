//! The end of an answer, however it is reached, and of the request's hold on its connection.

use std::io;

use pyo3::prelude::*;

use super::errors::comes_of_cancelling;
use super::futures::wake;
use super::{Exchange, FAILED};
use crate::exchange::{Breakage, Reader, Streaming, Unread};
use crate::python::app::failure::fail;
use crate::python::asgi::host::Opened;
use crate::python::gil::attach::detached;
use crate::python::loggers::records::log_raised;
use crate::python::wsgi::client_gone::{client_gone, comes_of_it};
use crate::python::wsgi::respond::Trouble;

impl Exchange {
    /// The answer is whole: sends what is left of it. Whether that was all.
    pub(super) fn finish(&mut self, py: Python<'_>) -> io::Result<bool> {
        let Some(opened) = &self.opened else { return Ok(true) };
        let may_hold = match &opened.unread {
            Unread::Nothing => true,
            Unread::Behind(reader) => reader.is_done(),
            Unread::Unknown => false,
        };
        let sent = self.send_more(py, may_hold);
        match sent {
            Ok(true) => self.answered(py),
            Ok(false) => {
                if let Err(error) = self.wait_for_client(py) {
                    log_raised(py, "a client could not be waited for:", &error);
                }
            }
            Err(_) => self.lose_client(py),
        }
        sent
    }

    pub(super) fn send_rest(&mut self, py: Python<'_>) {
        if self.opened.as_ref().is_none_or(|opened| !opened.response.awaits_client()) {
            return;
        }
        match self.send_more(py, false) {
            Ok(false) => return,
            Ok(true) => self.answered_if_ended(py),
            Err(_) => self.lose_client(py),
        }
        self.waits = None;
        wake(py, &mut self.sending);
    }

    /// Sends what is left of an answer; whether that was all.
    pub(super) fn send_more(&mut self, py: Python<'_>, may_hold: bool) -> io::Result<bool> {
        let has_file = self.opened.as_ref().is_some_and(|opened| opened.response.has_file());
        if has_file {
            // It may not be in memory yet, and others run the language meanwhile. The socket's event may come
            // before they give it back.
            self.watch_socket();
        }
        let Some(Opened { response, .. }) = &mut self.opened else { return Ok(true) };
        if has_file {
            detached(py, || response.send_more(may_hold))
        } else {
            response.send_more(may_hold)
        }
    }

    /// The answer does not reach its client: said once, and the connection goes back, whatever the application does.
    /// It hears of that where it sends.
    pub(super) fn lose_client(&mut self, py: Python<'_>) {
        self.note_end_of_stream();
        let breakage = self.opened.as_ref().and_then(|opened| opened.response.breakage());
        // Of an overdue one it has been said.
        if let Some(breakage) = breakage.filter(|it| !self.is_over && *it != Breakage::Overdue) {
            log::info!("{}: {breakage}", self.line());
        }
        self.is_client_lost = true;
        self.answered(py);
    }

    /// If it is not the client that has ended a stream, but its worker's end.
    fn note_end_of_stream(&mut self) {
        if let Some(opened) = &mut self.opened
            && self.streaming.as_ref().is_some_and(Streaming::has_ended)
        {
            opened.response.give_up(Breakage::WorkerEnds, 0);
        }
    }

    /// What was sent, or could not be.
    pub(super) fn sent(&mut self, py: Python<'_>, sent: io::Result<bool>) -> PyResult<bool> {
        sent.map_err(|error| {
            self.lose_client(py);
            client_gone(error)
        })
    }

    /// A piece is about to be sent, and others are to come, nobody knows how many. False: the worker ends, and
    /// nothing more is sent.
    pub(super) fn stream_goes_on(&mut self) -> bool {
        let Some(opened) = &self.opened else { return false };
        let streams = self.home.host().streams();
        let stream = &opened.connection.stream;
        self.streaming.get_or_insert_with(|| streams.response(stream)).goes_on()
    }

    fn answered_if_ended(&mut self, py: Python<'_>) {
        let is_over = self.is_over;
        if self.opened.as_ref().is_some_and(|opened| opened.response.has_ended() || is_over) {
            self.answered(py);
        }
    }

    /// The client has its answer: the connection goes back.
    pub(super) fn answered(&mut self, py: Python<'_>) {
        let Some(opened) = self.opened.take() else { return };
        (self.waits, self.streaming) = (None, None);
        self.home.host().answered(opened);
        wake(py, &mut self.sending);
        wake(py, &mut self.receiving);
        if self.is_over {
            self.home.forget(py, self.number);
        }
    }

    /// The application has failed, or has ended too early.
    pub(super) fn fail(&mut self, py: Python<'_>, trouble: Trouble) {
        let line = self.line();
        self.note_end_of_stream();
        if let (true, Some(_), Trouble::Raised(error)) = (self.is_cut_off, &self.opened, &trouble) {
            self.log_if_its_own(py, error);
        }
        let Some(opened) = &mut self.opened else { return };
        let response = &mut opened.response;
        if self.is_cut_off {
            response.refuse(ENDING, "");
        } else if self.home.quits()
            // Nobody is there to be answered, and the application has heard that.
            || matches!(trouble, Trouble::Misused(_))
                && opened.connection.stream.is_hung_up()
                && response.breakage().is_none()
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

    /// All others were cancelled, because they would have kept the worker: the application does not hear of it.
    pub fn refuse_at_end(&mut self, py: Python<'_>) {
        self.is_over = true;
        log::info!(
            "{}: it came when the others had been cancelled, at the worker's end",
            self.line()
        );
        if let Some(opened) = &mut self.opened {
            opened.response.refuse(ENDING, "");
        }
        drop(self.finish(py));
    }

    /// What the application has raised where nobody can be answered any more: said, unless it comes of what it was
    /// told itself, that its client is gone or its time over.
    pub(super) fn log_if_its_own(&self, py: Python<'_>, error: &PyErr) {
        let is_cancelled = self.is_cut_off || self.home.quits();
        let is_told = self.is_client_lost || is_cancelled;
        if is_told && comes_of_it(py, error) || is_cancelled && comes_of_cancelling(py, error) {
            return;
        }
        log_raised(py, &format!("Error handling request {}", self.line()), error);
    }
}

/// What a client is told whose request would keep the worker.
const ENDING: u16 = 503;
