//! One request through the application: call it, send what it returns, say how it ended.

use std::io::IoSlice;
use std::sync::Arc;
use std::time::Instant;

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use unicoro_contract::{Stream, Tempo, interrupt};

use crate::http::{Head, RequestFacts, reason, refusal};
use crate::logging::{TRACEBACK, divert};
use crate::python::deadline::request_timeout::is_request_timeout;
use crate::python::gil::attach::{attached, detached, in_fresh_context};
use crate::python::gunicorn::app_socket::AppSocket;
use crate::python::gunicorn::request_hooks::RequestHooks;
use crate::python::gunicorn::shown::{Answered, Shown};
use crate::python::interp::fork::end_if_stray;
use crate::python::interp::interned::interned;
use crate::python::interp::spew::trace_this_thread;
use crate::python::interp::traceback;
use crate::python::loggers::records;
use crate::python::threads::request_threads;
use crate::python::wsgi::environ::{Environ, Place, ServerFacts};
use crate::python::wsgi::fields::Fields;
use crate::python::wsgi::input::Input;
use crate::python::wsgi::reader::Reader;
use crate::python::wsgi::respond::{Ended, Trouble, respond};
use crate::python::wsgi::response::Response;

/// A loaded WSGI application.
pub struct Application {
    callable: Py<PyAny>,
    environ: Environ,
    no_body: Py<Input>,
    shown: Shown,
    hooks: Option<RequestHooks>,
}

/// One request for it.
pub struct Request<'a> {
    /// What was asked.
    pub head: &'a Head<'a>,
    /// Where it comes from, and what for.
    pub place: Place<'a>,
    /// Where the response goes.
    pub stream: &'a Arc<Stream>,
    /// The body, if there is one.
    pub reader: Option<Reader>,
    /// What the response must know.
    pub facts: RequestFacts,
    /// Variables of the environ that the access log wants to know.
    pub environ_names: &'a [String],
    /// When its head was whole.
    pub began: Instant,
    /// For the response's Date.
    pub date: Arc<str>,
    /// How slowly the client may take the response.
    pub tempo: &'a Tempo,
}

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

impl Application {
    /// Wraps a loaded application. On the main thread: it makes the types that requests need.
    ///
    /// # Errors
    /// The text of a Python exception.
    pub fn new(
        callable: Py<PyAny>,
        facts: ServerFacts,
        hooks: Option<RequestHooks>,
    ) -> Result<Self, String> {
        attached(|py| {
            let make = || -> PyResult<Self> {
                Ok(Self {
                    callable,
                    environ: Environ::new(py, facts)?,
                    no_body: Py::new(py, Input::empty())?,
                    shown: Shown::new(py)?,
                    hooks,
                })
            };
            make().map_err(|error| traceback::format(py, &error))
        })
    }

    /// Serves one request. Waits and parks inside.
    pub fn call(&self, mut request: Request<'_>) -> Outcome {
        attached(|py| {
            in_fresh_context(py, || {
                if let Err(error) = trace_this_thread(py) {
                    log::error!(target: TRACEBACK, "spew: {}", traceback::format(py, &error));
                }
                if self.hooks.is_none() {
                    log::debug!("{} {}", request.head.method, request.head.target.path);
                }
                let outcome = self.call_and_tell(py, &mut request);
                request_threads::between_requests(py);
                outcome.unwrap_or_else(|error| {
                    // The server's own objects could not be made: out of memory, or a bug.
                    log::error!(target: TRACEBACK, "{}", traceback::format(py, &error));
                    failed(&request, 500, None)
                })
            })
        })
    }

    /// gunicorn's order: pre_request, the application, the response to its end, the access log,
    /// post_request.
    fn call_and_tell(&self, py: Python<'_>, request: &mut Request<'_>) -> PyResult<Outcome> {
        let (mut shown, mut refused) = (None, None);
        if let Some(hooks) = &self.hooks {
            let request = self.show(py, request)?;
            refused = hooks.before(&request).err();
            shown = Some(request);
        }
        let is_refused = refused.is_some();
        let (mut outcome, environ, mut status_line) = match refused {
            Some(error) => {
                let text =
                    format!("the hook pre_request, at {}, raised an exception:", line_of(request));
                log_raised(py, &text, &error);
                let environ = self.environ.build(py, request.head, &request.place)?;
                let environ_shown = chosen(&environ, request.environ_names);
                let outcome = Outcome { environ: environ_shown, ..failed(request, 500, Some("")) };
                (outcome, environ, Vec::new())
            }
            None => {
                let (outcome, environ, response) = self.try_call(py, request)?;
                // The application may have changed that.
                if self.hooks.is_none() && !divert::takes_accesses() {
                    return Ok(outcome);
                }
                let status_line = response.try_borrow_mut()?.take_status_line();
                (outcome, environ, status_line)
            }
        };
        // The client has the whole response before a slow hook or handler begins.
        detached(py, || outcome.send_rest(request.stream, request.tempo));
        if status_line.is_empty() {
            // The application gave none: ours.
            status_line = format!("{} {}", outcome.status, reason(outcome.status)).into_bytes();
        }
        let shown = shown.map_or_else(|| self.show(py, request), Ok)?;
        let response = self.shown.response(
            &shown,
            &Answered {
                status_line: &status_line,
                fields: &outcome.fields,
                sent: outcome.body_sent,
            },
        )?;
        if divert::takes_accesses() {
            records::access(&shown, &response, &environ, request.began.elapsed());
            outcome.is_logged = true;
        }
        // gunicorn: post_request is called, without a response, where pre_request has raised.
        if let Some(hooks) = self.hooks.as_ref().filter(|_| !is_refused) {
            match hooks.after(&shown, &environ, &response) {
                Ok(goes_on) => outcome.ends_worker = !goes_on,
                Err(error) => {
                    let text = format!(
                        "the hook post_request, after {}, raised an exception:",
                        line_of(request)
                    );
                    log_raised(py, &text, &error);
                }
            }
        }
        Ok(outcome)
    }

    fn show<'py>(&self, py: Python<'py>, request: &Request<'_>) -> PyResult<Bound<'py, PyAny>> {
        let place = &request.place;
        self.shown.request(py, request.head, place.client, place.is_https)
    }

    fn try_call<'py>(
        &self,
        py: Python<'py>,
        request: &mut Request<'_>,
    ) -> PyResult<(Outcome, Bound<'py, PyDict>, Bound<'py, Response>)> {
        let (stream, date) = (Arc::clone(request.stream), Arc::clone(&request.date));
        let response = Response::new(stream, request.facts, date, *request.tempo);
        let response = Bound::new(py, response)?;
        let input = match request.reader.take() {
            // The client is kept only if it sends the body that it asks leave for.
            Some(reader) if reader.owes_continue() => {
                response.borrow_mut().depends_on(reader.continue_due());
                Bound::new(py, Input::new(reader))?
            }
            Some(reader) => Bound::new(py, Input::new(reader))?,
            None => self.no_body.bind(py).clone(),
        };
        let environ = self.environ.build(py, request.head, &request.place)?;
        environ.set_item(interned!(py, "wsgi.input"), &input)?;
        for (key, method) in [
            (interned!(py, "wsgi.early_hints"), interned!(py, "early_hints")),
            (interned!(py, "unicoro.client_disconnected"), interned!(py, "client_disconnected")),
        ] {
            environ.set_item(key, response.getattr(method)?)?;
        }

        let socket = Bound::new(py, AppSocket::new(request.stream, input.clone().unbind()))?;
        environ.set_item(interned!(py, "gunicorn.socket"), &socket)?;

        let result = self.callable.bind(py).call1((&environ, &response));
        end_if_stray(py, result.as_ref().err());
        let ended = match result {
            Ok(result) => respond(&result, &response),
            Err(error) if is_hand_over(py, &socket, &error) => Err(Trouble::HandedOver),
            Err(error) => Err(Trouble::Raised(error)),
        };
        warn_if_swallowed(py, request, &ended);
        let reader = input.try_borrow_mut().ok().and_then(|mut input| input.take_reader());
        let mut outcome = match ended {
            Ok(ended) => well(request, &response, ended),
            Err(trouble) => badly(py, request, &response, reader.as_ref(), trouble),
        };
        outcome.is_socket_taken = socket.get().is_taken();
        outcome.keep_alive &= !outcome.is_socket_taken;
        outcome.reader = reader;
        outcome.environ = chosen(&environ, request.environ_names);
        if let Ok(mut response) = response.try_borrow_mut() {
            response.close();
        }
        Ok((outcome, environ, response))
    }
}

/// Whether the application has answered on the socket itself: it raises StopIteration, which makes
/// gunicorn close without a word.
fn is_hand_over(py: Python<'_>, socket: &Bound<'_, AppSocket>, error: &PyErr) -> bool {
    socket.get().is_taken() && error.is_instance_of::<PyStopIteration>(py)
}

/// An application that catches BaseException and goes on holds a green thread that nobody waits for.
fn warn_if_swallowed(py: Python<'_>, request: &Request<'_>, ended: &Result<Ended, Trouble>) {
    let was_raised = matches!(ended, Err(Trouble::Raised(error)) if is_request_timeout(py, error));
    if interrupt().is_delivered && !was_raised {
        log::warn!(
            "{}: the application has swallowed unicoro.RequestTimeout; it should clean up and let \
             it pass",
            line_of(request)
        );
    }
}

fn log_raised(py: Python<'_>, text: &str, error: &PyErr) {
    if !records::emit_raised(py, text, error) {
        log::error!(target: TRACEBACK, "{text}\n{}", traceback::format(py, error));
    }
}

/// The variables that the access log asks for, as text.
fn chosen(environ: &Bound<'_, PyDict>, names: &[String]) -> Vec<(String, String)> {
    let value = |name: &String| {
        let find = |name: &str| environ.get_item(name).ok().flatten();
        // gunicorn: in whatever case a format spells them.
        let value = find(name).or_else(|| find(&name.to_ascii_uppercase()))?;
        Some((name.clone(), value.str().ok()?.to_string()))
    };
    names.iter().filter_map(value).collect()
}

fn well(request: &Request<'_>, response: &Bound<'_, Response>, ended: Ended) -> Outcome {
    if let Some(complaint) = ended.complaint {
        log::error!("{}: {complaint}", line_of(request));
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
fn badly(
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
    let line = line_of(request);
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
fn failed(request: &Request<'_>, status: u16, page: Option<&str>) -> Outcome {
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

/// The request line as the log shows it. The parser lets no control byte into any part of it.
fn line_of(request: &Request<'_>) -> String {
    format!("{} {}", request.head.method, request.head.target.raw)
}
