//! The scope of a request (ASGI's HTTP spec, "HTTP Connection Scope").
//!
//! What is the same for every request is a dict that is copied; what comes again is made once.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use unicoro_contract::SocketAddress;

use super::extensions::Extensions;
use crate::exchange::Place;
use crate::http::{Head, Version, percent_decode};
use crate::python::interp::interned::interned;
use crate::python::wsgi::addresses::Addresses;
use crate::python::wsgi::kept_texts::KeptTexts;
use crate::python::wsgi::names;

/// Makes scopes.
pub struct Scopes {
    template: Py<PyDict>,
    asgi: Py<PyDict>,
    // The lifespan's.
    state: Py<PyDict>,
    root_path: String,
    extensions: Extensions,
    names: KeptTexts<Box<str>, PyBytes>,
    addresses: Addresses,
}

/// The version of the HTTP spec that is followed.
const SPEC_VERSION: &str = "2.5";

impl Scopes {
    /// For all requests of a worker.
    ///
    /// # Errors
    /// No memory.
    pub fn new(py: Python<'_>, root_path: &str, state: Py<PyDict>) -> PyResult<Self> {
        let asgi = PyDict::new(py);
        asgi.set_item("version", "3.0")?;
        asgi.set_item("spec_version", SPEC_VERSION)?;
        let template = PyDict::new(py);
        template.set_item("type", "http")?;
        template.set_item("asgi", py.None())?;
        template.set_item("http_version", "1.1")?;
        for key in ["server", "client"] {
            template.set_item(PyString::intern(py, key), py.None())?;
        }
        template.set_item("scheme", "http")?;
        template.set_item("method", "GET")?;
        template.set_item("root_path", root_path)?;
        for key in ["path", "raw_path"] {
            template.set_item(PyString::intern(py, key), py.None())?;
        }
        template.set_item("query_string", PyBytes::new(py, b""))?;
        for key in ["headers", "state", "extensions"] {
            template.set_item(PyString::intern(py, key), py.None())?;
        }
        Ok(Self {
            template: template.unbind(),
            asgi: asgi.unbind(),
            state,
            root_path: root_path.to_owned(),
            extensions: Extensions::new(py),
            names: KeptTexts::new(names::PLACES),
            addresses: Addresses::new(),
        })
    }

    /// The scope of one request.
    ///
    /// # Errors
    /// No memory.
    pub fn build<'py>(
        &self,
        py: Python<'py>,
        head: &Head<'_>,
        place: &Place<'_>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let scope = self.template.bind(py).copy()?;
        scope.set_item(interned!(py, "asgi"), self.asgi.bind(py).copy()?)?;
        if head.version != Version::Http11 {
            scope.set_item(interned!(py, "http_version"), "1.0")?;
        }
        self.set_ends(py, &scope, place)?;
        if place.is_https {
            scope.set_item(interned!(py, "scheme"), interned!(py, "https"))?;
        }
        if head.method != "GET" {
            scope.set_item(interned!(py, "method"), head.method)?;
        }
        self.set_path(py, &scope, head, place)?;
        if !head.target.query.is_empty() {
            let query = PyBytes::new(py, head.target.query.as_bytes());
            scope.set_item(interned!(py, "query_string"), query)?;
        }
        scope.set_item(interned!(py, "headers"), self.headers(py, head)?)?;
        scope.set_item(interned!(py, "state"), self.state.bind(py).copy()?)?;
        scope.set_item(interned!(py, "extensions"), self.extensions.of(py, head)?)?;
        Ok(scope)
    }

    /// The scope of a request for a WebSocket, whose client offers these subprotocols (ASGI's WebSocket spec,
    /// "Websocket Connection Scope").
    ///
    /// # Errors
    /// No memory.
    pub fn build_websocket<'py>(
        &self,
        py: Python<'py>,
        head: &Head<'_>,
        place: &Place<'_>,
        subprotocols: &[String],
    ) -> PyResult<Bound<'py, PyDict>> {
        let scope = self.build(py, head, place)?;
        scope.del_item(interned!(py, "method"))?;
        scope.set_item(interned!(py, "type"), interned!(py, "websocket"))?;
        let scheme = if place.is_https { interned!(py, "wss") } else { interned!(py, "ws") };
        scope.set_item(interned!(py, "scheme"), scheme)?;
        scope.set_item(interned!(py, "subprotocols"), PyList::new(py, subprotocols)?)?;
        let extensions = PyDict::new(py);
        extensions.set_item(interned!(py, "websocket.http.response"), PyDict::new(py))?;
        scope.set_item(interned!(py, "extensions"), extensions)?;
        Ok(scope)
    }

    fn set_ends(
        &self,
        py: Python<'_>,
        scope: &Bound<'_, PyDict>,
        place: &Place<'_>,
    ) -> PyResult<()> {
        for (key, address) in
            [(interned!(py, "server"), place.local), (interned!(py, "client"), place.client)]
        {
            if let SocketAddress::Ip(address) = address {
                let host = self.addresses.ip(py, address.ip());
                scope.set_item(key, (host, address.port()))?;
            }
        }
        // ASGI's HTTP spec: of a unix socket its path; nothing for a client's, which has none.
        if let SocketAddress::Unix(Some(path)) = place.local {
            scope.set_item(interned!(py, "server"), (path.as_os_str(), py.None()))?;
        }
        Ok(())
    }

    /// `path` and `raw_path` include `root_path`.
    fn set_path(
        &self,
        py: Python<'_>,
        scope: &Bound<'_, PyDict>,
        head: &Head<'_>,
        place: &Place<'_>,
    ) -> PyResult<()> {
        let raw = head.target.path;
        let decoded = percent_decode(raw);
        let path = String::from_utf8_lossy(&decoded);
        let (path_key, raw_key) = (interned!(py, "path"), interned!(py, "raw_path"));
        if !place.script_name.is_empty() {
            scope.set_item(interned!(py, "root_path"), place.script_name)?;
        } else if !self.root_path.is_empty() {
            scope.set_item(path_key, [&self.root_path, &*path].concat())?;
            let raw = [self.root_path.as_bytes(), raw.as_bytes()].concat();
            return scope.set_item(raw_key, PyBytes::new(py, &raw));
        }
        scope.set_item(path_key, &*path)?;
        scope.set_item(raw_key, PyBytes::new(py, raw.as_bytes()))
    }

    fn headers<'py>(&self, py: Python<'py>, head: &Head<'_>) -> PyResult<Bound<'py, PyList>> {
        let headers = PyList::empty(py);
        for field in head.fields.iter() {
            let name = self.name(py, field.name);
            // RFC 9112, 3.2.2: the authority of an absolute target replaces Host.
            let authority = head.target.authority.filter(|_| name.as_bytes() == b"host");
            let value = PyBytes::new(py, authority.map_or(field.value, str::as_bytes));
            headers.append(PyTuple::new(py, [name, value])?)?;
        }
        Ok(headers)
    }

    fn name<'py>(&self, py: Python<'py>, name: &str) -> Bound<'py, PyBytes> {
        let text = || PyBytes::new(py, name.to_ascii_lowercase().as_bytes());
        let Some(place) = names::place(name) else { return text() };
        self.names.text(py, place, |known| **known == *name, || (name.into(), text()))
    }
}
