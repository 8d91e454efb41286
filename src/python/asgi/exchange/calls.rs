//! What the application, and asgi.py for it, call of a request.

use std::borrow::Cow;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Exchange;
use super::answering::{HTTP_BODY, HTTP_START};
use super::errors::without_own_frame;
use super::futures::{keep, wake};
use super::message::{required, wrong_type};
use super::speaking::CLOSE;
use crate::python::asgi::extensions::{EARLY_HINT, PATHSEND, TRAILERS};
use crate::python::asgi::ready::Ready;
use crate::python::interp::fork::end_if_stray;
use crate::python::wsgi::client_gone::left;
use crate::python::wsgi::respond::Trouble;

/// After so many messages others have their turn, however fast the client is. Most requests have fewer.
const RUN: u32 = 16;

#[pymethods]
impl Exchange {
    fn receive<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        awaited(slf.py(), Self::begin_to_receive(slf))
    }

    fn send<'py>(
        slf: &Bound<'py, Self>,
        message: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        end_if_stray(slf.py(), None);
        awaited(slf.py(), Self::begin_to_send(slf, message))
    }

    /// Where messages wait for those before them. Whoever has it gives it back by `leave_line`.
    fn join_line(&mut self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let line = match self.line.take() {
            Some(line) => line,
            None => self.home.functions().new_line.call0(py)?,
        };
        self.line = Some(line.clone_ref(py));
        self.in_line += 1;
        Ok(line)
    }

    fn leave_line(&mut self) {
        self.in_line -= 1;
    }

    /// Sends a message that has waited for those before it.
    fn send_behind_others(&mut self, message: &Bound<'_, PyDict>) -> PyResult<()> {
        let kind = required(message, "type")?;
        let kind = kind_of(&kind)?;
        if !self.take(&kind, message)? {
            self.wait_for_client(message.py())?;
        }
        Ok(())
    }

    /// A message that was not delivered is the next.
    fn take_back(&mut self, message: Py<PyDict>) {
        self.taken_back.push_back(message);
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
        let is_lost = match &self.opened {
            Some(opened) => opened.response.breakage().is_some(),
            None => self.is_client_lost,
        };
        if is_lost {
            return Err(left());
        }
        Ok(self.opened.as_ref().is_none_or(|opened| !opened.response.awaits_client()))
    }

    /// A future that ends when it may have.
    fn room_to_send<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let future = self.home.new_future(py)?;
        keep(py, &mut self.sending, &future);
        Ok(future)
    }

    /// Whether the application has ended.
    fn has_ended(&self) -> bool {
        self.is_over
    }

    /// The application has ended, with this exception or with `None`.
    fn over(&mut self, py: Python<'_>, error: &Bound<'_, PyAny>) {
        let raised = (!error.is_none()).then(|| without_own_frame(error));
        end_if_stray(py, raised.as_ref());
        if self.is_over {
            return;
        }
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
            Some(error) if has_ended && self.is_body_broken => {
                // Most frameworks fail behind it, so it is nobody's fault but the client's.
                let how = if self.is_body_refused { "was refused" } else { "did not come whole" };
                log::info!("{}: its body {how}, and then: {error}", self.line());
            }
            Some(error) if has_ended => self.log_if_its_own(py, &error),
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

impl Exchange {
    fn begin_to_receive<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
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

    fn begin_to_send<'py>(
        slf: &Bound<'py, Self>,
        message: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let message = message
            .cast::<PyDict>()
            .map_err(|_| wrong_type("an ASGI message is a dict", message))?;
        let kind = required(message, "type")?;
        let kind = kind_of(&kind)?;
        let mut this = slf.try_borrow_mut()?;
        let home = this.home;
        if this.must_wait(&kind)? {
            drop(this);
            return home.functions().send_in_line.bind(py).call1((slf, message));
        }
        let is_taken = this.take(&kind, message)?;
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

    /// Whether a message of this kind has to wait for those before it.
    fn must_wait(&mut self, kind: &str) -> PyResult<bool> {
        self.is_behind = self.is_behind && !self.has_drained()?;
        // A close adds next to nothing, and who closes need not wait for a client that takes nothing.
        Ok(self.in_line > 0 || self.is_behind && kind != CLOSE)
    }

    /// Takes a message of this kind; whether the client has taken all that was sent.
    fn take(&mut self, kind: &str, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let is_taken = match kind {
            kind if self.speech.is_some() => self.say(kind, message)?,
            HTTP_START => self.start(message).map(|()| true)?,
            HTTP_BODY => self.body(message)?,
            PATHSEND => self.file(message)?,
            TRAILERS => self.trailers(message)?,
            EARLY_HINT => self.early_hint(message).map(|()| true)?,
            other => {
                return Err(PyRuntimeError::new_err(format!(
                    "Unexpected ASGI message '{other}' sent."
                )));
            }
        };
        self.is_behind = !is_taken;
        if is_taken {
            // Whatever another task has waited to send has left with it.
            wake(message.py(), &mut self.sending);
        }
        Ok(is_taken)
    }

    /// Whether it is the others' turn.
    fn has_had_its_run(&mut self) -> bool {
        self.in_a_row = (self.in_a_row + 1) % RUN;
        self.in_a_row == 0
    }
}

/// What is wrong is raised where it is awaited, and not where it is called: who gathers awaitables gets it with them.
fn awaited<'py>(
    py: Python<'py>,
    begun: PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    match begun {
        Ok(awaitable) => Ok(awaitable),
        Err(error) => Ok(Bound::new(py, Ready::failed(error))?.into_any()),
    }
}

fn kind_of<'m>(kind: &'m Bound<'_, PyAny>) -> PyResult<Cow<'m, str>> {
    kind.extract().map_err(|_| wrong_type("the type of an ASGI message is a str", kind))
}
