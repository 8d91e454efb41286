//! The object at `environ["unicoro.websocket"]`: nothing happens unless the application uses it.
//!
//! Its calls wait without the GIL, so that green threads park in them, and OS threads block; a greenlet of gevent's
//! waits in its hub ([`super::in_hub`]).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use pyo3::exceptions::{PyRuntimeError, PyTimeoutError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use unicoro_contract::Stream;

use super::module::{connection_closed, handshake_error};
use super::{in_hub, outgoing};
use crate::exchange::{Closed, NotLeft, Unreceived, WebSocket, WebSockets, date};
use crate::http::Fields;
use crate::python::deadline::request_timeout;
use crate::python::gil::attach::detached;
use crate::python::wsgi::fields::fields_of;
use crate::python::wsgi::input::Input;
use crate::python::wsgi::start_response::StartResponse;
use crate::websocket::close_code::ABNORMAL;
use crate::websocket::{Close, Kind, Message, Refusal, Upgrade};

/// A WebSocket of a client's, or the offer of one.
#[pyclass(module = "unicoro.websocket", name = "WebSocket", frozen, weakref)]
pub struct Handle {
    offer: Result<Upgrade, Refusal>,
    sockets: Arc<WebSockets>,
    stream: Weak<Stream>,
    // Until it is accepted.
    request: Mutex<Option<RequestParts>>,
    accepted: OnceLock<Accepted>,
    is_refused: AtomicBool,
    // From `serve` to the end of the view.
    callbacks: Mutex<Option<GivenCallbacks>>,
}

/// Of a request that may become a WebSocket.
struct RequestParts {
    start: Py<StartResponse>,
    // What has received bytes behind the request's head; shared by requests without any.
    input: Py<Input>,
}

/// What `serve` was given.
pub struct GivenCallbacks {
    /// For each message.
    pub on_message: Py<PyAny>,
    /// For the end.
    pub on_close: Option<Py<PyAny>>,
}

struct Accepted {
    socket: Arc<WebSocket>,
    subprotocol: Option<String>,
}

impl Handle {
    /// Of a request that asks for a WebSocket, or tries to.
    pub fn new(
        offer: Result<Upgrade, Refusal>,
        sockets: &Arc<WebSockets>,
        stream: &Arc<Stream>,
        start: Py<StartResponse>,
        input: Py<Input>,
    ) -> Self {
        let (sockets, stream) = (Arc::clone(sockets), Arc::downgrade(stream));
        let request = Mutex::new(Some(RequestParts { start, input }));
        let (accepted, is_refused) = (OnceLock::new(), AtomicBool::new(false));
        let callbacks = Mutex::default();
        Self { offer, sockets, stream, request, accepted, is_refused, callbacks }
    }

    /// Whether the application has tried to accept it.
    pub fn is_used(&self) -> bool {
        self.accepted.get().is_some() || self.is_refused.load(Ordering::Relaxed)
    }

    /// The connection, if it was upgraded.
    pub fn socket(&self) -> Option<&Arc<WebSocket>> {
        self.accepted.get().map(|accepted| &accepted.socket)
    }

    /// What was wrong with the handshake, if the application has tried to accept it.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.offer.as_ref().err().filter(|_| self.is_refused.load(Ordering::Relaxed))
    }

    /// What it was left to, if it was.
    pub fn take_callbacks(&self) -> Option<GivenCallbacks> {
        self.callbacks.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn accepted(&self, py: Python<'_>) -> PyResult<&Accepted> {
        if self.accepted.get().is_none() {
            // If not, another thread has meanwhile.
            let _ = self.try_accept(py, None, Fields::default())?;
        }
        self.accepted.get().ok_or_else(|| over(py))
    }

    /// Answers the handshake; false: another thread has.
    fn try_accept(
        &self,
        py: Python<'_>,
        subprotocol: Option<String>,
        fields: Fields,
    ) -> PyResult<bool> {
        let upgrade = self.offer.as_ref().map_err(|refusal| self.refuse(py, refusal))?;
        let stream = self.stream.upgrade().ok_or_else(|| over(py))?;
        if stream.is_shared() {
            return Err(PyRuntimeError::new_err("gunicorn.socket was taken before"));
        }
        let agreed = self.sockets.pool().and_then(|pool| upgrade.negotiate(pool.policy()));
        let mut head = Vec::new();
        upgrade
            .answer(subprotocol.as_deref(), agreed.as_ref(), fields.iter(), &date(), &mut head)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let Some((start, input)) = self.request(py) else { return Ok(false) };
        let mut start = loop {
            if self.accepted.get().is_some() {
                return Ok(false);
            }
            match start.try_borrow_mut() {
                Ok(start) => break start,
                // Another thread accepts it right now; so rare that it need not be told.
                Err(_) => detached(py, || thread::sleep(GLANCE)),
            }
        };
        let sent = start.waiting(py, |response| response.switch(&head)).map_err(|_| over(py))?;
        sent.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => PyRuntimeError::new_err(
                "the request is answered: a WebSocket is accepted before start_response is called",
            ),
            _ => request_timeout::due(py).unwrap_or_else(|| over(py)),
        })?;
        let received = input.get().take_received();
        let socket =
            self.sockets.open(&stream, agreed.as_ref(), &received).ok_or_else(|| over(py))?;
        // Nobody else has: the response switches once, and is lent here until others see this.
        drop(self.accepted.set(Accepted { socket, subprotocol }));
        drop(start);
        // Of no more use: the next request may have them.
        let request = self.request.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(request);
        Ok(true)
    }

    /// The handshake breaks a rule: from here on that is the answer to the client.
    fn refuse(&self, py: Python<'_>, refusal: &Refusal) -> PyErr {
        if !self.is_refused.swap(true, Ordering::Relaxed)
            && let Some((start, _)) = self.request(py)
            // Lent to who sends another answer already.
            && let Ok(mut start) = start.try_borrow_mut()
            && let Ok(response) = start.response()
        {
            response.refuse_handshake(refusal.status, refusal.detail, refusal.fields());
        }
        handshake_error(py, refusal.detail)
    }

    fn request<'py>(
        &self,
        py: Python<'py>,
    ) -> Option<(Bound<'py, StartResponse>, Bound<'py, Input>)> {
        let request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        let RequestParts { start, input } = request.as_ref()?;
        Some((start.bind(py).clone(), input.bind(py).clone()))
    }

    fn next(
        &self,
        py: Python<'_>,
        timeout: Option<Duration>,
    ) -> PyResult<Result<Message, Unreceived>> {
        let socket = &self.accepted(py)?.socket;
        if detached(py, || socket.is_left()) {
            return Err(PyRuntimeError::new_err("its messages go to what serve() was given"));
        }
        if in_hub::is_in_hub(py, socket)? {
            return in_hub::receive(py, socket, timeout);
        }
        let sockets = &self.sockets;
        Ok(detached(py, || socket.receive(timeout, &|now| sockets.tend(now))))
    }
}

/// The request is over, or its client has gone before it was answered.
fn over(py: Python<'_>) -> PyErr {
    connection_closed(py, Closed { code: ABNORMAL, reason: "the client is gone".into() })
}

/// A message as applications have it: str or bytes.
///
/// # Errors
/// No memory.
pub fn as_object(py: Python<'_>, message: Message) -> PyResult<Bound<'_, PyAny>> {
    Ok(match message.kind {
        Kind::Binary => PyBytes::new(py, &message.data).into_any(),
        // It was checked as it came.
        Kind::Text => PyString::from_bytes(py, &message.data)?.into_any(),
    })
}

fn seconds(timeout: Option<f64>) -> PyResult<Option<Duration>> {
    let valid = |seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0));
    timeout
        .map(valid)
        .transpose()
        .map_err(|_| PyValueError::new_err("the timeout is no number of seconds"))
}

const ACCEPTED_BEFORE: &str = "the WebSocket was accepted before";

/// How long one thread waits, before it looks again whether another has accepted what both use first.
const GLANCE: Duration = Duration::from_millis(1);

#[pymethods]
impl Handle {
    /// Answers the handshake. Once: it is implied by the first use.
    #[pyo3(signature = (subprotocol=None, headers=None))]
    fn accept(
        &self,
        py: Python<'_>,
        subprotocol: Option<String>,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if self.accepted.get().is_some() {
            return Err(PyRuntimeError::new_err(ACCEPTED_BEFORE));
        }
        let fields = headers.map_or_else(|| Ok(Fields::default()), fields_of)?;
        match self.try_accept(py, subprotocol, fields)? {
            true => Ok(()),
            false => Err(PyRuntimeError::new_err(ACCEPTED_BEFORE)),
        }
    }

    /// The next message; `TimeoutError` if none has come after `timeout` seconds.
    #[pyo3(signature = (timeout=None))]
    fn receive<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        match self.next(py, seconds(timeout)?)? {
            Ok(message) => as_object(py, message),
            Err(Unreceived::TimedOut) => Err(PyTimeoutError::new_err("no message has come")),
            Err(Unreceived::Closed(closed)) => Err(connection_closed(py, closed)),
        }
    }

    #[pyo3(signature = (timeout=None))]
    fn recv<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        self.receive(py, timeout)
    }

    /// Leaves it to callbacks: once the view has returned, `on_message(ws, message)` is called for each
    /// message, one after the other, and `on_close(ws)` once behind the last.
    #[pyo3(signature = (on_message, on_close=None))]
    fn serve(
        &self,
        py: Python<'_>,
        on_message: Bound<'_, PyAny>,
        on_close: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if let Some(wrong) = [Some(&on_message), on_close.as_ref()]
            .into_iter()
            .flatten()
            .find(|given| !given.is_callable())
        {
            let kind = wrong.get_type();
            return Err(PyTypeError::new_err(format!("{} cannot be called", kind.name()?)));
        }
        let socket = &self.accepted(py)?.socket;
        detached(py, || socket.leave()).map_err(|why| match why {
            NotLeft::Over(closed) => connection_closed(py, closed),
            NotLeft::Awaited => PyRuntimeError::new_err("another thread waits for a message"),
            NotLeft::Left => PyRuntimeError::new_err("serve() was called before"),
        })?;
        let given = GivenCallbacks {
            on_message: on_message.unbind(),
            on_close: on_close.map(Bound::unbind),
        };
        self.callbacks.lock().unwrap_or_else(PoisonError::into_inner).replace(given);
        Ok(())
    }

    /// Sends a message whole, whoever else sends. Waits while the client takes nothing.
    #[pyo3(signature = (data, /))]
    fn send(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let socket = &self.accepted(py)?.socket;
        let is_in_hub = in_hub::is_in_hub(py, socket)?;
        outgoing::with(data, self.sockets.pool(), |outgoing| {
            if is_in_hub {
                return in_hub::send(py, socket, outgoing);
            }
            detached(py, || socket.send(outgoing)).map_err(|closed| connection_closed(py, closed))
        })
    }

    /// Says that nothing more comes; closed already, it does nothing.
    #[pyo3(signature = (code=1000, reason=""))]
    fn close(&self, py: Python<'_>, code: u16, reason: &str) -> PyResult<()> {
        let close =
            Close::new(code, reason).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let socket = &self.accepted(py)?.socket;
        detached(py, || socket.close(close));
        Ok(())
    }

    #[getter]
    fn closed(&self, py: Python<'_>) -> bool {
        self.how_closed(py).is_some()
    }

    #[getter]
    fn close_code(&self, py: Python<'_>) -> Option<u16> {
        self.how_closed(py).map(|closed| closed.code)
    }

    #[getter]
    fn close_reason(&self, py: Python<'_>) -> Option<String> {
        self.how_closed(py).map(|closed| closed.reason)
    }

    /// The one that was accepted.
    #[getter]
    fn subprotocol(&self) -> Option<&str> {
        self.accepted.get()?.subprotocol.as_deref()
    }

    /// What the client offers.
    #[getter]
    fn subprotocols(&self) -> Vec<&str> {
        self.offer.as_ref().map_or_else(
            |_| Vec::new(),
            |upgrade| upgrade.subprotocols.iter().map(String::as_str).collect(),
        )
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// Messages until the connection is closed, however.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.next(py, None)? {
            Ok(message) => as_object(py, message).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// Closes: with 1011 if the body has failed. One that was left goes on.
    #[pyo3(signature = (kind=None, _error=None, _traceback=None))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: Option<&Bound<'_, PyAny>>,
        _error: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        // A client that was not accepted may be refused by what the view returns.
        let Some(Accepted { socket, .. }) = self.accepted.get() else { return Ok(()) };
        if kind.is_none() && detached(py, || socket.is_left()) {
            return Ok(());
        }
        self.close(py, if kind.is_some() { 1011 } else { 1000 }, "")
    }
}

impl Handle {
    fn how_closed(&self, py: Python<'_>) -> Option<Closed> {
        self.socket().and_then(|socket| detached(py, || socket.closed()))
    }
}
