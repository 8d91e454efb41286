//! `pre_request` and `post_request`: what a config file has called around each request.
//!
//! Made only when one of them is set, so that nobody else pays for them.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use unicoro_contract::Address;

use super::environ::Place;
use super::fields::Fields;
use super::interned::interned;
use crate::http::{Head, Version};

/// The two hooks, and the classes of what they are given.
pub struct RequestHooks {
    hooks: Py<PyAny>,
    request: Py<PyAny>,
    response: Py<PyAny>,
}

impl RequestHooks {
    /// From the `Hooks` of hooks.py.
    pub(super) fn new(hooks: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            hooks: hooks.clone().unbind(),
            request: hooks.getattr("Request")?.unbind(),
            response: hooks.getattr("Response")?.unbind(),
        })
    }

    /// Calls `pre_request`; the request as both hooks see it.
    pub(super) fn before<'py>(&self, request: &Bound<'py, PyAny>) -> PyResult<()> {
        let py = request.py();
        self.hooks.bind(py).call_method1(interned!(py, "pre_request"), (request,)).map(drop)
    }

    /// The request as both hooks see it.
    pub(super) fn request<'py>(
        &self,
        py: Python<'py>,
        head: &Head<'_>,
        place: &Place<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let headers = PyList::empty(py);
        for field in head.fields.iter() {
            headers.append((field.name.to_ascii_uppercase(), latin1(py, field.value)?))?;
        }
        let version = match head.version {
            Version::Http10 => (1, 0),
            Version::Http11 => (1, 1),
        };
        let target = &head.target;
        let scheme = if place.is_https { "https" } else { "http" };
        let peer = match place.client {
            Address::Ip(peer) => (peer.ip().to_string(), peer.port()).into_pyobject(py)?.into_any(),
            Address::Unix(_) => PyString::new(py, "").into_any(),
        };
        self.request.bind(py).call1((
            head.method,
            target.raw,
            target.path,
            target.query,
            version,
            headers,
            scheme,
            peer,
        ))
    }

    /// Calls `post_request`. False: the worker is to be replaced.
    pub(super) fn after(
        &self,
        request: &Bound<'_, PyAny>,
        environ: &Bound<'_, PyDict>,
        answered: &Answered<'_>,
    ) -> PyResult<bool> {
        let py = request.py();
        let headers = PyList::empty(py);
        for (name, value) in answered.fields.iter() {
            headers.append((latin1(py, name)?, latin1(py, value)?))?;
        }
        let status = latin1(py, answered.status_line)?;
        let response = self.response.bind(py).call1((request, status, headers, answered.sent))?;
        let arguments = (request, environ, response);
        self.hooks.bind(py).call_method1(interned!(py, "post_request"), arguments)?.extract()
    }
}

/// What `resp` tells.
pub(super) struct Answered<'a> {
    /// `200 OK`.
    pub(super) status_line: &'a [u8],
    /// As the application gave them.
    pub(super) fields: &'a Fields,
    /// Bytes of the body.
    pub(super) sent: u64,
}

fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    PyString::from_encoded_object(&PyBytes::new(py, bytes), Some(c"latin-1"), None)
}
