//! One request through the application: call it, send what it returns, say how it ended.

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::failure::{FAILED, fail};
use super::handles::{Handles, SpareHandles};
use super::request::Request;
use super::served::Served;
use super::swallowed::warn_if_swallowed;
use super::turn::in_turn;
use super::upgraded;
use crate::exchange::{Response, Unread};
use crate::logging::{TRACEBACK, divert};
use crate::python::deadline::request_timeout::is_request_timeout;
use crate::python::error::PythonError;
use crate::python::gil::attach::{attached, detached};
use crate::python::gunicorn::app_socket::AppSocket;
use crate::python::gunicorn::request_hooks::RequestHooks;
use crate::python::gunicorn::shown::Shown;
use crate::python::interp::fork::end_if_stray;
use crate::python::interp::interned::interned;
use crate::python::interp::traceback;
use crate::python::loggers::records::{log_access, log_raised};
use crate::python::websocket::module::with_gevents_methods;
use crate::python::wsgi::environ::{Environ, ServerFacts};
use crate::python::wsgi::input::Input;
use crate::python::wsgi::respond::{Trouble, respond};

/// A loaded WSGI application.
pub struct Application {
    callable: Py<PyAny>,
    environ: Environ,
    no_body: Py<Input>,
    handles: SpareHandles,
    shown: Shown,
    hooks: Option<RequestHooks>,
}

impl Application {
    /// Wraps a loaded application. On the main thread: it makes the types that requests need.
    ///
    /// # Errors
    /// Python raised an exception.
    pub fn new(
        callable: Py<PyAny>,
        facts: ServerFacts,
        hooks: Option<RequestHooks>,
    ) -> Result<Self, PythonError> {
        attached(|py| {
            let make = || -> PyResult<Self> {
                Ok(Self {
                    callable,
                    environ: Environ::new(py, facts)?,
                    no_body: Py::new(py, Input::empty())?,
                    handles: SpareHandles::default(),
                    shown: Shown::new(py)?,
                    hooks,
                })
            };
            make().map_err(|error| traceback::raised(py, &error))
        })
    }

    /// Serves one request. Waits and parks inside.
    pub fn call(&self, mut request: Request<'_>) -> Served {
        let mut served = None;
        in_turn(|py| {
            if self.hooks.is_none() {
                log::debug!("{} {}", request.head.method, request.head.target.path);
            }
            if let Err(error) = self.with_handles(py, &mut request, &mut served) {
                // The server's own objects could not be made: out of memory, or a bug.
                log::error!(target: TRACEBACK, "{}", traceback::format(py, &error));
            }
        });
        let mut served = served.unwrap_or_else(|| {
            let mut response = request.response();
            response.fail(FAILED);
            request.served(response, Vec::new())
        });
        // Without the GIL. If the client has left, the response knows.
        drop(served.response.send_rest());
        served
    }

    // What is served is handed out by reference: it is large, and would be copied at each return.
    fn with_handles(
        &self,
        py: Python<'_>,
        request: &mut Request<'_>,
        served: &mut Option<Served>,
    ) -> PyResult<()> {
        let handles = self.handles.take(py)?;
        let told = self.call_and_tell(py, request, &handles, served);
        // Behind the environ's end.
        self.handles.give(py, handles);
        told
    }

    /// gunicorn's order: pre_request, the application, the response to its end, the access log,
    /// post_request.
    fn call_and_tell(
        &self,
        py: Python<'_>,
        request: &mut Request<'_>,
        handles: &Handles,
        served: &mut Option<Served>,
    ) -> PyResult<()> {
        let (mut shown, mut refused) = (None, None);
        if let Some(hooks) = &self.hooks {
            let request = self.show(py, request)?;
            refused = hooks.before(&request).err();
            shown = Some(request);
        }
        let is_refused = refused.is_some();
        let environ = match refused {
            Some(error) => self.refuse(py, request, &error, served)?,
            None => self.try_call(py, request, handles, served)?,
        };
        // The application may have changed that.
        let is_told = self.hooks.is_some() || divert::takes_accesses();
        let Some(served) = served.as_mut().filter(|_| is_told) else {
            return Ok(());
        };
        // The client has the whole response before a slow hook or handler begins.
        detached(py, || drop(served.response.send_rest()));
        let shown = shown.map_or_else(|| self.show(py, request), Ok)?;
        let response = self.shown.response(&shown, served.response.answer())?;
        if divert::takes_accesses() {
            log_access(&shown, &response, &environ, request.began.elapsed());
            served.is_logged = true;
        }
        // gunicorn: post_request is called, without a response, where pre_request has raised.
        if let Some(hooks) = self.hooks.as_ref().filter(|_| !is_refused) {
            match hooks.after(&shown, &environ, &response) {
                Ok(goes_on) => served.ends_worker = !goes_on,
                Err(error) => {
                    let text = format!(
                        "the hook post_request, after {}, raised an exception:",
                        request.line()
                    );
                    log_raised(py, &text, &error);
                }
            }
        }
        Ok(())
    }

    /// Answers a request at which `pre_request` has raised.
    fn refuse<'py>(
        &self,
        py: Python<'py>,
        request: &mut Request<'_>,
        error: &PyErr,
        served: &mut Option<Served>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let text = format!("the hook pre_request, at {}, raised an exception:", request.line());
        log_raised(py, &text, error);
        let environ = self.environ.build_without_connection(py, request.head, &request.place)?;
        let mut response = request.response();
        response.refuse(FAILED, "");
        let shown = chosen(&environ, request.environ_names);
        *served = Some(request.served(response, shown));
        Ok(environ)
    }

    fn show<'py>(&self, py: Python<'py>, request: &Request<'_>) -> PyResult<Bound<'py, PyAny>> {
        let place = &request.place;
        self.shown.request(py, request.head, place.client, place.is_https)
    }

    fn try_call<'py>(
        &self,
        py: Python<'py>,
        request: &mut Request<'_>,
        handles: &Handles,
        served: &mut Option<Served>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (start, socket) = (handles.start.bind(py), handles.socket.bind(py));
        // It knows of the body, which leaves the request now.
        let response = request.response();
        let input = match request.unread.lend() {
            Some(reader) => Bound::new(py, Input::new(reader))?,
            None => self.no_body.bind(py).clone(),
        };
        let environ = self.environ.build(py, request.head, &request.place)?;
        handles.lend(request.stream, response, &input, &environ)?;

        let websocket = upgraded::offer(py, request, start, &input)?;
        if let Some(websocket) = &websocket {
            environ.set_item(interned!(py, "unicoro.websocket"), websocket)?;
            if let Some(gevents) = with_gevents_methods(websocket, &environ)? {
                environ.set_item(interned!(py, "wsgi.websocket"), gevents)?;
            }
        }

        let result = self.callable.bind(py).call1((&environ, start));
        end_if_stray(py, result.as_ref().err());
        let mut ended = match result {
            Ok(result) => respond(&result, start, request.streams.response(request.stream)),
            Err(error) if is_hand_over(socket, &error) => Err(Trouble::HandedOver),
            Err(error) => Err(Trouble::Raised(error)),
        };
        let was_raised =
            matches!(&ended, Err(Trouble::Raised(error)) if is_request_timeout(py, error));
        warn_if_swallowed(|| request.line(), was_raised);
        let mut left = None;
        if let Some(websocket) = websocket.filter(|it| it.get().is_used()) {
            left = upgraded::conclude(&request.line(), &websocket, ended, start);
            ended = Ok(None);
        }
        let reader = input.get().take_reader();
        let taken = start.try_borrow_mut().ok().and_then(|mut start| start.take_response());
        let mut response = taken.unwrap_or_else(|| lost(request));
        match ended {
            Ok(None) => {}
            Ok(Some(wrong)) => log::error!("{}: {wrong}", request.line()),
            Err(trouble) => {
                fail(py, &request.line(), &mut response, reader.as_deref(), trouble);
            }
        }
        if response.has_switched() {
            // What the client sends now is no request.
            request.unread = Unread::Unknown;
        } else {
            request.unread.give_back(reader);
        }
        let shown = chosen(&environ, request.environ_names);
        *served = Some(Served { left, ..request.served(response, shown) });
        Ok(environ)
    }
}

/// In the place of a response that a thread of the application's is sending at this moment: what that
/// sends is not ours to end.
fn lost(request: &Request<'_>) -> Response {
    let mut response = request.response();
    response.fail(UNKNOWN);
    response
}

/// A status that nobody knows.
const UNKNOWN: u16 = 0;

/// Whether the application has answered on the socket itself: it raises StopIteration, which makes
/// gunicorn close without a word.
fn is_hand_over(socket: &Bound<'_, AppSocket>, error: &PyErr) -> bool {
    socket.get().is_taken() && error.is_instance_of::<PyStopIteration>(socket.py())
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
