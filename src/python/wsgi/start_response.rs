//! `start_response`, and the `write` that it returns (PEP 3333).
//!
//! It lives as long as the application keeps it; the connection only as long as the request. So the
//! [`Response`] is lent to it and taken back at the end, and an application that kept it gets an
//! exception and no other client's connection.
//!
//! The rule that a reader would break: it is not borrowed while code of the application's runs, which may come
//! back to it, as `environ["unicoro.websocket"]` does.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use pyo3::exceptions::{PyAssertionError, PyBrokenPipeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use unicoro_contract::buffers;

use super::bound::Method;
use super::client_gone::client_gone;
use super::fields::{fields_of, fields_of_hints};
use super::latin1::push_latin1;
use crate::exchange::Response;
use crate::http::ResponseError;
use crate::python::deadline::request_timeout;
use crate::python::gil::attach::detached;

/// What an application begins its response with.
#[pyclass(module = "unicoro", name = "StartResponse")]
pub struct StartResponse {
    lent: Option<Response>,
    // Its own method, bound, as long as there is a response to write to: it is what a call returns.
    write: Option<Py<PyAny>>,
    // Who lent it could not take it back, because a thread waits for the client in the middle of it.
    is_over: Arc<AtomicBool>,
}

impl StartResponse {
    /// One that has no response. Whoever cannot take one back sets `is_over`.
    pub fn new(is_over: Arc<AtomicBool>) -> Self {
        Self { lent: None, write: None, is_over }
    }

    /// Lends it this response; `write` is its own method.
    pub fn lend(&mut self, response: Response, write: Py<PyAny>) {
        (self.lent, self.write) = (Some(response), Some(write));
    }

    /// Takes the response back: the request is over.
    pub fn take_response(&mut self) -> Option<Response> {
        self.write = None;
        self.lent.take()
    }

    /// The response, as long as it is lent.
    ///
    /// # Errors
    /// The request is over.
    pub fn response(&mut self) -> PyResult<&mut Response> {
        self.lent.as_mut().ok_or_else(|| PyBrokenPipeError::new_err("this request is over"))
    }

    /// Whether it has begun, and whether some of it has left.
    fn progress(&mut self) -> PyResult<(bool, bool)> {
        let response = self.response()?;
        Ok((response.has_begun(), response.has_left()))
    }

    /// Has `body` wait for the client.
    ///
    /// # Errors
    /// The request is over.
    pub fn waiting<R>(
        &mut self,
        py: Python<'_>,
        body: impl FnOnce(&mut Response) -> R,
    ) -> PyResult<R> {
        let response = self.response()?;
        let done = detached(py, || body(response));
        // Its request may have ended meanwhile: then nobody else takes it, and `write` leads back here.
        if self.is_over.load(Ordering::Relaxed) {
            drop(self.take_response());
        }
        Ok(done)
    }

    /// The response, as long as hints may be sent before it.
    fn hinted(&mut self) -> Option<&mut Response> {
        self.lent.as_mut().filter(|response| !response.has_left())
    }
}

/// The methods that applications are given.
pub struct Methods {
    /// What `start_response` returns.
    pub write: Method,
    /// `wsgi.early_hints`.
    pub early_hints: Method,
    /// `unicoro.client_disconnected`.
    pub client_disconnected: Method,
}

impl Methods {
    /// All of them.
    ///
    /// # Errors
    /// No memory.
    pub fn all(py: Python<'_>) -> PyResult<&'static Self> {
        static ALL: OnceLock<Methods> = OnceLock::new();
        if let Some(all) = ALL.get() {
            return Ok(all);
        }
        let method = |name| Method::of::<StartResponse>(py, name);
        let all = Self {
            write: method("write")?,
            early_hints: method("early_hints")?,
            client_disconnected: method("client_disconnected")?,
        };
        Ok(ALL.get_or_init(|| all))
    }
}

#[pymethods]
impl StartResponse {
    #[pyo3(signature = (status, headers, exc_info=None))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        status: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let exc_info = exc_info.filter(|info| !info.is_none());
        let (has_begun, has_left) = slf.try_borrow_mut()?.progress()?;
        match exc_info {
            Some(info) if has_left => {
                // PEP 3333: too late to say it to the client, so the application's error goes on.
                return Err(PyErr::from_value(info.get_item(1)?));
            }
            None if has_begun => {
                return Err(PyAssertionError::new_err(
                    "start_response was called twice without exc_info",
                ));
            }
            Some(_) | None => {}
        }
        let mut line = buffers::take();
        push_latin1(status, "the status", &mut line)?;
        // Code of the application's may run here, and use what is ours.
        let fields = fields_of(headers)?;
        let mut this = slf.try_borrow_mut()?;
        this.response()?.begin(line, fields).map_err(cannot_be_sent)?;
        // It has one as long as it has a response.
        Ok(this.write.as_ref().map(|write| write.bind(slf.py()).clone()))
    }

    /// `wsgi.early_hints`: sends a 103 with these fields, as often as it is called before the head.
    /// Too late, and on HTTP/1.0, it does nothing.
    fn early_hints(slf: &Bound<'_, Self>, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        if slf.try_borrow_mut()?.hinted().is_none() {
            return Ok(());
        }
        // As above.
        let fields = fields_of_hints(headers)?;
        let mut this = slf.try_borrow_mut()?;
        if this.hinted().is_none() {
            return Ok(());
        }
        let sent = this.waiting(py, |response| response.send_hints(&fields))?;
        sent.map_err(cannot_be_sent)?.map_err(|error| cannot_send(py, &error))
    }

    /// `unicoro.client_disconnected`: whether nobody is left to answer.
    fn client_disconnected(slf: &Bound<'_, Self>) -> bool {
        // Borrowed: another thread is sending to the client right now.
        slf.try_borrow().is_ok_and(|this| this.lent.as_ref().is_none_or(Response::is_client_gone))
    }

    fn write(&mut self, py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<()> {
        let data = data.as_bytes();
        self.waiting(py, |response| response.send(data))?.map_err(|error| cannot_send(py, &error))
    }
}

fn cannot_be_sent(error: ResponseError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

fn cannot_send(py: Python<'_>, error: &io::Error) -> PyErr {
    request_timeout::due(py).unwrap_or_else(|| client_gone(error))
}
