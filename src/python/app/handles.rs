//! The objects by which an application reaches its client: `start_response` with its methods, of which two
//! stand in the environ, and `gunicorn.socket`.
//!
//! Most applications call the first and look at none of the others, and nearly none keeps one beyond its
//! request. So the next request gets them again, if nobody else has any of them.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use unicoro_contract::Stream;

use crate::exchange::Response;
use crate::python::gunicorn::app_socket::AppSocket;
use crate::python::interp::interned::interned;
use crate::python::wsgi::input::Input;
use crate::python::wsgi::start_response::{Methods, StartResponse};

/// Those of one request.
pub struct Handles {
    /// `start_response`.
    pub start: Py<StartResponse>,
    /// `gunicorn.socket`.
    pub socket: Py<AppSocket>,
    write: Py<PyAny>,
    early_hints: Py<PyAny>,
    client_disconnected: Py<PyAny>,
    // What is lent could not be taken back: whoever has it gives it up.
    is_over: Arc<AtomicBool>,
}

impl Handles {
    fn new(py: Python<'_>) -> PyResult<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let start = Bound::new(py, StartResponse::new(Arc::clone(&is_over)))?;
        let methods = Methods::all(py)?;
        Ok(Self {
            write: methods.write.bind(&start)?.unbind(),
            early_hints: methods.early_hints.bind(&start)?.unbind(),
            client_disconnected: methods.client_disconnected.bind(&start)?.unbind(),
            socket: Py::new(py, AppSocket::default())?,
            start: start.unbind(),
            is_over,
        })
    }

    /// Lends them this request's connection, and sets in its environ what stands there.
    ///
    /// # Errors
    /// No memory.
    pub fn lend(
        &self,
        stream: &Arc<Stream>,
        response: Response,
        input: &Bound<'_, Input>,
        environ: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let py = environ.py();
        self.start.try_borrow_mut(py)?.lend(response, self.write.clone_ref(py));
        self.socket.get().lend(stream, input.clone().unbind());
        environ.set_item(interned!(py, "wsgi.input"), input)?;
        environ.set_item(interned!(py, "wsgi.early_hints"), &self.early_hints)?;
        environ
            .set_item(interned!(py, "unicoro.client_disconnected"), &self.client_disconnected)?;
        environ.set_item(interned!(py, "gunicorn.socket"), &self.socket)
    }

    /// Takes back what is lent still. False: somebody may still use them.
    fn take_back(&self, py: Python<'_>) -> bool {
        // First of all: what is kept leads to no other request, on the same connection neither.
        let is_untaken = self.socket.get().take_back();
        let is_ended = self.start.try_borrow_mut(py).is_ok_and(|mut start| {
            drop(start.take_response());
            true
        });
        if !is_ended {
            self.is_over.store(true, Ordering::Relaxed);
        }
        // `start_response` is held here, and by its three methods.
        is_ended
            && is_untaken
            && is_held(py, &self.start, 4)
            && is_held(py, &self.socket, 1)
            && is_alone(py, &self.write)
            && is_alone(py, &self.early_hints)
            && is_alone(py, &self.client_disconnected)
    }
}

fn is_held<T>(_py: Python<'_>, object: &Py<T>, times: ffi::Py_ssize_t) -> bool {
    // SAFETY: attached; the object is alive.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) == times }
}

/// Whether nobody else has this method, and nobody can come by it by a weak reference.
fn is_alone(py: Python<'_>, method: &Py<PyAny>) -> bool {
    let method_ptr = method.as_ptr();
    // SAFETY: attached, and a builtin method, as is checked first, has this layout.
    is_held(py, method, 1)
        && unsafe {
            ffi::PyCFunction_Check(method_ptr) != 0
                && (*method_ptr.cast::<ffi::PyCFunctionObject>()).m_weakreflist.is_null()
        }
}

/// Handles that no request has.
#[derive(Default)]
pub struct SpareHandles(Mutex<Vec<Handles>>);

impl SpareHandles {
    /// Some for a request.
    ///
    /// # Errors
    /// No memory.
    pub fn take(&self, py: Python<'_>) -> PyResult<Handles> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.map_or_else(|| Handles::new(py), Ok)
    }

    /// Those of a request that is over. They are dropped if somebody else has one.
    pub fn give(&self, py: Python<'_>, handles: Handles) {
        if handles.take_back(py) {
            let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if spare.len() < MOST {
                spare.push(handles);
            }
        }
    }
}

/// Spare ones at most: of more requests at once most wait, beside which new handles cost little.
const MOST: usize = 64;
