//! The end of an answer, however it is reached, and of the request's hold on its connection.

use std::io;

use pyo3::prelude::*;

use super::futures::wake;
use super::{Exchange, FAILED};
use crate::exchange::{Breakage, OVERDUE, Reader, Unread};
use crate::python::app::failure::fail;
use crate::python::asgi::host::Opened;
use crate::python::gil::attach::detached;
use crate::python::loggers::records::log_raised;
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
        if sent.is_err() {
            self.lose_client();
        }
        if !matches!(sent, Ok(false)) {
            self.answered(py);
        } else if let Err(error) = self.wait_for_client(py) {
            log_raised(py, "a client could not be waited for:", &error);
        }
        sent
    }

    pub(super) fn send_rest(&mut self, py: Python<'_>) {
        if self.opened.as_ref().is_none_or(|opened| !opened.response.awaits_client()) {
            return;
        }
        if !matches!(self.send_more(py, false), Ok(false)) {
            self.answered_if_ended(py);
            self.waits = None;
            wake(py, &mut self.sending);
        }
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

    /// What the application has ended does not reach its client: said once, and the application hears of it where
    /// it sends.
    pub(super) fn lose_client(&mut self) {
        let breakage = self.opened.as_ref().and_then(|opened| opened.response.breakage());
        if let (Some(breakage), false) = (breakage, self.is_over) {
            log::info!("{}: {breakage}", self.line());
            self.is_client_lost = true;
        }
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
        self.waits = None;
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
}
